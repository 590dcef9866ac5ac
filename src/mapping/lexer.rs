//! Splits a template into its blocks and their lexemes, to find the columns and filters that it names.
//!
//! The syntax is MiniJinja's. MiniJinja publishes neither its lexer nor the filters of a template, and its
//! `undeclared_variables` does not list `row['Exact Header']`.

use std::borrow::Cow;

use super::bounds::KEPT;

/// A part of a template.
#[derive(Debug, PartialEq)]
pub(super) enum TemplatePart<'a> {
    /// Text outside of any block.
    Text(&'a str),
    /// The inside of `{{ … }}`.
    Expression(Vec<Lexeme<'a>>),
    /// The inside of `{% … %}`, or of any block with white-space control, such as `{{- … }}`.
    Statement(Vec<Lexeme<'a>>),
    /// A part without names: a comment, raw text, or a block that is never closed.
    Opaque,
}

/// A lexeme inside of a block.
#[derive(Debug, PartialEq, Clone)]
pub(super) enum Lexeme<'a> {
    /// A name or keyword.
    Name(&'a str),
    /// The inside of a string literal, with its escapes.
    Text(&'a str),
    /// A number.
    Number(&'a str),
    /// Any other character.
    Sign(char),
}

impl TemplatePart<'_> {
    /// The lexemes of a block; empty for other parts.
    pub(super) fn lexemes(&self) -> &[Lexeme<'_>] {
        match self {
            TemplatePart::Expression(lexemes) | TemplatePart::Statement(lexemes) => lexemes,
            TemplatePart::Text(_) | TemplatePart::Opaque => &[],
        }
    }
}

/// Whether `text` has template syntax.
pub(super) fn is_template(text: &str) -> bool {
    next_block(text).is_some()
}

/// The parts of `template`, in order.
pub(super) fn parts(template: &str) -> Vec<TemplatePart<'_>> {
    let mut parts = Vec::new();
    for_each_part(template, |part, _| parts.push(part));
    parts
}

/// Calls `visit` with each part of `template` and the text after it.
fn for_each_part<'a>(template: &'a str, mut visit: impl FnMut(TemplatePart<'a>, &'a str)) {
    let mut rest = template;
    while let Some(at) = next_block(rest) {
        if at > 0 {
            visit(TemplatePart::Text(&rest[..at]), &rest[at..]);
        }
        let mut inside = &rest[at + 2..];
        let opening = rest.as_bytes()[at + 1];
        if opening == b'#' {
            rest = inside.split_once("#}").map_or("", |(_, rest)| rest);
            visit(TemplatePart::Opaque, rest);
            continue;
        }
        let mut is_trimmed = false;
        if let Some(after) = inside.strip_prefix(['-', '+']) {
            (inside, is_trimmed) = (after, true);
        }
        let Some((mut lexemes, after)) = lex_block(inside, if opening == b'{' { "}}" } else { "%}" }) else {
            rest = "";
            visit(TemplatePart::Opaque, rest);
            continue;
        };
        rest = after;
        if let Some(Lexeme::Sign('-' | '+')) = lexemes.last() {
            lexemes.pop();
            is_trimmed = true;
        }
        let part = match opening {
            b'%' if lexemes == [Lexeme::Name("raw")] => {
                rest = after_raw(rest);
                TemplatePart::Opaque
            }
            b'{' if !is_trimmed => TemplatePart::Expression(lexemes),
            _ => TemplatePart::Statement(lexemes),
        };
        visit(part, rest);
    }
    if !rest.is_empty() {
        visit(TemplatePart::Text(rest), "");
    }
}

/// The text after `{% endraw %}`.
fn after_raw(text: &str) -> &str {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("{%") {
        let inside = after.trim_start_matches(['-', '+']).trim_start();
        if inside.starts_with("endraw") {
            return inside.split_once("%}").map_or("", |(_, rest)| rest);
        }
        rest = after;
    }
    ""
}

/// The beginning of the next block. Each byte is looked at once, whatever blocks follow.
fn next_block(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'{', bytes).find(|at| matches!(bytes.get(at + 1), Some(b'{' | b'%' | b'#')))
}

