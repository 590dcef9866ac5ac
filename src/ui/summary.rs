//! The end of a run, as the ledger has it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::bar::{per_second, rounded};
use super::ending::why;
use super::log;
use super::messages::{Message, RunSummary, SchemaVersion};
use super::portion;
use super::printable::printable_lines;
use super::resume_command::ResumeCommand;
use crate::engine::Ending;
use crate::exit_code::ExitCode;
use crate::job::Job;
use crate::ledger::{RowState, RunRecord};
use crate::shard::Shard;

/// What to tell people at the end of a run.
#[derive(Clone, Debug)]
pub struct Summary {
    run: RunRecord,
    exit: ExitCode,
    instance_id: String,
    ledger: PathBuf,
    shard: Option<Shard>,
    /// Whether the rate was named for this process alone.
    is_own_rate: bool,
    /// The rejects file, if rows were written to it.
    rejects: Option<PathBuf>,
    /// Why the run ended early, and the remedy.
    why: Option<String>,
    /// The command that goes on, if rows wait or failed.
    resume: Option<String>,
    /// The command that imports the fixed rejects, if there are any to fix.
    retry_rejects: Option<String>,
}

impl Summary {
    /// The summary of a run that `ending` ended; `run` is its record, read from the ledger, and
    /// `in_rejects` the number of rows in its rejects file; `again` is how it was asked for.
    pub fn new(
        job: &Job,
        again: &ResumeCommand,
        ending: &Ending,
        exit: ExitCode,
        run: RunRecord,
        in_rejects: u64,
    ) -> Self {
        Summary {
            exit,
            instance_id: job.identity.instance_id.clone(),
            ledger: job.ledger.clone(),
            shard: job.identity.shard,
            is_own_rate: job.pacing.is_per_process,
            rejects: (in_rejects > 0).then(|| job.rejects.clone()),
            why: why(ending, &run),
            resume: (run.waiting() + run.rows.of(RowState::Failed) > 0).then(|| again.command()),
            retry_rejects: (run.rows.of(RowState::Rejected) > 0)
                .then(|| again.with_rejects(&job.rejects, &job.ledger)),
            run,
        }
    }

    fn rate(&self) -> Option<f64> {
        self.run.rate_achieved(self.run.ended_ms?)
    }

