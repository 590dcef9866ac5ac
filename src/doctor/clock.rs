//! This machine's clock against the server's. Pure.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Diagnosis;
use crate::exit_code::ExitCode;

const CHECK: &str = "clock";

/// Signatures are refused beyond five minutes (IAM user guide, elements of an AWS API request signature).
const REFUSED: u64 = 5 * 60;

/// A clock that is kept by the network is nearer than that.
const SUSPICIOUS: u64 = 60;

/// `server_s` is the server's time in whole seconds since 1970, if it tells, told between `before` and `after`.
pub(super) fn clock(server_s: Option<i64>, before: SystemTime, after: SystemTime) -> Diagnosis {
    let Some(server_s) = server_s else {
        return Diagnosis::warn(CHECK, "not known: the server does not tell its time", "see that it is set");
    };
    let middle = before + after.duration_since(before).unwrap_or_default() / 2;
    let own = middle.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let own = i64::try_from(own).unwrap_or(i64::MAX);
    let apart = own.abs_diff(server_s);
    let direction = if own < server_s { "behind" } else { "ahead of" };
    let found = format!("{apart} s {direction} the server's");
    if apart <= SUSPICIOUS {
        Diagnosis::pass(CHECK, "agrees with the server's to the minute")
    } else if apart <= REFUSED {
        Diagnosis::warn(CHECK, found, "set it, for instance by NTP")
    } else {
        Diagnosis::fail(CHECK, ExitCode::Fatal, found, "set it: signatures are refused beyond five minutes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_clock_may_be_a_minute_off_and_not_five() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let verdict = |server_s| clock(Some(server_s), now, now + Duration::from_secs(1)).verdict;
        assert_eq!(verdict(1_000_030), Verdict::Pass);
        assert_eq!(verdict(1_000_061), Verdict::Warn);
        assert_eq!(verdict(999_699), Verdict::Fail(ExitCode::Fatal));
        assert!(clock(Some(1_000_061), now, now).found.contains("61 s behind"));
    }
}
