//! The rate as it is asked for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use super::DEFAULT_RATE;

/// How fast requests may leave.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Rate {
    /// So many requests a second, and fewer only while Connect throttles.
    Fixed(f64),
    /// As many as Connect takes, which is found out.
    Auto,
}

impl Rate {
    /// Requests a second to start from, where nothing has been found out yet.
    pub fn initial(self) -> f64 {
        match self {
            Rate::Fixed(rate) => rate,
            Rate::Auto => DEFAULT_RATE,
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
                .map_err(|_| "write requests a second, such as 2.0, or auto".to_owned()),
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
        enum Written {
            Number(f64),
            Text(String),
        }
        const EXPECTED: &str = "write requests a second, such as 2.0, or \"auto\"";
        match Written::deserialize(deserializer).map_err(|_| serde::de::Error::custom(EXPECTED))? {
            Written::Number(rate) => Ok(Rate::Fixed(rate)),
            Written::Text(text) if text == "auto" => Ok(Rate::Auto),
            Written::Text(_) => Err(serde::de::Error::custom(EXPECTED)),
        }
    }
}
