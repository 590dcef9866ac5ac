//! Filters as functions from text to text, which plain templates and MiniJinja share.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::dates::DateForm;
use crate::mapping::error::RenderError;
use crate::slug::slug;
use crate::suggest::did_you_mean;

/// The lookup tables of a job, by name.
pub(in crate::mapping) type Tables = BTreeMap<String, Arc<BTreeMap<String, String>>>;

/// The project's filters, each with the ways to call it.
pub(in crate::mapping) const OWN: [(&str, &str); 8] = [
    ("epoch", "epoch, epoch('%d/%m/%Y') or epoch('%d/%m/%Y', '%Y-%m-%d', tz='Europe/London')"),
    ("iso", "iso, iso('%d/%m/%Y') or iso('%d/%m/%Y', '%Y-%m-%d', tz='Europe/London')"),
    ("truncate", "truncate(1024) or truncate(bytes=1024)"),
    ("slug", "slug"),
    ("lookup", "lookup('table') or lookup('table', default='text')"),
    ("urlencode", "urlencode"),
    ("tojson", "tojson"),
    ("required", "required or required('message')"),
];

/// The entry of a lookup table for every text without an entry.
const ANY: &str = "*";

/// One filter with its arguments.
#[derive(Clone, Debug)]
pub(in crate::mapping) enum FilterStep {
    /// Reads a date and writes epoch seconds or ISO 8601.
    Date(DateForm),
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
    /// Percent-encodes for a URL.
    UrlEncode,
    /// Writes a JSON string, quotes included.
    ToJson,
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
        arguments: &Arguments<'_>,
        tables: &Tables,
    ) -> Option<Result<FilterStep, RenderError>> {
        use Argument::{Number, Text, True};
        let Arguments { positional, named } = arguments;
        let step = match (filter, &positional[..], &named[..]) {
            ("epoch" | "iso", formats, [] | [("tz", Text(_))])
                if formats.iter().all(|format| format.text().is_some()) =>
            {
                let formats: Vec<&str> = formats.iter().filter_map(Argument::text).collect();
                let zone = named.first().and_then(|(_, zone)| zone.text());
                let filter = if filter == "epoch" { "epoch" } else { "iso" };
                return Some(DateForm::new(filter, &formats, zone).map(FilterStep::Date));
            }
            ("lookup", [Text(table)], [] | [("default", Text(_))]) => {
                let default = named.first().and_then(|(_, default)| default.text()).map(str::to_owned);
                return Some(FilterStep::lookup(table, default, tables));
            }
            // MiniJinja makes a text of any other default.
            ("lookup", [Text(_)], [("default", _)]) => return None,
            ("truncate", [Number(chars)], []) => FilterStep::Chars(*chars),
            ("truncate", [], [("bytes", Number(bytes))]) => FilterStep::Bytes(*bytes),
            ("slug", [], []) => FilterStep::Slug,
            ("urlencode", [], []) => FilterStep::UrlEncode,
            ("tojson", [], []) => FilterStep::ToJson,
            ("required", [], []) => FilterStep::Required(REQUIRED.to_owned()),
            ("required", [Text(message)], []) => FilterStep::Required((*message).to_owned()),
            ("upper", [], []) => FilterStep::Upper,
            ("lower", [], []) => FilterStep::Lower,
            ("trim", [], []) => FilterStep::Trim,
            ("default" | "d", [Text(text), True], []) => FilterStep::IfEmpty((*text).to_owned()),
            ("replace", [Text(from), Text(to)], []) => {
                FilterStep::Replace((*from).to_owned(), (*to).to_owned())
            }
            // MiniJinja would refuse every row.
            _ => {
                let (_, usage) = OWN.iter().find(|(name, _)| *name == filter)?;
                return Some(Err(RenderError::Job(format!("{filter}: write {usage}"))));
            }
        };
        Some(Ok(step))
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

    /// The result if it can be borrowed from the text or the mapping, as for most cells; none if `apply` is
    /// needed.
    #[inline]
    pub(in crate::mapping) fn borrowed<'a>(&'a self, text: &'a str) -> Option<&'a str> {
        match self {
            FilterStep::Chars(most) => Some(noting_cut(text, first_chars(text, *most))),
            FilterStep::Bytes(most) => Some(noting_cut(text, &text[..text.floor_char_boundary(*most)])),
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
            FilterStep::Date(_) => text.is_empty().then_some(text),
            FilterStep::UrlEncode => text.bytes().all(is_plain_in_url).then_some(text),
            FilterStep::Slug | FilterStep::ToJson | FilterStep::Replace(..) => None,
        }
    }

    /// Bytes that the result for `text` may have at most; 0 where it is never much longer than the text.
    #[inline]
    pub(in crate::mapping) fn most_bytes(&self, text: &str) -> usize {
        match self {
            FilterStep::Replace(from, to) if to.len() > from.len().max(1) => {
                text.len().saturating_add(text.matches(from.as_str()).count().saturating_mul(to.len()))
            }
            _ => 0,
        }
    }

    /// The result of the filter for `text`.
    ///
    /// # Errors
    /// The filter does not accept the text.
    pub(in crate::mapping) fn apply<'a>(&'a self, text: Cow<'a, str>) -> Result<Cow<'a, str>, RenderError> {
        match text {
            Cow::Borrowed(text) => {
                if let Some(result) = self.borrowed(text) {
                    return Ok(result.into());
                }
            }
            Cow::Owned(ref text) => {
                if let Some(result) = self.borrowed(text) {
                    return Ok(result.to_owned().into());
                }
            }
        }
        Ok(match self {
            FilterStep::Date(form) => form.convert(&text)?.into(),
            FilterStep::Slug => slug(&text).into(),
            FilterStep::UrlEncode => urlencoded(&text).into(),
            FilterStep::ToJson => Value::from(&*text).to_string().into(),
            FilterStep::Lookup { name, .. } => {
                let remedy = "add it, or a \"*\" for all others";
                let problem = format!("lookup: the table '{name}' has no entry for the cell; {remedy}");
                return Err(RenderError::Row(problem));
            }
            FilterStep::Required(message) => return Err(RenderError::Row(message.clone())),
            FilterStep::Upper => text.to_uppercase().into(),
            FilterStep::Lower => text.to_lowercase().into(),
            FilterStep::Replace(from, to) => text.replace(from.as_str(), to).into(),
            // Always borrowed.
            FilterStep::Chars(_) | FilterStep::Bytes(_) | FilterStep::Trim | FilterStep::IfEmpty(_) => text,
        })
    }
}

