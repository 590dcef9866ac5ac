//! What the page says of verifications: the latest of each ledger, and whether all of them are a proof.

use serde::Serialize;

use super::clock::Clock;
use super::text::{capitalized, count};
use crate::ledger::{LedgerError, LedgerReader, RowState, RunRecord, VerificationRecord};
use crate::ui::{PastedIn, verified, verify_command};

/// Verifications of a ledger.
#[derive(Clone, Debug, Default)]
pub(super) struct LedgerVerifications {
    /// Path of the ledger.
    pub(super) ledger: String,
    /// Whether the contacts are in a sandbox.
    pub(super) is_rehearsal: bool,
    /// Created rows.
    pub(super) created: u64,
    /// The latest verification.
    pub(super) latest: Option<VerificationRecord>,
    /// The latest that looked up every created row of its time, if it is another.
    pub(super) full: Option<VerificationRecord>,
    /// Command that verifies the ledger, unless its contacts ended with the run.
    pub(super) command: Option<String>,
}

impl LedgerVerifications {
    pub(super) fn read(
        ledger: &str,
        is_rehearsal: bool,
        reader: &LedgerReader,
        latest: Option<&RunRecord>,
    ) -> Result<Self, LedgerError> {
        let verification = reader.latest_verification()?;
        let full = reader.latest_full_verification()?;
        Ok(LedgerVerifications {
            ledger: ledger.to_owned(),
            is_rehearsal,
            created: reader.state_counts()?.of(RowState::Created),
            full: full.filter(|full| verification.as_ref().is_some_and(|latest| latest != full)),
            latest: verification,
            command: latest.and_then(|latest| verify_command(latest, PastedIn::AnyFolder)),
        })
    }

    /// Whether every contact was looked up and is as it was sent.
    pub(super) fn is_proof(&self) -> bool {
        self.latest.as_ref().is_some_and(VerificationRecord::is_proof)
    }

    /// Whether the latest verification found contacts that are missing, shared or not as they were sent.
    pub(super) fn has_differences(&self) -> bool {
        self.latest
            .as_ref()
            .is_some_and(|latest| latest.counts.missing + latest.counts.different + latest.counts.shared > 0)
    }
}

/// Lines of the page about the verifications of one ledger.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct ShownVerification {
    /// Path of the ledger, if there are several.
    ledger: Option<String>,
    /// Class: `proof`, `differs` or `open`.
    class: &'static str,
    /// Sentences without a full stop.
    lines: Vec<String>,
    /// Command for the first verification, unless the page shows it as the next step.
    command: Option<String>,
}

/// Lines about the ledgers with created rows. Of several, a line about all of them comes first.
pub(super) fn shown_verifications(
    ledgers: &[LedgerVerifications],
    clock: &Clock,
    zone: &str,
    next: Option<&str>,
) -> Vec<ShownVerification> {
    let created: Vec<&LedgerVerifications> = ledgers.iter().filter(|ledger| ledger.created > 0).collect();
    let is_several = ledgers.len() > 1;
    let moment = |record: &VerificationRecord| format!("{} {zone}", clock.moment(record.started_ms));
    let each = created.iter().map(|own| ShownVerification {
        ledger: is_several.then(|| own.ledger.clone()),
        class: match own {
            own if own.is_proof() => "proof",
            own if own.has_differences() => "differs",
            _ => "open",
        },
        lines: lines(own, &moment),
        command: own.command.clone().filter(|command| own.latest.is_none() && next != Some(command)),
    });
    let mut all: Vec<ShownVerification> = each.collect();
    if let (true, [_, ..]) = (is_several, &created[..]) {
        all.insert(0, summary(&created, &moment));
    }
    all
}

fn lines(own: &LedgerVerifications, moment: &dyn Fn(&VerificationRecord) -> String) -> Vec<String> {
    let line = |record| verified(record, own.is_rehearsal, &moment(record), &count);
    match &own.latest {
        Some(latest) => {
            let before = own.full.as_ref().map(|full| format!("Before that: {}", line(full)));
            [capitalized(&line(latest))].into_iter().chain(before).collect()
        }
        None if own.command.is_some() => vec!["Not verified yet".to_owned()],
        None => vec!["Not verified: the sandbox ended with the run".to_owned()],
    }
}

