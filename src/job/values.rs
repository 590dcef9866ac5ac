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

/// Reads a list of codes of rejections.
pub(super) fn codes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let codes = Vec::<String>::deserialize(deserializer)?;
    for code in &codes {
        crate::cli::rejection_code(code)
            .map_err(|problem| D::Error::custom(format!("no row is rejected with '{code}'; {problem}")))?;
    }
    Ok(codes)
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
