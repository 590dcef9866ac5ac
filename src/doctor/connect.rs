//! Checks of answers by Amazon Connect: endpoint, permission, instance, clock and client token.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::CheckResult;
use crate::exit_code::ExitCode;
use crate::ledger::{Cause, Identity};
use crate::request::Operation;
use crate::submission::{Attempt, AttemptError, ConnectClient, is_credentials_error};

const ENDPOINT: &str = "endpoint";
const PERMISSION: &str = "permission";
const INSTANCE: &str = "instance";
const CLOCK: &str = "clock";
const TOKEN: &str = "token";

const WRONG_INSTANCE: &str = "check the instance id, the Region and the account";

/// Error codes of an answer that validated the request.
const VALIDATION: [&str; 2] = ["InvalidParameterException", "InvalidRequestException"];

fn described(error: &AttemptError) -> String {
    let Cause { code, message } = error.cause();
    if message.is_empty() { code.clone() } else { format!("{code}: {message}") }
}

/// Judges the answer to a request that Connect must refuse.
pub(super) fn permission(error: Option<&AttemptError>, identity: &Identity) -> Vec<CheckResult> {
    let Some(error) = error else {
        let found =
            "Connect accepted a request that exceeds its documented limits, and may have created a contact";
        let remedy = "check --endpoint-url: is this Amazon Connect?";
        return vec![CheckResult::fail(ENDPOINT, ExitCode::Fatal, found, remedy)];
    };
    let code = error.cause().code.as_str();
    let found = described(error);
    let unreachable = |remedy| CheckResult::fail(ENDPOINT, ExitCode::TryLater, found.clone(), remedy);
    let fatal = |check, remedy: &str| CheckResult::fail(check, ExitCode::Fatal, found.clone(), remedy);
    let unknown = |remedy| CheckResult::warn(PERMISSION, format!("unknown: {found}"), remedy);
    let operation = identity.operation;
    let result = match error {
        AttemptError::NotSent(_) => {
            return vec![unreachable("check the network, the Region and --endpoint-url")];
        }
        AttemptError::MaybeSent(_) => {
            return vec![unreachable("try again later; check the network and any proxy")];
        }
        AttemptError::CredentialsUnavailable(_) => {
            return vec![fatal("credentials", "log in, or fix the credential process")];
        }
        // An answer without an error code is a proxy's.
        AttemptError::Denied(_) if code.starts_with("HTTP") => {
            let remedy = "this is not an answer of Amazon Connect: check --endpoint-url and any proxy";
            return vec![fatal(ENDPOINT, remedy)];
        }
        AttemptError::Denied(_) if is_credentials_error(code) => {
            fatal("credentials", "log in again, and check this machine's clock")
        }
        AttemptError::Denied(_) => {
            let resource = match operation {
                Operation::CreateContact => "the instance, its contact/* and its agent/*",
                Operation::StartTaskContact => "the flow, the quick connect or the task template",
            };
            let remedy = format!(
                "allow connect:{operation} on {resource}; the handbook has the policy: chapter Operations, Permissions"
            );
            fatal(PERMISSION, &remedy)
        }
        AttemptError::NotFound(_) => fatal(INSTANCE, WRONG_INSTANCE),
        AttemptError::Throttled(_) => unknown("another program uses the quota now; try again later"),
        AttemptError::QuotaExceeded(_) | AttemptError::ChainOrQuota(_) => {
            fatal("quota", "ask AWS Support to raise it")
        }
        AttemptError::Refused(_) if VALIDATION.contains(&code) => {
            // AWS does not document that permissions are checked before the request is validated.
            let found = format!(
                "{operation} on instance {} was validated and not denied ({code}); only a pilot (run --limit 1) proves \
                 the permission",
                identity.instance_id
            );
            CheckResult::pass(PERMISSION, found)
        }
        AttemptError::Refused(_) | AttemptError::Conflict(_) | AttemptError::TokenReused(_) => {
            unknown("find out by a pilot: run --limit 1")
        }
    };
    vec![CheckResult::pass(ENDPOINT, "Connect answers"), result]
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
            let remedy = "allow connect:DescribeInstance, or find out by a pilot (run --limit 1)";
            CheckResult::warn(INSTANCE, format!("unknown: {}", described(error)), remedy)
        }
    }
}

/// Compares this machine's clock with the server's, Unix seconds, which was read between `before` and `after`.
pub(super) fn clock(server_s: Option<i64>, before: SystemTime, after: SystemTime) -> CheckResult {
    /// Maximum difference of a signature, seconds (IAM user guide, elements of an AWS API request signature).
    const MAX_DIFFERENCE: u64 = 5 * 60;
    /// Difference that a clock synchronised by NTP does not reach, seconds.
    const SUSPICIOUS: u64 = 60;
    let Some(server_s) = server_s else {
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
    if difference <= SUSPICIOUS {
        CheckResult::pass(CLOCK, "agrees with the server's to the minute")
    } else if difference <= MAX_DIFFERENCE {
        CheckResult::warn(CLOCK, found, "set it, for instance by NTP")
    } else {
        let remedy = "set it: Connect refuses signatures beyond five minutes";
        CheckResult::fail(CLOCK, ExitCode::Fatal, found, remedy)
    }
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
    use crate::ledger::Contact;

    #[test]
    fn each_error_is_attributed_to_its_check() {
        let identity = Identity {
            instance_id: "i".into(),
            operation: Operation::CreateContact,
            namespace: String::new(),
            key: Vec::new(),
            key_comparison: Default::default(),
            shard: None,
        };
        let cause = |code: &str| Cause { code: code.into(), message: "m".into() };
        let last = |error: Option<AttemptError>| {
            let last = permission(error.as_ref(), &identity).pop().unwrap();
            (last.check, last.status)
        };
        let fatal = CheckStatus::Fail(ExitCode::Fatal);
        let later = CheckStatus::Fail(ExitCode::TryLater);
        assert_eq!(
            last(Some(AttemptError::Refused(cause("InvalidParameterException")))),
            ("permission", CheckStatus::Pass)
        );
        assert_eq!(last(Some(AttemptError::Denied(cause("AccessDeniedException")))), ("permission", fatal));
        assert_eq!(last(Some(AttemptError::Denied(cause("ExpiredToken")))), ("credentials", fatal));
        assert_eq!(last(Some(AttemptError::Denied(cause("HTTP404")))), ("endpoint", fatal));
        let odd = last(Some(AttemptError::Refused(cause("SerializationException"))));
        assert_eq!(odd, ("permission", CheckStatus::Warn));
        assert_eq!(
            last(Some(AttemptError::NotFound(cause("ResourceNotFoundException")))),
            ("instance", fatal)
        );
        assert_eq!(last(Some(AttemptError::NotSent(cause("OutOfReach")))), ("endpoint", later));
        assert_eq!(last(None), ("endpoint", fatal));
    }

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
    fn a_clock_may_be_a_minute_off_and_not_five() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let status = |server_s| clock(Some(server_s), now, now + Duration::from_secs(1)).status;
        assert_eq!(status(1_000_030), CheckStatus::Pass);
        assert_eq!(status(1_000_061), CheckStatus::Warn);
        assert_eq!(status(999_699), CheckStatus::Fail(ExitCode::Fatal));
        assert!(clock(Some(1_000_061), now, now).found.contains("61 s behind"));
    }
}
