//! Which columns are the contact's name and its description.

use super::column::Column;
use super::words::rank;

/// What a column is called that says in a few words what a row is about; the better ones first.
const NAMES: &str = "\
    short description, subject, title, summary, headline, topic, betreff, titel, kurzbeschreibung, \
    thema, objet, sujet, titre, asunto, titulo, oggetto, titolo, assunto, onderwerp, emne, amne, temat, \
    tytul, тема, 件名, タイトル, 主题, 标题, 主旨, 標題, 제목, name";

/// What a column is called that says it at length.
const DESCRIPTIONS: &str = "\
    description, long description, details, detail, body, content, text, message, comment, comments, \
    notes, note, beschreibung, nachricht, inhalt, kommentar, descripcion, detalle, mensaje, contenu, \
    commentaire, descrizione, messaggio, descricao, mensagem, omschrijving, beschrijving, beskrivelse, \
    beskrivning, opis, описание, 内容, 説明, 詳細, 本文, 描述, 설명, 내용";

/// Characters on average up to which a text is short.
const SHORT: usize = 100;

/// Characters on average from which a text is long enough to describe something.
const LONG: usize = 60;

/// The column that is called one of `phrases`; the first of the best.
fn by_name(columns: &[Column<'_>], candidates: &[usize], phrases: &str) -> Option<usize> {
    candidates
        .iter()
        .filter_map(|index| Some((rank(&columns.get(*index)?.words, phrases)?, *index)))
        .min()
        .map(|(_, index)| index)
}

/// The column that is called a contact's name.
pub(super) fn named_name(columns: &[Column<'_>], candidates: &[usize]) -> Option<usize> {
    by_name(columns, candidates, NAMES)
}

/// The column that is called a description.
pub(super) fn named_description(columns: &[Column<'_>], candidates: &[usize]) -> Option<usize> {
    by_name(columns, candidates, DESCRIPTIONS)
}

/// The first column of short texts.
pub(super) fn short_text(columns: &[Column<'_>], candidates: &[usize]) -> Option<usize> {
    let is_short = |column: &Column<'_>| column.is_text() && column.average_chars() <= SHORT;
    candidates.iter().copied().find(|index| columns.get(*index).is_some_and(is_short))
}

/// The column of the longest texts, if they are long.
pub(super) fn longest_text(columns: &[Column<'_>], candidates: &[usize]) -> Option<usize> {
    candidates
        .iter()
        .filter_map(|index| {
            let column = columns.get(*index).filter(|column| column.is_text())?;
            Some((column.average_chars(), std::cmp::Reverse(*index)))
        })
        .max()
        .filter(|(chars, _)| *chars > LONG)
        .map(|(_, std::cmp::Reverse(index))| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(header: &[&str], row: &[&str], test: impl Fn(&[Column<'_>], &[usize]) -> T) -> T {
        let rows = vec![row.iter().map(|cell| cell.to_string()).collect::<Vec<_>>()];
        let columns: Vec<_> =
            header.iter().enumerate().map(|(index, name)| Column::new(index, name, &rows)).collect();
        let all: Vec<usize> = (0..columns.len()).collect();
        test(&columns, &all)
    }

    #[test]
    fn a_subject_is_preferred_to_a_mere_name() {
        let header = ["Customer Name", "Name", "Ticket Subject"];
        assert_eq!(with(&header, &["a", "b", "c"], named_name), Some(2));
        assert_eq!(with(&["Customer Name"], &["a"], named_name), None);
        assert_eq!(with(&["Kurzbeschreibung", "Beschreibung"], &["a", "b"], named_name), Some(0));
        assert_eq!(with(&["Kurzbeschreibung", "Beschreibung"], &["a", "b"], named_description), Some(1));
    }

    #[test]
    fn without_names_the_lengths_decide() {
        let (long, longer) = ("word ".repeat(20), "word ".repeat(30));
        let row = ["12", "short", &long, &longer];
        assert_eq!(with(&["a", "b", "c", "d"], &row, short_text), Some(1));
        assert_eq!(with(&["a", "b", "c", "d"], &row, longest_text), Some(3));
        assert_eq!(with(&["a", "b"], &row[..2], longest_text), None);
    }
}