/// The message of `required` without an argument.
pub(super) const REQUIRED: &str = "is required but empty";

thread_local! {
    /// Whether `truncate` cut a text on this thread since [`take_cut`]. MiniJinja's filters have no other way to say so.
    static HAS_CUT: Cell<bool> = const { Cell::new(false) };
}

/// Whether `truncate` cut a text on this thread since the last call.
#[inline]
pub(in crate::mapping) fn take_cut() -> bool {
    HAS_CUT.with(|has_cut| has_cut.get() && has_cut.replace(false))
}

/// The beginning of a text; notes whether it is shorter.
#[inline]
fn noting_cut<'a>(text: &str, beginning: &'a str) -> &'a str {
    if beginning.len() < text.len() {
        HAS_CUT.set(true);
    }
    beginning
}

/// Whether `urlencode` leaves a byte as it is: MiniJinja's set, which has the slash.
fn is_plain_in_url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/.-_".contains(&byte)
}

fn urlencoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if is_plain_in_url(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn first_chars(text: &str, most: usize) -> &str {
    // A text has at most as many characters as bytes.
    let end = if text.len() <= most { None } else { text.char_indices().nth(most) };
    end.map_or(text, |(end, _)| &text[..end])
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

/// The literal arguments of a filter.
#[derive(Debug, Default)]
pub(in crate::mapping) struct Arguments<'a> {
    pub(in crate::mapping) positional: Vec<Argument<'a>>,
    pub(in crate::mapping) named: Vec<(&'a str, Argument<'a>)>,
}

/// A literal argument.
#[derive(Debug)]
pub(in crate::mapping) enum Argument<'a> {
    Text(&'a str),
    Number(usize),
    True,
}

impl Argument<'_> {
    fn text(&self) -> Option<&str> {
        match self {
            Argument::Text(text) => Some(text),
            Argument::Number(_) | Argument::True => None,
        }
    }
}
