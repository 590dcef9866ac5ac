//! Checks of answers by Amazon Connect: instance, clock and client token.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::CheckResult;
use crate::exit_code::ExitCode;
use crate::submission::{Attempt, AttemptError, ConnectClient};

pub(super) const INSTANCE: &str = "instance";
pub(super) const ACCOUNT: &str = "account";
const CLOCK: &str = "clock";
const TOKEN: &str = "token";

pub(super) const WRONG_INSTANCE: &str = "check the instance id, the Region and the account";

/// Code and message of an error.
pub(super) fn described(error: &AttemptError) -> String {
    error.cause().to_string()
}

/// Judges the instance's status, or the error of DescribeInstance.
pub(super) fn instance(status: &Result<String, AttemptError>) -> CheckResult {
    match status {
        Ok(status) if status == "ACTIVE" => CheckResult::pass(INSTANCE, "exists and is active"),
        Ok(status) => {
            CheckResult::warn(INSTANCE, format!("exists and is {status}"), "wait until it is active")
        }
        Err(error @ AttemptError::NotFound(_)) => {
            CheckResult::fail(INSTANCE, ExitCode::Fatal, described(error), WRONG_INSTANCE)
        }
        Err(error) => {
            let remedy = match error {
                AttemptError::Denied(_) => {
                    "allow connect:DescribeInstance, or find out by a pilot (run --limit 1)"
                }
                _ => "try again later, or find out by a pilot (run --limit 1)",
            };
            CheckResult::warn(INSTANCE, format!("unknown: {}", described(error)), remedy)
        }
    }
}

/// Compares this machine's clock with the server's, Unix seconds, which was read between `before` and `after`. `refusal` is
/// the answer, if it refuses the time of the signature although the SDK corrected it: a run would end, too. Any other
/// difference is a warning, since a run signs with the server's time.
pub(super) fn clock(
    server_s: Option<i64>,
    before: SystemTime,
    after: SystemTime,
    refusal: Option<&str>,
) -> CheckResult {
    /// Maximum difference of a signature, seconds (IAM user guide, elements of an AWS API request signature).
    const MAX_DIFFERENCE: u64 = 5 * 60;
    /// Difference that a clock synchronised by NTP does not reach, seconds.
    const SUSPICIOUS: u64 = 60;
    const SET: &str = "set it, for instance by NTP: Connect refuses signatures beyond five minutes";
    let refused = |difference: &str, remedy: &str| {
        let found = format!("{}{difference}", refusal.unwrap_or_default());
        CheckResult::fail(CLOCK, ExitCode::Fatal, found, remedy)
    };
    let Some(server_s) = server_s else {
        if refusal.is_some() {
            return refused("", SET);
        }
        return CheckResult::warn(
            CLOCK,
            "unknown: the server does not send its time",
            "check that it is set",
        );
    };
    let middle = before + after.duration_since(before).unwrap_or_default() / 2;
    let own = middle.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let own = i64::try_from(own).unwrap_or(i64::MAX);
    let difference = own.abs_diff(server_s);
    let found = format!("{difference} s {} the server's", if own < server_s { "behind" } else { "ahead of" });
    match (refusal, difference) {
        (Some(_), ..=SUSPICIOUS) => refused(
            "; this machine's clock agrees with the date of the answer",
            "compare it with another clock, and check what delays requests or changes that date, such as a cache",
        ),
        (Some(_), _) => refused(&format!("; this machine's clock is {found}"), SET),
        (None, ..=SUSPICIOUS) => CheckResult::pass(CLOCK, "agrees with the server's to the minute"),
        (None, ..=MAX_DIFFERENCE) => CheckResult::warn(CLOCK, found, "set it, for instance by NTP"),
        (None, _) => CheckResult::warn(
            CLOCK,
            format!("{found}; requests are signed with the server's time"),
            "set it, for instance by NTP: the idempotency window and the times in the ledger are this machine's",
        ),
    }
}

/// The token's check, if another one failed, so that no contact is created.
pub(super) fn no_token_probe() -> CheckResult {
    CheckResult::warn(
        TOKEN,
        "not tested: no contact was created",
        "fix the failures of the other checks first",
    )
}

/// Creates one contact twice with one client token, to see whether Connect honours it for completed tasks.
pub(super) async fn probe_token(client: &ConnectClient) -> CheckResult {
    /// Name of the contact, which cannot be deleted.
    const NAME: &str = "connect-import doctor: token probe";
    let token = format!("ci-probe-{:032x}", fastrand::u128(..));
    let first = client.create_probe_contact(NAME, token.clone()).await;
    let second = match &first {
        Ok(_) => Some(client.create_probe_contact(NAME, token).await),
        Err(_) => None,
    };
    token_result(first, second)
}

