//! Keys for headers. A key of `Attributes` may have A-Z, a-z, 0-9, - and _ only.

use std::collections::{HashMap, HashSet};

use deunicode::deunicode;

/// Transliterates to lower-case ASCII: `Größe (cm)` to `grosse_cm`, `件名` to `jian_ming`. A text without
/// letters and digits becomes empty.
pub(crate) fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for c in deunicode(text).chars() {
        if c.is_ascii_alphanumeric() || c == '-' {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('_') {
            slug.push('_');
        }
    }
    slug.truncate(slug.trim_end_matches('_').len());
    slug
}

/// The keys of one map, each used once.
#[derive(Debug, Default)]
pub(crate) struct UsedKeys {
    used: HashSet<String>,
    /// The number that is tried next for a key that is used. A million headers may share one.
    next: HashMap<String, usize>,
}

impl UsedKeys {
    /// Marks a key as used.
    pub(crate) fn insert(&mut self, key: String) {
        self.used.insert(key);
    }

    /// An attribute's key: the header's slug. `position` counts columns from 1.
    pub(crate) fn attribute(&mut self, header: &str, position: usize) -> String {
        let slug = slug(header);
        let key = if slug.is_empty() { format!("column_{position}") } else { slug };
        self.unused(key, '_')
    }

    /// A reference's key, which agents see: the letters, digits, spaces, `-` and `_` of the header.
    pub(crate) fn reference(&mut self, header: &str, position: usize) -> String {
        let plain = header.replace(|c: char| !c.is_alphanumeric() && !"-_".contains(c), " ");
        let key = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        let key = if key.is_empty() { format!("Column {position}") } else { key };
        self.unused(key, ' ')
    }

    /// `key`, with a number from 2 on if it is used.
    fn unused(&mut self, key: String, separator: char) -> String {
        if self.used.insert(key.clone()) {
            return key;
        }
        let number = self.next.entry(key.clone()).or_insert(2);
        loop {
            let unused = format!("{key}{separator}{number}");
            *number += 1;
            if self.used.insert(unused.clone()) {
                return unused;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_used_twice() {
        let mut keys = UsedKeys::default();
        let given = ["A b", "a-b", "a_b", "a b 2", "%", "(a) b"];
        let given: Vec<_> = (1..).zip(given).map(|(at, header)| keys.attribute(header, at)).collect();
        assert_eq!(given, ["a_b", "a-b", "a_b_2", "a_b_2_2", "column_5", "a_b_3"]);
    }

    #[test]
    fn a_reference_keeps_letters_of_any_script() {
        let mut keys = UsedKeys::default();
        assert_eq!(keys.reference(" Größe [cm]. ", 1), "Größe cm");
        assert_eq!(keys.reference("Größe {cm}", 2), "Größe cm 2");
        assert_eq!(keys.reference("作成日", 3), "作成日");
        assert_eq!(keys.reference("{{ }}", 4), "Column 4");
    }

    #[test]
    fn a_header_becomes_lower_case_ascii_joined_by_underscores() {
        for (text, expected) in [
            ("Ticket ID", "ticket_id"),
            ("Größe (cm)", "grosse_cm"),
            ("件名", "jian_ming"),
            ("__a.. b__", "a_b"),
            ("e-mail", "e-mail"),
            ("Приоритет", "prioritet"),
            ("100 %", "100"),
        ] {
            assert_eq!(slug(text), expected);
        }
    }

    #[test]
    fn a_text_without_letters_and_digits_becomes_empty() {
        assert_eq!(slug("(%) _"), "");
        assert_eq!(slug(""), "");
    }

    proptest::proptest! {
        #[test]
        fn a_slug_has_only_the_characters_of_an_attribute_key(text in ".*") {
            let slug = slug(&text);
            proptest::prop_assert!(
                slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c))
            );
            proptest::prop_assert!(!slug.starts_with('_') && !slug.ends_with('_') && !slug.contains("__"));
        }
    }
}
