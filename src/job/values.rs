//! Deserializers for job-file values with two spellings.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::engine::ErrorBudget;

#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(f64),
    Text(String),
}

/// Reads a time such as `"30s"`, or a number of seconds.
pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    parsed(deserializer, crate::cli::duration)
}

/// Reads an error budget such as `100` or `"1%"`.
pub(super) fn budget<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ErrorBudget>, D::Error> {
    parsed(deserializer, str::parse)
}

/// Parses a text or a number as the value of a flag.
fn parsed<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: fn(&str) -> Result<T, String>,
) -> Result<Option<T>, D::Error> {
    let text = match NumberOrText::deserialize(deserializer)? {
        NumberOrText::Number(number) => number.to_string(),
        NumberOrText::Text(text) => text,
    };
    parse(&text).map(Some).map_err(D::Error::custom)
}
