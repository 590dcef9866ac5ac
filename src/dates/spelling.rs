//! Spellings of programs that format dates by the CLDR, which jiff does not read.

use std::borrow::Cow;

/// Spanish half days, as in `9:15 a. m.`: with a no-break space by the CLDR, without one in other programs.
const HALF_DAYS: [(&str, &str); 4] = [("a. m.", "AM"), ("p. m.", "PM"), ("a.m.", "AM"), ("p.m.", "PM")];

/// The text with spaces for no-break spaces, which Java since 20 writes before AM and PM, and with `AM` and
/// `PM` for the Spanish half days.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    let mut plain = Cow::Borrowed(text);
    if !text.is_ascii() {
        let is_space = |c: char| matches!(c, '\u{a0}' | '\u{202f}' | '\u{2009}');
        if plain.contains(is_space) {
            plain = plain.replace(is_space, " ").into();
        }
    }
    for (half_day, english) in HALF_DAYS {
        let at = plain.char_indices().map(|(at, _)| at).find(|at| {
            plain.get(*at..at + half_day.len()).is_some_and(|part| part.eq_ignore_ascii_case(half_day))
        });
        if let Some(at) = at {
            plain.to_mut().replace_range(at..at + half_day.len(), english);
            break;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_and_half_days_are_plain() {
        for (text, expected) in [
            ("3/5/24, 9:15\u{202f}AM", "3/5/24, 9:15 AM"),
            ("5/3/2024, 9:15:00 p.\u{a0}m. GMT", "5/3/2024, 9:15:00 PM GMT"),
            ("5/3/2024, 9:15:00 A.M.", "5/3/2024, 9:15:00 AM"),
            ("5 août 2024", "5 août 2024"),
        ] {
            assert_eq!(plain(text), expected);
        }
        assert!(matches!(plain("2024-03-05"), Cow::Borrowed(_)));
    }
}
