//! Values of options: enumerations and parsers.

use std::time::Duration;

use clap::ValueEnum;
use clap::builder::{EnumValueParser, PossibleValue, TypedValueParser};

use crate::export::ExportFormat;
use crate::ledger::{Retry, RowState};
use crate::mapping::OnTooLong;
use crate::request::Operation;
use crate::submission::OnUnknown;
use crate::suggest::did_you_mean;

/// Format of results on standard output.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum, serde::Deserialize, serde::Serialize)]
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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProgressKind {
    /// A bar on a terminal, plain lines elsewhere.
    #[default]
    Auto,
    /// A progress bar.
    Bar,
    /// One line per interval.
    Plain,
    /// No progress.
    None,
}

/// Format of `export`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// A header and a line for each row
    Csv,
    /// A JSON object for each row, one a line
    Jsonl,
}

impl From<Format> for ExportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Csv => ExportFormat::Csv,
            Format::Jsonl => ExportFormat::Jsonl,
        }
    }
}

/// A value of `export --state`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StateFilter {
    /// Rows in any state.
    All,
    /// Rows in this state.
    Only(RowState),
}

impl ValueEnum for StateFilter {
    fn value_variants<'a>() -> &'a [Self] {
        const VARIANTS: [StateFilter; 7] = [
            StateFilter::Only(RowState::Pending),
            StateFilter::Only(RowState::InFlight),
            StateFilter::Only(RowState::Created),
            StateFilter::Only(RowState::Rejected),
            StateFilter::Only(RowState::Failed),
            StateFilter::Only(RowState::Unknown),
            StateFilter::All,
        ];
        &VARIANTS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            StateFilter::All => "all",
            StateFilter::Only(state) => state.name(),
        }))
    }
}

/// Value of `--on-unknown`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum OnUnknownValue {
    /// Send the row again with the same client token, within the idempotency window
    Resend,
    /// Leave the row unknown: for services that do not honour the client tokens of completed tasks
    Hold,
}

/// The parser of `--on-unknown`.
pub(super) fn on_unknown() -> impl TypedValueParser<Value = OnUnknown> {
    EnumValueParser::<OnUnknownValue>::new().map(|value| match value {
        OnUnknownValue::Resend => OnUnknown::Resend,
        OnUnknownValue::Hold => OnUnknown::Hold,
    })
}

/// Value of `--retry`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum RetryValue {
    /// Rows that Connect refused, as they are
    Rejected,
    /// Rows that may have been created, with the same client tokens
    Unknown,
}

/// The parser of `--retry`.
pub(super) fn retry() -> impl TypedValueParser<Value = Retry> {
    EnumValueParser::<RetryValue>::new().map(|value| match value {
        RetryValue::Rejected => Retry::Rejected,
        RetryValue::Unknown => Retry::Unknown,
    })
}

/// Value of `--on-too-long`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum OnTooLongValue {
    /// Reject the row
    Reject,
    /// Cut names, descriptions and values; ids, URLs, dates and numbers are never cut
    Truncate,
}

/// The parser of `--on-too-long`.
pub(super) fn on_too_long() -> impl TypedValueParser<Value = OnTooLong> {
    EnumValueParser::<OnTooLongValue>::new().map(|value| match value {
        OnTooLongValue::Reject => OnTooLong::Reject,
        OnTooLongValue::Truncate => OnTooLong::Truncate,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_can_be_selected_by_its_name() {
        for state in RowState::ALL {
            assert_eq!(StateFilter::from_str(state.name(), false), Ok(StateFilter::Only(state)));
        }
        assert_eq!(StateFilter::value_variants().len(), RowState::ALL.len() + 1);
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
