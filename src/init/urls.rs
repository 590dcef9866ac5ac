//! Finds URL columns.

use super::header_words::is_listed;
use super::misfits::Misfits;
use super::sample::SampleColumn;
use crate::source::looks_like_null;

/// Words that mean a URL.
const NAMES: &str = "url, urls, uri, link, permalink, hyperlink, href, website, webpage";

/// A column that has URLs, or a name for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UrlColumn {
    /// Most cells are URLs.
    Urls(Misfits),
    /// The name says that these are URLs, but too many cells are not.
    TooFew(Misfits),
}

/// None if neither the cells nor the name are those of URLs. Null markers count as empty cells.
pub(super) fn url_column(column: &SampleColumn<'_>) -> Option<UrlColumn> {
    let column = column.filtered(|cell| !looks_like_null(cell));
    let misfits = Misfits::new(&column, |index| is_url(column.cells[index]));
    let is_named = column.words.iter().any(|word| is_listed(word, NAMES));
    let read = misfits.of - misfits.count;
    let is_most = if is_named { read * 2 > misfits.of } else { read * 4 >= misfits.of * 3 };
    if read > 0 && is_most {
        return Some(UrlColumn::Urls(misfits));
    }
    // `Link type` and `Issue link` hold other things.
    let is_told = is_named && (read > 0 || column.cells.iter().any(|cell| cell.starts_with("www.")));
    is_told.then_some(UrlColumn::TooFew(misfits))
}

/// Whether the cell is a URL of http or https.
fn is_url(cell: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        cell.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            && cell.len() > scheme.len()
            && !cell.contains(char::is_whitespace)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(name: &str, cells: &[&str]) -> Option<UrlColumn> {
        let rows: Vec<Vec<String>> = cells.iter().map(|cell| vec![cell.to_string()]).collect();
        url_column(&SampleColumn::new(0, name, &rows))
    }

    #[test]
    fn most_cells_of_a_url_column_are_urls() {
        let urls = |name, cells: &[&str]| match guessed(name, cells) {
            Some(UrlColumn::Urls(misfits)) => Some((misfits.count, misfits.of)),
            _ => None,
        };
        assert_eq!(urls("x", &["https://a.example", "", " HTTP://b.example"]), Some((0, 2)));
        assert_eq!(urls("x", &["https://a.example", "NULL", "-"]), Some((0, 1)));
        assert_eq!(urls("Link", &["https://a.example", "https://b.example", "on paper"]), Some((1, 3)));
        assert_eq!(urls("x", &["https://a.example", "https://b.example", "on paper"]), None);
        assert_eq!(urls("x", &["see https://a.example", "https://"]), None);
        assert_eq!(urls("x", &["", ""]), None);
    }

    #[test]
    fn a_column_that_has_urls_by_name_alone_is_told() {
        assert!(matches!(guessed("Website", &["www.a.example"]), Some(UrlColumn::TooFew(_))));
        assert!(matches!(guessed("URL", &["a", "b", "https://c.example"]), Some(UrlColumn::TooFew(_))));
        assert_eq!(guessed("Issue link", &["WEB-12"]), None);
    }
}
