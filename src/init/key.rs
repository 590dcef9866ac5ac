//! Guesses the column that uniquely identifies a row.
//!
//! A wrong key rejects rows as duplicates. No key is always safe, so a column is taken only if it looks like
//! one.

use super::header_words::{RECORDS, is_listed};
use super::sample::SampleColumn;

/// Words for an identifier.
const IDENTIFIERS: &str = "\
    id, key, number, no, num, nr, ref, reference, uuid, guid, identifier, nummer, kennung, referenz, \
    referenznummer, numero, cle, referencia, numer, riferimento, codigo, номер, 番号, 编号, 編號, 번호";

/// Words that qualify an identifier without naming another thing.
const QUALIFIERS: &str = "\
    external, legacy, original, unique, global, system, source, old, internal, import";

/// Words for things that several rows share or that are not rows: `Customer ID`, `Phone number`, `Line
/// number`.
const OTHERS: &str = "\
    customer, client, user, agent, owner, assignee, requester, reporter, creator, author, person, \
    employee, member, parent, account, org, organization, organisation, company, group, team, phone, \
    telephone, tel, mobile, fax, zip, postal, house, bank, tax, vat, serial, version, build, product, \
    line, row, room, kunde, kunden, benutzer, konto, konten, telefon, handy, mobil, haus, zeilen, \
    artikel, produkt, cliente, usuario, telefono, linea, utilisateur, telefone, klant, klanten, 電話, \
    郵便, 顧客, 会員";

/// The fewest rows from which values alone make a column a key.
const FEWEST_ROWS: usize = 3;

/// The most characters of a key; longer cells are texts.
const MOST_CHARS: usize = 64;

/// The index of the key among the `candidates`, which are in file order.
pub(super) fn key(columns: &[SampleColumn<'_>], candidates: &[usize], rows: usize) -> Option<usize> {
    let distinct = candidates.iter().copied().filter_map(|index| {
        let column = &columns[index];
        let is_short =
            column.cells.iter().all(|cell| cell.chars().count() <= MOST_CHARS && !cell.contains('\n'));
        (is_short && column.is_distinct()).then_some((index, column))
    });
    distinct
        .filter_map(|(index, column)| {
            let rank = match key_hint(&column.words) {
                Some(KeyHint::NotAKey) => None,
                Some(KeyHint::Key(2)) if rows < FEWEST_ROWS => None,
                Some(KeyHint::Key(rank)) => Some(rank),
                None => (rows >= FEWEST_ROWS && has_codes(column, index == 0)).then_some(3),
            };
            Some((rank?, index))
        })
        .min()
        .map(|(_, index)| index)
}

/// A header's evidence about the key.
enum KeyHint {
    /// Names a key; a lower rank is better.
    Key(u8),
    /// Names something else.
    NotAKey,
}

fn key_hint(words: &[String]) -> Option<KeyHint> {
    if words.iter().any(|word| is_listed(word, OTHERS)) {
        return Some(KeyHint::NotAKey);
    }
    let is_named =
        [words.first(), words.last()].into_iter().flatten().any(|word| is_listed(word, IDENTIFIERS));
    if !is_named {
        return None;
    }
    if words.iter().any(|word| is_listed(word, RECORDS)) {
        return Some(KeyHint::Key(0));
    }
    let is_bare = words.iter().all(|word| is_listed(word, IDENTIFIERS) || is_listed(word, QUALIFIERS));
    Some(KeyHint::Key(if is_bare { 1 } else { 2 }))
}

/// Whether all cells are codes such as `HD-10001`. Plain numbers count in the first column only; elsewhere
/// they may be amounts.
fn has_codes(column: &SampleColumn<'_>, is_first: bool) -> bool {
    column.all(|cell| {
        let is_code = cell.chars().all(|c| c.is_alphanumeric() || "-_/#".contains(c));
        let has_letter = cell.contains(char::is_alphabetic);
        is_code && cell.contains(|c: char| c.is_ascii_digit()) && (is_first || has_letter)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(table: &[&[&str]]) -> Option<String> {
        let (header, rows) = table.split_first().unwrap();
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| cell.to_string()).collect()).collect();
        let columns: Vec<_> =
            header.iter().enumerate().map(|(index, name)| SampleColumn::new(index, name, &rows)).collect();
        let candidates: Vec<usize> = (0..columns.len()).collect();
        key(&columns, &candidates, rows.len()).map(|index| columns[index].name.to_owned())
    }

    #[test]
    fn the_number_of_the_record_is_preferred() {
        let row = |n: &'static str| vec![n; 4];
        let header = ["Customer ID", "Id", "Order number", "Case Number"];
        let table = [&header[..], &row("1"), &row("2"), &row("3")].map(<[_]>::to_vec);
        let table: Vec<&[&str]> = table.iter().map(Vec::as_slice).collect();
        assert_eq!(guessed(&table).as_deref(), Some("Case Number"));
    }

    #[test]
    fn keys_are_recognized_in_several_languages() {
        for header in ["Ticketnummer", "Vorgangs-Nr.", "Numéro de ticket", "チケット番号", "#", "externalId"]
        {
            assert_eq!(guessed(&[&[header], &["7"], &["8"]]).as_deref(), Some(header));
        }
    }

    #[test]
    fn a_key_is_neither_repeated_nor_missing() {
        assert_eq!(guessed(&[&["ID"], &["7"], &["7"]]), None);
        assert_eq!(guessed(&[&["ID"], &["7"], &[""]]), None);
    }

    #[test]
    fn identifiers_of_other_things_are_no_keys() {
        for header in ["Customer ID", "Phone number", "Telefonnummer", "Parent key", "電話番号"] {
            assert_eq!(guessed(&[&[header], &["A7"], &["A8"], &["A9"]]), None, "{header}");
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
}
