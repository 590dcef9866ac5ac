//! The target rate of requests.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// Default quota of the service, requests per second, for every operation without an entry of its own; CreateContact
/// has none. Source: Amazon Connect API throttling quotas.
pub const DEFAULT_RATE: f64 = 2.0;

/// Burst of the default quota, requests. Source: Amazon Connect API throttling quotas.
pub const DEFAULT_BURST: u32 = 5;

/// Target rate, requests per second, or `Auto`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Rate {
    /// This rate, and less only while Connect throttles.
    Fixed(f64),
    /// The highest rate that Connect admits, found while the run sends.
    Auto,
}

impl Rate {
    /// Requests per second at the start of a run without an earlier measurement.
    pub fn initial(self) -> f64 {
        match self {
            Rate::Fixed(rate) => rate,
            Rate::Auto => DEFAULT_RATE,
        }
    }

    /// Requests per second, unless the rate is found automatically.
    pub fn fixed(self) -> Option<f64> {
        match self {
            Rate::Fixed(rate) => Some(rate),
            Rate::Auto => None,
        }
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "auto" => Ok(Rate::Auto),
            number => number
                .parse()
                .map(Rate::Fixed)
                .map_err(|_| "write requests per second, such as 2.0, or auto".to_owned()),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rate::Fixed(rate) => rate.fmt(f),
            Rate::Auto => f.write_str("auto"),
        }
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum NumberOrText {
            Number(f64),
            Text(String),
        }
        match NumberOrText::deserialize(deserializer) {
            Ok(NumberOrText::Number(rate)) => Ok(Rate::Fixed(rate)),
            Ok(NumberOrText::Text(text)) if text == "auto" => Ok(Rate::Auto),
            Ok(NumberOrText::Text(_)) | Err(_) => {
                Err(serde::de::Error::custom("write requests per second, such as 2.0, or \"auto\""))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_or_auto() {
        assert_eq!("2.5".parse(), Ok(Rate::Fixed(2.5)));
        assert_eq!(" auto ".parse(), Ok(Rate::Auto));
        assert!("fast".parse::<Rate>().unwrap_err().contains("requests per second"));
        assert_eq!(Rate::Auto.initial(), DEFAULT_RATE);
    }
}
