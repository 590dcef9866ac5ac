//! The form of a key that look-alikes share: without case, white space, invisible characters, Unicode compatibility forms
//! and the marks by which a spreadsheet keeps a cell a text.

use icu_normalizer::{ComposingNormalizer, ComposingNormalizerBorrowed};

use super::key::{RowKey, SEPARATOR};

/// Most passes over a text until its form stays the same. Two are usual, and no text is known that needs more than three.
const PASSES: usize = 8;

/// Finds the forms of keys. Reuses its buffers, so that the form of an ASCII key without a slash
/// allocates nothing.
#[derive(Debug)]
pub struct KeyForms {
    nfkc: ComposingNormalizerBorrowed<'static>,
    form: String,
}

impl Default for KeyForms {
    fn default() -> Self {
        KeyForms { nfkc: ComposingNormalizer::new_nfkc(), form: String::new() }
    }
}

impl KeyForms {
    /// The form of a key. Equal keys have equal forms.
    pub fn of_key(&mut self, key: &RowKey) -> &str {
        self.form.clear();
        match key {
            // Without a slash in a part the label has its separators between the parts alone.
            RowKey::Columns(parts) if parts.iter().all(|part| !part.contains('/')) => {
                for (index, part) in parts.iter().enumerate() {
                    self.separate(index);
                    self.add_piece(part);
                }
            }
            RowKey::Columns(_) | RowKey::Content(_) | RowKey::Unusable(_) => self.add_label(&key.label()),
        }
        &self.form
    }

    /// The form of the key that has this label.
    pub fn of_label(&mut self, label: &str) -> &str {
        self.form.clear();
        self.add_label(label);
        &self.form
    }

    /// A label joins the parts of a key, and a part may hold the separator itself, or a piece of it at its end: the pieces of
    /// the label count.
    fn add_label(&mut self, label: &str) {
        if !label.contains('/') {
            return self.add_piece(label);
        }
        for (index, piece) in label.split(SEPARATOR).enumerate() {
            self.separate(index);
            self.add_piece(piece);
        }
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.form.push('/');
        }
    }

    fn add_piece(&mut self, piece: &str) {
        let start = self.form.len();
        if piece.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.form.push_str(piece);
            self.form[start..].make_ascii_lowercase();
        } else if piece.is_ascii() {
            let visible = piece.bytes().filter(u8::is_ascii_graphic);
            self.form.extend(visible.map(|byte| char::from(byte.to_ascii_lowercase())));
        } else {
            let mut text = piece.to_owned();
            for _ in 0..PASSES {
                let next = self.pass(&text);
                if next == text {
                    break;
                }
                text = next;
            }
            self.form.push_str(&text);
        }
        let inside = without_marks(&self.form[start..]);
        if inside.len() < self.form.len() - start {
            let inside = inside.to_owned();
            self.form.truncate(start);
            self.form.push_str(&inside);
        }
    }

    fn pass(&self, text: &str) -> String {
        let normal = self.nfkc.normalize(text);
        let visible = normal.chars().filter(|c| !is_invisible(*c)).map(as_hyphen);
        // By way of the upper case, `ß` is `ss` and `ς` is `σ`.
        let folded = visible.flat_map(char::to_uppercase).flat_map(char::to_lowercase);
        let folded: String = folded.collect();
        let normal = self.nfkc.normalize(&folded);
        normal.chars().filter(|c| !is_invisible(*c)).collect()
    }
}

/// The text without the marks of a spreadsheet: `="HD-1"` and `'HD-1` keep a cell a text, and quotes may be doubled.
fn without_marks(mut text: &str) -> &str {
    loop {
        let formula = text.strip_prefix("=\"").and_then(|text| text.strip_suffix('"'));
        let quoted = || text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        let inside = formula.or_else(quoted).or_else(|| text.strip_prefix('\''));
        match inside {
            Some(inside) if !inside.is_empty() => text = inside,
            Some(_) | None => return text,
        }
    }
}

/// Whether there is a character that people see: not one of white space, control or invisible characters.
pub fn has_visible(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_graphic() || !is_invisible(c))
}

