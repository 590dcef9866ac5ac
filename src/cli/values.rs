//! Values of options, as people write them.

use std::time::Duration;

use clap::ValueEnum;

use crate::request::Operation;
use crate::suggest::did_you_mean;

/// The form of results.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// JSON Lines.
    Json,
    /// CSV, for `check` and `export`.
    Csv,
}

/// The form of what goes to standard error.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// A log: JSON Lines and nothing else.
    Json,
}

/// How progress is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProgressKind {
    /// A bar on a terminal, plain lines elsewhere.
    #[default]
    Auto,
    /// A bar.
    Bar,
    /// A line now and then.
    Plain,
    /// Nothing.
    None,
}

/// `40ms`, `30s`, `5m`; a bare number is seconds, as in the AWS CLI.
pub fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string());
    }
    humantime::parse_duration(text).map_err(|_| "write a time such as 40ms, 30s, 5m or 24h".to_owned())
}

/// The operation of this name.
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
    fn times_have_units_or_are_seconds() {
        assert_eq!(duration("40ms"), Ok(Duration::from_millis(40)));
        assert_eq!(duration("1.5"), Ok(Duration::from_millis(1500)));
        assert!(duration("-1").is_err());
        assert!(duration("soon").is_err());
    }
}
