//! `check`: maps and validates every row without sending a request.

use std::path::Path;
use std::sync::Arc;

use super::{CommandError, blocking, io, prepared, unless_interrupted};
use crate::check::{Check, CheckError, LedgerLookup, ShownInstance, ShownRows};
use crate::cli::{CheckArgs, GlobalArgs, Output};
use crate::event::Reporter;
use crate::exit_code::ExitCode;
use crate::job::{CheckJob, ResendPolicy, SANDBOX};
use crate::ledger::{Identity, LedgerError, LedgerReader, expect_no_other_ledger, expect_usable_place};
use crate::pacing::Rate;
use crate::printable::ShownPath as _;
use crate::shell_word::shell_path;
use crate::shutdown::Shutdown;
use crate::submission::OnUnknown;
use crate::token::TokenScheme;
use crate::ui::{CheckReport, CheckedRows, ForecastSettings, notice, observers, to_stdout};
use crate::warning::{Warning, WarningCode};

pub(super) async fn check(args: &CheckArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let job = CheckJob::resolve(args, global)?;
    let shutdown = Shutdown::listen().map_err(io("cannot listen for signals"))?;
    let input = &job.input;
    let inputs = prepared(input, &shutdown).await?;
    if let Some(ledger) = &job.ledger
        && let Err(error @ LedgerError::Misplaced { .. }) = expect_usable_place(ledger)
    {
        return Err(error.into());
    }
    let known = known(&job)?;
    let reporter = Arc::new(Reporter::start(observers(job.display)).map_err(io("cannot start a thread"))?);
    let has_ledger = known.is_some();
    let rate = match (job.rate, &known) {
        // Rounded to 0.1 requests per second, the precision of the forecast.
        (Rate::Auto, Some(known)) => known.rate_found()?.map(|found| (found * 10.0).round() / 10.0),
        (Rate::Auto | Rate::Fixed(_), _) => None,
    };
    let rate = rate.unwrap_or(job.start);
    let (output, cells) = (job.display.output, job.cells);
    let shard = job.input.shard;
    let (shown, accept) = (shown(&job), job.accept.clone());
    let shows_requests = job.show > 0 || !job.show_keys.is_empty();
    let work = {
        let (reporter, shutdown) = (reporter.clone(), shutdown.clone());
        blocking(move || {
            let mut rows = CheckedRows::start(output, cells).map_err(CheckError::from)?;
            let check = Check {
                shard,
                ledger: known.as_ref(),
                accept: &accept,
                shown: &shown,
                reporter: &reporter,
                shutdown: &shutdown,
            };
            let findings = check.run(inputs, &mut rows)?;
            for key in shown.keys.iter().filter(|key| !findings.shown_keys.contains(*key)) {
                rows.show_missing(key).map_err(CheckError::from)?;
            }
            rows.finish().map_err(CheckError::from)?;
            Ok(findings)
        })
    };
    let mut findings = unless_interrupted(shutdown, work).await?;
    reporter.finish();
    other_ledger(&job).into_iter().for_each(|warning| findings.warn(warning));
    let settings = ForecastSettings {
        shard,
        limit: job.limit,
        max_errors: job.max_errors,
        idempotency_window: job.resend_policy.window,
        ledger: job.ledger.filter(|_| has_ledger),
        rate,
        is_strict: job.is_strict,
        search_attribute: job.search_attribute,
        key: job.input.key,
        fault_listing: match output {
            Output::Csv => None,
            // The requests of --show are no lines of a CSV.
            Output::Text | Output::Json if shows_requests => Some("add --output csv, without --show"),
            Output::Text | Output::Json => Some("add --output csv"),
        },
    };
    let report = CheckReport::new(settings, findings, &jiff::ZonedDateTime::now());
    let printed = match output {
        Output::Text => to_stdout(&report.text()),
        Output::Json => to_stdout(&format!("{}\n", report.json())),
        Output::Csv => {
            // Standard output carries the faults, one per line.
            notice(report.text().trim_end());
            Ok(())
        }
    };
    printed.map_err(io("cannot write the findings"))?;
    Ok(report.exit_code())
}

/// Rows to show, with the instance that their requests would be for.
fn shown(job: &CheckJob) -> ShownRows {
    let input = &job.input;
    let instance = job.instance_id.clone().map(|id| {
        let tokens = TokenScheme::new(&id, input.mapping.operation, &input.namespace);
        ShownInstance { id, tokens }
    });
    ShownRows { first: job.show, keys: job.show_keys.clone(), instance }
}

/// Reads the ledger that a run would continue, if it exists.
fn known(job: &CheckJob) -> Result<Option<LedgerLookup>, CommandError> {
    let Some(path) = job.ledger.as_deref().filter(|path| has_content(path)) else { return Ok(None) };
    let reader = LedgerReader::open(path)?;
    let Some(found) = reader.identity()? else { return Ok(None) };
    let input = &job.input;
    // A check works without an instance; then any instance's ledger is accepted.
    let own = identity(job, job.instance_id.as_ref().unwrap_or(&found.instance_id));
    own.expect(path, &found)?;
    let scheme = TokenScheme::new(&own.instance_id, own.operation, &own.namespace);
    let mapping = input.mapping.fingerprint(input.condition.as_deref());
    let ResendPolicy { window, on_unknown, retry } = job.resend_policy.clone();
    let window = (on_unknown == OnUnknown::Resend).then_some(window);
    Ok(Some(LedgerLookup::new(reader, scheme, mapping, &input.inputs, window, retry, job.accept.clone())?))
}

/// The warning that a run would not create its ledger. A rehearsal would.
fn other_ledger(job: &CheckJob) -> Option<Warning> {
    let (path, instance_id) = (job.ledger.as_deref()?, job.instance_id.as_ref()?);
    if instance_id == SANDBOX {
        return None;
    }
    match expect_no_other_ledger(path, &identity(job, instance_id)) {
        Err(LedgerError::OtherLedger { path, other, created }) => Some(Warning::new(
            WarningCode::OtherLedger,
            format!(
                "{} would be new, and {} in the same folder is of the same import and has {created} created rows; a run \
                 stops",
                path.shown(),
                other.shown()
            ),
            format!(
                "to continue with it, add --ledger {}; otherwise run with --new-ledger",
                shell_path(&other)
            ),
        )),
        Err(unread @ (LedgerError::OtherUnread { .. } | LedgerError::Io { .. })) => Some(Warning::new(
            WarningCode::OtherLedger,
            unread.to_string(),
            "let a run read it, since it stops otherwise".to_owned(),
        )),
        _ => None,
    }
}

fn identity(job: &CheckJob, instance_id: &str) -> Identity {
    let input = &job.input;
    Identity {
        instance_id: instance_id.to_owned(),
        operation: input.mapping.operation,
        namespace: input.namespace.clone(),
        key: input.key.clone(),
        key_comparison: input.key_comparison,
        shard: input.shard,
    }
}

/// Whether the ledger exists and is not empty.
fn has_content(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.len() > 0)
}
