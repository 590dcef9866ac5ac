//! Checks of this machine and of the settings: credentials, quota and ledger.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::CheckResult;
use super::connect::ACCOUNT;
use crate::exit_code::ExitCode;
use crate::ledger::{
    Identity, LedgerError, LedgerReader, expect_no_other_ledger, expect_usable_place, is_locked,
};
use crate::pacing::{DEFAULT_BURST, DEFAULT_RATE, Rate};
use crate::printable::ShownPath as _;
use crate::request::Operation;
use crate::shard::Shard;
use crate::submission::{Caller, CallerAbsence, CredentialsFailure, CredentialsInfo, is_credentials_error};

const CREDENTIALS: &str = "credentials";
const QUOTA: &str = "quota";
const LEDGER: &str = "ledger";

/// Judges resolved credentials, `None` if requests are not signed, or the provider's error.
pub(super) fn credentials(
    found: Result<Option<CredentialsInfo>, CredentialsFailure>,
    rehearsal: bool,
    now: SystemTime,
) -> CheckResult {
    /// Remaining time below which not even a small migration completes.
    const SOON: Duration = Duration::from_secs(60 * 60);
    const RENEW: &str = "use credentials that renew themselves, such as a role, SSO or a credential process: a run that \
                         outlasts them ends in 7, and the next one continues";
    let credentials = match found {
        _ if rehearsal => return CheckResult::pass(CREDENTIALS, "a rehearsal needs none"),
        Ok(None) => {
            let remedy = "remove --no-sign-request for Amazon Connect";
            return CheckResult::warn(CREDENTIALS, "requests are not signed", remedy);
        }
        Ok(Some(credentials)) => credentials,
        Err(error) => {
            let exit = if error.may_pass { ExitCode::TryLater } else { ExitCode::Fatal };
            return CheckResult::fail(CREDENTIALS, exit, error.to_string(), &error.remedy);
        }
    };
    let CredentialsInfo { source, key_suffix, expires_at, is_session } = credentials;
    let key = format!("{source}, access key ending in {key_suffix}");
    let is_renewed = source.is_renewed();
    let Some(expiry) = expires_at else {
        return match is_session && !is_renewed {
            true => CheckResult::warn(CREDENTIALS, format!("{key}, of a session with unknown expiry"), RENEW),
            false => CheckResult::pass(CREDENTIALS, format!("{key}, no expiry")),
        };
    };
    let at =
        jiff::Timestamp::try_from(expiry).map_or_else(|_| "a far time".to_owned(), |at| format!("{at:.0}"));
    let found = format!("{key}, expires at {at}");
    match expiry.duration_since(now) {
        Err(_) => {
            CheckResult::fail(CREDENTIALS, ExitCode::Fatal, format!("{key}, expired at {at}"), "log in again")
        }
        Ok(_) if is_renewed => CheckResult::pass(CREDENTIALS, format!("{found}, renews itself")),
        Ok(left) if left < SOON => CheckResult::warn(CREDENTIALS, found, RENEW),
        Ok(_) => CheckResult::pass(CREDENTIALS, found),
    }
}

/// Judges the owner of the credentials; nothing if no account's credentials are used. `expected` is the account of the
/// instance's ARN, `earlier` that of the ledger's earlier runs.
pub(super) fn account(caller: &Caller, expected: Option<&str>, earlier: Option<&str>) -> Option<CheckResult> {
    let result = match caller {
        Caller::Unused(CallerAbsence::Rehearsal | CallerAbsence::Unsigned) => return None,
        Caller::Unused(CallerAbsence::Loopback) => {
            CheckResult::info(ACCOUNT, format!("not asked for: {}", caller.reason().unwrap_or_default()))
        }
        Caller::Known { account, .. } => match (caller.expect_account(expected), earlier) {
            (Err(error), _) => CheckResult::fail(ACCOUNT, ExitCode::Usage, error.to_string(), ""),
            (Ok(()), Some(earlier)) if earlier != account => {
                let found = format!("{caller}; the ledger's earlier runs were those of account {earlier}");
                let remedy = format!(
                    "use credentials of {earlier} with --profile, unless the instance is in {account}"
                );
                CheckResult::warn(ACCOUNT, found, &remedy)
            }
            (Ok(()), _) => CheckResult::pass(ACCOUNT, caller.to_string()),
        },
        Caller::NoCredentials(_) => CheckResult::fail(
            ACCOUNT,
            ExitCode::Fatal,
            caller.to_string(),
            "fix the source of the credentials",
        ),
        Caller::Unknown(reason) => {
            let is_refused = reason.split(": ").any(is_credentials_error);
            let remedy = match is_refused {
                true => "AWS STS refuses the credentials: log in again, or check the keys",
                false => {
                    "make sure that the credentials are those of the instance's account; AWS_ENDPOINT_URL_STS names \
                     another STS, such as that of a VPC endpoint"
                }
            };
            CheckResult::warn(ACCOUNT, caller.to_string(), remedy)
        }
    };
    Some(result)
}

