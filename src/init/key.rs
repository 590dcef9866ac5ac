//! Which column tells rows apart.
//!
//! A wrong key rejects rows as doubles, and no key is always safe, so a column must look like one.

use super::column::Column;
use super::words::{RECORDS, is_listed};

/// Words for an identifier.
const IDENTIFIERS: &str = "\
    id, key, number, no, num, nr, ref, reference, uuid, guid, identifier, nummer, kennung, referenz, \
    referenznummer, numero, cle, referencia, numer, riferimento, codigo, номер, 番号, 编号, 編號, 번호";

/// Words that say no more than that it is one.
const QUALIFIERS: &str = "\
    external, legacy, original, unique, global, system, source, old, internal, import";

/// Words for what many rows share, or what is no row: `Customer ID`, `Phone number`, `Line number`.
const OTHERS: &str = "\
    customer, client, user, agent, owner, assignee, requester, reporter, creator, author, person, \
    employee, member, parent, account, org, organization, organisation, company, group, team, phone, \
    telephone, tel, mobile, fax, zip, postal, house, bank, tax, vat, serial, version, build, product, \
    line, row, room, kunde, kunden, benutzer, konto, konten, telefon, handy, mobil, haus, zeilen, \
    artikel, produkt, cliente, usuario, telefono, linea, utilisateur, telefone, klant, klanten, 電話, \
    郵便, 顧客, 会員";

/// Rows without which a column that is not called a key is not taken for one.
const ROWS: usize = 3;

/// Characters beyond which a cell is no key but a text.
const CHARS: usize = 64;

/// The key among the `candidates`, which are in the order of the file.
pub(super) fn key(columns: &[Column<'_>], candidates: &[usize], rows: usize) -> Option<usize> {
    let distinct = candidates.iter().copied().filter_map(|index| {
        let column = columns.get(index)?;
        let is_short = column.cells.iter().all(|cell| cell.chars().count() <= CHARS && !cell.contains('\n'));
        (is_short && column.is_distinct()).then_some((index, column))
    });
    distinct
        .filter_map(|(index, column)| {
            let rank = match by_name(&column.words) {
                Some(Likeness::NotAKey) => None,
                Some(Likeness::Key(2)) if rows < ROWS => None,
                Some(Likeness::Key(rank)) => Some(rank),
                None => (rows >= ROWS && has_codes(column, index == 0)).then_some(3),
            };
            Some((rank?, index))
        })
        .min()
        .map(|(_, index)| index)
}

/// What a name says.
enum Likeness {
    /// A key; the less the better.
    Key(u8),
    NotAKey,
}

fn by_name(words: &[String]) -> Option<Likeness> {
    if words.iter().any(|word| is_listed(word, OTHERS)) {
        return Some(Likeness::NotAKey);
    }
    let named = [words.first(), words.last()].into_iter().flatten().any(|word| is_listed(word, IDENTIFIERS));
    if !named {
        return None;
    }
    if words.iter().any(|word| is_listed(word, RECORDS)) {
        return Some(Likeness::Key(0));
    }
    let bare = words.iter().all(|word| is_listed(word, IDENTIFIERS) || is_listed(word, QUALIFIERS));
    Some(Likeness::Key(if bare { 1 } else { 2 }))
}

/// Cells such as `HD-10001`. Numbers are codes in the first column; elsewhere they may be amounts.
fn has_codes(column: &Column<'_>, is_first: bool) -> bool {
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
            header.iter().enumerate().map(|(index, name)| Column::new(index, name, &rows)).collect();
        let candidates: Vec<usize> = (0..columns.len()).collect();
        key(&columns, &candidates, rows.len()).map(|index| columns[index].name.to_owned())
    }

    #[test]
    fn the_records_own_number_is_preferred_to_any_other() {
        let row = |n: &'static str| vec![n; 4];
        let header = ["Customer ID", "Id", "Order number", "Case Number"];
        let table = [&header[..], &row("1"), &row("2"), &row("3")].map(<[_]>::to_vec);
        let table: Vec<&[&str]> = table.iter().map(Vec::as_slice).collect();
        assert_eq!(guessed(&table).as_deref(), Some("Case Number"));
    }

    #[test]
    fn keys_are_known_in_several_languages() {
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
    fn what_is_the_customers_is_not_the_rows() {
        for header in ["Customer ID", "Phone number", "Telefonnummer", "Parent key", "電話番号"] {
            assert_eq!(guessed(&[&[header], &["A7"], &["A8"], &["A9"]]), None, "{header}");
        }
    }

    #[test]
    fn codes_are_a_key_without_the_name_but_a_unique_text_is_none() {
        assert_eq!(guessed(&[&["Vorgang"], &["A-1"], &["A-2"], &["B-1"]]).as_deref(), Some("Vorgang"));
        assert_eq!(guessed(&[&["Thing"], &["Line 1"], &["Line 2"], &["Line 3"]]), None);
        assert_eq!(guessed(&[&["Who"], &["Ada"], &["Grace"], &["Joan"]]), None);
        assert_eq!(guessed(&[&["a", "Amount"], &["x", "1"], &["x", "2"], &["x", "3"]]), None);
    }

    #[test]
    fn without_rows_the_name_decides() {
        assert_eq!(guessed(&[&["Subject", "Ticket ID"]]).as_deref(), Some("Ticket ID"));
        assert_eq!(guessed(&[&["Subject", "Order number"]]), None);
    }
}
