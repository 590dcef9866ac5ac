//! Redacts sensitive values from service error messages, which may quote the value that they refuse.
//!
//! Values are redacted whole, never word by word: a message shares words with the texts of tickets, and its reason
//! must survive. [`super::sensitive`] says which members of a request are sensitive.

use std::ops::Range;

use super::escapes::{Piece, pieces, views};

/// Minimum length of a value that is redacted, and of the quoted beginning of one, characters. A shorter one, such as
/// `4711` or `open`, is as likely the message's own.
pub const REDACTED_CHARS: usize = 8;

/// Marks of what was left out of a value.
const MARKS: [&str; 3] = ["…", "..", "truncated"];

/// Replaces each of `values` in `text` by `…`: in upper or lower case, with any white space or none between its words, as
/// it is or escaped as JSON, HTML or for a URL. Replaces a part of a value, too, that is marked as cut off, and its
/// beginning in quotes. With `is_cut` the end of `text` may be the beginning of a value.
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

/// A text as it is compared: in lower case and without white space.
struct Folded {
    chars: Vec<char>,
    /// For each character the bytes of the text that spell it.
    spans: Vec<Range<usize>>,
    /// For each character whether white space stands before it.
    is_spaced: Vec<bool>,
}

impl Folded {
    fn of(view: &[Piece]) -> Self {
        let (length, mut is_spaced) = (view.len(), false);
        let mut folded = Folded {
            chars: Vec::with_capacity(length),
            spans: Vec::with_capacity(length),
            is_spaced: Vec::with_capacity(length),
        };
        for Piece { c, span } in view {
            if c.is_whitespace() || c.is_control() {
                is_spaced = true;
                continue;
            }
            // By way of upper case, so that `ß` equals `SS`.
            for c in c.to_uppercase().flat_map(char::to_lowercase) {
                folded.chars.push(c);
                folded.spans.push(span.clone());
                folded.is_spaced.push(std::mem::take(&mut is_spaced));
            }
        }
        folded
    }

    /// Number of characters from `at` on that are `value`, or a part of it that is cut off; 0 if they are neither.
    fn match_length(&self, value: &[char], at: usize, is_cut: bool) -> usize {
        let length = |from: usize| {
            let (rest, value) = (&self.chars[at..], &value[from..]);
            let common = rest.iter().zip(value).take_while(|(one, other)| one == other).count();
            let is_match = common > 0 && common == value.len()
                || common >= REDACTED_CHARS && self.is_beginning(at, at + common, is_cut);
            if is_match { common } else { 0 }
        };
        // Where the value was cut off before this place, any part of it may follow.
        let parts =
            if self.is_after_mark(at) { 1..(value.len() + 1).saturating_sub(REDACTED_CHARS) } else { 0..0 };
        parts.map(length).max().unwrap_or(0).max(length(0))
    }

    /// Whether the characters before `at` say that something was left out there.
    fn is_after_mark(&self, at: usize) -> bool {
        let before = &self.chars[..at];
        let end = before.iter().rposition(|c| !"])>}".contains(*c)).map_or(0, |last| last + 1);
        MARKS
            .iter()
            .any(|mark| before[..end].iter().rev().copied().take(mark.chars().count()).eq(mark.chars().rev()))
    }

    /// Whether the characters from `start` to `end` may be all that is quoted of a longer value.
    fn is_beginning(&self, start: usize, end: usize, is_cut: bool) -> bool {
        let before = self.chars[..start].last().filter(|_| !self.is_spaced[start]);
        let after = &self.chars[end..];
        let is_in_quotes = before.is_some_and(is_quote) && after.first().is_none_or(is_quote);
        let rest = after.iter().position(|c| !"[(<{".contains(*c)).map_or(&[][..], |at| &after[at..]);
        let is_marked =
            MARKS.iter().any(|mark| rest.iter().copied().take(mark.chars().count()).eq(mark.chars()));
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
            ("Name ZebraQuuxley is too long", "Name … is too long"),
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
            "Queue 'a' the contact flow 'b' is not published",
            "Retrying... the contact flow of 'b' is not published",
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
            ("path C%3A%5Ctemp%5cnew!".to_owned(), "path …!"),
            ("100% of Zebra+Quuxley!".to_owned(), "100% of …!"),
            ("q=%E7%94%B0%E4%B8%AD%E5%A4%AA%E9%83%8E%E6%A7%98より請求書!".to_owned(), "q=…!"),
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
    fn parts_of_a_value_are_redacted_where_it_is_cut_off() {
        for (text, expected) in [
            ("bad: The contact flow of...", "bad: …..."),
            ("bad: the contact…", "bad: ……"),
            ("bad: The contact flow [truncated]", "bad: … [truncated]"),
            ("bad: 'The contact flow of <Zebra>' is long", "bad: '…' is long"),
            ("bad: “The contact", "bad: “…"),
            ("bad: The contact flow...dress 'Große Straße' is wrong", "bad: …...…"),
            ("bad: 'The contact flow ' is long", "bad: '… ' is long"),
            ("bad: The contact flow … <Zebra> & \"Kim\" is … is wrong", "bad: … … … … is wrong"),
            ("bad: [truncated] 'GROSSE Straße' is wrong!", "bad: [truncated] …!"),
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
