//! How a run ended: the word for the ledger, the exit code, and what to tell people.

use crate::engine::Ending;
use crate::exit_code::ExitCode;
use crate::ledger::{RowState, RunRecord};

/// The word that the ledger keeps.
pub fn ending_word(ending: &Ending) -> &'static str {
    match ending {
        Ending::Complete => "complete",
        Ending::LimitReached => "limit reached",
        Ending::Interrupted(_) => "interrupted",
        Ending::Denied(_) => "denied",
        Ending::QuotaExceeded(_) => "quota exceeded",
        Ending::NotFound(_) => "not found",
        Ending::Throttled(_) => "throttled",
        Ending::OutOfReach(_) => "out of reach",
        Ending::Unanswered(_) => "unanswered",
        Ending::ErrorBudget(_) => "error budget",
        Ending::TimeBudget => "time budget",
    }
}

/// The exit code of a run that ended so and left the ledger so.
pub fn exit_code(ending: &Ending, run: &RunRecord) -> ExitCode {
    let left_behind =
        [RowState::Rejected, RowState::Failed, RowState::Unknown].iter().any(|state| run.rows.of(*state) > 0);
    match (failure(ending), ending) {
        (Some((exit, _)), _) => exit,
        (None, Ending::ErrorBudget(_)) => ExitCode::ErrorBudget,
        (None, _) if run.waiting() > 0 => ExitCode::PlannedStop,
        (None, _) if left_behind => ExitCode::RowsNotCreated,
        (None, _) => ExitCode::Complete,
    }
}

/// Why the run ended early, and the remedy.
pub(super) fn why(ending: &Ending, run: &RunRecord) -> Option<String> {
    match (failure(ending), ending) {
        (Some((_, why)), _) => Some(why),
        (None, Ending::ErrorBudget(budget)) => {
            let errors = run.rows.of(RowState::Rejected)
                + run.rows.of(RowState::Failed)
                + run.rows.of(RowState::Unknown);
            let rows = run.own_rows();
            Some(format!(
                "The error budget is spent: {errors} rows went wrong, and --max-errors allows {budget} of {rows} read. \
                 Look at the causes before you raise it."
            ))
        }
        (None, _) if run.waiting() == 0 => None,
        (None, Ending::TimeBudget) => Some("The time that --max-duration allows is over.".to_owned()),
        (None, _) => Some("The limit is reached.".to_owned()),
    }
}

/// The exit code and the cause with its remedy, where a signal or Connect put an end to it.
pub(super) fn failure(ending: &Ending) -> Option<(ExitCode, String)> {
    let (exit, cause, words, remedy) = match ending {
        Ending::Complete | Ending::LimitReached | Ending::TimeBudget | Ending::ErrorBudget(_) => return None,
        Ending::Interrupted(signal) => {
            return Some((signal.exit_code(), format!("Interrupted by {}.", signal.name())));
        }
        Ending::Denied(cause) => (
            ExitCode::Fatal,
            cause,
            "Connect denies the request, or it cannot be signed",
            "No row is to blame. Check the credentials, that they allow the operation on the instance, and the machine's clock.",
        ),
        Ending::QuotaExceeded(cause) => (
            ExitCode::Fatal,
            cause,
            "A hard quota of the instance is reached",
            "Ask AWS Support to raise it.",
        ),
        Ending::NotFound(cause) => (
            ExitCode::Fatal,
            cause,
            "Connect finds nothing of what it is asked for",
            "Check the instance id, the Region, and ids in the rows.",
        ),
        Ending::Throttled(cause) => (
            ExitCode::TryLater,
            cause,
            "Connect does nothing but throttle",
            "Something else uses the quota, or --rate is above it.",
        ),
        Ending::OutOfReach(cause) => (
            ExitCode::TryLater,
            cause,
            "Connect is out of reach",
            "Check the network, the Region and --endpoint-url.",
        ),
        Ending::Unanswered(cause) => (
            ExitCode::TryLater,
            cause,
            "Connect takes requests and does not answer them",
            "What went unanswered waits in doubt and is sent again with the same tokens, while these are young enough; \
             with --on-unknown hold it is unknown.",
        ),
    };
    Some((exit, format!("{words} ({}: {}). {remedy}", cause.code, cause.message)))
}
