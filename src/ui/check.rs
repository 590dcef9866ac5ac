//! What a check found and what a run would do, for people and for programs.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::{SignedDuration, ZonedDateTime};

use super::bar::{per_second, rounded};
use super::messages::{CheckSummary, CheckedFile, FaultExample, FaultGroup, Message, SchemaVersion};
use super::printable::printable_lines;
use crate::check::{CheckFindings, Example, Group, RowClass};
use crate::engine::ErrorBudget;
use crate::exit_code::ExitCode;
use crate::job::CheckJob;
use crate::mapping::RowFault;
use crate::request::limits::{CHAINED_TASKS, SCHEDULED_DAYS};
use crate::shard::Shard;

/// Kinds of faults that are shown as text; `--output csv` has them all.
const KINDS: usize = 30;

/// The outcome of a check.
#[derive(Debug)]
pub struct CheckReport {
    findings: CheckFindings,
    rate: f64,
    shard: Option<Shard>,
    limit: Option<u64>,
    max_errors: Option<ErrorBudget>,
    idempotency_window: Duration,
    /// The ledger that a run would go on with, if there is one.
    ledger: Option<String>,
    /// When a run that starts now would end; none if that is beyond every calendar.
    end: Option<ZonedDateTime>,
}

impl CheckReport {
    /// The report on what `job` found; `now` is when its run would start, at `rate` requests a second.
    pub fn new(
        job: &CheckJob,
        findings: CheckFindings,
        has_ledger: bool,
        rate: f64,
        now: &ZonedDateTime,
    ) -> Self {
        let ledger = job.ledger.as_ref().filter(|_| has_ledger);
        let mut report = CheckReport {
            findings,
            rate,
            shard: job.input.shard,
            limit: job.limit,
            max_errors: job.max_errors,
            idempotency_window: job.resend_policy.window,
            ledger: ledger.map(|path| path.display().to_string()),
            end: None,
        };
        let takes = SignedDuration::try_from_secs_f64(report.seconds()).ok();
        report.end = takes.and_then(|takes| now.checked_add(takes).ok());
        report
    }

    /// What the shell is told.
    pub fn exit_code(&self) -> ExitCode {
        if self.faulty() > 0 { ExitCode::RowsNotCreated } else { ExitCode::Complete }
    }

    fn faulty(&self) -> u64 {
        self.findings.of(RowClass::Faulty)
    }

    /// Rows of the inputs that are not of other shards.
    fn own_rows(&self) -> u64 {
        self.findings.rows - self.findings.of_other_shards
    }

    /// Rows that a run would send, those of other inputs included.
    fn to_send(&self) -> u64 {
        let waiting = self.findings.of(RowClass::Ready) + self.findings.elsewhere;
        self.limit.map_or(waiting, |limit| limit.min(waiting))
    }

    fn seconds(&self) -> f64 {
        self.to_send() as f64 / self.rate
    }

    fn refuses(&self) -> Option<ErrorBudget> {
        let errors =
            self.faulty() + self.findings.of(RowClass::Refused) + self.findings.of(RowClass::Unknown);
        self.max_errors.filter(|budget| budget.is_exceeded(errors, self.own_rows()))
    }

    fn outlasts_window(&self) -> bool {
        self.seconds() > self.idempotency_window.as_secs_f64()
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.inputs(&mut text);
        self.faults(&mut text);
        self.warnings(&mut text);
        self.forecast(&mut text);
        printable_lines(&text)
    }

