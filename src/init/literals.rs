//! Writes headers and texts as MiniJinja literals, TOML strings and TOML comments.

use crate::printable::is_unprintable;

/// The expression `row['Exact Header']` of a column.
pub(super) fn column(header: &str) -> String {
    let quote = if header.contains('\'') && !header.contains('"') { '"' } else { '\'' };
    format!("row[{}]", quoted(header, quote))
}

/// A string in `quote`, with the escapes that MiniJinja and TOML share. It can hold any text.
fn quoted(text: &str, quote: char) -> String {
    let mut string = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => string.push_str("\\n"),
            '\r' => string.push_str("\\r"),
            '\t' => string.push_str("\\t"),
            c if c == quote || c == '\\' => string.extend(['\\', c]),
            c if is_unprintable(c) => string.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => string.push(c),
        }
    }
    string.push(quote);
    string
}

/// A TOML string of the kind that needs the fewest escapes.
pub(super) fn toml(text: &str) -> String {
    let has_control = text.contains(is_unprintable);
    let has_apostrophe_outside = text.starts_with('\'') || text.ends_with('\'');
    if !has_control && !text.contains(['"', '\\']) {
        format!("\"{text}\"")
    } else if !has_control && !text.contains('\'') {
        format!("'{text}'")
    } else if !has_control && !has_apostrophe_outside && !text.contains("'''") {
        format!("'''{text}'''")
    } else {
        quoted(text, '"')
    }
}

/// A TOML key, quoted only if needed.
pub(super) fn toml_key(key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if !key.is_empty() && key.chars().all(is_bare) { key.to_owned() } else { quoted(key, '"') }
}

/// A text for a TOML comment, which may not hold line breaks and control characters.
pub(super) fn comment(text: &str) -> String {
    text.replace(is_unprintable, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_gets_the_fewest_escapes() {
        for (header, expected) in [
            ("Ticket ID", r#""{{ row['Ticket ID'] }}""#),
            ("Customer's name", r#"'''{{ row["Customer's name"] }}'''"#),
            ("Size \"L\"", r#"'''{{ row['Size "L"'] }}'''"#),
            ("C:\\path", r#"'''{{ row['C:\\path'] }}'''"#),
            ("two\nlines", r#"'''{{ row['two\nlines'] }}'''"#),
            ("a\u{202e}b", r#"'''{{ row['a\u202eb'] }}'''"#),
            ("'\"'", r#"'''{{ row['\'"\''] }}'''"#),
            ("'''", r#""{{ row[\"'''\"] }}""#),
        ] {
            assert_eq!(toml(&format!("{{{{ {} }}}}", column(header))), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn every_text_is_read_back_from_toml(text in "(?s).*", bare in "(?s)['\"\\\\\n\u{0}a-z]{0,8}") {
            for text in [&text, &bare] {
                let document = format!("{} = {}", toml_key(text), toml(text));
                let table: toml::Table = toml::from_str(&document).unwrap();
                proptest::prop_assert_eq!(table.get(text), Some(&toml::Value::String(text.clone())));
            }
        }

        #[test]
        fn every_header_is_reached_from_a_template(
            any in "(?s).*",
            hostile in "(?s)[{}%#'\"\\\\\n\r\t\u{0}\u{85}\\[\\]nux0-9a-f ]{0,12}",
        ) {
            for header in [any, hostile] {
                let row = std::collections::BTreeMap::from([(header.clone(), "the cell")]);
                let template = format!("{{{{ {} }}}}", column(&header));
                let mut environment = minijinja::Environment::new();
                environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
                let rendered = environment.render_str(&template, minijinja::context! { row }).unwrap();
                proptest::prop_assert_eq!(rendered, "the cell");
            }
        }
    }
}