/// The least that is true of all ledgers.
fn summary(
    created: &[&LedgerVerifications],
    moment: &dyn Fn(&VerificationRecord) -> String,
) -> ShownVerification {
    let of = |number: usize, one: &str, more: &str| {
        let verb = if number == 1 { one } else { more };
        format!("{} of {} ledgers {verb}", count(number as u64), count(created.len() as u64))
    };
    let unverified = created.iter().filter(|own| own.latest.is_none()).count();
    let proven = created.iter().filter(|own| own.is_proof()).count();
    let differing = created.iter().filter(|own| own.has_differences()).count();
    let oldest = created.iter().filter_map(|own| own.latest.as_ref()).min_by_key(|latest| latest.started_ms);
    let (class, line) = match oldest {
        _ if differing > 0 => {
            ("differs", format!("{} contacts that are not as they were sent", of(differing, "has", "have")))
        }
        Some(oldest) if proven == created.len() => (
            "proof",
            format!("Every ledger is verified and as sent; the oldest verification is of {}", moment(oldest)),
        ),
        _ if unverified > 0 => ("open", format!("{} not verified yet", of(unverified, "is", "are"))),
        _ => ("open", format!("{} not verified completely", of(created.len() - proven, "is", "are"))),
    };
    ShownVerification { ledger: None, class, lines: vec![line], command: None }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::ledger::VerificationCounts;

    fn record(day: i64, created_since: u64, counts: VerificationCounts) -> VerificationRecord {
        let ending = Some("complete".to_owned());
        VerificationRecord {
            started_ms: day * 86_400_000,
            ending,
            created_since,
            counts,
            ..Default::default()
        }
    }

    fn ledger(name: &str, latest: Option<VerificationRecord>) -> LedgerVerifications {
        let command = Some("connect-import verify".to_owned());
        LedgerVerifications {
            ledger: name.into(),
            is_rehearsal: false,
            created: 4,
            latest,
            full: None,
            command,
        }
    }

    fn shown(ledgers: &[LedgerVerifications]) -> Vec<String> {
        let clock = Clock::new(&TimeZone::UTC, (0, 0));
        let all = shown_verifications(ledgers, &clock, "UTC", None);
        all.iter().map(|shown| format!("{} {}", shown.class, shown.lines.join(". "))).collect()
    }

    #[test]
    fn the_least_is_said_of_several_ledgers() {
        let sound = VerificationCounts { created: 4, asked: 4, same: 4, ..Default::default() };
        let proof = |day| ledger("a", Some(record(day, 0, sound)));
        let as_sent = "proof Verified 2 Jan 1970, 00:00 UTC: 4 of 4 contacts looked up, as sent";
        assert_eq!(shown(&[proof(1)]), [as_sent]);
        let both = shown(&[proof(2), proof(1)]);
        let oldest = "the oldest verification is of 2 Jan 1970, 00:00 UTC";
        assert_eq!(both[0], format!("proof Every ledger is verified and as sent; {oldest}"));
        assert_eq!((both.len(), both[2].as_str()), (3, as_sent));
        assert_eq!(shown(&[proof(1), ledger("b", None)])[0], "open 1 of 2 ledgers is not verified yet");
        let since = ledger("b", Some(record(1, 3, sound)));
        assert_eq!(shown(&[proof(1), since])[0], "open 1 of 2 ledgers is not verified completely");
        let differing = VerificationCounts { missing: 1, same: 3, ..sound };
        let differs = shown(&[ledger("b", Some(record(1, 0, differing))), ledger("c", None)]);
        assert_eq!(differs[0], "differs 1 of 2 ledgers has contacts that are not as they were sent");
        // Nothing to verify.
        assert!(shown(&[LedgerVerifications { created: 0, ..proof(1) }]).is_empty());
    }

    #[test]
    fn the_last_full_verification_is_said_after_one_that_stopped_early() {
        let sound = VerificationCounts { created: 4, asked: 4, same: 4, ..Default::default() };
        let ending = Some("interrupted".to_owned());
        let early =
            VerificationRecord { ending, ..record(1, 0, VerificationCounts { asked: 1, same: 1, ..sound }) };
        let own = LedgerVerifications { full: Some(record(0, 0, sound)), ..ledger("a", Some(early)) };
        assert_eq!(
            shown(&[own]),
            [
                "open Verification of 2 Jan 1970, 00:00 UTC stopped early (interrupted): 1 of 4 contacts looked up, as \
              sent. Before that: verified 1 Jan 1970, 00:00 UTC: 4 of 4 contacts looked up, as sent"
            ]
        );
    }
}
