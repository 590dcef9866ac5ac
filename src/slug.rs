//! Conversion of any text to a key of `Attributes`, which allows A-Z, a-z, 0-9, - and _ only.

use deunicode::deunicode;

/// Transliterates to lower-case ASCII: `Größe (cm)` to `grosse_cm`, `件名` to `jian_ming`. A text without letters and
/// digits becomes empty.
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

#[cfg(test)]
mod tests {
    use super::slug;

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
