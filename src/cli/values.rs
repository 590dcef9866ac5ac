//! Values of options: enumerations and parsers.

use std::time::Duration;

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::ledger::{Retry, RowState};
use crate::mapping::{OnTooLong, Rejection};
use crate::request::Operation;
use crate::shard::Shard;
use crate::source::{EscapeScope, KeyComparison, ShortRows, SourceFormat};
use crate::submission::OnUnknown;
use crate::suggest::did_you_mean;

/// Format of results on standard output.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// Plain text.
    #[default]
    Text,
    /// JSON Lines.
    Json,
    /// CSV; for `check` and `export` only.
    Csv,
}

/// Format of standard error.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum LogFormat {
    /// Plain text.
    #[default]
    Text,
    /// A log: one JSON object per line.
    Json,
}

/// Progress display on standard error.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProgressKind {
    /// A bar on a terminal, plain lines elsewhere.
    #[default]
    Auto,
    /// A progress bar.
    Bar,
    /// One line per interval.
    Plain,
    /// No progress and no milestones: only warnings, errors and answers to signals.
    None,
}

/// A value of `export --state`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StateFilter {
    /// Rows in any state.
    All,
    /// Rows in this state.
    Only(RowState),
}

/// The parser of `export --state`.
pub(super) fn state() -> impl TypedValueParser<Value = StateFilter> {
    let names = RowState::ALL.map(RowState::name).into_iter().chain(["all"]);
    PossibleValuesParser::new(names)
        .map(|name| RowState::from_name(&name).map_or(StateFilter::All, StateFilter::Only))
}

/// The parser of `--on-unknown`.
pub(super) fn on_unknown() -> impl TypedValueParser<Value = OnUnknown> {
    let resend = "Send the row again with the same client token, within the idempotency window";
    let hold = "Leave the row unknown: for services that do not honour the client tokens of completed tasks";
    either([("resend", OnUnknown::Resend, resend), ("hold", OnUnknown::Hold, hold)])
}

/// The parser of `--retry`.
pub(super) fn retry() -> impl TypedValueParser<Value = Retry> {
    either([
        ("rejected", Retry::Rejected, "Rows that Connect refused, as they are"),
        ("unknown", Retry::Unknown, "Rows that may have been created, with the same client tokens"),
    ])
}

/// The parser of `--on-too-long`.
pub(super) fn on_too_long() -> impl TypedValueParser<Value = OnTooLong> {
    let cut = "Cut names, descriptions and values; ids, URLs, dates and numbers are never cut";
    either([("reject", OnTooLong::Reject, "Reject the row"), ("truncate", OnTooLong::Truncate, cut)])
}

/// The parser of `--key-compare`.
pub(super) fn key_compare() -> impl TypedValueParser<Value = KeyComparison> {
    either([
        ("trim", KeyComparison::Trim, "White space at the ends of a key does not count"),
        ("exact", KeyComparison::Exact, "Every character of a key counts"),
    ])
}

/// The parser of `--format` of CSVs.
pub(super) fn source_format() -> impl TypedValueParser<Value = SourceFormat> {
    either([
        ("csv", SourceFormat::Csv, "Cells may be quoted, as RFC 4180 says"),
        (
            "text",
            SourceFormat::Text,
            "One line a row, no quotes, backslash escapes, as COPY and the mysql client write",
        ),
    ])
}

/// The parser of `--escape-in`.
pub(super) fn escape_in() -> impl TypedValueParser<Value = EscapeScope> {
    either([
        ("all", EscapeScope::All, "Every cell, as MariaDB's OUTFILE and Python's escapechar write"),
        (
            "quoted",
            EscapeScope::Quoted,
            "Quoted cells; in others it is text, as PostgreSQL, DuckDB and csv-stringify write",
        ),
    ])
}

/// The parser of `--short-rows`.
pub(super) fn short_rows() -> impl TypedValueParser<Value = ShortRows> {
    either([
        ("reject", ShortRows::Reject, "Reject the row"),
        ("pad", ShortRows::Pad, "Take the missing cells as empty"),
    ])
}

