//! Keeps MiniJinja from making the word None of none.
//!
//! Only the literal makes a none, and `~`, `join`, `upper` and other filters write it as the word. An `if` without
//! `else` makes an undefined value instead, which they all write as no text and which is no error. So the literal is
//! compiled as such an `if`.

use std::borrow::Cow;

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};

use super::bounds::charge_visit;
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

/// Whether a value is a list or map with none in it, which its text would name. Each visited value is charged as its text
/// will be: entries that share one value are written each.
///
/// # Errors
/// The template exceeds its bounds.
pub(super) fn holds_none(state: &State, value: &Value) -> Result<bool, Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Map => entries_hold_none(state, value, 0),
        _ => Ok(false),
    }
}

fn entries_hold_none(state: &State, value: &Value, depth: usize) -> Result<bool, Error> {
    charge_visit(state, value, depth)?;
    let is_map = match value.kind() {
        ValueKind::Seq => false,
        ValueKind::Map => true,
        _ => return Ok(false),
    };
    let Ok(items) = value.try_iter() else { return Ok(false) };
    let mut holds = false;
    for item in items {
        let entry = if is_map { value.get_item(&item).ok() } else { None };
        for part in [Some(item), entry].into_iter().flatten() {
            holds |= is_none(&part) | entries_hold_none(state, &part, depth + 1)?;
        }
    }
    Ok(holds)
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
