//! Filters as functions from text to text, which plain templates and MiniJinja share.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::dates::{self, DateForm};
use crate::mapping::error::RenderError;
use crate::slug::slug;
use crate::suggest::did_you_mean;

/// The lookup tables of a job, by name.
pub(in crate::mapping) type Tables = BTreeMap<String, Arc<BTreeMap<String, String>>>;

/// The entry of a lookup table for every text without an entry.
const ANY: &str = "*";

/// One filter with its arguments.
#[derive(Clone, Debug)]
pub(in crate::mapping) enum FilterStep {
    /// Reads a date and writes epoch seconds.
    Epoch(DateForm),
    /// Reads a date and writes ISO 8601.
    Iso(DateForm),
    /// Cuts to a number of characters.
    Chars(usize),
    /// Cuts to a number of UTF-8 bytes, at a character boundary.
    Bytes(usize),
    /// Makes a valid attribute key.
    Slug,
    /// Replaces the text by its entry in a table.
    Lookup {
        /// The table's name.
        name: String,
        /// The entries by text.
        table: Arc<BTreeMap<String, String>>,
        /// The result for texts without an entry.
        default: Option<String>,
    },
    /// Refuses an empty text with this message.
    Required(String),
    /// MiniJinja's `upper`.
    Upper,
    /// MiniJinja's `lower`.
    Lower,
    /// MiniJinja's `trim` without an argument.
    Trim,
    /// MiniJinja's `default(text, true)`.
    IfEmpty(String),
    /// MiniJinja's `replace` with two arguments.
    Replace(String, String),
}

impl FilterStep {
    /// The step for a filter and its arguments; none if only MiniJinja can apply it.
    ///
    /// # Errors
    /// The filter does not accept these arguments.
    pub(in crate::mapping) fn new(
        filter: &str,
        arguments: &Arguments,
        tables: &Tables,
    ) -> Option<Result<FilterStep, RenderError>> {
        let Arguments { positional, named } = arguments;
        let keyword = |name: &str| named.iter().find(|(own, _)| own == name).map(|(_, value)| value);
        let only = |names: &[&str]| named.iter().all(|(name, _)| names.contains(&&**name));
        match (filter, &positional[..]) {
            ("epoch" | "iso", [] | [Argument::Text(_)]) if only(&["tz"]) => {
                let format = positional.first().and_then(Argument::text).map(str::to_owned);
                let zone = match keyword("tz") {
                    Some(zone) => Some(zone.text()?),
                    None => None,
                };
                Some(match filter {
                    "epoch" => DateForm::new("epoch", format, zone).map(FilterStep::Epoch),
                    _ => DateForm::new("iso", format, zone).map(FilterStep::Iso),
                })
            }
            ("truncate", [Argument::Number(chars)]) if named.is_empty() => {
                Some(Ok(FilterStep::Chars(*chars)))
            }
            ("truncate", []) if only(&["bytes"]) => match keyword("bytes")? {
                Argument::Number(bytes) => Some(Ok(FilterStep::Bytes(*bytes))),
                Argument::Text(_) | Argument::True => None,
            },
            ("slug", []) if named.is_empty() => Some(Ok(FilterStep::Slug)),
            ("lookup", [Argument::Text(name)]) if only(&["default"]) => {
                let default = match keyword("default") {
                    Some(default) => Some(default.text()?.to_owned()),
                    None => None,
                };
                Some(FilterStep::lookup(name, default, tables))
            }
            ("required", []) if named.is_empty() => Some(Ok(FilterStep::Required(REQUIRED.into()))),
            ("required", [Argument::Text(message)]) if named.is_empty() => {
                Some(Ok(FilterStep::Required(message.clone())))
            }
            ("upper", []) if named.is_empty() => Some(Ok(FilterStep::Upper)),
            ("lower", []) if named.is_empty() => Some(Ok(FilterStep::Lower)),
            ("trim", []) if named.is_empty() => Some(Ok(FilterStep::Trim)),
            ("default" | "d", [Argument::Text(text), Argument::True]) if named.is_empty() => {
                Some(Ok(FilterStep::IfEmpty(text.clone())))
            }
            ("replace", [Argument::Text(from), Argument::Text(to)]) if named.is_empty() => {
                Some(Ok(FilterStep::Replace(from.clone(), to.clone())))
            }
            // MiniJinja would refuse every row.
            _ => usage(filter).map(|usage| Err(RenderError::Job(format!("{filter}: write {usage}")))),
        }
    }

    /// The step of `lookup(name)`.
    ///
    /// # Errors
    /// The job has no such table.
    pub(super) fn lookup(
        name: &str,
        default: Option<String>,
        tables: &Tables,
    ) -> Result<FilterStep, RenderError> {
        match tables.get(name) {
            Some(table) => Ok(FilterStep::Lookup { name: name.to_owned(), table: table.clone(), default }),
            None => {
                let hint = did_you_mean(name, tables.keys().map(String::as_str))
                    .unwrap_or_else(|| format!("; write it as [lookup.{name}]"));
                Err(RenderError::Job(format!("lookup: the job file has no table '{name}'{hint}")))
            }
        }
    }

