//! Whether Connect honours the token of a completed task: one contact, sent twice.

use super::Diagnosis;
use crate::exit_code::ExitCode;
use crate::ledger::Cause;
use crate::submission::{Attempt, AttemptError, ConnectClient};

const CHECK: &str = "token";

/// The name of the contact that stays.
const NAME: &str = "connect-import doctor: token probe";

pub(super) async fn probe(client: &ConnectClient) -> Diagnosis {
    let token = format!("ci-probe-{:032x}", fastrand::u128(..));
    let first = client.create_probe_contact(NAME, token.clone()).await;
    let second = match &first {
        Ok(_) => Some(client.create_probe_contact(NAME, token).await),
        Err(_) => None,
    };
    diagnosis(first, second)
}

fn diagnosis(first: Attempt, second: Option<Attempt>) -> Diagnosis {
    let said = |trouble: &AttemptError| {
        let Cause { code, message } = trouble.cause();
        format!("{code}: {message}")
    };
    const AGAIN: &str = "ask again later";
    match (first, second) {
        (Err(trouble @ (AttemptError::MaybeSent(_) | AttemptError::TokenReused(_))), _) => {
            let found = format!("not known: a contact may have been made ({})", said(&trouble));
            Diagnosis::warn(CHECK, found, AGAIN)
        }
        (Err(trouble), _) => {
            let found = format!("the probe was not created ({})", said(&trouble));
            Diagnosis::fail(CHECK, ExitCode::Fatal, found, "mend what the other checks say first")
        }
        (Ok(first), Some(Ok(second))) if first.id == second.id => {
            Diagnosis::pass(CHECK, format!("honoured at once: both attempts gave contact {}", first.id))
        }
        (Ok(first), Some(Ok(second))) => {
            let found = format!("not honoured: two contacts, {} and {}", first.id, second.id);
            let remedy =
                "use --on-unknown hold, so that nothing that may exist is sent again; verify settles it";
            Diagnosis::fail(CHECK, ExitCode::Fatal, found, remedy)
        }
        (Ok(first), Some(Err(trouble))) => {
            let found = format!(
                "not known: contact {} was made, and the second attempt met {}",
                first.id,
                said(&trouble)
            );
            Diagnosis::warn(CHECK, found, AGAIN)
        }
        (Ok(first), None) => {
            Diagnosis::warn(CHECK, format!("not known: contact {} was made", first.id), AGAIN)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;
    use crate::ledger::Contact;

    #[test]
    fn two_contacts_of_one_token_are_a_failure() {
        let contact = |id: &str| Ok(Contact { id: id.into(), arn: None });
        let reused = || {
            Err(AttemptError::TokenReused(Cause { code: "IdempotencyException".into(), message: "m".into() }))
        };
        assert_eq!(diagnosis(contact("a"), Some(contact("a"))).verdict, Verdict::Pass);
        assert_eq!(diagnosis(contact("a"), Some(contact("b"))).verdict, Verdict::Fail(ExitCode::Fatal));
        assert_eq!(diagnosis(contact("a"), Some(reused())).verdict, Verdict::Warn);
        assert_eq!(diagnosis(reused(), None).verdict, Verdict::Warn);
        let denied =
            Err(AttemptError::Denied(Cause { code: "AccessDeniedException".into(), message: "m".into() }));
        assert_eq!(diagnosis(denied, None).verdict, Verdict::Fail(ExitCode::Fatal));
    }
}
