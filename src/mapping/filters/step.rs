//! Filters as steps from text to text. The engine's filters and the fast way call the same steps.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::FilterFault;
use super::dates::{self, DateForm};
use crate::slug::slug;
use crate::suggest::did_you_mean;

/// The lookup tables of a job, by name.
pub(in crate::mapping) type Tables = BTreeMap<String, Arc<BTreeMap<String, String>>>;

/// What a table's entry of this name holds is for every text that has no entry.
const ANY: &str = "*";

/// One filter with its arguments.
#[derive(Clone, Debug)]
pub(in crate::mapping) enum Step {
    /// A date as epoch seconds.
    Epoch(DateForm),
    /// A date as ISO 8601.
    Iso(DateForm),
    /// The first so many characters.
    Chars(usize),
    /// The first so many UTF-8 bytes, less what would split a character.
    Bytes(usize),
    /// A key of attributes.
    Slug,
    /// The table's word for the text.
    Lookup {
        /// The table's name.
        name: String,
        /// Its entries.
        table: Arc<BTreeMap<String, String>>,
        /// For texts without an entry.
        default: Option<String>,
    },
    /// Refuses nothing.
    Required(String),
    /// As MiniJinja's own.
    Upper,
    /// As MiniJinja's own.
    Lower,
    /// As MiniJinja's own, without an argument.
    Trim,
    /// As MiniJinja's own `default(text, true)`.
    IfEmpty(String),
    /// As MiniJinja's own.
    Replace(String, String),
}

impl Step {
    /// The step of a filter of this name; none if the fast way does not know it with these arguments.
    ///
    /// # Errors
    /// The arguments make no sense.
    pub(in crate::mapping) fn of(
        filter: &str,
        arguments: &Arguments,
        tables: &Tables,
    ) -> Option<Result<Step, FilterFault>> {
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
                    "epoch" => DateForm::new("epoch", format, zone).map(Step::Epoch),
                    _ => DateForm::new("iso", format, zone).map(Step::Iso),
                })
            }
            ("truncate", [Argument::Number(chars)]) if named.is_empty() => Some(Ok(Step::Chars(*chars))),
            ("truncate", []) if only(&["bytes"]) => match keyword("bytes")? {
                Argument::Number(bytes) => Some(Ok(Step::Bytes(*bytes))),
                Argument::Text(_) | Argument::True => None,
            },
            ("slug", []) if named.is_empty() => Some(Ok(Step::Slug)),
            ("lookup", [Argument::Text(name)]) if only(&["default"]) => {
                let default = match keyword("default") {
                    Some(default) => Some(default.text()?.to_owned()),
                    None => None,
                };
                Some(Step::lookup(name, default, tables))
            }
            ("required", []) if named.is_empty() => Some(Ok(Step::Required(NOTHING.into()))),
            ("required", [Argument::Text(message)]) if named.is_empty() => {
                Some(Ok(Step::Required(message.clone())))
            }
            ("upper", []) if named.is_empty() => Some(Ok(Step::Upper)),
            ("lower", []) if named.is_empty() => Some(Ok(Step::Lower)),
            ("trim", []) if named.is_empty() => Some(Ok(Step::Trim)),
            ("default" | "d", [Argument::Text(text), Argument::True]) if named.is_empty() => {
                Some(Ok(Step::IfEmpty(text.clone())))
            }
            ("replace", [Argument::Text(from), Argument::Text(to)]) if named.is_empty() => {
                Some(Ok(Step::Replace(from.clone(), to.clone())))
            }
            // The engine would say so of every row.
            _ => usage(filter).map(|usage| Err(FilterFault::Job(format!("{filter}: write {usage}")))),
        }
    }

    /// The step of `lookup(name)`.
    ///
    /// # Errors
    /// The job has no such table.
    pub(super) fn lookup(name: &str, default: Option<String>, tables: &Tables) -> Result<Step, FilterFault> {
        match tables.get(name) {
            Some(table) => Ok(Step::Lookup { name: name.to_owned(), table: table.clone(), default }),
            None => {
                let hint = did_you_mean(name, tables.keys().map(String::as_str))
                    .unwrap_or_else(|| format!("; write it as [lookup.{name}]"));
                Err(FilterFault::Job(format!("lookup: the job file has no table '{name}'{hint}")))
            }
        }
    }

    /// What the filter makes of `text`, where that is a part of it or of the mapping: most texts pass
    /// unchanged. None says nothing.
    #[inline]
    pub(in crate::mapping) fn borrowed<'a>(&'a self, text: &'a str) -> Option<&'a str> {
        match self {
            Step::Chars(most) => Some(first_chars(text, *most)),
            Step::Bytes(most) => Some(&text[..text.floor_char_boundary(*most)]),
            Step::Lookup { table, default, .. } => looked_up(text, table, default.as_deref()),
            Step::Trim => Some(text.trim()),
            Step::IfEmpty(default) => Some(if text.is_empty() { default } else { text }),
            Step::Required(_) => (!text.trim_start().is_empty()).then_some(text),
            Step::Upper => {
                text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_lowercase()).then_some(text)
            }
            Step::Lower => {
                text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()).then_some(text)
            }
            Step::Epoch(_) | Step::Iso(_) => text.is_empty().then_some(text),
            Step::Slug | Step::Replace(..) => None,
        }
    }

    /// What the filter makes of `text`.
    ///
    /// # Errors
    /// The text is not what the filter works on.
    pub(in crate::mapping) fn apply<'a>(&'a self, text: Cow<'a, str>) -> Result<Cow<'a, str>, FilterFault> {
        if let Cow::Borrowed(text) = text
            && let Some(text) = self.borrowed(text)
        {
            return Ok(text.into());
        }
        Ok(match self {
            Step::Epoch(form) => dates::epoch(&text, form)?.into(),
            Step::Iso(form) => dates::iso(&text, form)?.into(),
            Step::Chars(most) => first_chars(&text, *most).to_owned().into(),
            Step::Bytes(most) => text[..text.floor_char_boundary(*most)].to_owned().into(),
            Step::Slug => slug(&text).into(),
            Step::Lookup { name, table, default } => {
                let word = looked_up(&text, table, default.as_deref());
                let remedy = "add it, or a \"*\" for all others";
                let problem = || format!("lookup: the table '{name}' has no entry for the cell; {remedy}");
                word.ok_or_else(|| FilterFault::Row(problem()))?.to_owned().into()
            }
            Step::Required(message) if text.trim_start().is_empty() => {
                return Err(FilterFault::Row(message.clone()));
            }
            Step::Required(_) => text,
            Step::Upper => text.to_uppercase().into(),
            Step::Lower => text.to_lowercase().into(),
            Step::Trim => text.trim().to_owned().into(),
            Step::IfEmpty(default) if text.is_empty() => default.as_str().into(),
            Step::IfEmpty(_) => text,
            Step::Replace(from, to) => text.replace(from.as_str(), to).into(),
        })
    }
}

