//! Report of a verification.

use std::fmt::Write as _;
use std::path::Path;

use tracing::{Level, enabled};

use super::ending::failure;
use super::json::{Message, VerificationSummary};
use super::log::log_ending;
use super::log_file::append_to_log;
use super::next_step::retry_command;
use super::words::count_lines;
use crate::engine::Ending;
use crate::exit_code::ExitCode;
use crate::ledger::{RunRecord, VerificationCounts, VerificationScope};
use crate::printable::printable_lines;

/// Report of a verification.
#[derive(Debug)]
pub struct VerificationReport {
    findings: VerificationCounts,
    exit: ExitCode,
    instance_id: String,
    ledger: String,
    /// Whether unknown rows were searched by an attribute, and not by name.
    is_by_attribute: bool,
    /// Command that sends the unknown rows again.
    retry: Option<String>,
    /// Whether the contacts are those of the built-in sandbox.
    is_rehearsal: bool,
    /// Reason why it ended early, and the remedy.
    reason: Option<String>,
}

impl VerificationReport {
    /// The report of a verification with this ending.
    pub fn new(
        instance_id: String,
        ledger: &Path,
        scope: &VerificationScope,
        ending: &Ending,
        findings: VerificationCounts,
    ) -> Self {
        let (exit, reason) = match failure(ending) {
            Some((exit, reason)) => (exit, Some(reason)),
            None if findings.is_sound() => (ExitCode::Complete, None),
            None => (ExitCode::RowsNotCreated, None),
        };
        VerificationReport {
            findings,
            exit,
            instance_id,
            ledger: ledger.to_string_lossy().into_owned(),
            is_by_attribute: scope.search_attribute.is_some(),
            retry: None,
            is_rehearsal: false,
            reason,
        }
    }

    /// The report of a verification of the built-in sandbox, if `is_rehearsal`.
    pub fn of_rehearsal(self, is_rehearsal: bool) -> Self {
        VerificationReport { is_rehearsal, ..self }
    }

    /// The report with the command that sends the unknown rows again, as the `latest` run of the ledger was given.
    pub fn with_retry(self, latest: Option<&RunRecord>) -> Self {
        VerificationReport { retry: latest.map(retry_command), ..self }
    }

    /// Exit code of the verification.
    pub fn exit_code(&self) -> ExitCode {
        self.exit
    }

    /// The report for people.
    pub fn text(&self) -> String {
        let VerificationCounts { created, asked, unknown, .. } = self.findings;
        // Writing to a String cannot fail.
        let mut text = String::new();
        let _ = writeln!(text, "{} against instance {}", self.ledger, self.instance_id);
        let _ = writeln!(text, "\nCreated rows: {asked} of {created} looked up.");
        let findings = &self.findings;
        text += &count_lines(&[
            (findings.same, "found, with the name and the attributes that were sent"),
            (findings.different, "different: the contact differs from what was sent"),
            (findings.missing, "missing: Connect does not know the contact"),
            (findings.refused, "not answered: Connect refused the lookup"),
            (findings.shared, "shared: another row has the same contact"),
        ]);
        if findings.missing > 0 && findings.missing == asked {
            let ledger = &self.ledger;
            let _ = match self.is_rehearsal {
                true => writeln!(
                    text,
                    "  None was found: an earlier rehearsal sent them, and kept them elsewhere or not at all. To keep them, \
                     delete {ledger}\n  and rehearse again with --keep."
                ),
                false => writeln!(
                    text,
                    "  None was found: check the Region and the instance. Connect keeps contacts for 24 months."
                ),
            };
        }
        if unknown > 0 {
            let by = if self.is_by_attribute { "attribute" } else { "name" };
            let _ = writeln!(text, "\nUnknown rows: {unknown}, searched by {by}.");
        }
        text += &count_lines(&[
            (findings.found, "found: created from now on"),
            (findings.ambiguous, "ambiguous: several contacts or rows match, so they stay unknown"),
            (
                findings.not_found,
                "not found: they stay unknown, since a search does not prove that there is none",
            ),
            (findings.unsearchable, "not searched for: they stay unknown"),
        ]);
        if findings.not_found > 0 {
            text.push_str("  The search index lags behind: verify again later before you send them again.\n");
        }
        if findings.not_found + findings.ambiguous > 0 && !self.is_by_attribute {
            text.push_str(
                "  An attribute tells contacts apart better than a name, if it was registered as searchable before the\n  \
                 import: --search-attribute KEY.\n",
            );
        }
        if findings.in_doubt > 0 {
            let _ = writeln!(text, "\nRows in doubt: {}. The next run sends them again.", findings.in_doubt);
        }
        if let Some(reason) = &self.reason {
            let _ = writeln!(text, "\n{reason}");
        }
        if let (Some(retry), 1..) = (&self.retry, findings.not_found) {
            let _ = writeln!(
                text,
                "\nIf you are sure that the rows that were not found do not exist, send the unknown rows again, with the\n\
                 same client tokens:\n  {retry}"
            );
        }
        printable_lines(&text)
    }

    /// Writes the report to the log, or to the log file.
    pub fn log(&self) {
        if !enabled!(Level::INFO) {
            return append_to_log(&self.text());
        }
        log_ending(self.exit, self.reason.as_deref());
    }

    /// The report as a JSON message.
    pub fn json(&self) -> String {
        let verification = VerificationSummary {
            exit_code: self.exit.code(),
            instance_id: &self.instance_id,
            ledger: &self.ledger,
            counts: self.findings,
            still_unknown: self.findings.still_unknown(),
            why: self.reason.as_deref(),
        };
        Message::Verification(verification).to_string()
    }
}