/// White space, control characters, and the characters that Unicode's property Default_Ignorable_Code_Point has
/// (DerivedCoreProperties.txt), such as soft hyphens, zero-width spaces and byte order marks.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Word processors write other dashes for a hyphen.
fn as_hyphen(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form(cell: &str) -> String {
        KeyForms::default().of_key(&RowKey::Columns(vec![cell.to_owned()])).to_owned()
    }

    #[test]
    fn keys_that_differ_in_what_nobody_sees_have_one_form() {
        let look_alikes = [
            "HD-0001   ",
            " HD-0001",
            "HD-0001\u{a0}",
            "\u{202f}HD-0001",
            "HD-\u{2007}0001",
            "hd-0001",
            "HD-00\r01",
            "HD-0001\r\n",
            "\tHD-0001",
            "HD-000\u{ff11}",
            "\u{ff28}\u{ff24}\u{ff0d}0001",
            "=\"HD-0001\"",
            "\u{ff1d}\"HD-0001\"",
            "'HD-0001",
            "\"HD-0001\"",
            "HD\u{ad}-0001",
            "HD-\u{200b}0001",
            "\u{feff}HD-0001",
            "HD-0001\u{200e}",
            "HD\u{2011}0001",
            "HD\u{2013}0001",
            "HD-0001\0",
        ];
        for look_alike in look_alikes {
            assert_eq!(form(look_alike), "hd-0001", "{look_alike:?}");
        }
        assert_eq!(form("Stra\u{df}e"), form("STRASSE"));
        assert_eq!(form("Ze\u{301}"), form("z\u{e9}"));
        assert_eq!(form("\u{fb01}n"), "fin");
    }

    #[test]
    fn a_text_that_nobody_sees_has_nothing_visible() {
        for text in ["", " ", "\u{a0}\u{200b}", "\u{feff}", "\u{2060}\r\n", "\u{ad}"] {
            assert!(!has_visible(text), "{text:?}");
        }
        for text in ["0", " - ", "\u{200b}ü", "\u{6f22}"] {
            assert!(has_visible(text), "{text:?}");
        }
    }

    #[test]
    fn different_keys_have_different_forms() {
        let keys =
            ["HD-0001", "HD-0010", "HD0001", "HD_0001", "0001", "HD-0001.0", "-HD0001", "Zurich", "Zürich"];
        let forms: std::collections::BTreeSet<String> = keys.iter().map(|key| form(key)).collect();
        assert_eq!(forms.len(), keys.len(), "{forms:?}");
        let two = |a: &str, b: &str| {
            KeyForms::default().of_key(&RowKey::Columns(vec![a.to_owned(), b.to_owned()])).to_owned()
        };
        assert_ne!(two("1", "23"), two("12", "3"));
        assert_eq!(two(" A", "B "), two("a", "b"));
        // The label of the first is `a / / ="x"`, whose second piece begins with a slash.
        let mut of_label = KeyForms::default();
        assert_eq!(two("a /", "=\"x\""), of_label.of_label("a / / =\"x\""));
    }

    #[test]
    fn a_mark_with_nothing_inside_is_a_text() {
        for text in ["'", "=\"\"", "\"\"", "''"] {
            assert!(!form(text).is_empty(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_form_of_a_form_is_itself(cell in "\\PC*|[='\" \u{200b}\u{a0}A-z\u{df}\u{149}\u{345}\u{ff11}]{0,12}") {
            let once = form(&cell);
            prop_assert_eq!(form(&once), once);
        }

        #[test]
        fn padding_and_case_change_no_form(cell in "\\PC{0,12}", ascii in "[ -~]{0,12}", pad in "[ \u{a0}\t\u{200b}]{0,3}") {
            prop_assert_eq!(form(&format!("{pad}{cell}{pad}")), form(&cell));
            prop_assert_eq!(form(&ascii.to_ascii_uppercase()), form(&ascii.to_ascii_lowercase()));
        }

        #[test]
        fn a_key_and_its_label_have_one_form(parts in proptest::collection::vec("\\PC{0,8}|a / b|\r1|=\"x\"", 1..4)) {
            let key = RowKey::Columns(parts);
            let mut forms = KeyForms::default();
            let of_label = forms.of_label(&key.label()).to_owned();
            prop_assert_eq!(forms.of_key(&key), of_label);
        }
    }
}
