//! Assigns each column to a member of the request.

use std::cmp::Reverse;

use super::contact_name::{self, NameEvidence, NameGuess};
use super::exporters::{Exporter, recognize};
use super::header_words::{listed, rank_after};
use super::key::{KeySearch, find_key};
use super::references::{ReferenceColumns, References, references};
use super::sample::{CsvSample, SampleColumn};

/// The guessed roles, as indices of columns.
#[derive(Debug)]
pub(super) struct ColumnRoles<'a> {
    pub(super) exporter: Option<&'static Exporter>,
    pub(super) columns: Vec<SampleColumn<'a>>,
    pub(super) key: KeySearch,
    pub(super) name: Option<NameGuess>,
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
        let exporter = recognize(sample.columns);
        let columns: Vec<SampleColumn<'a>> = sample
            .columns
            .iter()
            .enumerate()
            .map(|(index, name)| SampleColumn::new(index, name, sample.rows))
            .collect();
        let is_empty = |index: &usize| columns[*index].is_empty();
        let (unfilled, filled): (Vec<usize>, Vec<usize>) = (0..columns.len()).partition(is_empty);

        let mut found = ReferenceColumns::find(&columns, &filled);
        let dates: Vec<usize> = found.dates.iter().map(|(index, _)| *index).collect();
        let is_date = |index: usize| dates.contains(&index);
        let texts: Vec<usize> = filled.iter().copied().filter(|index| !found.has(*index)).collect();
        let except = |taken: &[Option<usize>]| -> Vec<usize> {
            texts.iter().copied().filter(|index| !taken.contains(&Some(*index))).collect()
        };

        let named = contact_name::named(&columns, &texts, exporter);
        let described = described(&columns, &except(&[named]), exporter);
        let key = find_key(&columns, &except(&[named, described]), sample, exporter);
        let key_column = key.key.map(|key| key.column);
        let name = match named {
            Some(column) => Some(NameGuess { columns: vec![column], evidence: NameEvidence::Header }),
            None => {
                let texts = except(&[described]);
                let guess = contact_name::otherwise(&columns, &texts, &dates, key_column);
                let first = || filled.first().map(|index| vec![*index]);
                guess.or_else(|| Some(NameGuess { columns: first()?, evidence: NameEvidence::Any }))
            }
        };
        let taken = name.as_ref().map_or(&[][..], |name| &name.columns);
        let description = described.map(|column| GuessedColumn { column, is_by_name: true }).or_else(|| {
            let mut texts = except(&[key_column]);
            texts.retain(|index| !taken.contains(index));
            longest_text(&columns, &texts).map(|column| GuessedColumn { column, is_by_name: false })
        });

        // Only the whole of a cell that is a member of its own may be missing from the attributes.
        let is_member = |index: usize| {
            taken == [index] || description.is_some_and(|description| description.column == index)
        };
        if let Some(exporter) = exporter {
            found.dates.sort_by_key(|(index, _)| importance(&columns[*index], exporter));
        }
        let references = references(&columns, found, sample.delimiter);
        let is_linked = |index: usize| references.urls.iter().any(|url| url.column == index);
        let (empty, unfilled) = if sample.is_complete { (unfilled, vec![]) } else { (vec![], unfilled) };
        let mut attributes: Vec<usize> = filled
            .into_iter()
            .filter(|index| {
                Some(*index) == key_column || is_date(*index) || !(is_member(*index) || is_linked(*index))
            })
            .chain(unfilled)
            .collect();
        attributes.sort_unstable();
        ColumnRoles { exporter, columns, key, name, description, attributes, empty, references }
    }

    /// The column of the key.
    pub(super) fn key_column(&self) -> Option<usize> {
        self.key.key.map(|key| key.column)
    }
}

/// The place of a date in the list of a recognized export; those that it does not list come last.
fn importance(column: &SampleColumn<'_>, exporter: &Exporter) -> usize {
    let header = column.words.join(" ");
    listed(exporter.dates).position(|phrase| phrase == header).unwrap_or(usize::MAX)
}

/// Headers of columns that describe a row at length; the better ones first.
const DESCRIPTIONS: &str = "\
    description, long description, details, detail, body, content, text, message, comment, comments, \
    notes, note, beschreibung, nachricht, inhalt, kommentar, descripcion, detalle, mensaje, contenu, \
    commentaire, descrizione, messaggio, descricao, mensagem, omschrijving, beschrijving, beskrivelse, \
    beskrivning, opis, описание, 内容, 説明, 詳細, 本文, 描述, 설명, 내용";

/// The average of characters above which a text is a description.
const LONG: usize = 60;

/// The column whose header names a description.
fn described(
    columns: &[SampleColumn<'_>],
    candidates: &[usize],
    exporter: Option<&Exporter>,
) -> Option<usize> {
    let known = exporter.map_or("", |exporter| exporter.description);
    let place = |index: usize| rank_after(&columns[index].words, known, DESCRIPTIONS);
    candidates.iter().filter_map(|index| Some((place(*index)?, *index))).min().map(|(_, index)| index)
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

    fn with<T>(header: &[&str], row: &[&str], test: impl Fn(&[SampleColumn<'_>], &[usize]) -> T) -> T {
        let rows = vec![row.iter().map(|cell| cell.to_string()).collect::<Vec<_>>()];
        let columns: Vec<_> =
            header.iter().enumerate().map(|(index, name)| SampleColumn::new(index, name, &rows)).collect();
        let all: Vec<usize> = (0..columns.len()).collect();
        test(&columns, &all)
    }

    #[test]
    fn the_header_names_the_description() {
        let by_header = |columns: &[SampleColumn<'_>], all: &[usize]| described(columns, all, None);
        assert_eq!(with(&["Kurzbeschreibung", "Beschreibung"], &["a", "b"], by_header), Some(1));
        assert_eq!(with(&["Customer comment", "Email body"], &["a", "b"], by_header), Some(1));
    }

    #[test]
    fn without_a_known_header_the_length_decides() {
        let (long, longer) = ("word ".repeat(20), "word ".repeat(30));
        let row = ["12", "short", &long, &longer];
        assert_eq!(with(&["a", "b", "c", "d"], &row, longest_text), Some(3));
        assert_eq!(with(&["a", "b"], &row[..2], longest_text), None);
    }
}
