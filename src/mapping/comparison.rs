//! Finds comparisons of a cell, which is text, with a value that no text equals. MiniJinja orders texts and numbers by
//! their types, so such a comparison never depends on what is in the cell.

use super::lexer::Lexeme;

/// Filters whose result of a text is a text.
const TEXT_FILTERS: [&str; 17] = [
    "capitalize",
    "d",
    "default",
    "escape",
    "iso",
    "lookup",
    "lower",
    "replace",
    "required",
    "slug",
    "string",
    "title",
    "tojson",
    "trim",
    "truncate",
    "upper",
    "urlencode",
];

/// Tests that compare, as in `count is gt 3`.
const COMPARING_TESTS: [&str; 10] =
    ["eq", "equalto", "ne", "lt", "lessthan", "le", "gt", "greaterthan", "ge", "sameas"];

/// Words that no operand begins with.
const WORDS: [&str; 6] = ["and", "or", "if", "else", "is", "in"];

/// The kind of an operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operand<'a> {
    /// A column, or one whose filters leave it a text.
    Cell,
    /// A value that is no text, as it is written: `3`, `true`.
    NoText(&'a str),
    /// A list with such a value, the first of them.
    ListWith(&'a str),
    /// Anything else.
    Other,
}

/// The first value that is no text and that a cell is compared with, or looked up among.
pub(super) fn compared_with_text<'a>(lexemes: &[Lexeme<'a>]) -> Option<&'a str> {
    (0..lexemes.len()).filter(|at| is_start(&lexemes[..*at])).find_map(|at| {
        let (left, rest) = operand(&lexemes[at..]);
        let (is_membership, rest) = comparison(rest)?;
        let (right, rest) = operand(rest);
        // `count == 3 * size`, or a filter of the literal.
        if matches!(rest, [Lexeme::Sign(sign), ..] if "|+-*/%~".contains(*sign)) {
            return None;
        }
        match (left, right) {
            (Operand::Cell, Operand::ListWith(value)) if is_membership => Some(value),
            (Operand::Cell, Operand::NoText(value)) | (Operand::NoText(value), Operand::Cell)
                if !is_membership =>
            {
                Some(value)
            }
            _ => None,
        }
    })
}

/// Whether an operand may begin after these lexemes that is a whole side of a comparison.
fn is_start(before: &[Lexeme<'_>]) -> bool {
    match before {
        [] | [.., Lexeme::Sign('(' | ',')] => true,
        [.., Lexeme::Name(word)] => ["and", "or", "not", "if", "else"].contains(word),
        _ => false,
    }
}

/// The comparison that the lexemes begin with, and what follows it: whether it is one with a list.
fn comparison<'l, 'a>(lexemes: &'l [Lexeme<'a>]) -> Option<(bool, &'l [Lexeme<'a>])> {
    use Lexeme::{Name, Sign};
    Some(match lexemes {
        [Sign('=' | '!' | '<' | '>'), Sign('='), rest @ ..] | [Sign('<' | '>'), rest @ ..] => (false, rest),
        [Name("in"), rest @ ..]
        | [Name("not"), Name("in"), rest @ ..]
        | [Name("is"), Name("in"), rest @ ..]
        | [Name("is"), Name("not"), Name("in"), rest @ ..] => (true, rest),
        [Name("is"), Name("not"), Name(test), rest @ ..] | [Name("is"), Name(test), rest @ ..]
            if COMPARING_TESTS.contains(test) =>
        {
            (false, rest)
        }
        _ => return None,
    })
}

