//! Report at the end of a run, from its record in the ledger.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::{Level, enabled, info};

use super::ending::reason;
use super::json::{Message, RowsByState, RunSummary};
use super::log::log_ending;
use super::log_file::append_to_log;
use super::next_step::{RESUME, Step, unknown_steps};
use super::rejects::WrittenRejects;
use super::shared_contacts::{log_shared_contacts, shared_contact_rows, shared_contacts_text};
use super::shell::ResumeCommand;
use super::words::{count_of, rounded, run_rates, shard_rate_origin};
use crate::engine::Ending;
use crate::exit_code::ExitCode;
use crate::ledger::{RowState, RunRecord};
use crate::pacing::Rate;
use crate::printable::ShownPath as _;
use crate::printable::printable_lines;
use crate::shard::Shard;

/// Shortest duration of sending, below which the achieved rate is that of the burst and is not shown.
const MIN_RATE_DURATION: Duration = Duration::from_secs(5);

/// Settings of a run that its report mentions.
#[derive(Clone, Debug)]
pub struct RunReportSettings {
    /// Bare id of the instance.
    pub instance_id: String,
    /// Path of the ledger.
    pub ledger: PathBuf,
    /// Path of the rejects file.
    pub rejects: PathBuf,
    /// Codes of rejections that the job accepts.
    pub accept: Vec<String>,
    /// Shard that the run sent; none if all rows.
    pub shard: Option<Shard>,
    /// Whether the rate was given for this process, and is no share of the whole import's rate.
    pub is_own_rate: bool,
    /// Kinds of warnings about the input.
    pub warnings: u64,
    /// Name of the job, for people.
    pub name: Option<String>,
}

/// Report of a run.
#[derive(Clone, Debug)]
pub struct RunReport {
    settings: RunReportSettings,
    run: RunRecord,
    exit: ExitCode,
    rejects: WrittenRejects,
    /// Reason why the run ended early, and the remedy.
    reason: Option<String>,
    /// Command that resumes the import, if rows wait or failed.
    resume: Option<String>,
    /// Commands for unknown rows, in their order.
    unknown_steps: Vec<Step>,
    /// Command that imports the corrected rejects, if there are any.
    retry_rejects: Option<String>,
    /// Commands that import the rejects files that had been changed, and were moved aside.
    import_kept: Vec<String>,
}

impl RunReport {
    /// The report of the run with this record, which `command` started.
    pub fn new(
        settings: RunReportSettings,
        command: &ResumeCommand,
        ending: &Ending,
        exit: ExitCode,
        run: RunRecord,
        rejects: WrittenRejects,
    ) -> Self {
        RunReport {
            exit,
            reason: reason(ending, &run),
            resume: (run.waiting() + run.rows.of(RowState::Failed) > 0).then(|| command.command()),
            unknown_steps: match run.doubts.unknown {
                0 => Vec::new(),
                _ => unknown_steps(command.verify().as_deref(), &command.command()),
            },
            retry_rejects: (run.all_rows.of(RowState::Rejected) > 0)
                .then(|| command.with_rejects(&settings.rejects, &settings.ledger)),
            import_kept: rejects
                .kept
                .iter()
                .map(|kept| command.with_rejects(kept, &settings.ledger))
                .collect(),
            rejects,
            settings,
            run,
        }
    }

    fn rate(&self) -> Option<f64> {
        self.run.rate_achieved(self.run.ended_ms?)
    }

    fn rejects(&self) -> Option<&Path> {
        (self.rejects.rows > 0).then_some(&*self.settings.rejects)
    }

