//! A row that is written again under its header.

use std::borrow::Cow;

/// As many cells as there are columns, so that what is written beside them stands in its place: a ragged row is padded,
/// and what it has beyond its columns is joined to the last cell, so that nothing is lost.
pub fn fitted<'a>(cells: impl IntoIterator<Item = &'a str>, columns: usize) -> Vec<Cow<'a, str>> {
    let mut cells = cells.into_iter();
    let mut fitted: Vec<Cow<'_, str>> = cells.by_ref().take(columns).map(Cow::Borrowed).collect();
    fitted.resize(columns, Cow::Borrowed(""));
    if let Some(last) = fitted.last_mut() {
        for beyond in cells {
            let last = last.to_mut();
            last.push(',');
            last.push_str(beyond);
        }
    }
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ragged_row_keeps_its_place_and_loses_nothing() {
        let fitted = |cells: &[&'static str]| fitted(cells.iter().copied(), 2).join("|");
        assert_eq!(fitted(&[]), "|");
        assert_eq!(fitted(&["1"]), "1|");
        assert_eq!(fitted(&["1", "2"]), "1|2");
        assert_eq!(fitted(&["1", "2", "3", ""]), "1|2,3,");
    }
}