/// A parser of two named values, each with its help.
fn either<T: Copy + Send + Sync + 'static>(
    values: [(&'static str, T, &'static str); 2],
) -> impl TypedValueParser<Value = T> {
    let shown = values.map(|(name, _, help)| PossibleValue::new(name).help(help));
    let [(first, first_value, _), (_, second_value, _)] = values;
    PossibleValuesParser::new(shown).map(move |name| if name == first { first_value } else { second_value })
}

/// Parses a time such as `40ms`, `30s` or `5m`; a bare number is seconds, as in the AWS CLI.
pub fn duration(text: &str) -> Result<Duration, String> {
    let time = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => humantime::parse_duration(text).ok(),
    };
    time.ok_or_else(|| "write a time such as 40ms, 30s, 5m or 24h".to_owned())
}

/// Parses the interval of `status --watch`, at least 0.1 s: a shorter one would only load the disk.
pub(super) fn watch_interval(text: &str) -> Result<Duration, String> {
    const SHORTEST: Duration = Duration::from_millis(100);
    duration(text).and_then(|time| match time {
        time if time < SHORTEST => Err("the shortest interval is 0.1s; the default is 2s".to_owned()),
        time => Ok(time),
    })
}

/// Parses an operation's name; suggests the nearest one.
pub(super) fn operation(name: &str) -> Result<Operation, String> {
    let known = Operation::ALL.map(Operation::name);
    Operation::from_name(name).ok_or_else(|| {
        let hint = did_you_mean(name, known.into_iter()).unwrap_or_default();
        format!("it can be {}{hint}", known.join(" or "))
    })
}

/// Parses the shard of this process: see [`Shard::of_process`].
pub(super) fn shard(text: &str) -> Result<Shard, String> {
    Shard::of_process(text, |name| std::env::var(name).ok())
}

/// Parses the code of a rejection: one of this tool's own, or the name of an exception of Connect. These are not listed,
/// since services add some; a misspelt one accepts nothing.
pub fn rejection_code(code: &str) -> Result<String, String> {
    let known = Rejection::CODES;
    let is_exception = code.strip_suffix("Exception").is_some_and(|name| {
        name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(|c| c.is_ascii_alphanumeric())
    });
    if known.contains(&code) || is_exception {
        return Ok(code.to_owned());
    }
    let hint = did_you_mean(code, known.into_iter()).unwrap_or_default();
    Err(format!(
        "it can be {}, or an exception of Connect, such as InvalidParameterException{hint}",
        known.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use clap::error::ErrorKind;

    use super::*;

    #[test]
    fn every_state_can_be_selected_by_its_name() {
        let parse = |text: &str| {
            state().parse_ref(&clap::Command::new("x"), None, OsStr::new(text)).map_err(|error| error.kind())
        };
        for state in RowState::ALL {
            assert_eq!(parse(state.name()), Ok(StateFilter::Only(state)));
        }
        assert_eq!(parse("all"), Ok(StateFilter::All));
        assert_eq!(parse("none"), Err(ErrorKind::InvalidValue));
    }

    #[test]
    fn codes_of_rejections_are_those_of_this_tool_and_exceptions() {
        for code in ["DuplicateKey", "HeaderRow", "InvalidParameterException", "ResourceNotFoundException"] {
            assert_eq!(rejection_code(code).as_deref(), Ok(code));
        }
        for code in ["NoAnswer", "", "*", "Exception", "duplicate key", "xException", "A-Exception"] {
            assert!(rejection_code(code).is_err(), "{code}");
        }
        let refused = rejection_code("DuplicatKey").unwrap_err();
        assert!(refused.contains("did you mean 'DuplicateKey'?"), "{refused}");
    }

    #[test]
    fn times_have_units_or_are_seconds() {
        assert_eq!(duration("40ms"), Ok(Duration::from_millis(40)));
        assert_eq!(duration("1.5"), Ok(Duration::from_millis(1500)));
        for none in ["-1", "inf", "NaN", "1e300", "soon"] {
            assert_eq!(duration(none).unwrap_err(), "write a time such as 40ms, 30s, 5m or 24h");
        }
        assert!(watch_interval("0").is_err() && watch_interval("99ms").is_err());
        assert_eq!(watch_interval("0.1"), Ok(Duration::from_millis(100)));
    }
}
