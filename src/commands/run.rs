//! `run`: the import.

use std::path::Path;
use std::sync::Arc;

use super::CommandError;
use crate::cli::{GlobalArgs, Output, RunArgs};
use crate::engine::{Ending, Import, Intake, prepare};
use crate::event::{Reporter, RunEvent};
use crate::exit_code::ExitCode;
use crate::job::{Job, SandboxQuota};
use crate::ledger::{Ledger, NewRun, RowState, RunRecord};
use crate::report::{Advice, Summary, observers, to_stdout, write_rejects};
use crate::sandbox::{Sandbox, SandboxConfig};
use crate::shutdown::Shutdown;
use crate::submission::{ConnectSubmitter, Policy};
use crate::token::TokenScheme;

pub(super) async fn run(args: &RunArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let mut job = Job::resolve(args, global)?;
    let io = |what| move |source| CommandError::Io { what, source };
    let shutdown = Shutdown::listen().map_err(io("cannot listen for signals"))?;
    // What is wrong with the input's names and headers is said before a ledger is made.
    let inputs = prepare(&job.inputs, &job.key, &job.mapping)?;
    if let Some(quota) = job.sandbox {
        job.aws.endpoint_url = Some(serve_sandbox(quota).await?);
    }
    let submitter = ConnectSubmitter::new(&job.identity.instance_id, &job.aws).await?;
    let identity = &job.identity;
    let scheme = TokenScheme::new(&identity.instance_id, identity.operation, &identity.namespace);
    let reporter = Arc::new(Reporter::start(observers(job.display)).map_err(io("cannot start a thread"))?);

    let path = job.ledger.clone();
    let (new_run, identity) = (new_run(&job), job.identity.clone());
    let (told, asked) = (reporter.clone(), shutdown.clone());
    let (ledger, checked) = blocking(move || {
        let ledger = Ledger::open(&path, &identity, scheme)?;
        ledger.start_run(new_run)?;
        let intake = Intake {
            ledger: &ledger,
            reporter: &told,
            shutdown: &asked,
        };
        let checked = match intake.take_in(inputs) {
            Ok(checked) => checked,
            Err(error) => {
                // The error is what matters; that the run ended is worth a try.
                let _ = ledger.end_run("not started", 0);
                return Err(error.into());
            }
        };
        Ok::<_, CommandError>((ledger, checked))
    })
    .await?;
    let ledger = Arc::new(ledger);
    let to_send = checked.rows.of(RowState::Pending);
    let to_send = job.limit.map_or(to_send, |limit| limit.min(to_send));
    reporter.tell(RunEvent::Checked {
        run: checked.clone(),
        to_send,
    });

    let import = Import {
        ledger: ledger.clone(),
        submitter: Arc::new(submitter),
        reporter: reporter.clone(),
        shutdown: shutdown.clone(),
        mapping: job.mapping.clone(),
        rate: job.pacing.rate,
        burst: job.pacing.burst,
        concurrency: job.pacing.concurrency,
        policy: Policy {
            max_attempts: job.pacing.max_attempts,
        },
        idempotency_window: job.idempotency_window,
        grace: job.grace,
        limit: job.limit,
    };
    let outcome = import.run(&checked).await;
    if let Ok(reporter) = Arc::try_unwrap(reporter) {
        reporter.finish();
    }
    let (ending, progress) = outcome?;
    let ending_word = ending_word(&ending);
    let ledger_path = job.ledger.clone();
    let rejects = job.rejects.clone();
    let (record, rejected) = blocking(move || {
        let record = ledger.end_run(ending_word, progress.throttled)?;
        let rejected = write_rejects(&ledger_path, record.id, &rejects)?;
        if let Ok(ledger) = Arc::try_unwrap(ledger) {
            ledger.close()?;
        }
        Ok::<_, CommandError>((record, rejected))
    })
    .await?;

    let exit = exit_code(&ending, &record);
    let summary = Summary {
        exit,
        instance_id: job.identity.instance_id.clone(),
        advice: advice(&ending, &record, &job),
        rejects: (rejected > 0).then(|| job.rejects.clone()),
        ledger: job.ledger,
        run: record,
    };
    let text = match job.display.output {
        Output::Text => summary.text(),
        Output::Json => format!("{}\n", summary.json()),
    };
    to_stdout(&text).map_err(io("cannot write the summary"))?;
    Ok(exit)
}

/// The ledger blocks, so its calls leave the async runtime's threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CommandError> + Send + 'static,
) -> Result<T, CommandError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(panic) => Err(CommandError::Io {
            what: "a thread failed",
            source: std::io::Error::other(panic),
        }),
    }
}

fn new_run(job: &Job) -> NewRun {
    NewRun {
        mapping: job.mapping.fingerprint(),
        rate: job.pacing.rate,
        idempotency_window: job.idempotency_window,
    }
}

