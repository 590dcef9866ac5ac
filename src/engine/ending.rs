//! How a run ends, and the error budget that may end it. Pure.

use std::fmt;
use std::str::FromStr;

use crate::ledger::Cause;
use crate::pacing::PoolFailure;
use crate::shutdown::Signal;
use crate::submission::ClockRefusal;

/// Why a run stopped sending.
#[derive(Clone, PartialEq, Debug)]
pub enum Ending {
    /// No row is left to send.
    Complete,
    /// Only rows beyond `--limit` are left.
    LimitReached,
    /// A signal stopped the run.
    Interrupted(Signal),
    /// Credentials are invalid, or a permission is missing.
    Denied(Cause),
    /// There are no credentials until the user does something.
    NoCredentials(Cause),
    /// The source of the credentials did not answer for minutes, or at all.
    CredentialsOutOfReach(Cause),
    /// The service refuses the time of the signature.
    Clock(ClockRefusal),
    /// The server's certificate is not trusted.
    Untrusted {
        /// What is wrong with it, and the remedy.
        cause: Cause,
        /// Whether a request of the run, or an answer to the verification, came through before that.
        has_sent: bool,
    },
    /// A quota that waiting does not refill is exhausted.
    QuotaExceeded(Cause),
    /// The instance does not exist: every answer was a 404.
    NotFound(Cause),
    /// Connect throttled every attempt for minutes.
    Throttled(Cause),
    /// No connection was made for minutes, or at all.
    OutOfReach(Cause),
    /// Attempts went unanswered: those of every row for minutes, or the last ones of rows that are left in doubt.
    Unanswered(Cause),
    /// More rows failed than the error budget allows.
    ErrorBudget(ErrorBudget),
    /// The time budget is used up.
    TimeBudget,
}

impl Ending {
    /// Ending of a run or verification that gave up after repeated pool failures.
    pub fn after(failure: PoolFailure, cause: Cause) -> Self {
        match failure {
            PoolFailure::Throttled => Ending::Throttled(cause),
            PoolFailure::Unreachable => Ending::OutOfReach(cause),
            PoolFailure::Unanswered => Ending::Unanswered(cause),
            PoolFailure::CredentialsUnavailable => Ending::CredentialsOutOfReach(cause),
        }
    }
}

/// Maximum number of rows that may be rejected, failed or unknown in a run. One more stops the run.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ErrorBudget {
    /// Number of rows.
    Rows(u64),
    /// Share of the rows read, in per cent from 0 to 100.
    Percent(f64),
}

impl ErrorBudget {
    /// Whether `errors` among `rows` rows exceed the budget.
    pub fn is_exceeded(self, errors: u64, rows: u64) -> bool {
        match self {
            ErrorBudget::Rows(max) => errors > max,
            ErrorBudget::Percent(percent) => errors as f64 * 100.0 > percent * rows as f64,
        }
    }
}

impl FromStr for ErrorBudget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let budget = match text.strip_suffix('%') {
            Some(percent) => {
                let percent = percent.trim().parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
                percent.map(ErrorBudget::Percent)
            }
            None => text.parse().ok().map(ErrorBudget::Rows),
        };
        budget.ok_or_else(|| "write a number of rows, such as 100, or a share, such as 1%".to_owned())
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
    fn a_budget_is_a_number_of_rows_or_a_share_of_them() {
        let rows: ErrorBudget = "10".parse().unwrap();
        assert!(!rows.is_exceeded(10, 20) && rows.is_exceeded(11, 1_000_000));
        let share: ErrorBudget = "0.5%".parse().unwrap();
        assert!(!share.is_exceeded(5, 1000) && share.is_exceeded(6, 1000));
        assert!("0".parse::<ErrorBudget>().unwrap().is_exceeded(1, 1));
        for text in ["", "-1", "101%", "NaN%", "many"] {
            assert!(text.parse::<ErrorBudget>().is_err(), "{text}");
        }
    }
}
