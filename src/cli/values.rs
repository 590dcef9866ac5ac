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
    let time = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => humantime::parse_duration(text).ok(),
    };
    time.ok_or_else(|| "write a time such as 40ms, 30s, 5m or 24h".to_owned())
}

/// A time between two looks at the ledger, which is not to be looked at all the time.
pub(super) fn pause(text: &str) -> Result<Duration, String> {
    const SHORTEST: Duration = Duration::from_millis(100);
    duration(text).and_then(|time| match time {
        time if time < SHORTEST => Err("the shortest pause is 0.1s; the usual one is 2s".to_owned()),
        time => Ok(time),
    })
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
        for none in ["-1", "inf", "NaN", "1e300", "soon"] {
            assert_eq!(duration(none).unwrap_err(), "write a time such as 40ms, 30s, 5m or 24h");
        }
        assert!(pause("0").is_err() && pause("99ms").is_err());
        assert_eq!(pause("0.1"), Ok(Duration::from_millis(100)));
    }
}
