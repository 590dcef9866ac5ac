//! Whether there are credentials, and for how long.

use std::time::{Duration, SystemTime};

use super::Diagnosis;
use crate::exit_code::ExitCode;
use crate::submission::CredentialsInfo;

const CHECK: &str = "credentials";

/// Credentials that expire sooner do not last for the smallest migration.
const SOON: Duration = Duration::from_secs(60 * 60);

const RENEW: &str = "use credentials that renew themselves, such as a role, SSO or a credential process: a run that \
                     outlasts them ends in 7, and the next one goes on";

pub(super) fn credentials(
    found: Result<Option<CredentialsInfo>, String>,
    rehearsal: bool,
    now: SystemTime,
) -> Diagnosis {
    let credentials = match found {
        _ if rehearsal => return Diagnosis::pass(CHECK, "a rehearsal needs none"),
        Ok(None) => {
            let remedy = "leave --no-sign-request out for Amazon Connect";
            return Diagnosis::warn(CHECK, "requests are not signed", remedy);
        }
        Ok(Some(credentials)) => credentials,
        Err(why) => {
            let remedy = "log in, or name a profile with --profile";
            return Diagnosis::fail(CHECK, ExitCode::Fatal, why, remedy);
        }
    };
    let key = format!("access key ending in {}", credentials.key_suffix);
    match credentials.expires_at.map(|expiry| (expiry, expiry.duration_since(now))) {
        Some((expiry, Err(_))) => {
            let found = format!("{key}, expired at {}", jiff_text(expiry));
            Diagnosis::fail(CHECK, ExitCode::Fatal, found, "log in again")
        }
        Some((expiry, Ok(left))) => {
            let found = format!("{key}, expire at {}", jiff_text(expiry));
            if left < SOON { Diagnosis::warn(CHECK, found, RENEW) } else { Diagnosis::pass(CHECK, found) }
        }
        None if credentials.is_session => {
            Diagnosis::warn(CHECK, format!("{key}, of a session that does not say when it ends"), RENEW)
        }
        None => Diagnosis::pass(CHECK, format!("{key}, which do not expire")),
    }
}

fn jiff_text(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(|_| "a far time".to_owned(), |time| format!("{time:.0}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn credentials_pass_if_they_last() {
        let now = SystemTime::now();
        let verdict = |expiry: Option<SystemTime>, is_session| {
            let known = CredentialsInfo { key_suffix: "ABCD".into(), expires_at: expiry, is_session };
            credentials(Ok(Some(known)), false, now).verdict
        };
        let minutes = |minutes: u64| Some(now + Duration::from_secs(60 * minutes));
        assert_eq!(verdict(None, false), Verdict::Pass);
        assert_eq!(verdict(None, true), Verdict::Warn);
        assert_eq!(verdict(minutes(61), true), Verdict::Pass);
        assert_eq!(verdict(minutes(59), true), Verdict::Warn);
        assert_eq!(verdict(Some(now - Duration::from_secs(1)), true), Verdict::Fail(ExitCode::Fatal));
        assert_eq!(credentials(Err("none".into()), false, now).verdict, Verdict::Fail(ExitCode::Fatal));
    }
}
