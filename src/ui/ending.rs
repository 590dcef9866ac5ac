//! The way a run ended: its name in the ledger, its exit code, and the reason with the remedy.

use crate::engine::Ending;
use crate::exit_code::ExitCode;
use crate::ledger::{Cause, RunRecord};
use crate::submission::{ClockRefusal, is_contact_unnamed, is_proxy_code};
use crate::ui::words::clock_offset;

/// Name of an ending, as the ledger records it.
pub fn ending_name(ending: &Ending) -> &'static str {
    match ending {
        Ending::Complete => "complete",
        Ending::LimitReached => "limit reached",
        Ending::Interrupted(_) => "interrupted",
        Ending::Denied(_) => "denied",
        Ending::NoCredentials(_) => "no credentials",
        Ending::CredentialsOutOfReach(_) => "credentials out of reach",
        Ending::Clock(_) => "clock",
        Ending::Untrusted { .. } => "untrusted",
        Ending::QuotaExceeded(_) => "quota exceeded",
        Ending::NotFound(_) => "not found",
        Ending::Throttled(_) => "throttled",
        Ending::OutOfReach(_) => "out of reach",
        Ending::Unanswered(_) => "unanswered",
        Ending::ErrorBudget(_) => "error budget",
        Ending::TimeBudget => "time budget",
    }
}

/// Exit code of a run with this ending and record. It speaks of all rows of the ledger: a run takes up those of every input.
pub fn exit_code(ending: &Ending, run: &RunRecord) -> ExitCode {
    match (failure(ending), ending) {
        (Some((exit, _)), _) => exit,
        (None, Ending::ErrorBudget(_)) => ExitCode::ErrorBudget,
        (None, _) if run.waiting() > 0 => ExitCode::PlannedStop,
        (None, _) if run.all_rows.with_errors() + run.stranded + run.shared.total > 0 => {
            ExitCode::RowsNotCreated
        }
        (None, _) => ExitCode::Complete,
    }
}

/// Reason why a run ended early, and the remedy.
pub(super) fn reason(ending: &Ending, run: &RunRecord) -> Option<String> {
    match (failure(ending), ending) {
        (Some((_, reason)), _) => Some(reason),
        (None, Ending::ErrorBudget(budget)) => Some(format!(
            "The error budget is spent: {} rows have errors, and --max-errors allows {budget} of {} read. \
             Look at the causes before you raise it.",
            run.rows.with_errors(),
            run.own_rows()
        )),
        (None, _) if run.waiting() == 0 => None,
        (None, Ending::TimeBudget) => Some("The time that --max-duration allows is over.".to_owned()),
        (None, _) => Some("The limit is reached.".to_owned()),
    }
}

/// Exit code and reason of an ending that a signal or Connect caused.
pub(super) fn failure(ending: &Ending) -> Option<(ExitCode, String)> {
    let (exit, cause, problem, remedy) = match ending {
        Ending::Complete | Ending::LimitReached | Ending::TimeBudget | Ending::ErrorBudget(_) => return None,
        Ending::Interrupted(signal) => {
            return Some((signal.exit_code(), format!("Interrupted by {}.", signal.name())));
        }
        // The message ends with the remedy, which may be a command to paste.
        Ending::NoCredentials(Cause { code, message }) => {
            let reason = format!("There are no credentials ({code}). The rows are not the cause.\n{message}");
            return Some((ExitCode::Fatal, reason));
        }
        Ending::CredentialsOutOfReach(Cause { code, message }) => {
            let reason = format!("The source of the credentials is out of reach ({code}).\n{message}");
            return Some((ExitCode::TryLater, reason));
        }
        Ending::Denied(cause) if is_proxy_code(&cause.code) => {
            (ExitCode::Fatal, cause, "A proxy refuses the requests", "The rows are not the cause.")
        }
        // An answer without an error code.
        Ending::Denied(cause) if cause.code.starts_with("HTTP") => (
            ExitCode::Fatal,
            cause,
            "Something that is not Amazon Connect answers the requests",
            "The rows are not the cause. Check --endpoint-url, and any proxy or gateway.",
        ),
        Ending::OutOfReach(cause) if is_proxy_code(&cause.code) => (
            ExitCode::TryLater,
            cause,
            "Connect is out of reach through a proxy",
            "Check the proxy and the variable that names it; NO_PROXY excepts hosts.",
        ),
        Ending::Denied(cause) => (
            ExitCode::Fatal,
            cause,
            "Connect denies the request, or it cannot be signed",
            "The rows are not the cause. Check the credentials, that they allow the operation on the instance, and \
             the machine's clock.",
        ),
        Ending::Clock(ClockRefusal { cause, offset, .. }) => {
            let (clock, remedy) = match offset {
                Some(offset) if offset.is_large() => (clock_offset(*offset), "Set it, for instance by NTP."),
                Some(_) => (
                    "this machine's clock agrees with the date of the answer".to_owned(),
                    "Something between this machine and Connect may change that date, such as a cache.",
                ),
                None => (
                    "the answer does not say the service's time".to_owned(),
                    "Compare this machine's clock with another one, and set it, for instance by NTP.",
                ),
            };
            let problem = "Connect refuses the time of the signature";
            let reason = format!("{problem} ({cause}); {clock}. {remedy} The rows are not the cause.");
            return Some((ExitCode::Fatal, reason));
        }
        Ending::Untrusted { cause, has_sent } => (
            if *has_sent { ExitCode::Fatal } else { ExitCode::Usage },
            cause,
            "The server is not trusted",
            "The rows that were not sent stay pending.",
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
            "Connect does not find a resource of the request",
            "Check the instance id, the Region, and ids in the rows.",
        ),
        Ending::Throttled(cause) => (
            ExitCode::TryLater,
            cause,
            "Connect throttles every request",
            "Something else uses the quota, or --rate is above it.",
        ),
        Ending::OutOfReach(cause) => (
            ExitCode::TryLater,
            cause,
            "Connect is out of reach",
            "Check the network, the Region and --endpoint-url.",
        ),
        Ending::Unanswered(cause) if is_contact_unnamed(&cause.code) => (
            ExitCode::TryLater,
            cause,
            "The endpoint answers with success and names no contact of Amazon Connect",
            "Rows with such an answer are in doubt. Check with doctor what answers at the endpoint, such as a proxy, \
             before the next run sends them again with the same client tokens.",
        ),
        Ending::Unanswered(cause) => (
            ExitCode::TryLater,
            cause,
            "Connect gives no usable answer to the requests",
            "Unanswered rows are in doubt. The next run sends them again with the same client tokens within \
             --idempotency-window; with --on-unknown hold they are unknown.",
        ),
    };
    Some((exit, format!("{problem} ({cause}). {remedy}")))
}
