//! `run`: imports the rows.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::announce::announce;
use super::busy_wait::busy_wait;
use super::sent::SentError;
use super::{CommandError, blocking, connect_client, io, prepared, serve_sandbox, unless_interrupted};
use crate::atomic_file::remove_if_exists;
use crate::cli::{GlobalArgs, Output, RunArgs};
use crate::control_signals::ControlSignals;
use crate::engine::Import;
use crate::event::{Preparation, Reporter, RunEvent};
use crate::exit_code::ExitCode;
use crate::file_system::FileSystem;
use crate::intake::{Intake, PreparedInput};
use crate::job::{Job, JobError, JobFile, JobFileError, Pacing, metrics_target, reload_rate};
use crate::ledger::{
    Ledger, LedgerOrigin, NewRun, RowState, RunRecord, expect_no_other_ledger, expect_usable_place,
};
use crate::output_file::OutputKind;
use crate::pacing::{DEFAULT_CONCURRENCY, Rate, connection_limit};
use crate::paths::{folder_of, resolved};
use crate::printable::ShownPath as _;
use crate::sandbox::SandboxHandle;
use crate::shutdown::Shutdown;
use crate::submission::{ConnectClient, OnUnknown, Policy, ServiceTarget};
use crate::time_budget::TimeBudget;
use crate::ui::{
    Metrics, ResumeCommand, RunReport, RunReportSettings, check_rejects_target, ending_name, exit_code,
    kept_contacts, notice, observers_of_run, this_folder, to_stdout, write_rejects,
};

/// Ending of a run that failed before its first request.
const NOT_STARTED: &str = "not started";

pub(super) async fn run(
    args: &RunArgs,
    global: &GlobalArgs,
    again: &ResumeCommand,
    file: Result<JobFile, JobFileError>,
) -> Result<ExitCode, CommandError> {
    // An invalid job file names no metrics file, but a flag may.
    let readable = file.as_ref().cloned().unwrap_or_default();
    let metrics = metrics_target(args, &readable)?.map(Metrics::new).transpose()?;
    let ended = import(args, global, again, file, metrics.as_ref()).await;
    if let Some(metrics) = metrics {
        // Also for a run that could not start, so that monitoring sees it.
        let exit = ended.as_ref().map_or_else(CommandError::exit_code, |exit| *exit);
        metrics.end(exit);
    }
    ended
}

async fn import(
    args: &RunArgs,
    global: &GlobalArgs,
    again: &ResumeCommand,
    file: Result<JobFile, JobFileError>,
    metrics: Option<&Metrics>,
) -> Result<ExitCode, CommandError> {
    let start = Instant::now();
    let mut job = Job::resolve(args, global, &file.map_err(JobError::from)?)?;
    let again =
        &again.clone().with_kept_contacts(job.sandbox.as_ref().is_some_and(|own| own.state.is_some()));
    let budget = TimeBudget::new(start, job.max_duration);
    let shutdown = Shutdown::listen().map_err(io("cannot listen for signals"))?.with_budget(budget);
    let control_signals = ControlSignals::listen().map_err(io("cannot listen for signals"))?;
    // Errors in file names and headers are reported before a ledger is created.
    let inputs = prepared(&job.input, &shutdown).await?;
    expect_usable_place(&job.ledger)?;
    check_rejects_target(&job.rejects, job.force)?;
    let is_rehearsal = job.sandbox.is_some();
    let mut kept = None;
    if let Some(sandbox) = job.sandbox.take() {
        let state = sandbox.state.clone();
        if let Some(state) = state.as_deref().filter(|state| !OutputKind::SandboxState.is_at(state)) {
            // A new file, or with --force a foreign one, which the sandbox would refuse.
            remove_if_exists(state).map_err(io("cannot replace the file of --keep"))?;
        }
        let served = serve_sandbox(sandbox).await?;
        kept = state.map(|state| (state, served.handle));
        job.aws.endpoint_url = Some(served.endpoint_url);
    }
    let submitter = connect_client(&job.identity.instance_id, &job.aws, &shutdown).await?;
    let reporter = Arc::new(
        Reporter::start(observers_of_run(job.display, metrics)).map_err(io("cannot start a thread"))?,
    );

    if let Some(shard) = job.identity.shard {
        let Pacing { rate, burst, is_per_process, .. } = job.pacing;
        reporter.emit(RunEvent::ShardStarted { shard, rate, burst, is_own_rate: is_per_process });
    }
    let (ledger, checked) =
        check(&job, again, inputs, submitter.target(), &reporter, shutdown.clone()).await?;
    let waiting = checked.rows.of(RowState::Pending);
    let to_send = job.limit.map_or(waiting, |limit| limit.min(waiting));
    reporter.emit(RunEvent::SendingStarted { run: Box::new(checked.clone()), to_send });
    if let Err(error) = announce(&job, to_send, &submitter, &ledger, &reporter, &shutdown).await {
        return Err(not_started(ledger, reporter, error).await);
    }
    shutdown.allow(job.grace);
    let (file, flag, shard) = (args.job.job.clone(), args.import.rate, job.identity.shard);
    let concurrency = concurrency(job.pacing.concurrency, is_rehearsal, &reporter);
    let import = Import {
        ledger,
        submitter: Arc::new(submitter),
        reporter,
        shutdown,
        control_signals,
        rate_source: Box::new(move || reload_rate(file.as_deref(), flag, shard, is_rehearsal)),
        mapping: job.input.mapping.clone(),
        rate: job.pacing.rate,
        burst: job.pacing.burst,
        concurrency,
        policy: Policy { max_attempts: job.pacing.max_attempts, on_unknown: job.resend_policy.on_unknown },
        idempotency_window: job.resend_policy.window,
        grace: job.grace,
        to_send,
        held_back: waiting - to_send,
        max_errors: job.max_errors,
        deadline: budget.end(),
        crash_plan: job.crash_plan.clone(),
    };
    send(import, checked, job, again, metrics, kept).await.map_err(SentError::of_command)
}