    /// The result if it can be borrowed from the text or the mapping, as for most cells; none if `apply` is needed.
    #[inline]
    pub(in crate::mapping) fn borrowed<'a>(&'a self, text: &'a str) -> Option<&'a str> {
        match self {
            FilterStep::Chars(most) => Some(first_chars(text, *most)),
            FilterStep::Bytes(most) => Some(&text[..text.floor_char_boundary(*most)]),
            FilterStep::Lookup { table, default, .. } => looked_up(text, table, default.as_deref()),
            FilterStep::Trim => Some(text.trim()),
            FilterStep::IfEmpty(default) => Some(if text.is_empty() { default } else { text }),
            FilterStep::Required(_) => (!text.trim_start().is_empty()).then_some(text),
            FilterStep::Upper => {
                text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_lowercase()).then_some(text)
            }
            FilterStep::Lower => {
                text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()).then_some(text)
            }
            FilterStep::Epoch(_) | FilterStep::Iso(_) => text.is_empty().then_some(text),
            FilterStep::Slug | FilterStep::Replace(..) => None,
        }
    }

    /// The result of the filter for `text`.
    ///
    /// # Errors
    /// The filter does not accept the text.
    pub(in crate::mapping) fn apply<'a>(&'a self, text: Cow<'a, str>) -> Result<Cow<'a, str>, RenderError> {
        if let Cow::Borrowed(text) = text
            && let Some(text) = self.borrowed(text)
        {
            return Ok(text.into());
        }
        Ok(match self {
            FilterStep::Epoch(form) => dates::epoch(&text, form)?.into(),
            FilterStep::Iso(form) => dates::iso(&text, form)?.into(),
            FilterStep::Chars(most) => first_chars(&text, *most).to_owned().into(),
            FilterStep::Bytes(most) => text[..text.floor_char_boundary(*most)].to_owned().into(),
            FilterStep::Slug => slug(&text).into(),
            FilterStep::Lookup { name, table, default } => {
                let entry = looked_up(&text, table, default.as_deref());
                let remedy = "add it, or a \"*\" for all others";
                let problem = || format!("lookup: the table '{name}' has no entry for the cell; {remedy}");
                entry.ok_or_else(|| RenderError::Row(problem()))?.to_owned().into()
            }
            FilterStep::Required(message) if text.trim_start().is_empty() => {
                return Err(RenderError::Row(message.clone()));
            }
            FilterStep::Required(_) => text,
            FilterStep::Upper => text.to_uppercase().into(),
            FilterStep::Lower => text.to_lowercase().into(),
            FilterStep::Trim => text.trim().to_owned().into(),
            FilterStep::IfEmpty(default) if text.is_empty() => default.as_str().into(),
            FilterStep::IfEmpty(_) => text,
            FilterStep::Replace(from, to) => text.replace(from.as_str(), to).into(),
        })
    }
}

/// The message of `required` without an argument.
pub(super) const REQUIRED: &str = "is required but empty";

fn first_chars(text: &str, most: usize) -> &str {
    // A text has at most as many characters as bytes.
    if text.len() <= most {
        return text;
    }
    match text.char_indices().nth(most) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// The table's entry for the trimmed text; an empty text stays empty. None without an entry.
fn looked_up<'a>(
    text: &str,
    table: &'a BTreeMap<String, String>,
    default: Option<&'a str>,
) -> Option<&'a str> {
    let text = text.trim();
    match table.get(text) {
        Some(entry) => Some(entry),
        None if text.is_empty() => Some(""),
        None => default.or(table.get(ANY).map(String::as_str)),
    }
}

/// The ways to call a filter of this project.
fn usage(filter: &str) -> Option<&'static str> {
    Some(match filter {
        "epoch" => "epoch, epoch('%d/%m/%Y') or epoch('%d/%m/%Y', tz='Europe/London')",
        "iso" => "iso, iso('%d/%m/%Y') or iso('%d/%m/%Y', tz='Europe/London')",
        "truncate" => "truncate(1024) or truncate(bytes=1024)",
        "slug" => "slug",
        "lookup" => "lookup('table') or lookup('table', default='text')",
        "required" => "required or required('message')",
        _ => return None,
    })
}

/// The literal arguments of a filter.
#[derive(Debug, Default)]
pub(in crate::mapping) struct Arguments {
    pub(in crate::mapping) positional: Vec<Argument>,
    pub(in crate::mapping) named: Vec<(String, Argument)>,
}

/// A literal argument.
#[derive(Debug)]
pub(in crate::mapping) enum Argument {
    Text(String),
    Number(usize),
    True,
}

impl Argument {
    fn text(&self) -> Option<&str> {
        match self {
            Argument::Text(text) => Some(text),
            Argument::Number(_) | Argument::True => None,
        }
    }
}
