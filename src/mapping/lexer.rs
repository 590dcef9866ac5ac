//! The words of a template, as far as this project must know them: which columns and filters it names.
//!
//! It splits as MiniJinja splits, and leaves what the words mean to MiniJinja.

/// A part of a template.
#[derive(Debug, PartialEq)]
pub(super) enum Part<'a> {
    /// Text outside of any block.
    Text(&'a str),
    /// The inside of `{{ … }}`.
    Expression(Vec<Word<'a>>),
    /// The inside of `{% … %}`.
    Statement(Vec<Word<'a>>),
    /// What the fast ways do not understand: a comment, white-space control, an open end.
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
            Part::Expression(words) | Part::Statement(words) => words,
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
        let inside = &rest[at + 2..];
        let opening = rest.as_bytes()[at + 1];
        if opening == b'#' || inside.starts_with(['-', '+']) {
            parts.push(Part::Other);
            rest =
                if opening == b'#' { inside.split_once("#}").map_or("", |(_, rest)| rest) } else { inside };
            continue;
        }
        let closing = if opening == b'{' { "}}" } else { "%}" };
        match words(inside, closing) {
            Some((words, after)) if opening == b'{' => {
                parts.push(Part::Expression(words));
                rest = after;
            }
            Some((words, after)) => {
                parts.push(Part::Statement(words));
                rest = after;
            }
            None => {
                parts.push(Part::Other);
                rest = "";
            }
        }
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
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

/// The headers that words name as `row['Header']`, where they are written without escapes.
pub(super) fn headers<'a>(words: &'a [Word<'_>]) -> impl Iterator<Item = &'a str> {
    words.windows(4).filter_map(|four| match four {
        [Word::Name("row"), Word::Sign('['), Word::Text(header), Word::Sign(']')]
            if !header.contains('\\') =>
        {
            Some(*header)
        }
        _ => None,
    })
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
        for template in ["{# no #}", "{{- a }}", "{{ a", "{{ 'a }}"] {
            assert!(parts(template).contains(&Part::Other), "{template}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fail(text in "[{}%#'\"a|\\[\\]. \\\\-]{0,30}") {
            parts(&text);
        }
    }
}