/// The lexemes up to `closing` and the text after it; none if the block is never closed.
fn lex_block<'a>(mut rest: &'a str, closing: &str) -> Option<(Vec<Lexeme<'a>>, &'a str)> {
    let mut lexemes = Vec::new();
    loop {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let length = if let Some(after) = rest.strip_prefix(closing) {
            return Some((lexemes, after));
        } else if first == '\'' || first == '"' {
            let inside = &rest[1..];
            let end = end_of_string(inside, first)?;
            lexemes.push(Lexeme::Text(&inside[..end]));
            end + 2
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            lexemes.push(Lexeme::Name(&rest[..end]));
            end
        } else if first.is_ascii_digit() {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '.' && c != '_').unwrap_or(rest.len());
            lexemes.push(Lexeme::Number(&rest[..end]));
            end
        } else {
            lexemes.push(Lexeme::Sign(first));
            first.len_utf8()
        };
        rest = &rest[length..];
    }
}

/// The end of the string literal that `quote` opened. A backslash escapes the next character.
fn end_of_string(text: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    text.find(|c| {
        let is_end = !is_escaped && c == quote;
        is_escaped = !is_escaped && c == '\\';
        is_end
    })
}

/// Number of operators in a block, and of calls, members, tests and filters, which MiniJinja nests as well.
pub(super) fn operators(lexemes: &[Lexeme<'_>]) -> usize {
    let is_operand = |lexeme: &Lexeme<'_>| match lexeme {
        Lexeme::Name(_) | Lexeme::Text(_) | Lexeme::Number(_) => true,
        Lexeme::Sign(sign) => ")]".contains(*sign),
    };
    let is_operator = |at: &usize| match lexemes[*at] {
        Lexeme::Name(word) => ["and", "or", "not", "is", "if"].contains(&word),
        Lexeme::Sign('[' | '(') => *at > 0 && is_operand(&lexemes[*at - 1]),
        // Not of a negative number, of which a list may have many.
        Lexeme::Sign('-') => {
            *at > 0 && is_operand(&lexemes[*at - 1])
                || !matches!(lexemes.get(*at + 1), Some(Lexeme::Number(_)))
        }
        Lexeme::Sign(sign) => "~+*/%|.".contains(sign),
        Lexeme::Text(_) | Lexeme::Number(_) => false,
    };
    (0..lexemes.len()).filter(is_operator).count()
}

/// `template` with every value that it assigns to a namespace put through the filter [`KEPT`].
pub(super) fn with_guarded_namespaces(template: &str) -> String {
    let mut guarded = String::with_capacity(template.len());
    let mut done = 0;
    for_each_part(template, |part, rest| {
        if let [
            Lexeme::Name("set"),
            Lexeme::Name(space),
            Lexeme::Sign('.'),
            Lexeme::Name(name),
            Lexeme::Sign('='),
            ..,
        ] = part.lexemes()
        {
            let end = template.len() - rest.len();
            guarded.push_str(&template[done..end]);
            // The white space after the block is trimmed as before.
            let trim = if template[..end].ends_with("-%}") { "-" } else { "" };
            guarded.push_str(&format!("{{% set {space}.{name} = {space}.{name}|{KEPT} {trim}%}}"));
            done = end;
        }
    });
    guarded.push_str(&template[done..]);
    guarded
}