    fn inputs(&self, text: &mut String) {
        for file in &self.findings.files {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}: {} ({})", file.name, rows(file.rows), file.form);
        }
        let findings = &self.findings;
        let (faulty, read) = (self.faulty(), self.own_rows());
        let _ = match faulty {
            _ if findings.rows == 0 => writeln!(text, "\nThere is a header and no row under it."),
            0 => writeln!(text, "\nNo faults."),
            _ => {
                writeln!(text, "\n{faulty} of {} {} faults and would be rejected:", rows(read), have(faulty))
            }
        };
    }

    fn faults(&self, text: &mut String) {
        let groups = self.findings.groups();
        for group in groups.iter().take(KINDS) {
            let _ = writeln!(text, "\n  {:>7}  {}: {}", group.count, group.code, headline(&group.fault));
            for example in &group.examples {
                let _ = writeln!(text, "           {}", self.example(example));
            }
            if group.count > group.examples.len() as u64 {
                text.push_str("           …\n");
            }
        }
        if groups.len() > KINDS {
            let _ = writeln!(text, "\n  and {} other kinds of faults", groups.len() - KINDS);
        }
        if !groups.is_empty() {
            text.push_str("\nAll of them, one a line: the same command with --output csv.\n");
        }
    }

    /// `tickets.csv, line 7 (key HD-1): has 5000 characters`.
    fn example(&self, example: &Example) -> String {
        let Example { file, line, key, found } = example;
        let mut text = format!("{}, line {line}", self.findings.files[*file].name);
        if !key.is_empty() {
            let _ = write!(text, " (key {key})");
        }
        if !found.is_empty() {
            let _ = write!(text, ": {found}");
        }
        text
    }

    fn warnings(&self, text: &mut String) {
        let findings = &self.findings;
        let mut lines = Vec::new();
        for (member, count) in &findings.cuts {
            lines.push(format!("{member} is cut to fit in {}", rows(*count)));
        }
        if findings.identical > 0 {
            lines.push(format!(
                "{} equal an earlier one; without a key each is imported",
                rows(findings.identical)
            ));
        }
        if findings.long_chains > 0 {
            let at = findings
                .long_chain_at
                .map(|(file, line)| format!(" (one such task: {}, line {line})", findings.files[file].name));
            let contacts = match findings.long_chains {
                1 => "1 previous contact has".to_owned(),
                more => format!("{more} previous contacts have"),
            };
            lines.push(format!(
                "{contacts} more than {CHAINED_TASKS} of the tasks to be sent, which Connect does not allow{}",
                at.unwrap_or_default()
            ));
        }
        if findings.scheduled_far > 0 {
            lines.push(format!(
                "{} are scheduled more than {SCHEDULED_DAYS} days ahead; the API reference allows \
                 {SCHEDULED_DAYS}, the quota page 90",
                rows(findings.scheduled_far)
            ));
        }
        if self.outlasts_window() {
            lines.push(format!(
                "the run outlasts the idempotency window of {}: a row that went unanswered is not sent again after that, but is unknown",
                rounded(self.idempotency_window)
            ));
        }
        if let Some(budget) = self.refuses() {
            lines.push(format!("a run would not start: --max-errors {budget} is spent"));
        }
        if !lines.is_empty() {
            text.push_str("\nWorth knowing:\n");
        }
        for line in lines {
            let _ = writeln!(text, "  {line}");
        }
    }

    fn forecast(&self, text: &mut String) {
        let findings = &self.findings;
        text.push_str("\nA run would:\n");
        let mut count = |number: u64, words: &str| {
            let _ = writeln!(text, "  {number:>9}  {words}");
        };
        count(self.to_send(), "send");
        let more = [
            (self.faulty(), "reject"),
            (
                findings.of(RowClass::Created) + findings.of(RowClass::CreatedChanged),
                "not send again: created already",
            ),
            (findings.of(RowClass::CreatedChanged), "of these have changed since"),
            (findings.of(RowClass::Unknown), "not send again: unknown, maybe created"),
            (findings.of(RowClass::Refused), "not send again: Connect refused them, and nothing has changed"),
            (findings.of_other_shards, "leave to other shards"),
            (findings.elsewhere, "of those to send wait in the ledger, from other files"),
        ];
        for (number, words) in more.into_iter().filter(|(number, _)| *number > 0) {
            count(number, words);
        }
        if let Some(limit) = self.limit {
            let _ = writeln!(text, "  (a pilot of at most {limit} rows)");
        }
        text.push('\n');
        if self.to_send() > 0 {
            let takes = Duration::try_from_secs_f64(self.seconds()).unwrap_or(Duration::MAX);
            let end = self.end.as_ref().map(|end| format!(", until {}", end.strftime("%Y-%m-%d %H:%M %Z")));
            // A portion may have any number of digits.
            let rate = self.shard.map_or_else(|| self.rate.to_string(), |_| per_second(self.rate));
            let _ = writeln!(text, "  {} at {rate} a second{}", rounded(takes), end.unwrap_or_default());
        }
        if findings.longest.bytes > 0 {
            let longest = &findings.longest;
            let _ = writeln!(
                text,
                "  longest request: {} bytes ({}, line {})",
                longest.bytes, findings.files[longest.file].name, longest.line
            );
        }
        if let Some(ledger) = &self.ledger {
            let _ = writeln!(text, "  ledger: {ledger}");
        }
    }

    /// For programs: one line, without its end.
    pub fn json(&self) -> String {
        let findings = &self.findings;
        let files = findings.files.iter();
        let files = files.map(|file| CheckedFile { file: &file.name, rows: file.rows, form: &file.form });
        let summary = CheckSummary {
            schema_version: SchemaVersion,
            exit_code: self.exit_code().code(),
            files: files.collect(),
            shard: self.shard.map(|shard| shard.to_string()),
            rows_read: findings.rows,
            of_other_shards: findings.of_other_shards,
            faulty: self.faulty(),
            to_send: self.to_send(),
            already_created: findings.of(RowClass::Created) + findings.of(RowClass::CreatedChanged),
            changed_created: findings.of(RowClass::CreatedChanged),
            unknown: findings.of(RowClass::Unknown),
            refused_before: findings.of(RowClass::Refused),
            waiting_elsewhere: findings.elsewhere,
            identical_rows: findings.identical,
            cut: &findings.cuts,
            long_chains: findings.long_chains,
            scheduled_far: findings.scheduled_far,
            rate: self.rate,
            seconds: self.seconds(),
            end: self.end.as_ref().map(|end| end.timestamp().to_string()),
            outlasts_idempotency_window: self.outlasts_window(),
            error_budget_spent: self.refuses().is_some(),
            longest_request_bytes: findings.longest.bytes,
            ledger: self.ledger.as_deref(),
            faults: findings.groups().into_iter().map(|group| self.fault_group(group)).collect(),
        };
        Message::Check(summary).to_string()
    }

    fn fault_group<'a>(&'a self, group: &'a Group) -> FaultGroup<'a> {
        let examples = group.examples.iter().map(|example| FaultExample {
            file: &self.findings.files[example.file].name,
            line: example.line,
            key: &example.key,
            found: &example.found,
        });
        FaultGroup {
            code: &group.code,
            member: &group.fault.member,
            rule: &group.fault.rule,
            origin: &group.fault.origin,
            count: group.count,
            examples: examples.collect(),
        }
    }
}

/// What the faults of a group share: `Name: at most 1024 characters are allowed (from …)`.
pub(super) fn headline(fault: &RowFault) -> String {
    let RowFault { member, rule, origin, .. } = fault;
    let member = if member.is_empty() { String::new() } else { format!("{member}: ") };
    let origin = if origin.is_empty() { String::new() } else { format!(" ({origin})") };
    format!("{member}{rule}{origin}")
}

fn rows(count: u64) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}

fn have(count: u64) -> &'static str {
    if count == 1 { "has" } else { "have" }
}
