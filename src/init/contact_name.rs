//! Guesses the contacts' names, which should tell contacts apart.

use std::collections::HashSet;

use super::exporters::Exporter;
use super::header_words::{OTHERS, is_listed, rank_after};
use super::sample::SampleColumn;

/// Headers of columns that summarize a row in a few words; the better ones first.
const NAMES: &str = "\
    short description, subject, title, summary, headline, topic, betreff, titel, kurzbeschreibung, \
    zusammenfassung, thema, objet, sujet, titre, resume, asunto, titulo, resumen, resumo, oggetto, \
    riepilogo, titolo, assunto, onderwerp, emne, amne, temat, tytul, тема, 件名, タイトル, 主题, 标题, 主旨, 標題, 제목, \
    name";

/// The most characters of a short text, on average.
const SHORT: usize = 100;

/// The most columns of a combined name.
const MOST_COLUMNS: usize = 3;

/// The most columns that are compared for a combined name.
const MOST_CANDIDATES: usize = 50;

/// The fewest cells from which values count.
const FEWEST_CELLS: usize = 3;

/// The columns of a name, and the evidence for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NameGuess {
    /// The columns whose cells, joined by spaces, are the name; at least one.
    pub(super) columns: Vec<usize>,
    pub(super) evidence: NameEvidence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameEvidence {
    /// The header says so.
    Header,
    /// Short texts, nearly all of them different.
    Texts,
    /// No column is better than the key.
    Key,
    /// The most distinct column or columns, without a key.
    Distinct,
    /// No column differs.
    Any,
}

