//! Blanks what is somebody's in a text of the service, which may quote what it refuses. Pure.

use std::collections::HashSet;

/// A value of so many words is a name, a number or an address, and not prose: its short words are blanked too.
const NAME_WORDS: usize = 4;

/// `text` without the values in `private`, in any case: whole values, their words of more than four characters
/// wherever they stand, and short words of short values where they stand alone. Short words of long values are
/// the message's own as well.
pub(super) fn redact(private: &[&str], text: &str) -> String {
    let words = |value: &&'_ str| -> Vec<Vec<char>> {
        value.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(folded).collect()
    };
    let mut parts: Vec<Vec<char>> = Vec::new();
    let mut alone: HashSet<Vec<char>> = HashSet::new();
    for value in private {
        let own = words(value);
        if own.len() <= NAME_WORDS {
            alone.extend(own.iter().cloned());
        }
        parts.extend(own.into_iter().filter(|word| word.len() > 4));
        parts.push(folded(value));
    }
    // A quotation that is cut off ends with the beginning of a word.
    let begun: Vec<Vec<char>> =
        parts.iter().filter(|part| part.iter().all(|c| c.is_alphanumeric())).cloned().collect();
    parts.retain(|part| part.len() > 3);
    // The longest first, so that a value which is part of another leaves no remainder behind.
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    parts.dedup();
    let plain: Vec<char> = text.chars().collect();
    let lower: Vec<char> = folded(text);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < plain.len() {
        if let Some(part) = parts.iter().find(|part| lower[at..].starts_with(part)) {
            out.push('…');
            at += part.len();
            continue;
        }
        let begins = plain[at].is_alphanumeric() && (at == 0 || !plain[at - 1].is_alphanumeric());
        let length = plain[at..].iter().take_while(|c| c.is_alphanumeric()).count();
        let word = &lower[at..at + length];
        let rest = &plain[at + length..];
        let is_cut = rest.is_empty() || rest.starts_with(&['…']) || rest.starts_with(&['.', '.']);
        let is_begun = || word.len() > 2 && begun.iter().any(|part| part.starts_with(word));
        if begins && (alone.contains(word) || is_cut && is_begun()) {
            out.push('…');
            at += length;
            continue;
        }
        out.push(plain[at]);
        at += 1;
    }
    out
}

/// In lower case, a character for a character, so that places are the same.
fn folded(text: &str) -> Vec<char> {
    text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_blanked_in_any_case_and_in_part() {
        let private =
            ["Zebra Quuxley", "Kim", "4711", "a long text in which the word is has no meaning of its own"];
        let cases = [
            ("bad name ZEBRA QUUXLEY.", "bad name …."),
            ("Name zebra-quuxley is too long", "Name …-… is too long"),
            ("for Kim, not Kimono: 4711", "for …, not Kimono: …"),
            ("ZebraQuuxleyException", "……Exception"),
            ("is no meaning", "is no …"),
            ("bad Quux...", "bad …..."),
            ("bad Zeb", "bad …"),
            ("the zeb that was", "the zeb that was"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(redact(&private, text), expected);
        }
        assert_eq!(redact(&[""], "as it is"), "as it is");
    }
}