/// Sends the rows, and reports the result.
async fn send(
    import: Import<ConnectClient>,
    checked: RunRecord,
    job: Job,
    again: &ResumeCommand,
    metrics: Option<&Metrics>,
    kept: Option<(PathBuf, SandboxHandle)>,
) -> Result<ExitCode, SentError> {
    let (ledger, reporter) = (import.ledger.clone(), import.reporter.clone());
    let stopping = import.shutdown.clone();
    let (ending, progress) = import.run(&checked).await?;
    // Nothing is in flight any more.
    stopping.allow(Duration::ZERO);

    let (metrics, name) = (metrics.cloned(), ending_name(&ending));
    let (job, exit, ending, record, rejected) = blocking(move || {
        let record = ledger.end_run(name, progress.throttled)?;
        let rejected = write_rejects(&ledger, &job.rejects, job.force, &job.crash_plan)?;
        let exit = exit_code(&ending, &record);
        ledger.note_exit(exit.code())?;
        if let Some(metrics) = metrics {
            metrics.read_final_figures();
        }
        if let Ok(ledger) = Arc::try_unwrap(ledger) {
            ledger.close()?;
        }
        Ok((job, exit, ending, record, rejected))
    })
    .await?;
    // After the ledger is settled: standard error may be a pipe that nobody reads.
    reporter.finish();
    let settings = RunReportSettings {
        instance_id: job.identity.instance_id,
        ledger: job.ledger.clone(),
        rejects: job.rejects,
        accept: job.accept,
        shard: job.identity.shard,
        is_own_rate: job.pacing.is_per_process,
        warnings: checked.warnings,
        name: job.name,
    };
    for kept in &rejected.kept {
        let (rejects, kept) = (settings.rejects.shown(), kept.shown());
        notice(&format!("{rejects} had been changed since connect-import wrote it; it is kept as {kept}"));
    }
    let was_rehearsed = record.already_created > 0;
    let report = RunReport::new(settings, again, &ending, exit, record, rejected);
    report.log();
    let text = match job.display.output {
        Output::Text | Output::Csv => report.text(),
        Output::Json => format!("{}\n", report.json()),
    };
    to_stdout(&text).map_err(io("cannot write the summary"))?;
    if let Some((state, sandbox)) = kept {
        let contacts = sandbox.stats().contacts;
        let is_stale = contacts == 0 && was_rehearsed;
        notice(&kept_contacts(&state, contacts, is_stale.then_some(&job.ledger)));
    }
    Ok(exit)
}

