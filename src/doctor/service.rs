//! What Connect's answer to a request that was made to be refused says. Pure.

use super::Diagnosis;
use crate::exit_code::ExitCode;
use crate::ledger::{Cause, Identity};
use crate::submission::AttemptError;

const ENDPOINT: &str = "endpoint";
const INSTANCE: &str = "instance";
const PERMISSION: &str = "permission";

/// Codes of an answer that has looked at the request's members.
const JUDGED: [&str; 2] = ["InvalidParameterException", "InvalidRequestException"];

/// Codes that blame the credentials, and not what they allow.
const CREDENTIALS: [&str; 7] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
];

pub(super) fn service(trouble: &Option<AttemptError>, identity: &Identity) -> Vec<Diagnosis> {
    let Some(trouble) = trouble else {
        let found =
            "Connect took a request that breaks its documented limits, and may have made a contact of it";
        return vec![Diagnosis::fail(
            ENDPOINT,
            ExitCode::Fatal,
            found,
            "is this Amazon Connect? Look at --endpoint-url",
        )];
    };
    let Cause { code, message } = trouble.cause();
    let said = if message.is_empty() { code.clone() } else { format!("{code}: {message}") };
    let answers = || Diagnosis::pass(ENDPOINT, "Connect answers");
    let fatal = |check, remedy: &str| Diagnosis::fail(check, ExitCode::Fatal, said.clone(), remedy);
    let operation = identity.operation;
    match trouble {
        AttemptError::NotSent(_) => {
            let remedy = "look at the network, the Region and --endpoint-url";
            vec![Diagnosis::fail(ENDPOINT, ExitCode::TryLater, said, remedy)]
        }
        AttemptError::MaybeSent(_) => {
            let remedy = "try again later; look at the network and any proxy";
            vec![Diagnosis::fail(ENDPOINT, ExitCode::TryLater, said, remedy)]
        }
        AttemptError::CredentialsUnavailable(_) => {
            vec![fatal("credentials", "log in, or mend the credential process")]
        }
        // An answer without an error code is a proxy's, or anybody's.
        AttemptError::Denied(_) if code.starts_with("HTTP") => {
            let remedy = "this is no answer of Amazon Connect: look at --endpoint-url and any proxy";
            vec![fatal(ENDPOINT, remedy)]
        }
        AttemptError::Denied(_) if CREDENTIALS.contains(&code.as_str()) => {
            vec![answers(), fatal("credentials", "log in again, and look at this machine's clock")]
        }
        AttemptError::Denied(_) => {
            let remedy = format!("allow connect:{operation} on the instance; the README has the policy");
            vec![answers(), fatal(PERMISSION, &remedy)]
        }
        AttemptError::NotFound(_) => {
            vec![answers(), fatal(INSTANCE, "look at the instance's id, the Region and the account")]
        }
        AttemptError::Throttled(_) => {
            let remedy = "something else uses the quota at this moment; ask again later";
            vec![answers(), Diagnosis::warn(PERMISSION, format!("not known: {said}"), remedy)]
        }
        AttemptError::QuotaExceeded(_) | AttemptError::ChainOrQuota(_) => {
            vec![answers(), fatal("quota", "ask AWS Support to raise it")]
        }
        AttemptError::Refused(_) if JUDGED.contains(&code.as_str()) => {
            // AWS does not document that permission comes before judgement, so a pilot is the proof.
            let found = format!(
                "{operation} on instance {} is judged and not denied ({code}); only a pilot (run --limit 1) proves it",
                identity.instance_id
            );
            vec![answers(), Diagnosis::pass(PERMISSION, found)]
        }
        AttemptError::Refused(_) | AttemptError::Conflict(_) | AttemptError::TokenReused(_) => {
            let remedy = "see by a pilot: run --limit 1";
            vec![answers(), Diagnosis::warn(PERMISSION, format!("not known ({said})"), remedy)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;
    use crate::request::Operation;

    #[test]
    fn an_answer_blames_what_is_to_blame() {
        let identity = Identity {
            instance_id: "i".into(),
            operation: Operation::CreateContact,
            namespace: String::new(),
            key: Vec::new(),
            shard: None,
        };
        let cause = |code: &str| Cause { code: code.into(), message: "m".into() };
        let last = |trouble: Option<AttemptError>| {
            let last = service(&trouble, &identity).pop().unwrap();
            (last.check, last.verdict)
        };
        let fatal = Verdict::Fail(ExitCode::Fatal);
        let later = Verdict::Fail(ExitCode::TryLater);
        assert_eq!(
            last(Some(AttemptError::Refused(cause("InvalidParameterException")))),
            ("permission", Verdict::Pass)
        );
        assert_eq!(last(Some(AttemptError::Denied(cause("AccessDeniedException")))), ("permission", fatal));
        assert_eq!(last(Some(AttemptError::Denied(cause("ExpiredToken")))), ("credentials", fatal));
        assert_eq!(last(Some(AttemptError::Denied(cause("HTTP404")))), ("endpoint", fatal));
        let odd = last(Some(AttemptError::Refused(cause("SerializationException"))));
        assert_eq!(odd, ("permission", Verdict::Warn));
        assert_eq!(
            last(Some(AttemptError::NotFound(cause("ResourceNotFoundException")))),
            ("instance", fatal)
        );
        assert_eq!(last(Some(AttemptError::NotSent(cause("OutOfReach")))), ("endpoint", later));
        assert_eq!(last(None), ("endpoint", fatal));
    }
}
