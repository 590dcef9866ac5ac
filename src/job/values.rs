//! Deserializers for job-file values with two spellings.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::engine::ErrorBudget;

/// Reads a time such as `"30s"`, or a number of seconds.
pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Time {
        Seconds(f64),
        Text(String),
    }
    let text = match Time::deserialize(deserializer)? {
        Time::Seconds(seconds) => seconds.to_string(),
        Time::Text(text) => text,
    };
    crate::cli::duration(&text).map(Some).map_err(serde::de::Error::custom)
}

/// Reads an error budget such as `100` or `"1%"`.
pub(super) fn budget<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ErrorBudget>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Budget {
        Rows(u64),
        Text(String),
    }
    match Budget::deserialize(deserializer)? {
        Budget::Rows(rows) => Ok(Some(ErrorBudget::Rows(rows))),
        Budget::Text(text) => text.parse().map(Some).map_err(serde::de::Error::custom),
    }
}
