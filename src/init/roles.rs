//! Assigns each column to a member of the request.

use std::cmp::Reverse;

use super::header_words::rank;
use super::key::key;
use super::references::{ReferenceColumns, References, references};
use super::sample::{CsvSample, SampleColumn};

/// The guessed roles, as indices of columns.
#[derive(Debug)]
pub(super) struct ColumnRoles<'a> {
    pub(super) columns: Vec<SampleColumn<'a>>,
    pub(super) key: Option<usize>,
    pub(super) name: Option<GuessedColumn>,
    pub(super) description: Option<GuessedColumn>,
    pub(super) attributes: Vec<usize>,
    /// Columns that are empty in every row, which are only commented.
    pub(super) empty: Vec<usize>,
    pub(super) references: References,
}

/// A column, and whether its header was the evidence.
#[derive(Clone, Copy, Debug)]
pub(super) struct GuessedColumn {
    pub(super) column: usize,
    pub(super) is_by_name: bool,
}

impl<'a> ColumnRoles<'a> {
    pub(super) fn guess(sample: &CsvSample<'a>) -> Self {
        let columns: Vec<SampleColumn<'a>> = sample
            .columns
            .iter()
            .enumerate()
            .map(|(index, name)| SampleColumn::new(index, name, sample.rows))
            .collect();
        let is_empty = |index: &usize| columns[*index].is_empty();
        let (unfilled, filled): (Vec<usize>, Vec<usize>) = (0..columns.len()).partition(is_empty);

        let found = ReferenceColumns::find(&columns, &filled);
        let dates: Vec<usize> = found.dates.iter().map(|(index, _)| *index).collect();
        let is_date = |index: usize| dates.contains(&index);
        let texts: Vec<usize> = filled.iter().copied().filter(|index| !found.has(*index)).collect();
        let except = |taken: &[Option<usize>]| -> Vec<usize> {
            texts.iter().copied().filter(|index| !taken.contains(&Some(*index))).collect()
        };

        let named = by_name(&columns, &texts, NAMES);
        let described = by_name(&columns, &except(&[named]), DESCRIPTIONS);
        let key = key(&columns, &except(&[named, described]), sample.rows.len());
        let name = guessed_column(named, || {
            let short = short_text(&columns, &except(&[key, described]));
            short.or(key).or_else(|| filled.first().copied())
        });
        let description = guessed_column(described, || {
            longest_text(&columns, &except(&[key, name.map(|name| name.column)]))
        });

        let is_guessed =
            |index: usize| [name, description].iter().flatten().any(|guess| guess.column == index);
        let references = references(&columns, found, sample.delimiter);
        let is_linked = |index: usize| references.urls.iter().any(|url| url.column == index);
        let (empty, unfilled) = if sample.is_complete { (unfilled, vec![]) } else { (vec![], unfilled) };
        let mut attributes: Vec<usize> = filled
            .into_iter()
            .filter(|index| {
                Some(*index) == key || is_date(*index) || !(is_guessed(*index) || is_linked(*index))
            })
            .chain(unfilled)
            .collect();
        attributes.sort_unstable();
        ColumnRoles { columns, key, name, description, attributes, empty, references }
    }
}

fn guessed_column(
    by_name: Option<usize>,
    otherwise: impl FnOnce() -> Option<usize>,
) -> Option<GuessedColumn> {
    match by_name {
        Some(column) => Some(GuessedColumn { column, is_by_name: true }),
        None => otherwise().map(|column| GuessedColumn { column, is_by_name: false }),
    }
}

/// Headers of columns that summarize a row in a few words; the better ones first.
const NAMES: &str = "\
    short description, subject, title, summary, headline, topic, betreff, titel, kurzbeschreibung, \
    thema, objet, sujet, titre, asunto, titulo, oggetto, titolo, assunto, onderwerp, emne, amne, temat, \
    tytul, тема, 件名, タイトル, 主题, 标题, 主旨, 標題, 제목, name";

/// Headers of columns that describe a row at length; the better ones first.
const DESCRIPTIONS: &str = "\
    description, long description, details, detail, body, content, text, message, comment, comments, \
    notes, note, beschreibung, nachricht, inhalt, kommentar, descripcion, detalle, mensaje, contenu, \
    commentaire, descrizione, messaggio, descricao, mensagem, omschrijving, beschrijving, beskrivelse, \
    beskrivning, opis, описание, 内容, 説明, 詳細, 本文, 描述, 설명, 내용";

/// The most characters of a short text, on average.
const SHORT: usize = 100;

/// The average of characters above which a text is a description.
const LONG: usize = 60;

/// The first column with the best of `phrases` as its header.
fn by_name(columns: &[SampleColumn<'_>], candidates: &[usize], phrases: &str) -> Option<usize> {
    candidates
        .iter()
        .filter_map(|index| Some((rank(&columns[*index].words, phrases)?, *index)))
        .min()
        .map(|(_, index)| index)
}

/// The first column of short texts.
fn short_text(columns: &[SampleColumn<'_>], candidates: &[usize]) -> Option<usize> {
    let is_short = |column: &SampleColumn<'_>| column.is_text() && column.average_chars() <= SHORT;
    candidates.iter().copied().find(|index| is_short(&columns[*index]))
}

/// The column of the longest texts, if they are long.
fn longest_text(columns: &[SampleColumn<'_>], candidates: &[usize]) -> Option<usize> {
    let texts = candidates.iter().filter(|index| columns[**index].is_text());
    let longest = texts.map(|index| (columns[*index].average_chars(), Reverse(*index))).max();
    longest.filter(|(chars, _)| *chars > LONG).map(|(_, Reverse(index))| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named_name(columns: &[SampleColumn<'_>], candidates: &[usize]) -> Option<usize> {
        by_name(columns, candidates, NAMES)
    }

    fn named_description(columns: &[SampleColumn<'_>], candidates: &[usize]) -> Option<usize> {
        by_name(columns, candidates, DESCRIPTIONS)
    }

    fn with<T>(header: &[&str], row: &[&str], test: impl Fn(&[SampleColumn<'_>], &[usize]) -> T) -> T {
        let rows = vec![row.iter().map(|cell| cell.to_string()).collect::<Vec<_>>()];
        let columns: Vec<_> =
            header.iter().enumerate().map(|(index, name)| SampleColumn::new(index, name, &rows)).collect();
        let all: Vec<usize> = (0..columns.len()).collect();
        test(&columns, &all)
    }

    #[test]
    fn a_subject_is_preferred_to_a_name() {
        let header = ["Customer Name", "Name", "Ticket Subject"];
        assert_eq!(with(&header, &["a", "b", "c"], named_name), Some(2));
        assert_eq!(with(&["Customer Name"], &["a"], named_name), None);
        assert_eq!(with(&["Kurzbeschreibung", "Beschreibung"], &["a", "b"], named_name), Some(0));
        assert_eq!(with(&["Kurzbeschreibung", "Beschreibung"], &["a", "b"], named_description), Some(1));
    }

    #[test]
    fn without_a_known_header_the_length_decides() {
        let (long, longer) = ("word ".repeat(20), "word ".repeat(30));
        let row = ["12", "short", &long, &longer];
        assert_eq!(with(&["a", "b", "c", "d"], &row, short_text), Some(1));
        assert_eq!(with(&["a", "b", "c", "d"], &row, longest_text), Some(3));
        assert_eq!(with(&["a", "b"], &row[..2], longest_text), None);
    }
}
