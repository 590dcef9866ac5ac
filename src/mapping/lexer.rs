//! The words of a template, as far as this project must know them: which columns and filters it names.
//!
//! It splits as MiniJinja splits, and leaves what the words mean to MiniJinja.

use std::borrow::Cow;

/// A part of a template.
#[derive(Debug, PartialEq)]
pub(super) enum Part<'a> {
    /// Text outside of any block.
    Text(&'a str),
    /// The inside of `{{ … }}`.
    Expression(Vec<Word<'a>>),
    /// The inside of `{% … %}`.
    Statement(Vec<Word<'a>>),
    /// Either of them with white-space control, which is the engine's to understand.
    Controlled(Vec<Word<'a>>),
    /// What names nothing: a comment, raw text, an open end.
    Other,
}

/// A word inside of a block.
#[derive(Debug, PartialEq, Clone)]
pub(super) enum Word<'a> {
    /// A name or keyword.
    Name(&'a str),
    /// The inside of a string literal, as it is written.
    Text(&'a str),
    /// A number, as it is written.
    Number(&'a str),
    /// Any other character.
    Sign(char),
}

impl Part<'_> {
    /// The words; none outside of a block.
    pub(super) fn words(&self) -> &[Word<'_>] {
        match self {
            Part::Expression(words) | Part::Statement(words) | Part::Controlled(words) => words,
            Part::Text(_) | Part::Other => &[],
        }
    }
}

/// Whether there is anything in `text` for the engine to do.
pub(super) fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|open| text.contains(open))
}

/// The parts of `template`, in order.
pub(super) fn parts(template: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(at) = next_block(rest) {
        if at > 0 {
            parts.push(Part::Text(&rest[..at]));
        }
        let mut inside = &rest[at + 2..];
        let opening = rest.as_bytes()[at + 1];
        if opening == b'#' {
            parts.push(Part::Other);
            rest = inside.split_once("#}").map_or("", |(_, rest)| rest);
            continue;
        }
        let mut controlled = false;
        if let Some(after) = inside.strip_prefix(['-', '+']) {
            (inside, controlled) = (after, true);
        }
        let Some((mut words, after)) = words(inside, if opening == b'{' { "}}" } else { "%}" }) else {
            parts.push(Part::Other);
            rest = "";
            continue;
        };
        rest = after;
        if let Some(Word::Sign('-' | '+')) = words.last() {
            words.pop();
            controlled = true;
        }
        parts.push(match opening {
            b'%' if words == [Word::Name("raw")] => {
                rest = after_raw(rest);
                Part::Other
            }
            _ if controlled => Part::Controlled(words),
            b'{' => Part::Expression(words),
            _ => Part::Statement(words),
        });
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

/// What follows the end of raw text.
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

fn next_block(text: &str) -> Option<usize> {
    ["{{", "{%", "{#"].iter().filter_map(|open| text.find(open)).min()
}

/// The words up to `closing`, and what follows it; none if the block is never closed.
fn words<'a>(mut rest: &'a str, closing: &str) -> Option<(Vec<Word<'a>>, &'a str)> {
    let mut words = Vec::new();
    loop {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let length = if let Some(after) = rest.strip_prefix(closing) {
            return Some((words, after));
        } else if first == '\'' || first == '"' {
            let inside = &rest[1..];
            let end = end_of_string(inside, first)?;
            words.push(Word::Text(&inside[..end]));
            end + 2
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            words.push(Word::Name(&rest[..end]));
            end
        } else if first.is_ascii_digit() {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '.' && c != '_').unwrap_or(rest.len());
            words.push(Word::Number(&rest[..end]));
            end
        } else {
            words.push(Word::Sign(first));
            first.len_utf8()
        };
        rest = &rest[length..];
    }
}

/// Where the string ends that `quote` opened; a backslash takes the next character with it.
fn end_of_string(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return Some(at);
        }
    }
    None
}