    /// The report for people.
    pub fn text(&self) -> String {
        let (run, settings) = (&self.run, &self.settings);
        let accepted = run.rows.of(RowState::Accepted);
        let mut text = String::new();
        let mut line = |words: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{words}");
        };
        line(self.headline());
        line(String::new());
        for (number, words) in self.counts() {
            line(format!("  {number:>9}  {words}"));
        }
        if accepted > 0 {
            line(format!("  {accepted:>9}  accepted: rejected with {}", settings.accept.join(" or ")));
        }
        line(String::new());
        if let (Some(sending), Some(ended)) = (run.sending_ms, run.ended_ms) {
            let took = Duration::from_millis(u64::try_from(ended - sending).unwrap_or_default());
            let rate = self.rate().filter(|_| took >= MIN_RATE_DURATION);
            let rates = run_rates(run, rate);
            line(format!(
                "  {} in all; {rates}; throttled {}",
                rounded(took),
                count_of(run.throttled, "time")
            ));
        }
        if let Some(shard) = settings.shard {
            let rate = if run.is_auto { Rate::Auto } else { Rate::Fixed(run.rate) };
            line(format!("  shard {shard}: {}", shard_rate_origin(shard, rate, settings.is_own_rate)));
        }
        line(format!("  ledger: {}", settings.ledger.shown()));
        if run.all_rows != run.rows {
            let (created, total) = (run.all_rows.of(RowState::Created), run.all_rows.total());
            line(format!("  in the ledger: {created} of {total} rows created"));
        }
        if let Some(rejects) = self.rejects() {
            let rows = if self.may_exist() { "not created, or may not have been" } else { "not created" };
            line(format!("  rows that were {rows}, and why: {}", rejects.shown()));
        }
        for kept in &self.rejects.kept {
            line(format!("  earlier rejects, which had been changed: {}", kept.shown()));
        }
        if let Some(shared) = shared_contacts_text(&run.shared, run.verify.as_deref()) {
            line(format!("\n{}", shared.trim_end()));
        }
        if let Some(reason) = &self.reason {
            line(format!("\n{reason}"));
        }
        if let Some(resume) = &self.resume {
            line(format!("\n{RESUME}\n  {resume}"));
        }
        for Step { purpose, command } in &self.unknown_steps {
            line(format!("\n{purpose}\n  {command}"));
        }
        if let Some(retry) = &self.retry_rejects {
            let in_shards = match settings.shard {
                Some(_) => " run this with every shard, since a corrected row may belong to another one",
                None => "",
            };
            line(format!("\nFix the rejected rows in that file, then{in_shards}:\n  {retry}"));
        }
        for import in &self.import_kept {
            line(format!(
                "\nTo import the earlier rejects, as they had been changed, if that is still to be done:\n  {import}"
            ));
        }
        printable_lines(&text)
    }

    /// Rows by result. Counts of 0 are left out, except for rows read and rows created.
    fn counts(&self) -> Vec<(u64, &'static str)> {
        let run = &self.run;
        let earlier = |state| run.all_rows.of(state).saturating_sub(run.rows.of(state));
        let some = |number: u64, words: &'static str| (number > 0).then_some((number, words));
        let warnings = match self.settings.warnings {
            1 => "warning about the input: the command check lists it",
            _ => "warnings about the input: the command check lists them",
        };
        let counts = [
            Some((run.rows_read, "rows read")),
            some(run.other_shards, "of other shards, each of which has a ledger of its own"),
            some(run.passed_over, "passed over: where is false for them"),
            Some((run.rows.of(RowState::Created), "created by this run")),
            some(run.already_created, "already created by earlier runs; not sent again"),
            some(run.rows.of(RowState::Rejected), "rejected: they cannot succeed unless they are changed"),
            some(run.rows.of(RowState::Failed), "failed: attempts used up, not created"),
            some(run.rows.of(RowState::Unknown), "unknown: sent and not answered; a contact may exist"),
            some(earlier(RowState::Rejected), "rejected of earlier runs, from inputs that were not read now"),
            some(
                earlier(RowState::Failed),
                "failed of earlier runs, from inputs that were not read to their end",
            ),
            some(earlier(RowState::Unknown), "unknown of earlier runs: a contact may exist"),
            some(run.waiting(), "waiting to be sent"),
            some(run.shared.total, "of the created rows have the contact of another row"),
            some(run.changed_created, "of the created rows have changed since; not sent again"),
            some(run.identical_rows, "rows equal an earlier row; each is imported"),
            some(
                run.rows.of(RowState::Withdrawn),
                "withdrawn: no longer in their file, or passed over; not sent",
            ),
            some(self.settings.warnings, warnings),
            some(run.stranded, "rows wait from files that were not read to the end; give those files again"),
        ];
        counts.into_iter().flatten().collect()
    }

    /// The exception from every row, if there are accepted rejections.
    fn but_accepted(&self) -> String {
        match self.run.all_rows.of(RowState::Accepted) {
            0 => String::new(),
            accepted => format!(", except {accepted} accepted"),
        }
    }

    fn headline(&self) -> String {
        let run = &self.run;
        let created = run.rows.of(RowState::Created);
        let instance = &self.settings.instance_id;
        match self.exit {
            ExitCode::Complete if run.rows_read == 0 && run.rows.total() == 0 => {
                "Nothing to import: there is a header and no row under it.".into()
            }
            ExitCode::Complete if run.own_rows() == 0 && run.rows.total() == 0 && run.passed_over > 0 => {
                format!("Nothing to send: where is true for none of the {} rows read.", run.rows_read)
            }
            ExitCode::Complete if run.own_rows() == 0 && run.rows.total() == 0 => {
                format!("Nothing to send: none of the {} rows read is of this shard.", run.rows_read)
            }
            ExitCode::Complete if created == 0 => {
                let but = self.but_accepted();
                format!(
                    "Nothing to send: all {} rows are already created in instance {instance}{but}.",
                    run.all_rows.total()
                )
            }
            ExitCode::Complete => {
                let but = self.but_accepted();
                format!("Done: every row is created in instance {instance}{but}. {created} by this run.")
            }
            ExitCode::RowsNotCreated if run.shared.total > 0 => {
                format!("Finished, but not every row has a contact of its own in instance {instance}.")
            }
            ExitCode::RowsNotCreated => {
                let is = if self.may_exist() { "is known to be created" } else { "is created" };
                format!("Finished, but not every row {is} in instance {instance}.")
            }
            _ => match run.waiting() {
                0 => "Stopped before the end; no row waits.".to_owned(),
                1 => "Stopped before the end; 1 row waits.".to_owned(),
                waiting => format!("Stopped before the end; {waiting} rows wait."),
            },
        }
    }

    /// Whether a row of the ledger may exist in Connect.
    fn may_exist(&self) -> bool {
        self.run.all_rows.of(RowState::Unknown) > 0
    }

    /// Writes the report to the log, or to the log file.
    pub fn log(&self) {
        if !enabled!(Level::INFO) {
            return append_to_log(&self.text());
        }
        let of = |state| self.run.rows.of(state);
        let (created, pending) = (of(RowState::Created), self.run.waiting());
        let (rejected, failed, unknown) =
            (of(RowState::Rejected), of(RowState::Failed), of(RowState::Unknown));
        let (run, throttled) = (self.run.id.0, self.run.throttled);
        info!(run, created, rejected, failed, unknown, pending, throttled, "the run is over");
        log_shared_contacts(&self.run.shared);
        log_ending(self.exit, self.reason.as_deref());
    }

    /// The report as a JSON message.
    pub fn json(&self) -> String {
        let (run, settings) = (&self.run, &self.settings);
        let summary = RunSummary {
            run: run.id.0,
            exit_code: self.exit.code(),
            ending: run.ending.as_deref(),
            name: settings.name.as_deref(),
            instance_id: &settings.instance_id,
            shard: settings.shard.map(|shard| shard.to_string()),
            rows_read: run.rows_read,
            of_other_shards: run.other_shards,
            passed_over: run.passed_over,
            warnings: settings.warnings,
            created: run.rows.of(RowState::Created),
            already_created: run.already_created,
            changed_created: run.changed_created,
            shared: run.shared.total,
            shared_contacts: shared_contact_rows(&run.shared),
            rejected: run.rows.of(RowState::Rejected),
            accepted: run.rows.of(RowState::Accepted),
            failed: run.rows.of(RowState::Failed),
            unknown: run.rows.of(RowState::Unknown),
            in_ledger: RowsByState::of(&run.all_rows),
            total_in_ledger: run.all_rows.total(),
            pending: run.waiting(),
            identical_rows: run.identical_rows,
            withdrawn: run.rows.of(RowState::Withdrawn),
            stranded: run.stranded,
            throttled: run.throttled,
            rate_set: (!run.is_auto).then_some(run.rate),
            rate_found: run.rate_found,
            rate_achieved: self.rate(),
            ledger: settings.ledger.to_string_lossy().into_owned(),
            rejects: self.rejects().map(|path| path.to_string_lossy().into_owned()),
            rejects_kept: self.rejects.kept.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
            why: self.reason.as_deref(),
            resume: self.resume.as_deref(),
            unknown_steps: self.unknown_steps.iter().map(|step| &*step.command).collect(),
        };
        Message::Summary(summary).to_string()
    }
}
