//! Any text as a key of Amazon Connect's attributes, which has only A-Z, a-z, 0-9, - and _.

use deunicode::deunicode;

/// `Größe (cm)` becomes `grosse_cm`, `件名` becomes `jian_ming`. May come out empty.
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
    fn any_header_becomes_lower_case_words_joined_by_underscores() {
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
    fn a_text_without_letters_is_an_empty_slug() {
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
