//! Redacts sensitive values from service error messages, which may quote the value that they refuse.
//!
//! Values are redacted whole, never word by word: a message shares words with the texts of tickets, and its reason
//! must survive. [`super::sensitive`] says which members of a request are sensitive.

use std::ops::Range;

use super::escapes::{Piece, pieces, views};

/// Minimum length of a value that is redacted, and of the quoted beginning of one, characters. A shorter one, such as
/// `4711` or `open`, is as likely the message's own.
pub const REDACTED_CHARS: usize = 8;

/// Replaces each of `values` in `text` by `…`: in upper or lower case, with any white space between its words, as it is
/// or escaped as JSON or HTML. Replaces the beginning of a value, too, that is marked as cut off or stands in quotes.
/// With `is_cut` the end of `text` may be the beginning of a value.
pub(super) fn redact(values: &[String], text: &str, is_cut: bool) -> String {
    let is_long = |value: &&String| value.trim().chars().count() >= REDACTED_CHARS;
    let values: Vec<Vec<char>> =
        values.iter().filter(is_long).map(|value| Folded::of(&pieces(value.trim())).chars).collect();
    let mut spans: Vec<Range<usize>> = Vec::new();
    for view in views(text) {
        let folded = Folded::of(&view);
        let mut at = 0;
        while at < folded.chars.len() {
            // Longest first: a value that is part of another one must not leave the other's rest behind.
            match values.iter().map(|value| folded.match_length(value, at, is_cut)).max() {
                Some(length @ 1..) => {
                    spans.push(folded.spans[at].start..folded.spans[at + length - 1].end);
                    at += length;
                }
                Some(0) | None => at += 1,
            }
        }
    }
    replaced(text, spans)
}

/// `text` with `…` for each of the spans, of which those that overlap count as one.
fn replaced(text: &str, mut spans: Vec<Range<usize>>) -> String {
    spans.sort_by_key(|span| span.start);
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for span in spans {
        if span.start >= done {
            out.push_str(&text[done..span.start]);
            out.push('…');
        }
        done = done.max(span.end);
    }
    out.push_str(&text[done..]);
    out
}

/// A text as it is compared: in lower case, and with one space for all white space between words.
struct Folded {
    chars: Vec<char>,
    /// For each character the bytes of the text that spell it.
    spans: Vec<Range<usize>>,
}

impl Folded {
    fn of(view: &[Piece]) -> Self {
        let mut folded =
            Folded { chars: Vec::with_capacity(view.len()), spans: Vec::with_capacity(view.len()) };
        for Piece { c, span } in view {
            if c.is_whitespace() || c.is_control() {
                if folded.chars.last() == Some(&' ') {
                    if let Some(last) = folded.spans.last_mut() {
                        last.end = span.end;
                    }
                    continue;
                }
                folded.push(' ', span);
                continue;
            }
            // By way of upper case, so that `ß` equals `SS`.
            for upper in c.to_uppercase() {
                upper.to_lowercase().for_each(|c| folded.push(c, span));
            }
        }
        folded
    }

    fn push(&mut self, c: char, span: &Range<usize>) {
        self.chars.push(c);
        self.spans.push(span.clone());
    }

    /// Number of characters from `at` on that are `value` or its beginning; 0 if they are neither.
    fn match_length(&self, value: &[char], at: usize, is_cut: bool) -> usize {
        let rest = &self.chars[at..];
        let common = rest.iter().zip(value).take_while(|(one, other)| one == other).count();
        let is_match = common > 0 && common == value.len()
            || common >= REDACTED_CHARS && self.is_beginning(at, at + common, is_cut);
        if is_match { common } else { 0 }
    }

    /// Whether the characters from `start` to `end` may be all that is quoted of a longer value.
    fn is_beginning(&self, start: usize, end: usize, is_cut: bool) -> bool {
        let before = self.chars[..start].last();
        let after = &self.chars[end..];
        let is_in_quotes = before.is_some_and(is_quote) && after.first().is_none_or(is_quote);
        let mark = after.iter().position(|c| !" [(<{".contains(*c)).map_or(&[][..], |at| &after[at..]);
        let is_marked = ["…", "..", "truncated"]
            .iter()
            .any(|sign| mark.iter().take(sign.chars().count()).copied().eq(sign.chars()));
        is_in_quotes || is_marked || is_cut && after.is_empty()
    }
}

