//! Keeps MiniJinja from making the word None of none.
//!
//! Only the literal makes a none, and `~`, `join`, `upper` and other filters write it as the word. An `if` without
//! `else` makes an undefined value instead, which they all write as no text and which is no error. So the literal is
//! compiled as such an `if`.

use std::borrow::Cow;

use minijinja::Value;
use minijinja::value::ValueKind;

use super::lexer::{Lexeme, TemplatePart};

/// MiniJinja's undefined value that is no error.
const NOTHING: &str = "(0 if false)";

/// `template` without the literal none.
pub(super) fn without_none<'a>(template: &'a str, parts: &[TemplatePart<'a>]) -> Cow<'a, str> {
    let mut compiled = String::new();
    let mut done = 0;
    for part in parts {
        let lexemes = part.lexemes();
        for (index, lexeme) in lexemes.iter().enumerate() {
            let Lexeme::Name(name @ ("none" | "None")) = lexeme else { continue };
            if is_literal(&lexemes[..index], &lexemes[index + 1..]) {
                // The lexeme is a part of the template.
                let start = name.as_ptr() as usize - template.as_ptr() as usize;
                compiled.push_str(&template[done..start]);
                compiled.push_str(NOTHING);
                done = start + name.len();
            }
        }
    }
    if done == 0 {
        return template.into();
    }
    compiled.push_str(&template[done..]);
    compiled.into()
}

/// Whether the name none is the literal, and not a test, an attribute or the name of an argument.
fn is_literal(before: &[Lexeme<'_>], after: &[Lexeme<'_>]) -> bool {
    let is_other = matches!(
        before,
        [.., Lexeme::Name("is")]
            | [.., Lexeme::Name("is"), Lexeme::Name("not")]
            | [.., Lexeme::Sign('.' | '|')]
    );
    let is_argument = matches!(after, [Lexeme::Sign('='), second, ..] if *second != Lexeme::Sign('='));
    !is_other && !is_argument
}

/// The test `is none`, also for the value that stands for the literal.
pub(super) fn is_none(value: &Value) -> bool {
    value.is_none() || value.is_undefined()
}

/// Whether a value is a list or map with none in it, which its text would name.
pub(super) fn holds_none(value: &Value) -> bool {
    let is_or_holds = |item: &Value| is_none(item) || holds_none(item);
    let mut items = match value.kind() {
        ValueKind::Seq | ValueKind::Map => match value.try_iter() {
            Ok(items) => items,
            Err(_) => return false,
        },
        _ => return false,
    };
    match value.kind() {
        ValueKind::Map => {
            items.any(|key| is_none(&key) || value.get_item(&key).is_ok_and(|item| is_or_holds(&item)))
        }
        _ => items.any(|item| is_or_holds(&item)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::lexer::parts;
    use super::*;

    #[test]
    fn only_the_literal_is_replaced() {
        for (template, expected) in [
            ("{{ none }}", "{{ X }}"),
            ("{{- None ~ 'none' -}} none", "{{- X ~ 'none' -}} none"),
            ("{% set b = none %}{{ [a, none] }}", "{% set b = X %}{{ [a, X] }}"),
            ("{{ a if a else none }}", "{{ a if a else X }}"),
            ("{{ a == none or none == a }}", "{{ a == X or X == a }}"),
            ("{{ f(none=1, b=none) }}", "{{ f(none=1, b=X) }}"),
            ("{{ a is none and a is not none and not none }}", "{{ a is none and a is not none and not X }}"),
            ("{{ a.none }}{{ a|none }}{{ nonesuch }}", "{{ a.none }}{{ a|none }}{{ nonesuch }}"),
            ("{# none #}{% raw %}{{ none }}{% endraw %}", "{# none #}{% raw %}{{ none }}{% endraw %}"),
        ] {
            assert_eq!(without_none(template, &parts(template)), expected.replace('X', NOTHING));
        }
    }
}