/// The column that a header names, unless its cells are nearly all empty or nearly all the same.
pub(super) fn named(
    columns: &[SampleColumn<'_>],
    candidates: &[usize],
    exporter: Option<&Exporter>,
) -> Option<usize> {
    let known = exporter.map_or("", |exporter| exporter.title);
    let place = |index: usize| rank_after(&columns[index].words, known, NAMES);
    let ranked = candidates.iter().filter(|index| tells_apart(&columns[**index]));
    ranked.filter_map(|index| Some((place(*index)?, *index))).min().map(|(_, index)| index)
}

/// The name where no header names one: short texts, else the key, else what differs most.
pub(super) fn otherwise(
    columns: &[SampleColumn<'_>],
    texts: &[usize],
    dates: &[usize],
    key: Option<usize>,
) -> Option<NameGuess> {
    let is_key = |index: &usize| Some(*index) == key;
    let is_text = |index: &usize| !is_key(index) && is_title(&columns[*index]);
    if let Some(index) = texts.iter().copied().find(is_text) {
        return Some(NameGuess { columns: vec![index], evidence: NameEvidence::Texts });
    }
    if let Some(key) = key {
        return Some(NameGuess { columns: vec![key], evidence: NameEvidence::Key });
    }
    let chosen = most_distinct(columns, texts, dates);
    let is_distinct = distinct_rows(columns, &chosen) > 1;
    let evidence = if is_distinct { NameEvidence::Distinct } else { NameEvidence::Any };
    (!chosen.is_empty()).then_some(NameGuess { columns: chosen, evidence })
}

/// Whether no text stands in more than four of five cells, and at least half of the rows have a cell.
fn tells_apart(column: &SampleColumn<'_>) -> bool {
    let cells = column.cells.len();
    let is_filled = column.empty_cells() <= cells;
    cells < FEWEST_CELLS || (is_filled && column.most_common() * 5 <= cells * 4)
}

/// Whether the column looks like one of titles: several words, nearly all different, and about no other
/// thing.
fn is_title(column: &SampleColumn<'_>) -> bool {
    let is_other = column.words.iter().any(|word| is_listed(word, OTHERS));
    let cells = column.cells.len();
    let phrases = column.cells.iter().filter(|cell| cell.contains(char::is_whitespace)).count();
    let is_short = column.is_text() && column.average_chars() <= SHORT;
    is_short
        && !is_other
        && phrases * 2 >= cells
        && column.empty_cells() * 10 <= cells
        && column.distinct_cells() * 10 >= cells * 9
}

/// The text column that differs most, with others until nine of ten rows differ.
fn most_distinct(columns: &[SampleColumn<'_>], texts: &[usize], dates: &[usize]) -> Vec<usize> {
    let is_usable = |index: &usize| columns[*index].average_chars() <= SHORT && !columns[*index].is_address();
    let usable = texts.iter().copied().filter(is_usable);
    let (texts, numbers): (Vec<usize>, Vec<usize>) = usable.partition(|index| columns[*index].is_text());
    let all = [&texts, dates, &numbers].into_iter().flatten().copied().take(MOST_CANDIDATES);
    let all: Vec<usize> = all.collect();
    let mut chosen: Vec<usize> = Vec::new();
    let mut reached = 1;
    while chosen.len() < MOST_COLUMNS {
        let with = |index: usize| -> Vec<usize> { chosen.iter().copied().chain([index]).collect() };
        let best = |candidates: &[usize]| {
            let left = candidates.iter().copied().filter(|index| !chosen.contains(index));
            let counted = left.map(|index| (distinct_rows(columns, &with(index)), index));
            // Of equals, the first.
            counted.filter(|(count, _)| *count > reached).rev().max_by_key(|(count, _)| *count)
        };
        // A date or a number alone says little, so a text comes first.
        let first = if chosen.is_empty() { best(&texts) } else { None };
        let Some((count, index)) = first.or_else(|| best(&all)) else { break };
        chosen.push(index);
        reached = count;
        if reached * 10 >= columns[index].rows() * 9 {
            break;
        }
    }
    if chosen.is_empty() {
        // No column has two different cells.
        chosen.extend(all.first());
    }
    chosen
}

fn distinct_rows(columns: &[SampleColumn<'_>], chosen: &[usize]) -> usize {
    let mut cells: Vec<_> = chosen.iter().map(|index| columns[*index].every_cell()).collect();
    let rows = chosen.first().map_or(0, |index| columns[*index].rows());
    let names = (0..rows).map(|_| cells.iter_mut().map(|cells| cells.next().unwrap_or_default()).collect());
    names.collect::<HashSet<Vec<&str>>>().len()
}

#[cfg(test)]
mod tests {
    use super::super::sample::SampleColumn;
    use super::*;

    /// The headers of the name, without columns that are dates.
    fn name_of(table: &[&[&str]], key: Option<usize>) -> Vec<String> {
        let (header, rows) = table.split_first().unwrap();
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| cell.to_string()).collect()).collect();
        let columns: Vec<_> =
            header.iter().enumerate().map(|(index, name)| SampleColumn::new(index, name, &rows)).collect();
        let (dates, texts): (Vec<usize>, Vec<usize>) =
            (0..columns.len()).partition(|index| header[*index].contains("date"));
        let guess = match named(&columns, &texts, None) {
            Some(column) => vec![column],
            None => otherwise(&columns, &texts, &dates, key).map_or(vec![], |guess| guess.columns),
        };
        guess.into_iter().map(|index| header[index].to_owned()).collect()
    }

    #[test]
    fn a_subject_is_preferred_to_a_name() {
        assert_eq!(
            name_of(&[&["Customer Name", "Name", "Ticket Subject"], &["a", "b", "c"]], None),
            ["Ticket Subject"]
        );
        assert_eq!(
            name_of(&[&["Beschreibung", "Kurzbeschreibung"], &["a", "b"]], None),
            ["Kurzbeschreibung"]
        );
    }

    #[test]
    fn a_column_with_one_text_in_nearly_every_row_is_no_name() {
        let row = |id: &'static str, subject: &'static str| [id, subject, "Voice"];
        let header = ["Id", "Subject", "Channel"];
        let same = [
            row("7", "Call"),
            row("8", "Call"),
            row("9", "Call"),
            row("3", "Call"),
            row("4", "Call"),
            row("5", "x"),
        ];
        let table: Vec<&[&str]> = [&header].into_iter().chain(&same).map(|row| &row[..]).collect();
        assert_eq!(name_of(&table, Some(0)), ["Id"]);
        let varied = [row("7", "Call"), row("8", "Mail"), row("9", "Call")];
        let table: Vec<&[&str]> = [&header].into_iter().chain(&varied).map(|row| &row[..]).collect();
        assert_eq!(name_of(&table, Some(0)), ["Subject"]);
        let empty = [
            row("7", ""),
            row("8", ""),
            row("9", "a"),
            row("1", "b"),
            row("2", "c"),
            row("3", ""),
            row("4", ""),
        ];
        let table: Vec<&[&str]> = [&header].into_iter().chain(&empty).map(|row| &row[..]).collect();
        assert_eq!(name_of(&table, Some(0)), ["Id"]);
    }

    #[test]
    fn short_texts_are_a_name_where_no_header_is() {
        let table: &[&[&str]] =
            &[&["No", "What"], &["7", "Login fails"], &["8", "Slow mail"], &["9", "Crash at noon"]];
        assert_eq!(name_of(table, Some(0)), ["What"]);
        let people: &[&[&str]] = &[&["No", "Customer"], &["7", "Ada L"], &["8", "Joan C"], &["9", "Mary J"]];
        assert_eq!(name_of(people, Some(0)), ["No"]);
    }

    #[test]
    fn without_a_key_columns_are_combined_until_the_rows_differ() {
        let table: &[&[&str]] = &[
            &["Channel", "Agent", "date"],
            &["Voice", "Ada", "2024-01-01"],
            &["Voice", "Joan", "2024-01-02"],
            &["Voice", "Ada", "2024-01-03"],
            &["Voice", "Ada", "2024-01-03"],
        ];
        assert_eq!(name_of(&table[..4], None), ["Agent", "date"]);
        assert_eq!(name_of(table, None), ["Agent", "date"]);
        assert_eq!(name_of(&[table[0], table[1], table[1]], None), ["Channel"]);
        let mails: &[&[&str]] = &[&["Mail", "State"], &["a@b.c", "x"], &["d@b.c", "y"], &["e@b.c", "x"]];
        assert_eq!(name_of(mails, None), ["State"]);
        let numbers: &[&[&str]] = &[
            &["customer_id", "State", "Agent"],
            &["1", "x", "Ada"],
            &["2", "y", "Ada"],
            &["3", "x", "Joan"],
        ];
        assert_eq!(name_of(numbers, None), ["State", "Agent"]);
    }
}
