//! What a verification found, for people and for programs.

use std::fmt::Write as _;

use super::ending::failure;
use super::log;
use super::messages::{Message, SchemaVersion, Verification};
use super::printable::printable_lines;
use crate::engine::Ending;
use crate::exit_code::ExitCode;
use crate::job::VerifyJob;
use crate::verification::Findings;

/// The outcome of a verification.
#[derive(Debug)]
pub struct VerificationReport {
    findings: Findings,
    exit: ExitCode,
    instance_id: String,
    ledger: String,
    /// Why it ended early, and the remedy.
    why: Option<String>,
}

impl VerificationReport {
    /// The report on what was found until `ending`.
    pub fn new(job: &VerifyJob, ending: &Ending, findings: Findings) -> Self {
        let (exit, why) = match failure(ending) {
            Some((exit, why)) => (exit, Some(why)),
            None if findings.is_sound() => (ExitCode::Complete, None),
            None => (ExitCode::RowsNotCreated, None),
        };
        let (instance_id, ledger) = (job.identity.instance_id.clone(), job.ledger.display().to_string());
        VerificationReport { findings, exit, instance_id, ledger, why }
    }

    /// What the shell is told.
    pub fn exit_code(&self) -> ExitCode {
        self.exit
    }

    /// For people.
    pub fn text(&self) -> String {
        let Findings { created, asked, unknown, .. } = self.findings;
        // Writing to a String cannot fail.
        let mut text = String::new();
        let _ = writeln!(text, "{} against instance {}", self.ledger, self.instance_id);
        let _ = writeln!(text, "\nCreated rows: {asked} of {created} asked for.");
        let findings = &self.findings;
        list(
            &mut text,
            [
                (findings.same, "there, with the name and the attributes that were sent"),
                (findings.there, "there; an older version sent them, so nothing else can be compared"),
                (findings.different, "different: the contact is not what was sent"),
                (findings.missing, "missing: Connect does not know the contact"),
                (findings.refused, "not answered: Connect refused to say"),
                (findings.shared, "have the contact of another row"),
            ],
        );
        if findings.missing > 0 && findings.missing == asked {
            text.push_str("  None is there: look at the Region and the instance. Connect keeps contacts for 24 months.\n");
        }
        if unknown > 0 {
            let _ = writeln!(text, "\nUnknown rows: {unknown}.");
        }
        list(
            &mut text,
            [
                (findings.found, "found: created from now on"),
                (findings.ambiguous, "not settled: contacts fit, and it cannot be told whose they are"),
                (findings.not_found, "not found: they stay unknown, since absence from a search is no proof"),
                (findings.unsearchable, "not searched for: they stay unknown"),
            ],
        );
        if findings.not_found > 0 {
            text.push_str(
                "  The index of searches lags behind; ask again later. If you are sure that they are not there:\n  \
                 run --retry unknown sends them again with the same tokens.\n",
            );
        }
        if findings.in_doubt > 0 {
            let _ = writeln!(text, "\nRows in doubt: {}. The next run sends them again.", findings.in_doubt);
        }
        if let Some(why) = &self.why {
            let _ = writeln!(text, "\n{why}");
        }
        printable_lines(&text)
    }

    /// For a log.
    pub fn log(&self) {
        log::ending(self.exit, self.why.as_deref());
    }

    /// For programs: one line, without its end.
    pub fn json(&self) -> String {
        let findings = &self.findings;
        let verification = Verification {
            schema_version: SchemaVersion,
            exit_code: self.exit.code(),
            instance_id: &self.instance_id,
            ledger: &self.ledger,
            created: findings.created,
            asked: findings.asked,
            same: findings.same,
            there: findings.there,
            different: findings.different,
            missing: findings.missing,
            refused: findings.refused,
            unknown: findings.unknown,
            found: findings.found,
            ambiguous: findings.ambiguous,
            shared: findings.shared,
            in_doubt: findings.in_doubt,
            not_found: findings.not_found,
            unsearchable: findings.unsearchable,
            still_unknown: findings.still_unknown(),
            why: self.why.as_deref(),
        };
        Message::Verification(verification).to_string()
    }
}

fn list<const N: usize>(text: &mut String, counts: [(u64, &str); N]) {
    for (number, words) in counts.into_iter().filter(|(number, _)| *number > 0) {
        let _ = writeln!(text, "  {number:>9}  {words}");
    }
}