/// The headers that words name, as `row['Header']` or `row.header`.
pub(super) fn headers<'a>(words: &'a [Word<'a>]) -> impl Iterator<Item = Cow<'a, str>> {
    (0..words.len()).filter_map(|at| match &words[at..] {
        [Word::Name("row"), Word::Sign('['), Word::Text(header), Word::Sign(']'), ..] => unescaped(header),
        // A method is the engine's to know.
        [Word::Name("row"), Word::Sign('.'), Word::Name(_), Word::Sign('('), ..] => None,
        [Word::Name("row"), Word::Sign('.'), Word::Name(header), ..] => Some(Cow::Borrowed(*header)),
        _ => None,
    })
}

/// Whether words use `row` in a way that does not spell out which columns.
pub(super) fn hides_columns(words: &[Word<'_>]) -> bool {
    (0..words.len()).any(|at| match &words[at..] {
        [Word::Name("row"), Word::Sign('['), Word::Text(header), Word::Sign(']'), ..] => {
            unescaped(header).is_none()
        }
        [Word::Name("row"), Word::Sign('.'), Word::Name(_), Word::Sign('('), ..] => true,
        [Word::Name("row"), Word::Sign('.'), Word::Name(_), ..] => false,
        // A column of that name is another's member, as in x.row.
        [Word::Name("row"), ..] => at == 0 || words[at - 1] != Word::Sign('.'),
        _ => false,
    })
}

/// The names that a statement gives values to.
pub(super) fn assigned<'a>(words: &'a [Word<'a>]) -> impl Iterator<Item = &'a str> {
    let end = match words.first() {
        Some(Word::Name("set" | "with" | "macro")) => words.len(),
        Some(Word::Name("for")) => words.iter().position(|word| *word == Word::Name("in")).unwrap_or(0),
        _ => 0,
    };
    words[..end].iter().skip(1).filter_map(|word| match word {
        Word::Name(name) => Some(*name),
        Word::Text(_) | Word::Number(_) | Word::Sign(_) => None,
    })
}

/// The string that a literal stands for; none where it has an escape that is seldom in a header.
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

/// The filters that words name.
pub(super) fn filters<'a>(words: &'a [Word<'_>]) -> impl Iterator<Item = &'a str> {
    let piped = words.windows(2).filter_map(|two| match two {
        [Word::Sign('|'), Word::Name(filter)] => Some(*filter),
        _ => None,
    });
    let block = match words {
        [Word::Name("filter"), Word::Name(filter), ..] => Some(*filter),
        _ => None,
    };
    piped.chain(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_falls_into_text_and_blocks() {
        let all = parts("a {{ row['x }} y'] | upper }} b {% if c %}d{% endif %}");
        assert_eq!(all.len(), 6);
        assert_eq!(all[0], Part::Text("a "));
        assert_eq!(headers(all[1].words()).collect::<Vec<_>>(), ["x }} y"]);
        assert_eq!(filters(all[1].words()).collect::<Vec<_>>(), ["upper"]);
        assert_eq!(all[3], Part::Statement(vec![Word::Name("if"), Word::Name("c")]));
    }

    #[test]
    fn what_is_not_understood_is_left_to_the_engine() {
        for template in ["{# no #}", "{{ a", "{{ 'a }}", "{% raw %}{{ a }}{% endraw %}"] {
            assert_eq!(parts(template), [Part::Other], "{template}");
        }
        for template in ["{{- a }}", "{{ a -}}", "{%+ a %}"] {
            assert_eq!(parts(template), [Part::Controlled(vec![Word::Name("a")])], "{template}");
        }
    }

    #[test]
    fn headers_are_found_however_they_are_written() {
        for (template, header) in [
            ("{{- row['a'] }}", "a"),
            ("{{ row.a | upper }}", "a"),
            (r"{{ row['it\'s'] }}", "it's"),
            ("{% raw %}{{ row['no'] }}{%- endraw %}{{ row['a'] }}", "a"),
        ] {
            let all = parts(template);
            let found: Vec<_> = all.iter().flat_map(|part| headers(part.words())).collect();
            assert_eq!(found, [header], "{template}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fail(text in "[{}%#'\"a|\\[\\]. \\\\-]{0,30}") {
            parts(&text);
        }
    }
}
