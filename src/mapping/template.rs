//! One string of the mapping: a literal, a plain template, or a MiniJinja template.
//!
//! Most mappings consist of text and columns with filters, such as `HD-{{ ticket_id | truncate(9) }}`. Such a
//! plain template is rendered without MiniJinja, which takes a fraction of the time.

use std::borrow::Cow;

use super::bounds::ROW_BYTES;
use super::columns::{Columns, RowView};
use super::error::RenderError;
use super::filters::{Argument, Arguments, FilterStep, OWN, Tables};
use super::lexer::{Lexeme, TemplatePart};

/// A compiled string.
#[derive(Debug, Clone)]
pub(super) enum Template {
    /// A string without template syntax.
    Literal(String),
    /// Text and columns with filters.
    Plain(Vec<PlainPart>),
    /// The name of a template in the compiler's MiniJinja environment.
    Engine(String),
}

/// A part of a plain template.
#[derive(Debug, Clone)]
pub(super) enum PlainPart {
    /// Literal text.
    Text(String),
    /// A column, by index, and the filters applied to it.
    Cell(usize, Vec<FilterStep>),
}

impl Template {
    /// Whether this is the literal `text`.
    pub(super) fn is_literal(&self, text: &str) -> bool {
        matches!(self, Template::Literal(own) if own == text)
    }

    /// The text if it can be borrowed: a literal, or a column that its filters leave as it is.
    #[inline]
    pub(super) fn borrowed<'a>(&'a self, row: &RowView<'a>) -> Option<&'a str> {
        match self {
            Template::Literal(text) => Some(text),
            Template::Plain(parts) => match &parts[..] {
                [PlainPart::Cell(column, steps)] => {
                    steps.iter().try_fold(row.cell(*column), |text, step| step.borrowed(text))
                }
                _ => None,
            },
            Template::Engine(_) => None,
        }
    }
}

impl PlainPart {
    /// # Errors
    /// A filter refuses the cell, or the row exceeds its bounds.
    pub(super) fn render<'a>(&'a self, row: &RowView<'a>) -> Result<Cow<'a, str>, RenderError> {
        match self {
            PlainPart::Text(text) => Ok(text.as_str().into()),
            PlainPart::Cell(column, steps) => {
                let cell = Cow::Borrowed(row.cell(*column));
                steps.iter().try_fold(cell, |text, step| {
                    if step.most_bytes(&text) > ROW_BYTES {
                        return Err(RenderError::TooExpensive);
                    }
                    let text = step.apply(text)?;
                    if let Cow::Owned(text) = &text {
                        row.charge(text.len())?;
                    }
                    Ok(text)
                })
            }
        }
    }
}

/// The names that MiniJinja defines itself; a column of such a name needs MiniJinja.
const KEYWORDS: [&str; 9] = ["row", "true", "false", "none", "True", "False", "None", "not", "loop"];

/// The parts of a plain template; none if only MiniJinja can render it.
///
/// # Errors
/// An unknown column, or arguments that a filter does not accept.
pub(super) fn plain_parts(
    parts: &[TemplatePart<'_>],
    columns: &Columns,
    tables: &Tables,
) -> Result<Option<Vec<PlainPart>>, String> {
    let mut plain = Vec::with_capacity(parts.len());
    for (index, part) in parts.iter().enumerate() {
        match part {
            // MiniJinja removes the last line break of a template.
            TemplatePart::Text(text) if index + 1 == parts.len() && text.ends_with(['\n', '\r']) => {
                return Ok(None);
            }
            TemplatePart::Text(text) => plain.push(PlainPart::Text((*text).to_owned())),
            TemplatePart::Expression(lexemes) => match plain_cell(lexemes, columns, tables)? {
                Some(cell) => plain.push(cell),
                None => return Ok(None),
            },
            TemplatePart::Statement(_) | TemplatePart::Opaque => return Ok(None),
        }
    }
    Ok(Some(plain))
}

/// `identifier` or `row['Exact Header']`, with filters whose arguments are literals.
fn plain_cell(
    lexemes: &[Lexeme<'_>],
    columns: &Columns,
    tables: &Tables,
) -> Result<Option<PlainPart>, String> {
    let (column, mut rest) = match lexemes {
        [Lexeme::Name("row"), Lexeme::Sign('['), Lexeme::Text(header), Lexeme::Sign(']'), rest @ ..]
            if !header.contains('\\') =>
        {
            (columns.exact(header), rest)
        }
        [Lexeme::Name(name), rest @ ..] if !KEYWORDS.contains(name) => (columns.identifier(name), rest),
        _ => return Ok(None),
    };
    let mut steps = Vec::new();
    while let [Lexeme::Sign('|'), Lexeme::Name(filter), after @ ..] = rest {
        let Some((arguments, after)) = literal_arguments(after) else { return Ok(None) };
        match FilterStep::new(filter, &arguments, tables) {
            Some(step) => steps.push(step.map_err(|error| error.to_string())?),
            None => return Ok(None),
        }
        rest = after;
    }
    if rest.is_empty() { Ok(Some(PlainPart::Cell(column?, steps))) } else { Ok(None) }
}

/// Checks the literal arguments of the project's filters in a block, in branches that no row takes too.
///
/// # Errors
/// A message: a filter does not accept its arguments.
pub(super) fn check_filter_calls(lexemes: &[Lexeme<'_>], tables: &Tables) -> Result<(), String> {
    for (at, lexeme) in lexemes.iter().enumerate() {
        let (Lexeme::Sign('|'), [Lexeme::Name(filter), after @ ..]) = (lexeme, &lexemes[at + 1..]) else {
            continue;
        };
        let is_own = OWN.iter().any(|(name, _)| name == filter);
        let Some((arguments, _)) = literal_arguments(after).filter(|_| is_own) else { continue };
        if let Some(step) = FilterStep::new(filter, &arguments, tables) {
            step.map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

/// The arguments in a filter's parentheses and the lexemes after them; none unless all arguments are
/// literals.
fn literal_arguments<'w, 'a>(lexemes: &'w [Lexeme<'a>]) -> Option<(Arguments<'a>, &'w [Lexeme<'a>])> {
    let [Lexeme::Sign('('), inside @ ..] = lexemes else {
        return Some((Arguments::default(), lexemes));
    };
    let end = inside.iter().position(|lexeme| *lexeme == Lexeme::Sign(')'))?;
    let mut arguments = Arguments::default();
    if end > 0 {
        for argument in inside[..end].split(|lexeme| *lexeme == Lexeme::Sign(',')) {
            match argument {
                [Lexeme::Name(name), Lexeme::Sign('='), value] => {
                    arguments.named.push((name, literal(value)?))
                }
                [value] if arguments.named.is_empty() => arguments.positional.push(literal(value)?),
                _ => return None,
            }
        }
    }
    Some((arguments, &inside[end + 1..]))
}

fn literal<'a>(lexeme: &Lexeme<'a>) -> Option<Argument<'a>> {
    match lexeme {
        Lexeme::Text(text) if !text.contains('\\') => Some(Argument::Text(text)),
        Lexeme::Number(number) => number.parse().ok().map(Argument::Number),
        Lexeme::Name("true" | "True") => Some(Argument::True),
        Lexeme::Text(_) | Lexeme::Name(_) | Lexeme::Sign(_) => None,
    }
}
