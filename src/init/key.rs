//! Guesses the column that uniquely identifies a row.
//!
//! The key is the row's own id. A header that names an id says whose: what remains without the words for an
//! identifier is nothing, a word for the row, or another thing. The id of another thing is not the key,
//! even if it differs in every row of the sample: in a later file, rows that share it count as imported.

use std::cmp::Reverse;

use super::exporters::Exporter;
use super::header_words::{IDENTIFIERS, OTHERS, RECORDS, is_listed, listed, words};
use super::sample::{CsvSample, KeyGaps, SampleColumn};

/// Words that qualify an identifier without naming another thing.
const QUALIFIERS: &str = "\
    external, legacy, unique, global, old, internal, sys, zendesk, freshdesk, salesforce, jira, servicenow, hubspot, \
    intercom";

/// Words that name a row together with a word for one: `support ticket`, `change request`.
const KINDS: &str = "support, service, helpdesk, trouble, change, bug, work";

/// Words between an identifier and its noun: `Numéro de ticket`, `ID of the case`.
const LINKS: &str = "of, the, de, du, del, do, da, la, le, des, di, der, des, den";

/// The fewest rows from which values alone make a column a key.
const FEWEST_ROWS: usize = 3;

/// The most characters of a key; longer cells are texts.
const MOST_CHARS: usize = 64;

/// The guessed key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyGuess {
    pub(super) column: usize,
    /// The few rows that have no cell, or the cell of another row.
    pub(super) gaps: KeyGaps,
    /// Whether the cells count the rows, as an export may do from 1 each time.
    pub(super) is_row_number: bool,
}

/// The guessed key, or the columns to tell the user about if there is none.
#[derive(Debug, Default)]
pub(super) struct KeySearch {
    pub(super) key: Option<KeyGuess>,
    /// A row's own id by its header, with too many empty or repeated cells for a key.
    pub(super) refused: Option<(usize, KeyGaps)>,
    /// Columns that differ in every row, but are ids of other things or count the rows.
    pub(super) distinct: Vec<usize>,
}

/// Searches the `candidates`, which are in file order.
pub(super) fn find_key(
    columns: &[SampleColumn<'_>],
    candidates: &[usize],
    sample: &CsvSample<'_>,
    exporter: Option<&Exporter>,
) -> KeySearch {
    let rows = sample.rows.len();
    let file_words = words(sample.file.rsplit(['/', '\\']).next().unwrap_or_default());
    let known = exporter.map_or("", |exporter| exporter.key);
    let mut ranked: Vec<_> = candidates
        .iter()
        .filter_map(|index| {
            let column = &columns[*index];
            let header = column.words.join(" ");
            let rank = match listed(known).position(|phrase| phrase == header) {
                Some(place) => Rank::Known(place),
                None => rank(columns, *index, rows, &file_words)?,
            };
            Some((rank, Reverse(others_of(columns, *index)), *index))
        })
        .filter(|(_, _, index)| !columns[*index].is_address() && is_short(&columns[*index], rows))
        .collect();
    ranked.sort();

    let mut search = KeySearch::default();
    for (rank, _, column) in ranked {
        let gaps = columns[column].key_gaps();
        let allowed = if rank >= Rank::OtherNoun { 0 } else { gaps_allowed(rows) };
        if rank == Rank::Foreign {
            // An amount may differ in every row as well; an id is said to be one.
            if gaps.rows() == 0 && rows >= FEWEST_ROWS {
                search.distinct.push(column);
            }
        } else if gaps.rows() > allowed {
            search.refused = search.refused.or(Some((column, gaps)));
        } else if search.key.is_none() {
            let is_known = matches!(rank, Rank::Known(_));
            let is_row_number = !is_known && rows >= FEWEST_ROWS && columns[column].is_row_number();
            search.key = Some(KeyGuess { column, gaps, is_row_number });
        }
    }
    search
}

/// How many rows a key may fail to identify. They are rejected and the user is told; without a key, every
/// change of a cell would make a new contact.
fn gaps_allowed(rows: usize) -> usize {
    (rows / 10).max(rows.saturating_sub(1) / 2).min((rows / 10).max(2))
}

fn is_short(column: &SampleColumn<'_>, rows: usize) -> bool {
    let is_text = |cell: &&&str| cell.chars().count() > MOST_CHARS || cell.contains('\n');
    column.cells.iter().filter(is_text).count() <= gaps_allowed(rows)
}

/// How likely a column is the key; the likeliest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// The id of a recognized export, by its place in the list.
    Known(usize),
    /// `id`: a table's own id, where `ticket id` may be that of a parent.
    BareId,
    /// `ticket id`.
    OwnId,
    /// `number` and `#`, and an `id` that only counts the rows.
    BareNumber,
    /// `external id`, and `ticket` with codes.
    Qualified,
    /// `order number`, where the file is about orders.
    OtherNoun,
    /// Codes by their form.
    Codes,
    /// The id of something else, or a number that counts the rows of the file: never the key.
    Foreign,
}