/// Opens the ledger and reads the input into it.
async fn check(
    job: &Job,
    again: &ResumeCommand,
    inputs: Vec<PreparedInput>,
    target: &ServiceTarget,
    reporter: &Arc<Reporter>,
    shutdown: Shutdown,
) -> Result<(Arc<Ledger>, RunRecord), CommandError> {
    let new_run = NewRun {
        mapping: job.input.mapping.fingerprint(job.input.condition.as_deref()),
        rate: job.pacing.start,
        is_auto: job.pacing.rate == Rate::Auto,
        idempotency_window: job.resend_policy.window,
        resend: job.resend_policy.on_unknown == OnUnknown::Resend,
        retry: job.resend_policy.retry.clone(),
        accept: job.accept.clone(),
        command: again.command(),
        folder: this_folder(),
        verify: again.verify(),
        name: job.name.clone(),
        endpoint: target.authority(),
        region: target.region.clone(),
    };
    let busy = busy_wait(reporter, &shutdown, job.grace);
    let (reporter, stop) = (reporter.clone(), shutdown.clone());
    let Job { ledger: path, identity, lock_wait, crash_plan, check, .. } = job.clone();
    let shard = job.input.shard;
    let may_be_new = job.new_ledger || job.aws.sandbox;
    let intake = blocking(move || {
        // A rehearsal can be repeated, and a renamed one is a new one.
        if !may_be_new {
            expect_no_other_ledger(&path, &identity)?;
        }
        warn_of_file_system(&path, &reporter);
        let lock_wait = stop.budget().at_most(lock_wait);
        let ledger = Ledger::open(&path, &identity, lock_wait, &busy, &crash_plan)?;
        if ledger.origin() != LedgerOrigin::Existing {
            let is_recreated = ledger.origin() == LedgerOrigin::Recreated;
            reporter
                .emit(RunEvent::LedgerCreated { ledger: path.to_string_lossy().into_owned(), is_recreated });
        }
        let opened = Preparation::LedgerOpened { ledger: path.to_string_lossy().into_owned() };
        reporter.emit(RunEvent::Prepared(opened));
        ledger.start_run(new_run)?;
        let intake =
            Intake { ledger: &ledger, reporter: &reporter, shutdown: &stop, shard, check, crash_plan };
        match intake.take_in(inputs) {
            Ok(checked) => Ok((Arc::new(ledger), checked)),
            Err(error) => {
                // Best effort: the intake's error is the one to report.
                let _ = ledger.end_run(NOT_STARTED, 0);
                Err(error.into())
            }
        }
    });
    unless_interrupted(shutdown, intake).await
}

/// Warns of a file system that may not keep the promises of a ledger.
fn warn_of_file_system(ledger: &Path, reporter: &Reporter) {
    let file = resolved(ledger);
    if let Some(file_system) = FileSystem::of(folder_of(&file)).filter(|found| found.risk().is_some()) {
        let ledger = ledger.to_string_lossy().into_owned();
        reporter.emit(RunEvent::LedgerAtRisk { ledger, file_system });
    }
}

/// Ends the record of a run that sends nothing because of `error`; returns the error.
async fn not_started(ledger: Arc<Ledger>, reporter: Arc<Reporter>, error: CommandError) -> CommandError {
    let exit = error.exit_code();
    let ended = blocking(move || {
        reporter.emit(RunEvent::NotStarted);
        reporter.finish();
        ledger.end_run(NOT_STARTED, 0)?;
        ledger.note_exit(exit.code())?;
        if let Ok(ledger) = Arc::try_unwrap(ledger) {
            ledger.close()?;
        }
        Ok(())
    });
    // Best effort: `error` is the one to report.
    let _ = ended.await;
    error
}

/// Maximum in-flight requests, limited by the number of files that the process may open.
fn concurrency(requested: Option<usize>, is_rehearsal: bool, reporter: &Reporter) -> usize {
    let allowed = connection_limit(is_rehearsal).unwrap_or(usize::MAX);
    if let Some(requested) = requested.filter(|requested| *requested > allowed) {
        reporter.emit(RunEvent::OpenFilesLimited { requested, allowed });
    }
    requested.unwrap_or(DEFAULT_CONCURRENCY).min(allowed)
}
