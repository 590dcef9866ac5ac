//! How many rows may go wrong before a run stops. Pure.

use std::fmt;
use std::str::FromStr;

/// The rows that may be rejected, failed or unknown in a run. One more, and no further request is made.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ErrorBudget {
    /// So many rows.
    Rows(u64),
    /// So many per cent of the rows read, which the run knows before it sends the first.
    Percent(f64),
}

impl ErrorBudget {
    /// Whether `errors` of `rows` are more than the budget allows.
    pub fn is_spent(self, errors: u64, rows: u64) -> bool {
        match self {
            ErrorBudget::Rows(allowed) => errors > allowed,
            ErrorBudget::Percent(percent) => errors as f64 * 100.0 > percent * rows as f64,
        }
    }
}

impl FromStr for ErrorBudget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let remedy = || "write a number of rows, such as 100, or a share, such as 1%".to_owned();
        match text.trim().strip_suffix('%') {
            Some(percent) => {
                let percent: f64 = percent.trim().parse().map_err(|_| remedy())?;
                if (0.0..=100.0).contains(&percent) {
                    Ok(ErrorBudget::Percent(percent))
                } else {
                    Err(remedy())
                }
            }
            None => text.trim().parse().map(ErrorBudget::Rows).map_err(|_| remedy()),
        }
    }
}

impl fmt::Display for ErrorBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorBudget::Rows(rows) => rows.fmt(f),
            ErrorBudget::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_rows_or_a_share_of_them() {
        let rows: ErrorBudget = "10".parse().unwrap();
        assert!(!rows.is_spent(10, 20) && rows.is_spent(11, 1_000_000));
        let share: ErrorBudget = "0.5%".parse().unwrap();
        assert!(!share.is_spent(5, 1000) && share.is_spent(6, 1000));
        assert!("0".parse::<ErrorBudget>().unwrap().is_spent(1, 1));
        for text in ["", "-1", "101%", "NaN%", "many"] {
            assert!(text.parse::<ErrorBudget>().is_err(), "{text}");
        }
    }
}