fn is_quote(c: &char) -> bool {
    "'\"`´‘’‚‛“”„‟‹›«»".contains(*c)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: [&str; 7] = [
        "Zebra Quuxley",
        "Zebra Quuxley 4711",
        "4711",
        "The contact flow\r\nof <Zebra> & \"Kim\" is not published, since the address 'Große Straße' is wrong",
        "C:\\temp\\new",
        "田中太郎様より請求書",
        " Quuxley-Road  ",
    ];

    fn redacted(text: &str) -> String {
        redact(&VALUES.map(str::to_owned), text, false)
    }

    #[test]
    fn whole_values_are_redacted_in_any_case_and_spacing() {
        for (text, expected) in [
            ("bad name ZEBRA QUUXLEY.", "bad name …."),
            ("Name zebra  \t quuxley is too long", "Name … is too long"),
            ("'Zebra Quuxley 4711' and 'Zebra Quuxley'", "'…' and '…'"),
            ("Zebra QuuxleyZebra QuuxleyException", "……Exception"),
            ("{note=C:\\temp\\new, road=quuxley-road}", "{note=…, road=…}"),
            ("値「田中太郎様より請求書」は無効です", "値「…」は無効です"),
            ("", ""),
        ] {
            assert_eq!(redacted(text), expected);
        }
        let everything = VALUES.join(" ");
        assert_eq!(redacted(&everything), "… … 4711 … … …  …  ");
        assert_eq!(redact(&[String::new(), " ".repeat(9)], "as it is", false), "as it is");
    }

    #[test]
    fn words_of_values_and_short_values_stay() {
        for text in [
            "Contact flow is not published",
            "The contact flow of this instance is not published",
            "Zebra-Quuxley, Zebra and Quuxley",
            "unknown id 4711",
            "the address is wrong",
        ] {
            assert_eq!(redacted(text), text);
        }
    }

    #[test]
    fn escaped_values_are_redacted() {
        let long = VALUES[3];
        let json = serde_json::to_string(long).unwrap();
        let ascii = "\"\\u7530\\u4e2d\\u592a\\u90ce\\u69d8\\u3088\\u308a\\u8acb\\u6c42\\u66f8\"";
        let html =
            long.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        let html = html.replace('\'', "&#39;").replace('ß', "&#xDF;").replace(' ', "&nbsp;");
        for (text, expected) in [
            (format!("bad: {json}!"), "bad: \"…\"!"),
            (format!("bad: {}!", serde_json::to_string(&json).unwrap()), "bad: \"\\\"…\\\"\"!"),
            (format!("bad: {html}!"), "bad: …!"),
            (format!("bad: {}!", html.replace('&', "&amp;")), "bad: …!"),
            (format!("bad: {}!", long.to_uppercase()), "bad: …!"),
            (format!("bad: {}!", long.replace("\r\n", " ")), "bad: …!"),
            (format!("bad: {ascii}!"), "bad: \"…\"!"),
            ("path C:\\\\temp\\\\new!".to_owned(), "path …!"),
        ] {
            assert_eq!(redacted(&text), expected);
        }
        let smile = vec!["12345678😀".to_owned()];
        assert_eq!(
            redact(&smile, r"a \u0031\u0032345678\uD83D\uDE00 \ud83d \u12", false),
            r"a … \ud83d \u12"
        );
    }

    #[test]
    fn the_beginning_of_a_value_is_redacted_where_it_is_cut_off() {
        for (text, expected) in [
            ("bad: The contact flow of...", "bad: …..."),
            ("bad: the contact…", "bad: ……"),
            ("bad: The contact flow [truncated]", "bad: …[truncated]"),
            ("bad: 'The contact flow of <Zebra>' is long", "bad: '…' is long"),
            ("bad: “The contact", "bad: “…"),
            ("bad: The contact", "bad: The contact"),
            ("bad: The con...", "bad: The con..."),
            ("The contact flow: 'x' is wrong", "The contact flow: 'x' is wrong"),
        ] {
            assert_eq!(redacted(text), expected);
        }
        assert_eq!(redact(&VALUES.map(str::to_owned), "bad: The contact", true), "bad: …");
    }

    proptest::proptest! {
        #[test]
        fn no_quoted_value_survives_and_the_rest_does(value in "[a-z]\\PC{7,20}", before in "[0-9:' ]{0,9}") {
            let value = value.trim().to_owned();
            proptest::prop_assume!(value.chars().count() >= REDACTED_CHARS);
            for quoted in [value.clone(), serde_json::to_string(&value).unwrap()] {
                let text = redact(std::slice::from_ref(&value), &format!("{before}{quoted} is bad"), false);
                proptest::prop_assert!(!text.contains(&value), "{text}");
                proptest::prop_assert!(text.starts_with(&*before) && text.ends_with(" is bad"), "{text}");
            }
        }
    }
}
