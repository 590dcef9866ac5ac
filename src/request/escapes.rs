//! Escapes in which a message may quote a value: JSON, HTML, those of URLs, and one within the other.

use std::ops::Range;

/// Nested escapes that are looked through: a value may be quoted as JSON within JSON.
const ESCAPES: usize = 2;

/// A character of a text, and the bytes of the text that spell it.
#[derive(Clone)]
pub(super) struct Piece {
    pub(super) c: char,
    pub(super) span: Range<usize>,
}

/// The characters of a text.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    text.char_indices().map(|(at, c)| Piece { c, span: at..at + c.len_utf8() }).collect()
}

/// The text as it is, and without one or more levels of escapes where it has any.
pub(super) fn views(text: &str) -> Vec<Vec<Piece>> {
    let mut views = vec![pieces(text)];
    let mut from = 0;
    for _ in 0..ESCAPES {
        let last = views.len();
        for index in from..last {
            for escape in [json_escape, html_escape, url_escape] {
                views.extend(unescaped(&views[index], escape));
            }
        }
        from = last;
    }
    views
}

/// Replaces what `escape` recognises: the character, and the number of pieces that spell it. `None` if there is nothing.
fn unescaped(view: &[Piece], escape: fn(&[Piece]) -> Option<(char, usize)>) -> Option<Vec<Piece>> {
    let (mut out, mut at, mut has_escapes) = (Vec::with_capacity(view.len()), 0, false);
    while at < view.len() {
        let escaped = escape(&view[at..]);
        has_escapes |= escaped.is_some();
        let (c, length) = escaped.unwrap_or((view[at].c, 1));
        out.push(Piece { c, span: view[at].span.start..view[at + length - 1].span.end });
        at += length;
    }
    has_escapes.then_some(out)
}

fn json_escape(rest: &[Piece]) -> Option<(char, usize)> {
    let [Piece { c: '\\', .. }, Piece { c, .. }, ..] = rest else { return None };
    match c {
        'n' | 'r' | 't' | 'b' | 'f' => Some((' ', 2)),
        '"' | '\\' | '/' | '\'' => Some((*c, 2)),
        'u' => {
            let unit = code_unit(rest)?;
            let second = rest.get(6..).and_then(code_unit);
            // A surrogate pair; a lone surrogate is U+FFFD.
            let pair = second.and_then(|second| char::decode_utf16([unit, second]).next()?.ok());
            match pair.filter(|c| c.len_utf16() == 2) {
                Some(c) => Some((c, 12)),
                None => Some((char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER), 6)),
            }
        }
        _ => None,
    }
}

/// The number of `\u00e9`.
fn code_unit(rest: &[Piece]) -> Option<u16> {
    let [Piece { c: '\\', .. }, Piece { c: 'u', .. }, digits @ ..] = rest else { return None };
    let digits: String = digits.get(..4)?.iter().map(|piece| piece.c).collect();
    u16::from_str_radix(&digits, 16).ok()
}

fn html_escape(rest: &[Piece]) -> Option<(char, usize)> {
    let Piece { c: '&', .. } = rest.first()? else { return None };
    let name: String = rest[1..].iter().take(10).map(|piece| piece.c).take_while(|c| *c != ';').collect();
    let length = name.chars().count() + 2;
    rest.get(length - 1).filter(|piece| piece.c == ';')?;
    Some((html_entity(&name)?, length))
}

/// `%C3%A9`, and the plus sign that stands for a space.
fn url_escape(rest: &[Piece]) -> Option<(char, usize)> {
    if rest.first()?.c == '+' {
        return Some((' ', 1));
    }
    let mut bytes = Vec::new();
    // A character has four bytes at most.
    for escape in rest.chunks_exact(3).take(4) {
        let ['%', high, low] = [escape[0].c, escape[1].c, escape[2].c] else { break };
        let (Some(high), Some(low)) = (high.to_digit(16), low.to_digit(16)) else { break };
        bytes.push((high * 16 + low) as u8);
    }
    let c = bytes.utf8_chunks().next()?.valid().chars().next()?;
    Some((c, 3 * c.len_utf8()))
}

/// The character of an HTML entity, by its name or its number: those that escaping functions write.
fn html_entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let number = name.strip_prefix('#')?;
            let number = match number.strip_prefix(['x', 'X']) {
                Some(number) => u32::from_str_radix(number, 16),
                None => number.parse(),
            };
            number.ok().and_then(char::from_u32)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The views of a text, each with the text that its second character is spelt as.
    fn seen(text: &str) -> Vec<(String, &str)> {
        let view = |view: &Vec<Piece>| {
            (
                view.iter().map(|piece| piece.c).collect(),
                &text[view.get(1).map_or(0..0, |piece| piece.span.clone())],
            )
        };
        views(text).iter().map(view).collect()
    }

    #[test]
    fn a_text_without_escapes_has_one_view() {
        for text in ["", "plain", "a\\q & b &;&unknown; &#xZ; \\u12 \\", "9% %g1 %C3 %"] {
            assert_eq!(views(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn escapes_are_seen_through_and_their_place_is_known() {
        let text = r#"a\u00e9\""#;
        assert_eq!(seen(text), [(text.to_owned(), "\\"), ("aé\"".to_owned(), r"\u00e9")]);
        let html = "a&#233;&amp;";
        assert_eq!(seen(html), [(html.to_owned(), "&"), ("aé&".to_owned(), "&#233;")]);
        let url = "a%C3%A9+";
        assert_eq!(seen(url), [(url.to_owned(), "%"), ("aé ".to_owned(), "%C3%A9")]);
        let nested = seen("a\\u0026lt;");
        assert_eq!(nested.last(), Some(&("a<".to_owned(), "\\u0026lt;")));
    }

    #[test]
    fn surrogates_are_one_character_in_pairs_alone() {
        assert_eq!(seen(r"a\ud83d\ude00").last().unwrap(), &("a😀".to_owned(), r"\ud83d\ude00"));
        assert_eq!(seen(r"a\ud83d").last().unwrap(), &("a\u{fffd}".to_owned(), r"\ud83d"));
    }
}