fn token_result(first: Attempt, second: Option<Attempt>) -> CheckResult {
    let unknown = |found: String| CheckResult::warn(TOKEN, format!("unknown: {found}"), "try again later");
    match (first, second) {
        (Err(error @ (AttemptError::MaybeSent(_) | AttemptError::TokenReused(_))), _) => {
            unknown(format!("a contact may have been created ({})", described(&error)))
        }
        (Err(error), _) => {
            let found = format!("the probe was not created ({})", described(&error));
            CheckResult::fail(TOKEN, ExitCode::Fatal, found, "fix the failures of the other checks first")
        }
        (Ok(first), Some(Ok(second))) if first.id == second.id => {
            CheckResult::pass(TOKEN, format!("honoured: both attempts returned contact {}", first.id))
        }
        (Ok(first), Some(Ok(second))) => {
            let found = format!("not honoured: two contacts, {} and {}", first.id, second.id);
            let remedy =
                "use --on-unknown hold, so that no row in doubt is sent again; verify settles these rows";
            CheckResult::fail(TOKEN, ExitCode::Fatal, found, remedy)
        }
        (Ok(first), Some(Err(error))) => unknown(format!(
            "contact {} was created, and the second attempt failed ({})",
            first.id,
            described(&error)
        )),
        (Ok(first), None) => unknown(format!("contact {} was created", first.id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::CheckStatus;
    use crate::ledger::{Cause, Contact};

    #[test]
    fn an_instance_that_may_not_be_described_is_unknown() {
        let cause = || Cause { code: "c".into(), message: "m".into() };
        assert_eq!(instance(&Ok("ACTIVE".into())).status, CheckStatus::Pass);
        assert_eq!(instance(&Ok("CREATION_IN_PROGRESS".into())).status, CheckStatus::Warn);
        assert_eq!(instance(&Err(AttemptError::Denied(cause()))).status, CheckStatus::Warn);
        assert_eq!(
            instance(&Err(AttemptError::NotFound(cause()))).status,
            CheckStatus::Fail(ExitCode::Fatal)
        );
    }

    #[test]
    fn two_contacts_of_one_token_are_a_failure() {
        let contact = |id: &str| Ok(Contact { id: id.into(), arn: None });
        let reused = || {
            Err(AttemptError::TokenReused(Cause { code: "IdempotencyException".into(), message: "m".into() }))
        };
        assert_eq!(token_result(contact("a"), Some(contact("a"))).status, CheckStatus::Pass);
        assert_eq!(token_result(contact("a"), Some(contact("b"))).status, CheckStatus::Fail(ExitCode::Fatal));
        assert_eq!(token_result(contact("a"), Some(reused())).status, CheckStatus::Warn);
        assert_eq!(token_result(reused(), None).status, CheckStatus::Warn);
        let denied =
            Err(AttemptError::Denied(Cause { code: "AccessDeniedException".into(), message: "m".into() }));
        assert_eq!(token_result(denied, None).status, CheckStatus::Fail(ExitCode::Fatal));
    }

    #[test]
    fn a_clock_that_is_off_is_a_warning_unless_its_time_is_refused() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let status = |server_s| clock(Some(server_s), now, now + Duration::from_secs(1), None).status;
        assert_eq!(status(1_000_030), CheckStatus::Pass);
        assert_eq!(status(1_000_061), CheckStatus::Warn);
        assert_eq!(status(999_699), CheckStatus::Warn);
        let far = clock(Some(1_000_720), now, now, None).found;
        assert_eq!(far, "720 s behind the server's; requests are signed with the server's time");
        assert!(clock(Some(1_000_061), now, now, None).found.contains("61 s behind"));
        // What the server says counts, also if its header agrees.
        for server_s in [None, Some(1_000_000)] {
            let refused = clock(server_s, now, now, Some("RequestExpired"));
            assert_eq!(refused.status, CheckStatus::Fail(ExitCode::Fatal));
            assert!(refused.found.starts_with("RequestExpired"), "{refused:?}");
        }
        let remedy = |server_s| clock(Some(server_s), now, now, Some("RequestExpired")).remedy;
        assert!(remedy(1_000_720).starts_with("set it"));
        assert!(remedy(1_000_000).contains("delays requests"), "a clock that agrees need not be set");
    }
}
