//! Bounds of the work and memory that one row may cost its templates.
//!
//! The longest text that Connect takes is a value of `Attributes`, 32,767 characters or at most 128 KiB (see
//! [`limits`](crate::request::limits)). Templates read cells, and a record may have 64 MiB. So a template may read and write
//! such a record once, which is hundreds of times what a request can hold.

use std::collections::BTreeMap;

use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::error::RenderError;
use super::lexer::{Lexeme, TemplatePart, operators};

/// Maximum steps of one template for one row. MiniJinja counts an instruction, and each 64 bytes of text that it makes, as
/// one step; its fuel bounds time and memory by one number.
pub(super) const STEPS: u64 = 1 << 20;

/// Maximum bytes of the texts that all templates make of one row: [`STEPS`] of 64 bytes, the longest record.
pub(super) const ROW_BYTES: usize = 64 << 20;

/// Maximum bytes of a template in the job file. A list of 300,000 ids in `where` fits.
const TEMPLATE_BYTES: usize = 4 << 20;

/// Maximum operators in one block, and branches `elif` in one template. MiniJinja nests them on the stack, whose size it does not
/// look at.
const OPERATORS: usize = 500;

/// Maximum depth of macros and loops within one another. Each macro counts as four.
const DEPTH: usize = 100;

/// Maximum nesting of a list or map in a namespace, so that a loop cannot nest one without end.
const KEPT_DEPTH: usize = 8;

/// Bounds the templates of `environment`.
pub(super) fn install(environment: &mut Environment<'static>) {
    environment.set_fuel(Some(STEPS));
    environment.set_recursion_limit(DEPTH);
    environment.add_filter(KEPT, |state: &State, value: &Value| kept(state, value, 0));
}

/// Refuses a template whose length, operators or branches MiniJinja cannot compile safely.
///
/// # Errors
/// A message with the limit.
pub(super) fn check_source(text: &str, parts: &[TemplatePart<'_>]) -> Result<(), String> {
    if text.len() > TEMPLATE_BYTES {
        return Err(format!("the template has {} bytes, at most {TEMPLATE_BYTES} are allowed", text.len()));
    }
    if parts.iter().any(|part| operators(part.lexemes()) > OPERATORS) {
        return Err(format!(
            "has more than {OPERATORS} operators in one block; write alternatives as a list, as in id in ['1', '2']"
        ));
    }
    // Steps do not count the entries of a repeated list.
    let is_repeated = |part: &TemplatePart<'_>| {
        let is_repetition = |pair: &[Lexeme<'_>]| {
            matches!(pair, [Lexeme::Sign(']'), Lexeme::Sign('*')] | [Lexeme::Sign('*'), Lexeme::Sign('[')])
        };
        part.lexemes().windows(2).any(is_repetition)
    };
    if parts.iter().any(is_repeated) {
        return Err("a list cannot be repeated; write a loop".to_owned());
    }
    let is_branch = |part: &&TemplatePart<'_>| part.lexemes().first() == Some(&Lexeme::Name("elif"));
    if parts.iter().filter(is_branch).count() > OPERATORS {
        return Err(format!("has more than {OPERATORS} branches elif; use a table of [lookup]"));
    }
    Ok(())
}

/// The filter that a template applies to each value that it assigns to a namespace. The name is no word of a template's
/// author.
pub(super) const KEPT: &str = "__kept";

/// `value` as a namespace may keep it: texts, numbers, and lists and maps of them, which are copied if they are lazy.
fn kept(state: &State, value: &Value, depth: usize) -> Result<Value, Error> {
    state.consume_fuel(1)?;
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map if depth == KEPT_DEPTH => refused(),
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter()?.map(|item| kept(state, &item, depth + 1));
            Ok(Value::from(items.collect::<Result<Vec<_>, _>>()?))
        }
        ValueKind::Map if value.downcast_object_ref::<BTreeMap<Value, Value>>().is_some() => {
            let entries = value.try_iter()?.map(|key| {
                let item = kept(state, &value.get_item(&key)?, depth + 1)?;
                Ok((key, item))
            });
            Ok(Value::from_pairs(entries.collect::<Result<Vec<(Value, Value)>, Error>>()?))
        }
        ValueKind::Map | ValueKind::Plain => refused(),
        _ => Ok(value.clone()),
    }
}

fn refused() -> Result<Value, Error> {
    let problem = "a namespace keeps texts, numbers, and lists and maps of them, nested at most 8 deep; \
                   to add an entry to a list, write ns.list + [entry]";
    let error = RenderError::Row(problem.to_owned());
    Err(Error::new(ErrorKind::InvalidOperation, problem).with_source(error))
}

/// Charges the visit of one value that is about to be written as text.
pub(super) fn charge_visit(state: &State, value: &Value, depth: usize) -> Result<(), Error> {
    if depth > DEPTH {
        return Err(Error::from(ErrorKind::OutOfFuel));
    }
    state.consume_fuel(1 + value.as_str().map_or(0, |text| text.len() as u64 / 64))
}
