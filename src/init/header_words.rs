//! Splits headers into words, and compares them with lists of known words.

use deunicode::deunicode;

/// Names for the kind of record that a row is.
pub(super) const RECORDS: &str = "\
    ticket, case, issue, task, incident, request, conversation, email, record, fall, vorgang, vorgangs, \
    anfrage, aufgabe, aufgaben, caso, tarea, demande, tache, chamado, arende, zaak, sag, sak, заявки, \
    チケット, 案件, 受付, 管理, 問い合わせ, お問い合わせ, 工单, 工單";

/// Endings that form one word with the noun before them.
const SUFFIXES: &str = "nummer, nr, 番号, 编号, 編號, 번호";

/// The items of a comma-separated list.
fn listed(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}

/// Whether the list has exactly this word.
pub(super) fn is_listed(word: &str, list: &str) -> bool {
    listed(list).any(|item| item == word)
}

/// Lower-case words without accents; `TicketID` is `ticket id`, `Ticket #` is `ticket number`, and
/// `Ticketnummer` is `ticket nummer`.
pub(super) fn words(header: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut characters = header.chars().peekable();
    let mut before: Option<char> = None;
    while let Some(c) = characters.next() {
        let lower_follows = characters.peek().is_some_and(|next| next.is_lowercase());
        let is_hump = c.is_uppercase()
            && before.is_some_and(|before| before.is_lowercase() || (before.is_uppercase() && lower_follows));
        if is_hump || !c.is_alphanumeric() {
            finish(&mut word, &mut words);
        }
        if c == '#' || c == '№' {
            words.push("number".to_owned());
        } else if c.is_alphanumeric() {
            word.push(c);
        }
        before = Some(c);
    }
    finish(&mut word, &mut words);
    words
}

fn finish(word: &mut String, words: &mut Vec<String>) {
    let is_latin = word.chars().all(|c| c < '\u{250}');
    let plain = if is_latin { deunicode(word).to_lowercase() } else { word.to_lowercase() };
    word.clear();
    let split = listed(SUFFIXES).find_map(|suffix| {
        let stem = plain.strip_suffix(suffix)?;
        (!stem.is_empty()).then(|| [stem.to_owned(), suffix.to_owned()])
    });
    match split {
        Some(parts) => words.extend(parts),
        None if plain.is_empty() => {}
        None => words.push(plain),
    }
}

/// The index of the first of `phrases` that is the header: alone, after a word for a record (`ticket
/// subject`), or as the end of a Chinese or Japanese word.
pub(super) fn rank(words: &[String], phrases: &str) -> Option<usize> {
    // Of columns that share a header, the first is named `Comment (1)`.
    let words = match words {
        [rest @ .., last] if last == "1" && !rest.is_empty() => rest,
        _ => words,
    };
    let all = words.join(" ");
    let after_record =
        words.split_first().filter(|(first, _)| is_listed(first, RECORDS)).map(|(_, rest)| rest.join(" "));
    listed(phrases).position(|phrase| {
        let runs_on = phrase.starts_with(|c| c >= '\u{2e80}');
        all == phrase || after_record.as_deref() == Some(phrase) || (runs_on && all.ends_with(phrase))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_split_into_words() {
        for (header, expected) in [
            ("Ticket ID", "ticket id"),
            ("ticketID", "ticket id"),
            ("IDNumber", "id number"),
            ("Ticket #", "ticket number"),
            ("Ticketnummer", "ticket nummer"),
            ("Numéro de ticket", "numero de ticket"),
            ("created_at", "created at"),
            ("チケット番号", "チケット 番号"),
        ] {
            assert_eq!(words(header).join(" "), expected);
        }
    }

    #[test]
    fn a_phrase_is_the_whole_header_but_for_the_word_for_a_record() {
        let phrases = "subject, name, 内容";
        assert_eq!(rank(&words("Ticket Subject"), phrases), Some(0));
        assert_eq!(rank(&words("Subject (1)"), phrases), Some(0));
        assert_eq!(rank(&words("NAME"), phrases), Some(1));
        assert_eq!(rank(&words("Customer Name"), phrases), None);
        assert_eq!(rank(&words("問い合わせ内容"), phrases), Some(2));
    }
}