/// The account of the latest run of the ledger whose account is known.
pub(super) fn earlier_account(ledger: &Path) -> Option<String> {
    /// Runs that are looked at.
    const LATEST: u32 = 100;
    let runs = LedgerReader::open(ledger).ok()?.latest_runs(LATEST).ok()?;
    runs.into_iter().find_map(|run| run.account)
}

/// Compares the rate with the documented quota. The API does not show an account's own quota.
pub(super) fn quota(operation: Operation, rate: Rate, burst: u32, shard: Option<Shard>) -> CheckResult {
    let shards = shard.map_or(1, Shard::count);
    let each = if shards > 1 { format!(" in each of {shards} shards") } else { String::new() };
    let found = match rate {
        Rate::Fixed(rate) => format!("{operation} at {rate} per second, burst {burst}{each}"),
        Rate::Auto => format!("{operation} at a rate that the run finds"),
    };
    let documented = format!(
        "the documented default is {DEFAULT_RATE}, burst {DEFAULT_BURST}, for the account and Region"
    );
    let open_tasks = match operation {
        Operation::CreateContact => "",
        Operation::StartTaskContact => "; an instance has at most 2,500 active tasks by default",
    };
    // The rounded rates of shards may add up to a little more than the default.
    let total = |rate: f64| rate * f64::from(shards) * (1.0 - 1e-9);
    let bursts = burst.saturating_mul(shards);
    if matches!(rate, Rate::Fixed(rate) if total(rate) > DEFAULT_RATE || bursts > DEFAULT_BURST) {
        let remedy = "ignore this if AWS Support raised your quota; otherwise Connect throttles and the run slows down";
        return CheckResult::warn(QUOTA, format!("{found}; {documented}{open_tasks}"), remedy);
    }
    CheckResult::pass(QUOTA, format!("{found}: {documented}{open_tasks}"))
}

/// Checks that a run could use the ledger.
pub(super) fn ledger(path: &Path, identity: &Identity, is_rehearsal: bool) -> CheckResult {
    let shown = path.shown();
    if let Err(error @ LedgerError::Misplaced { .. }) = expect_usable_place(path) {
        return CheckResult::fail(LEDGER, ExitCode::Usage, error.to_string(), "");
    }
    match row_count(path, identity) {
        Ok((rows, _)) if is_locked(path) => {
            let found = format!("{shown} has {rows} rows, and a run holds it now");
            CheckResult::warn(LEDGER, found, "another run ends in 11, or waits for --lock-wait")
        }
        Ok((rows, false)) => {
            let found =
                format!("{shown} was changed by another program: it does not have the {rows} rows it counts");
            CheckResult::warn(LEDGER, found, "nothing to do: the next run counts them again")
        }
        Ok((rows, true)) => CheckResult::pass(LEDGER, format!("{shown} is intact and has {rows} rows")),
        Err(LedgerError::Missing(_)) if is_rehearsal => {
            CheckResult::pass(LEDGER, format!("no ledger yet; a run creates {shown}"))
        }
        Err(LedgerError::Missing(_)) => match expect_no_other_ledger(path, identity) {
            Ok(()) => CheckResult::pass(LEDGER, format!("no ledger yet; a run creates {shown}")),
            Err(error) => CheckResult::fail(LEDGER, ExitCode::Usage, error.to_string(), ""),
        },
        Err(
            error @ (LedgerError::OtherIdentity { .. }
            | LedgerError::OtherShard { .. }
            | LedgerError::NotALedger(_)
            | LedgerError::HardLinked(_)
            | LedgerError::Newer(_)),
        ) => CheckResult::fail(LEDGER, ExitCode::Usage, error.to_string(), ""),
        Err(error @ LedgerError::Busy { .. }) => {
            CheckResult::fail(LEDGER, ExitCode::TryLater, error.to_string(), "")
        }
        Err(error) => CheckResult::fail(LEDGER, ExitCode::Storage, error.to_string(), ""),
    }
}