fn rank(columns: &[SampleColumn<'_>], index: usize, rows: usize, file_words: &[String]) -> Option<Rank> {
    let column = &columns[index];
    let is_first = index == 0;
    let is_other = is_count(&column.words) || column.words.iter().any(|word| is_listed(word, OTHERS));
    let Some(owner) = owner(&column.words) else {
        let is_record = matches!(&*column.words, [word] if is_listed(word, RECORDS));
        let is_code = !is_other && rows >= FEWEST_ROWS && has_codes(column, is_first || is_record);
        return match is_record {
            true => is_code.then_some(Rank::Qualified),
            false => (is_code && !column.is_row_number()).then_some(Rank::Codes),
        };
    };
    if is_other {
        return Some(Rank::Foreign);
    }
    let is_record = |word: &&str| is_listed(word, RECORDS);
    let is_part = |word: &&str| is_listed(word, RECORDS) || is_listed(word, KINDS);
    let is_qualified = column.words.iter().any(|word| is_listed(word, QUALIFIERS));
    if owner.is_empty() || (owner.iter().any(is_record) && owner.iter().all(is_part)) {
        let is_id = column.words.iter().all(|word| is_listed(word, "id, uuid, guid, identifier, kennung"));
        return Some(match (is_qualified, owner.is_empty()) {
            (true, _) => Rank::Qualified,
            (false, false) => Rank::OwnId,
            (false, true) => match (is_id, column.is_row_number()) {
                (true, false) => Rank::BareId,
                (true, true) | (false, false) => Rank::BareNumber,
                (false, true) => Rank::Foreign,
            },
        });
    }
    let names_file = owner.iter().all(|word| file_words.iter().any(|name| is_singular_of(word, name)));
    // `original ticket` is another row.
    let is_first = is_first && !owner.iter().any(is_record) && !column.is_row_number();
    let is_about_rows = is_first || names_file || others_of(columns, index) >= 2;
    Some(if is_about_rows && rows >= FEWEST_ROWS { Rank::OtherNoun } else { Rank::Foreign })
}

/// The words that say whose identifier a header names; none if its first and last word are no identifiers.
fn owner(words: &[String]) -> Option<Vec<&str>> {
    let is_identifier = |word: &&str| is_listed(word, IDENTIFIERS);
    let unqualified = words.iter().map(String::as_str).filter(|word| !is_listed(word, QUALIFIERS));
    let core: Vec<&str> = unqualified.filter(|word| !is_listed(word, LINKS)).collect();
    core.first().into_iter().chain(core.last()).find(|word| is_identifier(word))?;
    Some(core.into_iter().filter(|word| !is_identifier(word)).collect())
}

/// Whether the header is one such as `Number of replies`.
fn is_count(words: &[String]) -> bool {
    matches!(words, [number, of, ..] if is_listed(number, "number, num, no") && of == "of")
}

/// How many other columns begin with the noun of this one, as `Order status` does for `Order number`.
fn others_of(columns: &[SampleColumn<'_>], index: usize) -> usize {
    let Some(owner) = owner(&columns[index].words).filter(|owner| !owner.is_empty()) else {
        return 0;
    };
    let others = columns.iter().enumerate().filter(|(other, _)| *other != index);
    others
        .filter(|(_, column)| {
            column.words.len() > owner.len() && owner.iter().zip(&column.words).all(|(a, b)| a == b)
        })
        .count()
}

fn is_singular_of(singular: &str, word: &str) -> bool {
    word.strip_prefix(singular).is_some_and(|rest| ["", "s", "es"].contains(&rest))
}

/// Whether all cells are codes such as `HD-10001`. Plain numbers count if `may_be_numbers`; elsewhere they
/// may be amounts.
fn has_codes(column: &SampleColumn<'_>, may_be_numbers: bool) -> bool {
    column.all(|cell| {
        let is_code = cell.chars().all(|c| c.is_alphanumeric() || "-_/#".contains(c));
        let has_letter = cell.contains(char::is_alphabetic);
        is_code && cell.contains(|c: char| c.is_ascii_digit()) && (may_be_numbers || has_letter)
    })
}

#[cfg(test)]
mod tests {
    use super::super::exporters::recognize;
    use super::*;

    fn search(file: &str, table: &[&[&str]]) -> (Vec<String>, KeySearch) {
        let texts = |row: &&[&str]| row.iter().map(|cell| cell.to_string()).collect::<Vec<_>>();
        let (header, rows) = table.split_first().unwrap();
        let (header, rows) = (texts(header), rows.iter().map(texts).collect::<Vec<_>>());
        let sample = CsvSample { file, ..CsvSample::whole(&header, &rows) };
        let columns: Vec<_> =
            header.iter().enumerate().map(|(index, name)| SampleColumn::new(index, name, &rows)).collect();
        let candidates: Vec<usize> = (0..columns.len()).collect();
        let found = find_key(&columns, &candidates, &sample, recognize(&header));
        (header.clone(), found)
    }

    fn guessed_in(file: &str, table: &[&[&str]]) -> Option<String> {
        let (header, found) = search(file, table);
        found.key.map(|key| header[key.column].clone())
    }

    fn guessed(table: &[&[&str]]) -> Option<String> {
        guessed_in("export.csv", table)
    }

    /// The key of a table whose columns all hold the same distinct codes.
    fn of_header(header: &[&str]) -> Option<String> {
        let row = |code: &'static str| vec![code; header.len()];
        let rows = [row("A-7"), row("A-9"), row("B-1")];
        let mut table = vec![header];
        table.extend(rows.iter().map(Vec::as_slice));
        guessed(&table)
    }

    #[test]
    fn the_rows_own_id_is_preferred() {
        assert_eq!(
            of_header(&["Customer ID", "Order number", "Case Number"]).as_deref(),
            Some("Case Number")
        );
        assert_eq!(of_header(&["ticket_id", "id", "body"]).as_deref(), Some("id"));
        assert_eq!(of_header(&["External ID", "Number"]).as_deref(), Some("Number"));
        assert_eq!(of_header(&["Case ID", "Task ID", "Task status"]).as_deref(), Some("Task ID"));
        assert_eq!(of_header(&["Legacy ticket ID", "Ticket ID"]).as_deref(), Some("Ticket ID"));
        assert_eq!(of_header(&["Reference ID", "Incident (ID, internal)"]).as_deref(), Some("Reference ID"));
        assert_eq!(of_header(&["Reference ID", "Incident number"]).as_deref(), Some("Incident number"));
    }

    #[test]
    fn keys_are_recognized_in_several_languages() {
        for header in [
            "Ticketnummer",
            "Vorgangs-Nr.",
            "Numéro de ticket",
            "Nº de chamado",
            "N° de ticket",
            "N°",
            "ID of the case",
            "チケット番号",
            "#",
            "externalId",
            "Zendesk Ticket #",
            "Salesforce Case ID",
            "ticketid",
            "Support ticket no.",
            "Vorgangsschlüssel",
            "Clave de incidencia",
        ] {
            assert_eq!(guessed(&[&[header], &["7"], &["8"]]).as_deref(), Some(header));
        }
    }

    #[test]
    fn identifiers_of_other_things_are_no_keys() {
        for header in [
            "Customer ID",
            "Phone number",
            "Telefonnummer",
            "Parent key",
            "電話番号",
            "email_id",
            "emailid",
            "Email ID",
            "type_id",
            "Ticket type id",
            "status_id",
            "parent_id",
            "Parent ticket",
            "Parent ticket number",
            "account_id",
            "group id",
            "Contact ID",
            "requester_id",
            "Assigned to ID",
            "Linked issue key",
            "Number of comments",
            "Merged ticket ID",
            "ID type",
            "Kundennummer",
            "brand_id",
            "Original ticket ID",
        ] {
            assert_eq!(of_header(&[header]), None, "{header}");
            assert_eq!(of_header(&["Subject line", header]), None, "{header}");
        }
    }

    #[test]
    fn another_noun_counts_where_the_file_is_about_it() {
        let table: &[&[&str]] = &[&["Note", "Order number"], &["a", "7"], &["b", "9"], &["c", "8"]];
        assert_eq!(guessed(table), None);
        assert_eq!(search("export.csv", table).1.distinct, [1]);
        assert_eq!(guessed_in("orders-2024.csv", table).as_deref(), Some("Order number"));
        assert_eq!(of_header(&["Order number", "Note"]).as_deref(), Some("Order number"));
        assert_eq!(
            of_header(&["Note", "Order number", "Order state", "Order total"]).as_deref(),
            Some("Order number")
        );
        let session: &[&[&str]] = &[&["Session id", "Note"], &["7", "a"], &["9", "b"], &["8", "c"]];
        assert_eq!(guessed_in("sessions.csv", session), None);
    }

    #[test]
    fn addresses_are_no_keys_whatever_the_header_says() {
        assert_eq!(guessed(&[&["ID"], &["a@example.org"], &["b@example.org"], &["c@example.org"]]), None);
        assert_eq!(guessed(&[&["Number"], &["+44 1"], &["+44 20 7946"], &["+44 20 7947"]]), None);
    }

    #[test]
    fn a_few_gaps_are_told_and_many_refuse_a_key() {
        let (_, found) = search("f", &[&["ID"], &["7"], &[""], &["8"], &["9"]]);
        assert_eq!(found.key.unwrap().gaps.first_empty, Some(1));
        let (_, found) = search("f", &[&["ID"], &["7"], &["8"], &["7"], &["9"]]);
        assert_eq!(found.key.unwrap().gaps.first_repeated, Some((2, 0)));
        let (_, found) = search("f", &[&["ID"], &["7"], &["7"], &["7"], &["9"]]);
        assert!(found.key.is_none() && found.refused.unwrap().1.repeated == 2);
        assert_eq!([0, 1, 2, 3, 4, 5, 9, 30, 1000].map(gaps_allowed), [0, 0, 0, 1, 1, 2, 2, 3, 100]);
        assert_eq!(guessed(&[&["ID"], &["7"], &["7"]]), None);
        assert_eq!(guessed(&[&["ID"], &["7"], &[""]]), None);
    }

    #[test]
    fn an_id_that_counts_the_rows_yields_to_the_number_of_the_row() {
        let table: &[&[&str]] = &[&["id", "ticket_no"], &["1", "HD-7"], &["2", "HD-9"], &["3", "HD-1"]];
        assert_eq!(guessed(table).as_deref(), Some("ticket_no"));
        let (_, found) = search("f", &[&["id", "subject"], &["1", "a"], &["2", "b"], &["3", "c"]]);
        assert!(found.key.unwrap().is_row_number);
        for counter in ["", "#", "Nr.", "No", "Lfd. Nr.", "Line number"] {
            let table: &[&[&str]] = &[&[counter, "x"], &["1", "a"], &["2", "b"], &["3", "c"]];
            assert_eq!(guessed(table), None, "{counter}");
        }
    }

    #[test]
    fn unique_codes_are_a_key_and_unique_texts_are_not() {
        assert_eq!(guessed(&[&["Vorgang"], &["A-1"], &["A-2"], &["B-1"]]).as_deref(), Some("Vorgang"));
        assert_eq!(guessed(&[&["Thing"], &["Line 1"], &["Line 2"], &["Line 3"]]), None);
        assert_eq!(guessed(&[&["Who"], &["Ada"], &["Grace"], &["Joan"]]), None);
        assert_eq!(guessed(&[&["a", "Amount"], &["x", "1"], &["x", "2"], &["x", "3"]]), None);
    }

    #[test]
    fn without_rows_the_header_decides() {
        assert_eq!(guessed(&[&["Subject", "Ticket ID"]]).as_deref(), Some("Ticket ID"));
        assert_eq!(guessed(&[&["Subject", "Order number"]]), None);
    }

    #[test]
    fn the_id_of_a_recognized_export_is_the_key_unless_its_cells_repeat() {
        let header = &["Contact ID", "Channel", "Initiation timestamp"][..];
        assert_eq!(guessed(&[header]).as_deref(), Some("Contact ID"));
        let repeated = &["c", "Voice", "2024-01-01 10:00:00"][..];
        assert_eq!(guessed(&[header, repeated, repeated, repeated]), None);
    }
}