/// The operand that the lexemes begin with, its filters included, and what follows it.
fn operand<'l, 'a>(lexemes: &'l [Lexeme<'a>]) -> (Operand<'a>, &'l [Lexeme<'a>]) {
    use Lexeme::{Name, Number, Sign, Text};
    let (mut value, mut rest) = match lexemes {
        [Name("row"), Sign('['), Text(_), Sign(']'), rest @ ..]
        | [Name("row"), Sign('.'), Name(_), rest @ ..] => (Operand::Cell, rest),
        [Name(value @ ("true" | "false" | "True" | "False")), rest @ ..] => (Operand::NoText(value), rest),
        [Name("none" | "None" | "row"), rest @ ..] => (Operand::Other, rest),
        [Name(word), ..] if WORDS.contains(word) => return (Operand::Other, lexemes),
        [Name(_), rest @ ..] => (Operand::Cell, rest),
        [Number(number), rest @ ..] | [Sign('-'), Number(number), rest @ ..] => {
            (Operand::NoText(number), rest)
        }
        [Text(_), rest @ ..] => (Operand::Other, rest),
        [Sign('('), inside @ ..] => match operand(inside) {
            (value, [Sign(')'), rest @ ..]) => (value, rest),
            _ => (Operand::Other, after_bracket(lexemes)),
        },
        [Sign('['), inside @ ..] => {
            let rest = after_bracket(lexemes);
            let inside = &inside[..inside.len() - rest.len()];
            let value = inside.iter().find_map(|lexeme| match lexeme {
                Number(value) | Name(value @ ("true" | "false")) => Some(Operand::ListWith(value)),
                _ => None,
            });
            // Only of a plain list is it known what it holds.
            let is_plain = inside.iter().all(|lexeme| {
                matches!(lexeme, Number(_) | Text(_) | Name("true" | "false") | Sign(',' | ']' | '-'))
            });
            (value.filter(|_| is_plain).unwrap_or(Operand::Other), rest)
        }
        [_, rest @ ..] => (Operand::Other, rest),
        [] => (Operand::Other, lexemes),
    };
    loop {
        rest = match rest {
            [Sign('|'), Name(filter), after @ ..] => {
                // `default(3, true)` makes a number of an empty cell.
                let is_text = !filter.starts_with('d') || matches!(after, [Sign('('), Text(_), ..]);
                if value != Operand::Cell || !TEXT_FILTERS.contains(filter) || !is_text {
                    value = Operand::Other;
                }
                if let [Sign('('), ..] = after { after_bracket(after) } else { after }
            }
            // A call, an index or an operation.
            [Sign('(' | '['), ..] => {
                value = Operand::Other;
                after_bracket(rest)
            }
            [Sign('.' | '+' | '-' | '*' | '/' | '%' | '~'), after @ ..] => {
                value = Operand::Other;
                after
            }
            _ => return (value, rest),
        }
    }
}

/// The lexemes after the bracket that they begin with.
fn after_bracket<'l, 'a>(lexemes: &'l [Lexeme<'a>]) -> &'l [Lexeme<'a>] {
    let mut depth = 0_usize;
    for (at, lexeme) in lexemes.iter().enumerate() {
        match lexeme {
            Lexeme::Sign('(' | '[' | '{') => depth += 1,
            Lexeme::Sign(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return &lexemes[at + 1..];
        }
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::super::lexer;
    use super::*;

    fn found(expression: &str) -> Option<String> {
        let text = format!("{{{{ ({expression}) }}}}");
        let parts = lexer::parts(&text);
        parts.iter().find_map(|part| compared_with_text(part.lexemes()).map(str::to_owned))
    }

    #[test]
    fn a_cell_is_never_equal_to_a_number_or_a_truth_value() {
        for (expression, value) in [
            ("count == 3", "3"),
            ("3 != count", "3"),
            ("count > -1", "1"),
            ("(count) == 3", "3"),
            ("count == (3)", "3"),
            ("row['Count'] >= 3.5", "3.5"),
            ("not row.count == 3", "3"),
            ("count | trim == 3", "3"),
            ("(count | replace('a', 'b') | upper) < 3", "3"),
            ("status == true", "true"),
            ("status == 'x' and (count == 3 or x)", "3"),
            ("count | default('3') == 3", "3"),
            ("count in [1, 2]", "1"),
            ("count not in ['x', 2]", "2"),
            ("(count | trim) in [1]", "1"),
            ("count is eq 3", "3"),
            ("count is not gt(3)", "3"),
            ("count is in [3]", "3"),
            ("x if count == 3 else y == 4", "3"),
        ] {
            assert_eq!(found(expression).as_deref(), Some(value), "{expression}");
        }
    }

    #[test]
    fn other_comparisons_are_possible() {
        for expression in [
            "count == '3'",
            "(count | int) == 3",
            "count | int in [1, 2]",
            "3 < count | length",
            "row | length == 3",
            "count ~ 'x' == 3",
            "count in ['1', '2']",
            "'1' in count",
            "1 in [1, 2] and count == '1'",
            "count == 3 ~ ''",
            "count == 3 | string",
            "f(count) == 3",
            "count[0] == 3",
            "count is startingwith '3'",
            "count == none",
            "count in [1 | string]",
            "count | default(3, true) == 3",
            "status == 'x' and 3 == 3",
        ] {
            assert_eq!(found(expression), None, "{expression}");
        }
    }
}