/// The number of rows that the ledger counts, and whether it is true.
fn row_count(path: &Path, identity: &Identity) -> Result<(u64, bool), LedgerError> {
    let reader = LedgerReader::open(path)?;
    let is_true = reader.expect_sound()?;
    if let Some(found) = reader.identity()? {
        identity.expect(path, &found)?;
    }
    Ok((reader.state_counts()?.total(), is_true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::CheckStatus;
    use crate::submission::CredentialsSource;

    #[test]
    fn credentials_pass_if_they_last() {
        let now = SystemTime::now();
        let of = |source, expiry: Option<SystemTime>, is_session| {
            let known = CredentialsInfo { source, key_suffix: "ABCD".into(), expires_at: expiry, is_session };
            credentials(Ok(Some(known)), false, now)
        };
        let status = |expiry, is_session| of(CredentialsSource::Variables, expiry, is_session).status;
        let minutes = |minutes: u64| Some(now + Duration::from_secs(60 * minutes));
        assert_eq!(status(None, false), CheckStatus::Pass);
        assert_eq!(status(None, true), CheckStatus::Warn);
        assert_eq!(status(minutes(61), true), CheckStatus::Pass);
        assert_eq!(status(minutes(59), true), CheckStatus::Warn);
        assert_eq!(status(Some(now - Duration::from_secs(1)), true), CheckStatus::Fail(ExitCode::Fatal));
        let none = CredentialsFailure { reason: "none".into(), remedy: "log in".into(), may_pass: false };
        assert_eq!(credentials(Err(none), false, now).status, CheckStatus::Fail(ExitCode::Fatal));
        // Renewed before they expire.
        for source in
            [CredentialsSource::Instance, CredentialsSource::Container, CredentialsSource::WebIdentity]
        {
            let found = of(source, minutes(10), true);
            assert_eq!(found.status, CheckStatus::Pass);
            assert!(found.found.ends_with(", renews itself"), "{found:?}");
        }
    }

    #[test]
    fn credentials_of_another_account_than_the_instances_fail() {
        let known = Caller::Known { account: "1".into(), arn: "arn:aws:iam::1:user/me".into() };
        let of = |caller: &Caller, expected, earlier| {
            account(caller, expected, earlier).map(|result| result.status)
        };
        let status = |caller: &Caller, expected| of(caller, expected, None);
        assert_eq!(status(&known, Some("1")), Some(CheckStatus::Pass));
        assert_eq!(status(&known, Some("2")), Some(CheckStatus::Fail(ExitCode::Usage)));
        assert_eq!(status(&Caller::Unknown("no answer".into()), Some("2")), Some(CheckStatus::Warn));
        assert_eq!(status(&Caller::Unused(CallerAbsence::Loopback), Some("2")), Some(CheckStatus::Info));
        assert_eq!(status(&Caller::Unused(CallerAbsence::Rehearsal), Some("2")), None);
        assert_eq!(of(&known, None, Some("1")), Some(CheckStatus::Pass));
        assert_eq!(of(&known, None, Some("2")), Some(CheckStatus::Warn));
        let refused = Caller::Unknown("AWS STS: InvalidClientTokenId: The security token is invalid".into());
        assert!(account(&refused, None, None).unwrap().remedy.starts_with("AWS STS refuses"));
    }

    #[test]
    fn a_rate_above_the_documented_quota_is_a_warning() {
        let of = |rate, burst, shard| quota(Operation::CreateContact, Rate::Fixed(rate), burst, shard).status;
        let status = |rate, burst| of(rate, burst, None);
        let third = "0/3".parse().ok();
        assert_eq!(of(DEFAULT_RATE / 3.0, 1, third), CheckStatus::Pass);
        assert_eq!(of(DEFAULT_RATE, 1, third), CheckStatus::Warn);
        assert_eq!(of(DEFAULT_RATE / 3.0, 2, third), CheckStatus::Warn);
        assert_eq!(status(2.0, 5), CheckStatus::Pass);
        assert_eq!(status(2.1, 5), CheckStatus::Warn);
        assert_eq!(status(2.0, 6), CheckStatus::Warn);
        assert_eq!(quota(Operation::CreateContact, Rate::Auto, 99, None).status, CheckStatus::Pass);
    }
}
