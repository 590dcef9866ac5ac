//! Redacts row values from service error messages, which may quote the value that they refuse.

use std::collections::HashSet;

/// Maximum words of a value that is taken for a name, a number or an address. Its short words are redacted too; those
/// of longer prose are as likely the message's own.
const NAME_WORDS: usize = 4;

/// Replaces the `values` in `text` by `…`, in upper or lower case: whole values and their words of more than four
/// characters anywhere, and the short words of short values where they stand alone.
pub(super) fn redact(values: &[&str], text: &str) -> String {
    let words = |value: &&'_ str| -> Vec<Vec<char>> {
        value.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(lower_case).collect()
    };
    let mut parts: Vec<Vec<char>> = Vec::new();
    let mut short_words: HashSet<Vec<char>> = HashSet::new();
    for value in values {
        let own = words(value);
        if own.len() <= NAME_WORDS {
            short_words.extend(own.iter().cloned());
        }
        parts.extend(own.into_iter().filter(|word| word.len() > 4));
        parts.push(lower_case(value));
    }
    // A truncated quotation ends with the beginning of a word.
    let single_words: Vec<Vec<char>> =
        parts.iter().filter(|part| part.iter().all(|c| c.is_alphanumeric())).cloned().collect();
    parts.retain(|part| part.len() > 3);
    // Longest first: a value that is part of another one must not leave the other's rest behind.
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    parts.dedup();
    let plain: Vec<char> = text.chars().collect();
    let lower = lower_case(text);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < plain.len() {
        if let Some(part) = parts.iter().find(|part| lower[at..].starts_with(part)) {
            out.push('…');
            at += part.len();
            continue;
        }
        let is_word_start = plain[at].is_alphanumeric() && (at == 0 || !plain[at - 1].is_alphanumeric());
        let length = plain[at..].iter().take_while(|c| c.is_alphanumeric()).count();
        let word = &lower[at..at + length];
        let rest = &plain[at + length..];
        let is_truncated = rest.is_empty() || rest.starts_with(&['…']) || rest.starts_with(&['.', '.']);
        let is_prefix = || word.len() > 2 && single_words.iter().any(|part| part.starts_with(word));
        if is_word_start && (short_words.contains(word) || is_truncated && is_prefix()) {
            out.push('…');
            at += length;
            continue;
        }
        out.push(plain[at]);
        at += 1;
    }
    out
}

/// Lower case with as many characters as `text`, so that positions are the same in both.
fn lower_case(text: &str) -> Vec<char> {
    text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_redacted_in_any_case_and_in_part() {
        let values =
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
            assert_eq!(redact(&values, text), expected);
        }
        assert_eq!(redact(&[""], "as it is"), "as it is");
    }
}
