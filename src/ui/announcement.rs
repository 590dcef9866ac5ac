//! The announcement before the first request, and the question whether to send.

use std::io::{self, BufRead as _, IsTerminal as _};

use super::terminal::print_prompt;
use super::words::{count_of, per_second};
use crate::event::Announcement;
use crate::pacing::Rate;
use crate::printable::printable;

/// The announcement as one block of lines.
pub(super) fn announced(announcement: &Announcement) -> String {
    let Announcement {
        to_send,
        caller,
        target,
        proxy,
        instance_id,
        operation,
        rate,
        burst,
        shard,
        ledger,
        ..
    } = announcement;
    let warning = match announcement.is_rehearsal() {
        true => "a rehearsal, which creates no contact in Amazon Connect",
        false => "contacts cannot be deleted",
    };
    let rate = match rate {
        Rate::Fixed(rate) => format!("{} a second, burst {burst}", per_second(*rate)),
        Rate::Auto => "found automatically".to_owned(),
    };
    let name = announcement.name.as_ref().map(|name| ("job", name.clone()));
    let mut facts: Vec<(&str, String)> = name.into_iter().collect();
    facts.push(("account", caller.to_string()));
    facts.extend(announcement.credentials.as_ref().map(|source| ("credentials", source.to_string())));
    facts.extend([("Region", target.region.clone()), ("endpoint", target.host())]);
    facts.extend(proxy.as_ref().map(|proxy| ("proxy", proxy.to_string())));
    facts.extend([
        ("instance", instance_id.clone()),
        ("operation", operation.to_string()),
        ("rate", rate),
        ("ledger", ledger.clone()),
    ]);
    facts.extend(shard.map(|shard| ("shard", shard.to_string())));
    let heading = format!("{} to send; {warning}", count_of(*to_send, "row"));
    let lines = facts.iter().map(|(name, fact)| format!("  {name:<11}  {}", printable(fact)));
    std::iter::once(heading).chain(lines).collect::<Vec<_>>().join("\n")
}

/// Whether a user can be asked: standard input and standard error are terminals.
pub fn has_questioner() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks on standard error whether to send the rows, and reads the answer, a line of standard input, which blocks. The end
/// of the input is a no.
pub fn is_sending_confirmed(to_send: u64) -> bool {
    print_prompt(&format!("Send {}? [y/N] ", count_of(to_send, "row")));
    let mut answer = String::new();
    // What cannot be read is no consent.
    let is_read = io::stdin().lock().read_line(&mut answer).is_ok();
    if !answer.ends_with('\n') {
        print_prompt("\n");
    }
    is_read && is_yes(&answer)
}

/// Ends the line of a question that a signal interrupted.
pub fn leave_question() {
    print_prompt("\n");
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Operation;
    use crate::submission::{Caller, CallerAbsence, CredentialsSource, ProfileKind, ServiceTarget};

    fn announcement(caller: Caller) -> Announcement {
        Announcement {
            name: Some("Tickets of 2026".into()),
            to_send: 193,
            caller,
            credentials: Some(CredentialsSource::Profile {
                name: "import".into(),
                kind: Some(ProfileKind::Sso),
            }),
            target: ServiceTarget {
                region: "eu-west-2".into(),
                endpoint: "https://connect.eu-west-2.amazonaws.com".into(),
            },
            proxy: None,
            instance_id: "11111111-2222-3333-4444-555555555555".into(),
            operation: Operation::CreateContact,
            rate: Rate::Fixed(2.0),
            burst: 5,
            shard: None,
            ledger: "tickets.ledger.db".into(),
            is_question: false,
        }
    }

    #[test]
    fn the_block_names_everything_that_decides_where_rows_go() {
        let arn = "arn:aws:sts::111122223333:assumed-role/Importer/me";
        let known = Caller::Known { account: "111122223333".into(), arn: arn.into() };
        insta::assert_snapshot!(announced(&announcement(known)), @r"
        193 rows to send; contacts cannot be deleted
          job          Tickets of 2026
          account      111122223333, arn:aws:sts::111122223333:assumed-role/Importer/me
          credentials  profile import (SSO)
          Region       eu-west-2
          endpoint     connect.eu-west-2.amazonaws.com
          instance     11111111-2222-3333-4444-555555555555
          operation    CreateContact
          rate         2.0 a second, burst 5
          ledger       tickets.ledger.db
        ");
        let unknown = announced(&announcement(Caller::Unknown("AWS STS: OutOfReach".into())));
        assert!(unknown.contains("\n  account      not known (AWS STS: OutOfReach)\n"), "{unknown}");
        let rehearsal = announced(&announcement(Caller::Unused(CallerAbsence::Rehearsal)));
        assert!(rehearsal.starts_with("193 rows to send; a rehearsal"), "{rehearsal}");
        assert!(
            rehearsal.contains("\n  account      none: a rehearsal uses no credentials\n"),
            "{rehearsal}"
        );
    }

    #[test]
    fn only_a_yes_is_a_yes() {
        assert!(["y\n", "Y\n", " yes \r\n"].into_iter().all(is_yes));
        assert!(!["", "\n", "n\n", "yesterday\n"].into_iter().any(is_yes));
    }
}