/// Serves the built-in sandbox for as long as the process lives; its URL.
async fn serve_sandbox(quota: SandboxQuota) -> Result<String, CommandError> {
    let config = SandboxConfig {
        port: 0,
        rate: Some(quota.rate),
        burst: quota.burst,
        latency: quota.latency,
        state: None,
    };
    let sandbox = Sandbox::bind(config).await?;
    let url = sandbox.endpoint_url();
    tokio::spawn(sandbox.serve(std::future::pending()));
    Ok(url)
}

fn ending_word(ending: &Ending) -> &'static str {
    match ending {
        Ending::Complete => "complete",
        Ending::Interrupted(_) => "interrupted",
        Ending::Denied(_) => "denied",
        Ending::QuotaExceeded(_) => "quota exceeded",
        Ending::NotFound(_) => "not found",
        Ending::Throttled(_) => "throttled",
        Ending::OutOfReach(_) => "out of reach",
    }
}

fn remaining(run: &RunRecord) -> u64 {
    run.rows.of(RowState::Pending) + run.rows.of(RowState::InFlight)
}

fn exit_code(ending: &Ending, run: &RunRecord) -> ExitCode {
    let left_behind = [RowState::Rejected, RowState::Failed, RowState::Unknown]
        .iter()
        .any(|state| run.rows.of(*state) > 0);
    match ending {
        Ending::Interrupted(signal) => signal.exit_code(),
        Ending::Denied(_) | Ending::QuotaExceeded(_) | Ending::NotFound(_) => ExitCode::Fatal,
        Ending::Throttled(_) | Ending::OutOfReach(_) => ExitCode::TryLater,
        Ending::Complete if remaining(run) > 0 => ExitCode::Budget,
        Ending::Complete if left_behind => ExitCode::RowsLeftBehind,
        Ending::Complete => ExitCode::Complete,
    }
}

fn advice(ending: &Ending, run: &RunRecord, job: &Job) -> Advice {
    let why = match ending {
        Ending::Complete if remaining(run) > 0 => Some("The limit is reached.".to_owned()),
        Ending::Complete => None,
        Ending::Interrupted(signal) => Some(format!("Interrupted by {}.", signal.name())),
        Ending::Denied(cause) => Some(format!(
            "Connect denies the request ({}: {}). No row is to blame. Check the credentials, and that they \
             allow connect:CreateContact on the instance.",
            cause.code, cause.message
        )),
        Ending::QuotaExceeded(cause) => Some(format!(
            "A hard quota of the instance is reached ({}: {}). Ask AWS Support to raise it.",
            cause.code, cause.message
        )),
        Ending::NotFound(cause) => Some(format!(
            "Connect finds nothing of what it is asked for ({}: {}). Check the instance id, the Region, and \
             ids in the rows.",
            cause.code, cause.message
        )),
        Ending::Throttled(cause) => Some(format!(
            "Connect does nothing but throttle ({}). Something else uses the quota, or --rate is above it.",
            cause.code
        )),
        Ending::OutOfReach(cause) => Some(format!(
            "Connect is out of reach ({}). Check the network, the Region and --endpoint-url.",
            cause.message
        )),
    };
    // A run takes up the rows that wait and those that failed.
    let again = remaining(run) + run.rows.of(RowState::Failed) > 0;
    let resume = again.then(|| shell_line(std::env::args_os().map(lossy)));
    let retry_rejects = (run.rows.of(RowState::Rejected) > 0).then(|| retry_command(job));
    Advice {
        why,
        resume,
        retry_rejects,
    }
}

/// This command line with the rejects in place of the CSVs, and the ledger named.
fn retry_command(job: &Job) -> String {
    let inputs: Vec<String> = job.inputs.iter().map(ToString::to_string).collect();
    let mut words: Vec<String> = std::env::args_os()
        .map(lossy)
        .filter(|word| !inputs.contains(word))
        .collect();
    let at = words
        .iter()
        .position(|word| word == "run")
        .map_or(words.len(), |at| at + 1);
    words.insert(at, display(&job.rejects));
    if !words
        .iter()
        .any(|word| word == "--ledger" || word.starts_with("--ledger="))
    {
        words.extend(["--ledger".to_owned(), display(&job.ledger)]);
    }
    shell_line(words)
}

fn lossy(word: std::ffi::OsString) -> String {
    word.to_string_lossy().into_owned()
}

fn display(path: &Path) -> String {
    path.display().to_string()
}

/// Words as a POSIX shell reads them back.
fn shell_line(words: impl IntoIterator<Item = String>) -> String {
    let quoted = words.into_iter().map(|word| {
        let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::shell_line;

    #[test]
    fn a_printed_command_can_be_pasted() {
        let words = ["connect-import", "--key", "Ticket ID", "it's", ""].map(String::from);
        assert_eq!(
            shell_line(words),
            r"connect-import --key 'Ticket ID' 'it'\''s' ''"
        );
    }
}