/// The header of each use of `row` in a block, as in `row['Header']` and `row.header`; none for a use that
/// does not spell it out, such as `row[name]`.
pub(super) fn uses_of_row<'a>(lexemes: &'a [Lexeme<'a>]) -> impl Iterator<Item = Option<Cow<'a, str>>> {
    let is_row = |at: &usize| {
        // In `x.row` it is a member of something else.
        lexemes[*at] == Lexeme::Name("row") && (*at == 0 || lexemes[*at - 1] != Lexeme::Sign('.'))
    };
    (0..lexemes.len()).filter(is_row).map(|at| match &lexemes[at + 1..] {
        [Lexeme::Sign('['), Lexeme::Text(header), Lexeme::Sign(']'), ..] => unescaped(header),
        // A method.
        [Lexeme::Sign('.'), Lexeme::Name(_), Lexeme::Sign('('), ..] => None,
        [Lexeme::Sign('.'), Lexeme::Name(header), ..] => Some(Cow::Borrowed(*header)),
        _ => None,
    })
}

/// The names that a statement assigns.
pub(super) fn assigned<'a>(lexemes: &'a [Lexeme<'a>]) -> impl Iterator<Item = &'a str> {
    let end = match lexemes.first() {
        Some(Lexeme::Name("set" | "with" | "macro")) => lexemes.len(),
        Some(Lexeme::Name("for")) => {
            lexemes.iter().position(|lexeme| *lexeme == Lexeme::Name("in")).unwrap_or(0)
        }
        _ => 0,
    };
    lexemes[..end].iter().skip(1).filter_map(|lexeme| match lexeme {
        Lexeme::Name(name) => Some(*name),
        Lexeme::Text(_) | Lexeme::Number(_) | Lexeme::Sign(_) => None,
    })
}

/// The value of a string literal; none if it has an escape such as `\\x`, which headers do not need.
fn unescaped<'a>(literal: &'a str) -> Option<Cow<'a, str>> {
    if !literal.contains('\\') {
        return Some(Cow::Borrowed(literal));
    }
    let mut text = String::with_capacity(literal.len());
    let mut characters = literal.chars();
    while let Some(c) = characters.next() {
        text.push(match c {
            '\\' => match characters.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                quoted @ ('\'' | '"' | '\\') => quoted,
                _ => return None,
            },
            plain => plain,
        });
    }
    Some(text.into())
}

/// The names of the filters in a block.
pub(super) fn filters<'a>(lexemes: &'a [Lexeme<'_>]) -> impl Iterator<Item = &'a str> {
    let piped = lexemes.windows(2).filter_map(|two| match two {
        [Lexeme::Sign('|'), Lexeme::Name(filter)] => Some(*filter),
        _ => None,
    });
    let block = match lexemes {
        [Lexeme::Name("filter"), Lexeme::Name(filter), ..] => Some(*filter),
        _ => None,
    };
    piped.chain(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_split_into_text_and_blocks() {
        let all = parts("a {{ row['x }} y'] | upper }} b {% if c %}d{% endif %}");
        assert_eq!(all.len(), 6);
        assert_eq!(all[0], TemplatePart::Text("a "));
        assert_eq!(uses_of_row(all[1].lexemes()).collect::<Vec<_>>(), [Some("x }} y".into())]);
        assert_eq!(filters(all[1].lexemes()).collect::<Vec<_>>(), ["upper"]);
        assert_eq!(all[3], TemplatePart::Statement(vec![Lexeme::Name("if"), Lexeme::Name("c")]));
    }

    #[test]
    fn parts_without_names_are_opaque() {
        for template in ["{# no #}", "{{ a", "{{ 'a }}", "{% raw %}{{ a }}{% endraw %}"] {
            assert_eq!(parts(template), [TemplatePart::Opaque], "{template}");
        }
        for template in ["{{- a }}", "{{ a -}}", "{%+ a %}"] {
            assert_eq!(parts(template), [TemplatePart::Statement(vec![Lexeme::Name("a")])], "{template}");
        }
    }

    #[test]
    fn headers_are_found_in_every_notation() {
        for (template, header) in [
            ("{{- row['a'] }}", "a"),
            ("{{ row.a | upper }}", "a"),
            (r"{{ row['it\'s'] }}", "it's"),
            ("{% raw %}{{ row['no'] }}{%- endraw %}{{ row['a'] }}", "a"),
        ] {
            let all = parts(template);
            let found: Vec<_> = all.iter().flat_map(|part| uses_of_row(part.lexemes())).collect();
            assert_eq!(found, [Some(header.into())], "{template}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[{}%#'\"a|\\[\\]. \\\\-]{0,30}") {
            parts(&text);
        }
    }
}
