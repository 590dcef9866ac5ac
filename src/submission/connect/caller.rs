//! The owner of the client's credentials.

use super::call;
use super::client::ConnectClient;
use crate::request::{ContactRequest, Operation};
use crate::submission::answered_contact::is_account;
use crate::submission::attempt::AttemptError;
use crate::submission::target::{Caller, CallerAbsence};

impl ConnectClient {
    /// Asks AWS STS whose credentials sign the requests, once, within the connect and read timeouts. STS is the Region's,
    /// or that of `AWS_ENDPOINT_URL_STS`; it is not asked where the endpoint of Connect is on loopback.
    ///
    /// GetCallerIdentity needs no permission (AWS STS API reference), but a private network may have no way to STS.
    pub async fn caller(&self) -> Caller {
        if self.is_rehearsal {
            return Caller::Unused(CallerAbsence::Rehearsal);
        }
        let Some(credentials) = self.credentials.as_deref() else {
            return Caller::Unused(CallerAbsence::Unsigned);
        };
        if self.target.is_loopback() {
            return Caller::Unused(CallerAbsence::Loopback);
        }
        // No value of a row is sent to STS, so its message stays as it is.
        let nothing = ContactRequest::empty(Operation::CreateContact);
        let ask =
            || call::make(Some(credentials), Box::pin(self.sts.get_caller_identity().send()), Some(&nothing));
        let mut answer = ask().await;
        if answer.as_ref().is_err_and(|failure| failure.error.is_clock_corrected()) {
            answer = ask().await;
        }
        let failure = match answer {
            Ok(answer) => {
                return match (answer.account, answer.arn) {
                    (Some(account), Some(arn)) if is_account(&account) && is_arn_of(&arn, &account) => {
                        Caller::Known { account, arn }
                    }
                    _ => Caller::Unknown("AWS STS did not name it".to_owned()),
                };
            }
            Err(failure) => failure,
        };
        if let Some(credentials) = failure.credentials {
            return Caller::NoCredentials(credentials.reason);
        }
        let cause = failure.error.cause();
        match (&failure.error, cause.message.as_str()) {
            (AttemptError::Denied(_), message) if cause.code == "NotSigned" => {
                Caller::NoCredentials(message.to_owned())
            }
            (_, "") => Caller::Unknown(format!("AWS STS: {}", cause.code)),
            (_, message) => Caller::Unknown(format!("AWS STS: {}: {message}", cause.code)),
        }
    }
}

/// Whether the text has the form of an ARN of this account (IAM User Guide, IAM identifiers). A proxy may answer in the place
/// of STS; its text would be taken for another account.
fn is_arn_of(arn: &str, account: &str) -> bool {
    let fields: Vec<&str> = arn.splitn(6, ':').collect();
    arn.len() <= 2048
        && arn.bytes().all(|byte| byte.is_ascii_graphic())
        && matches!(fields[..], ["arn", _, "iam" | "sts", _, named, _] if named == account)
}