    /// For people.
    pub fn text(&self) -> String {
        let run = &self.run;
        let mut text = String::new();
        let mut line = |words: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{words}");
        };
        line(self.headline());
        line(String::new());
        let mut count = |number: u64, words: &str| line(format!("  {number:>9}  {words}"));
        count(run.rows_read, "rows read");
        if run.elsewhere > 0 {
            count(run.elsewhere, "of other shards, each of which has a ledger of its own");
        }
        count(run.rows.of(RowState::Created), "created by this run");
        if run.already_created > 0 {
            count(run.already_created, "already created by earlier runs; not sent again");
        }
        let more = [
            (run.rows.of(RowState::Rejected), "rejected: they cannot succeed as they are"),
            (run.rows.of(RowState::Failed), "failed: attempts used up, surely not created"),
            (run.rows.of(RowState::Unknown), "unknown: sent and not answered, maybe created"),
            (
                run.doubts.unknown.saturating_sub(run.rows.of(RowState::Unknown)),
                "unknown of earlier runs: the command verify looks for them",
            ),
            (run.waiting(), "waiting to be sent"),
            (run.changed_created, "of the created rows have changed since; not sent again"),
            (run.identical_rows, "rows equal an earlier row; each counts as a row of its own"),
            (run.withdrawn, "waiting rows are no longer in their file; not sent"),
            (run.stranded, "rows wait of files that could not be read to their end; give those files again"),
        ];
        for (number, words) in more.into_iter().filter(|(number, _)| *number > 0) {
            count(number, words);
        }
        line(String::new());
        if let (Some(sending), Some(ended)) = (run.sending_ms, run.ended_ms) {
            let took = Duration::from_millis(u64::try_from(ended - sending).unwrap_or_default());
            // Shorter runs are all burst, and their rate says nothing.
            let rate = self.rate().filter(|_| took >= Duration::from_secs(5));
            line(format!(
                "  {} in all; {}; throttled {} times",
                rounded(took),
                rate_of(run, rate),
                run.throttled
            ));
        }
        if let Some(shard) = self.shard {
            line(format!("  shard {shard}: {}", portion::why(shard, run.is_auto, self.is_own_rate)));
        }
        line(format!("  ledger: {}", self.ledger.display()));
        if let Some(rejects) = &self.rejects {
            line(format!("  rows not created, and why: {}", rejects.display()));
        }
        if let Some(why) = &self.why {
            line(format!("\n{why}"));
        }
        if let Some(resume) = &self.resume {
            line(format!("\nTo go on with the rows that wait or failed:\n  {resume}"));
        }
        if let Some(retry) = &self.retry_rejects {
            let others = match self.shard {
                Some(_) => {
                    " run this, and the same with every other shard, since a mended row may belong to it"
                }
                None => "",
            };
            line(format!("\nFix the rejected rows in that file, then{others}:\n  {retry}"));
        }
        printable_lines(&text)
    }

    fn headline(&self) -> String {
        let run = &self.run;
        let created = run.rows.of(RowState::Created);
        let instance = &self.instance_id;
        match self.exit {
            ExitCode::Complete if run.rows_read == 0 && run.rows.total() == 0 => {
                "Nothing to import: there is a header and no row under it.".into()
            }
            ExitCode::Complete if run.own_rows() == 0 && run.rows.total() == 0 => {
                format!("Nothing to send: none of the {} rows read is of this shard.", run.rows_read)
            }
            ExitCode::Complete if created == 0 => {
                format!(
                    "Nothing to send: all {} rows are already created in instance {instance}.",
                    run.already_created
                )
            }
            ExitCode::Complete => {
                format!("Done: every row is created in instance {instance}. {created} by this run.")
            }
            ExitCode::RowsNotCreated => {
                format!("Finished, but not every row is created in instance {instance}.")
            }
            ExitCode::Usage
            | ExitCode::ErrorBudget
            | ExitCode::Fatal
            | ExitCode::PlannedStop
            | ExitCode::Locked
            | ExitCode::Storage
            | ExitCode::TryLater
            | ExitCode::Interrupted
            | ExitCode::Terminated => format!("Stopped before the end; {} rows wait.", run.waiting()),
        }
    }

    /// For a log.
    pub fn log(&self) {
        let of = |state| self.run.rows.of(state);
        let (created, pending) = (of(RowState::Created), self.run.waiting());
        let (rejected, failed, unknown) =
            (of(RowState::Rejected), of(RowState::Failed), of(RowState::Unknown));
        let (run, throttled) = (self.run.id.0, self.run.throttled);
        tracing::info!(run, created, rejected, failed, unknown, pending, throttled, "the run is over");
        log::ending(self.exit, self.why.as_deref());
    }

    /// For programs: one line, without its end.
    pub fn json(&self) -> String {
        let run = &self.run;
        let path = |path: &Path| path.display().to_string();
        let summary = RunSummary {
            schema_version: SchemaVersion,
            run: run.id.0,
            exit_code: self.exit.code(),
            ending: run.ending.as_deref(),
            instance_id: &self.instance_id,
            shard: self.shard.map(|shard| shard.to_string()),
            rows_read: run.rows_read,
            of_other_shards: run.elsewhere,
            created: run.rows.of(RowState::Created),
            already_created: run.already_created,
            changed_created: run.changed_created,
            rejected: run.rows.of(RowState::Rejected),
            failed: run.rows.of(RowState::Failed),
            unknown: run.rows.of(RowState::Unknown),
            unknown_in_ledger: run.doubts.unknown,
            pending: run.waiting(),
            identical_rows: run.identical_rows,
            withdrawn: run.withdrawn,
            stranded: run.stranded,
            throttled: run.throttled,
            rate_set: (!run.is_auto).then_some(run.rate),
            rate_found: run.rate_found,
            rate_achieved: self.rate(),
            ledger: path(&self.ledger),
            rejects: self.rejects.as_deref().map(path),
            why: self.why.as_deref(),
            resume: self.resume.as_deref(),
        };
        Message::Summary(summary).to_string()
    }
}

/// The rate that a run achieved, if that is known, against the one that it was given or found.
pub(super) fn rate_of(run: &RunRecord, achieved: Option<f64>) -> String {
    let given = match (run.is_auto, run.rate_found) {
        (false, _) => format!("{} a second set", per_second(run.rate)),
        (true, Some(found)) => format!("{} a second found", per_second(found)),
        (true, None) => "no limit found".to_owned(),
    };
    match achieved {
        Some(achieved) => format!("{} created a second, {given}", per_second(achieved)),
        None => given,
    }
}