/// What `required` says by itself.
pub(super) const NOTHING: &str = "is required, and there is nothing";

fn first_chars(text: &str, most: usize) -> &str {
    // Characters are never more than bytes.
    if text.len() <= most {
        return text;
    }
    match text.char_indices().nth(most) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// The table's word for the text without the white space around it; nothing stays nothing. None if there
/// is no entry.
fn looked_up<'a>(
    text: &str,
    table: &'a BTreeMap<String, String>,
    default: Option<&'a str>,
) -> Option<&'a str> {
    let text = text.trim();
    match table.get(text) {
        Some(word) => Some(word),
        None if text.is_empty() => Some(""),
        None => default.or(table.get(ANY).map(String::as_str)),
    }
}

/// How a filter of this project is called.
fn usage(filter: &str) -> Option<&'static str> {
    Some(match filter {
        "epoch" => "epoch, epoch('%d/%m/%Y') or epoch('%d/%m/%Y', tz='Europe/London')",
        "iso" => "iso, iso('%d/%m/%Y') or iso('%d/%m/%Y', tz='Europe/London')",
        "truncate" => "truncate(1024) or truncate(bytes=1024)",
        "slug" => "slug",
        "lookup" => "lookup('table') or lookup('table', default='word')",
        "required" => "required or required('message')",
        _ => return None,
    })
}

/// The arguments of a filter, as they are written.
#[derive(Debug, Default)]
pub(in crate::mapping) struct Arguments {
    pub(in crate::mapping) positional: Vec<Argument>,
    pub(in crate::mapping) named: Vec<(String, Argument)>,
}

/// A literal.
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
