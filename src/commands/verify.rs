//! `verify`: compares the ledger with Connect.

use std::sync::Arc;
use std::time::Duration;

use super::busy_wait::busy_wait;
use super::sent::SentError;
use super::{CommandError, blocking, connect_client, io, serve_sandbox, unless_interrupted};
use crate::cli::{GlobalArgs, Output, VerifyArgs};
use crate::control_signals::ControlSignals;
use crate::crash_plan::CrashPlan;
use crate::event::{Preparation, Reporter, RunEvent};
use crate::exit_code::ExitCode;
use crate::job::VerifyJob;
use crate::ledger::{
    Ledger, LedgerError, LedgerReader, VerificationId, VerificationScope, expect_readable_place,
};
use crate::shutdown::Shutdown;
use crate::submission::{ConnectClient, ServiceTarget};
use crate::ui::{VerificationReport, ending_name, observers, to_stdout};
use crate::verification::Verification;

pub(super) async fn verify(args: &VerifyArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let mut job = VerifyJob::resolve(args, global)?;
    let shutdown = Shutdown::listen().map_err(io("cannot listen for signals"))?;
    // Without a listener, SIGHUP and SIGUSR1 would end the process.
    let _control_signals = ControlSignals::listen().map_err(io("cannot listen for signals"))?;
    if let Some(sandbox) = job.sandbox.take() {
        job.aws.endpoint_url = Some(serve_sandbox(sandbox).await?.endpoint_url);
    }
    let client = connect_client(&job.identity.instance_id, &job.aws, &shutdown).await?;
    let reporter = Arc::new(Reporter::start(observers(job.display)).map_err(io("cannot start a thread"))?);
    let ledger = open(&job, &reporter, &shutdown).await?;
    let scope = scope(&job, client.target());
    let record = ledger.start_verification(scope.clone()).await?;
    let verification = Verification {
        ledger,
        record,
        lookup: Arc::new(client),
        reporter,
        shutdown,
        instance_id: job.identity.instance_id.clone(),
        // Rows of other shards are in other ledgers, which are not read.
        is_repeated: !job.identity.namespace.is_empty() || job.identity.shard.is_some(),
        operation: job.identity.operation,
        mapping: job.mapping.clone(),
        sample: job.sample,
        search_attribute: job.search_attribute.clone(),
        describe_rate: job.describe_rate,
        search_rate: job.search_rate,
    };
    look_up(verification, record, &scope, job).await.map_err(SentError::of_command)
}

/// Looks the rows up, and reports the result.
async fn look_up(
    verification: Verification<ConnectClient>,
    record: VerificationId,
    scope: &VerificationScope,
    job: VerifyJob,
) -> Result<ExitCode, SentError> {
    let (ledger, reporter) = (verification.ledger.clone(), verification.reporter.clone());
    let (ending, findings) = verification.run().await?;
    ledger.end_verification(record, findings, ending_name(&ending)).await?;
    reporter.finish();
    if let Ok(ledger) = Arc::try_unwrap(ledger) {
        blocking(move || Ok(ledger.close()?)).await?;
    }
    // Without the command the report is still complete.
    let runs = LedgerReader::open(&job.ledger).and_then(|reader| reader.latest_runs(1)).unwrap_or_default();
    let report = VerificationReport::new(job.identity.instance_id, &job.ledger, scope, &ending, findings)
        .of_rehearsal(job.aws.sandbox)
        .with_retry(runs.first());
    report.log();
    let text = match job.display.output {
        Output::Text | Output::Csv => report.text(),
        Output::Json => format!("{}\n", report.json()),
    };
    to_stdout(&text).map_err(io("cannot write the findings"))?;
    Ok(report.exit_code())
}

/// What is verified, and where.
fn scope(job: &VerifyJob, target: &ServiceTarget) -> VerificationScope {
    VerificationScope {
        endpoint: Some(target.authority()),
        region: Some(target.region.clone()),
        sample: job.sample,
        search_attribute: job.search_attribute.clone(),
    }
}

/// Opens the ledger, which must exist.
async fn open(
    job: &VerifyJob,
    reporter: &Arc<Reporter>,
    shutdown: &Shutdown,
) -> Result<Arc<Ledger>, CommandError> {
    let (path, identity, lock_wait) = (job.ledger.clone(), job.identity.clone(), job.lock_wait);
    // What it finds can be found again.
    let busy = busy_wait(reporter, shutdown, Duration::ZERO);
    let reporter = reporter.clone();
    let opening = blocking(move || {
        expect_readable_place(&path)?;
        let is_there = path.try_exists();
        let is_there =
            is_there.map_err(|source| LedgerError::Io { path: path.clone(), source: source.into() })?;
        if !is_there {
            return Err(LedgerError::Missing(path).into());
        }
        let ledger = Ledger::open(&path, &identity, lock_wait, &busy, &CrashPlan::default())?;
        let opened = Preparation::LedgerOpened { ledger: path.to_string_lossy().into_owned() };
        reporter.emit(RunEvent::Prepared(opened));
        Ok(Arc::new(ledger))
    });
    unless_interrupted(shutdown.clone(), opening).await
}
