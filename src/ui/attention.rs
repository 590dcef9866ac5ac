//! Lines for what deserves one: of what befalls rows the first of each cause, and of the rest each.

use super::bar::{per_second, rounded};
use super::causes::setback_words;
use super::metrics::unmeasured;
use super::portion;
use super::printable::printable_lines;
use crate::event::{FindingKind, InFlightRequest, RunEvent, VerificationFinding};
use crate::ledger::{Cause, Doubts, Note, Opening, RowState};
use crate::pacing::Rate;

/// The line for what befell a row, if it needs attention.
pub(super) fn row_line(event: &RunEvent) -> Option<String> {
    row_words(event).map(|words| printable_lines(&words))
}

fn row_words(event: &RunEvent) -> Option<String> {
    match event {
        RunEvent::RowNoted { file, note } => Some(noted(file, note)),
        RunEvent::RowSettled { source, line, key, state, cause, done, .. } => {
            let why = cause.as_ref().map(|cause| format!(": {}: {}", cause.code, cause.message));
            let why = why.unwrap_or_default();
            match state {
                RowState::Rejected | RowState::Failed | RowState::Unknown => {
                    Some(format!("{source}, line {line} (key {key}) is {state}{why}"))
                }
                RowState::Pending if *done => Some(format!(
                    "{source}, line {line} (key {key}) went unanswered and waits for the next run{why}"
                )),
                RowState::Pending | RowState::InFlight | RowState::Created => None,
            }
        }
        RunEvent::VerificationFinding(finding) => Some(found(finding)),
        RunEvent::ReadingInput { .. }
        | RunEvent::SendingStarted { .. }
        | RunEvent::LedgerCreated { .. }
        | RunEvent::LedgerOpening(_)
        | RunEvent::InFlightListed(_)
        | RunEvent::RateReloaded(_)
        | RunEvent::ConcurrencyLimited { .. }
        | RunEvent::OpenFilesLimited { .. }
        | RunEvent::ShardStarted { .. }
        | RunEvent::MetricsFailed { .. }
        | RunEvent::Paused { .. }
        | RunEvent::Draining { .. }
        | RunEvent::Progress(_)
        | RunEvent::Verifying { .. } => None,
    }
}

/// The line for what happens once, or is asked for; of pauses, of which there are many, for the first of a cause.
pub(super) fn notice(event: &RunEvent, is_new: bool) -> Option<String> {
    notice_words(event, is_new).map(|words| printable_lines(&words))
}

fn notice_words(event: &RunEvent, is_new: bool) -> Option<String> {
    match event {
        RunEvent::LedgerOpening(Opening::Queued { holder, patience }) => Some(format!(
            "another run holds the ledger ({holder}); waiting for it, up to {}",
            rounded(*patience)
        )),
        RunEvent::LedgerOpening(Opening::Examined { bytes }) => Some(format!(
            "the ledger was not closed by its last run, or was changed since; looking through its {} MB",
            bytes / 1_000_000
        )),
        RunEvent::ShardStarted { shard, rate, burst, is_own_rate } => {
            Some(portion::start(*shard, *rate, *burst, *is_own_rate))
        }
        RunEvent::MetricsFailed { file, problem } => Some(unmeasured(file, problem)),
        RunEvent::LedgerCreated { ledger, is_recreated: false } => Some(format!("{ledger} is a new ledger")),
        RunEvent::LedgerCreated { ledger, is_recreated: true } => Some(format!(
            "{ledger} is a new ledger where there was one before: this run knows of no earlier one, and sends every \
             row again, with the same tokens"
        )),
        RunEvent::SendingStarted { run, to_send } => {
            let others = match run.adopted {
                0 => String::new(),
                adopted => format!("; {adopted} of the rows that wait are from other files"),
            };
            let elsewhere = match run.elsewhere {
                0 => String::new(),
                elsewhere => format!(", {elsewhere} of other shards"),
            };
            let read = run.rows_read;
            let checked = format!("checked: {read} rows read{elsewhere}, {to_send} to send{others}");
            Some(doubts(&run.doubts).into_iter().chain([checked]).collect::<Vec<_>>().join("\n"))
        }
        RunEvent::InFlightListed(_) | RunEvent::RateReloaded(_) => asked_words(event),
        RunEvent::ConcurrencyLimited { in_flight, latency, rate } => Some(format!(
            "answers take {:.2} s, so no more than {} a second can be sent with {in_flight} under way; --concurrency, \
             and the files that the process may open (ulimit -n), set that bound",
            latency.as_secs_f64(),
            per_second(*rate)
        )),
        RunEvent::OpenFilesLimited { requested, allowed } => Some(format!(
            "the process may open too few files for {requested} requests under way; {allowed} may be (see ulimit -n)"
        )),
        RunEvent::Paused { failure, cause, pause } if is_new => {
            let Cause { code, message } = cause;
            setback_words(*failure)
                .map(|what| format!("{what} ({code}: {message}); going on in {:.1} s", pause.as_secs_f64()))
        }
        RunEvent::Draining { signal, in_flight, grace } => {
            let why = signal.map(|signal| format!("{}: ", signal.name())).unwrap_or_default();
            let wait = if *in_flight > 0 {
                format!("; waiting up to {} s for requests under way", grace.as_secs())
            } else {
                String::new()
            };
            Some(format!("{why}no new request is made{wait}"))
        }
        RunEvent::Paused { .. }
        | RunEvent::RowNoted { .. }
        | RunEvent::RowSettled { .. }
        | RunEvent::VerificationFinding(_)
        | RunEvent::ReadingInput { .. }
        | RunEvent::Progress(_)
        | RunEvent::Verifying { .. } => None,
    }
}

fn found(finding: &VerificationFinding) -> String {
    let VerificationFinding { source, line, key, contact_id, kind } = finding;
    let contact = contact_id.as_deref().unwrap_or_default();
    let words = match kind {
        FindingKind::Missing => format!("is missing: Connect does not know contact {contact}"),
        FindingKind::Different(members) => {
            format!("differs in {} from contact {contact}", members.join(" and "))
        }
        FindingKind::Found => format!("was unknown and is created: contact {contact}"),
        FindingKind::Ambiguous { contacts, rows } => format!(
            "stays unknown: {} and it cannot be told whose; it fits {}",
            match rows {
                1 => "more than one contact fits".to_owned(),
                rows => format!("{rows} rows were sent alike"),
            },
            contacts.join(", ")
        ),
        FindingKind::Shared => format!("has contact {contact}, which another row has as well"),
        FindingKind::NotFound => "stays unknown: it was not found, which is no proof".to_owned(),
        FindingKind::Refused(cause) => format!("cannot be asked for: {}: {}", cause.code, cause.message),
    };
    format!("{source}, line {line} (key {key}) {words}")
}

fn noted(file: &str, note: &Note) -> String {
    match note {
        Note::Rejected { line, key, rejection } => {
            format!("{file}, line {line} (key {key}) is rejected: {}: {rejection}", rejection.code)
        }
        Note::ChangedSinceCreated { line, key } => {
            format!("{file}, line {line} (key {key}) has changed since it was created; it is not sent again")
        }
        Note::ChangedInDoubt { line, key } => format!(
            "{file}, line {line} (key {key}) has changed since it was sent without an answer; it is sent again as it was"
        ),
        Note::Unknown { line, key } => format!(
            "{file}, line {line} (key {key}) is unknown: it may have been created; it is not sent again"
        ),
    }
}

/// What the operator asked to be told; said even where progress is not shown.
pub(super) fn asked(event: &RunEvent) -> Option<String> {
    asked_words(event).map(|words| printable_lines(&words))
}

fn asked_words(event: &RunEvent) -> Option<String> {
    match event {
        RunEvent::InFlightListed(requests) => {
            let mut lines = vec![match requests.len() {
                0 => "no request is under way".to_owned(),
                1 => "1 request is under way:".to_owned(),
                more => format!("{more} requests are under way:"),
            }];
            lines.extend(requests.iter().map(|request| {
                let InFlightRequest { source, line, key, elapsed } = request;
                format!("  {source}, line {line} (key {key}), for {:.1} s", elapsed.as_secs_f64())
            }));
            Some(lines.join("\n"))
        }
        RunEvent::RateReloaded(Ok(Rate::Fixed(rate))) => {
            Some(format!("the rate is {rate} a second from here on"))
        }
        RunEvent::RateReloaded(Ok(Rate::Auto)) => Some("the rate is found by itself from here on".to_owned()),
        RunEvent::RateReloaded(Err(why)) => Some(format!("the rate stays: {why}")),
        RunEvent::ReadingInput { .. }
        | RunEvent::RowNoted { .. }
        | RunEvent::SendingStarted { .. }
        | RunEvent::RowSettled { .. }
        | RunEvent::LedgerCreated { .. }
        | RunEvent::ShardStarted { .. }
        | RunEvent::LedgerOpening(_)
        | RunEvent::ConcurrencyLimited { .. }
        | RunEvent::OpenFilesLimited { .. }
        | RunEvent::MetricsFailed { .. }
        | RunEvent::Paused { .. }
        | RunEvent::Draining { .. }
        | RunEvent::Progress(_)
        | RunEvent::Verifying { .. }
        | RunEvent::VerificationFinding(_) => None,
    }
}

/// What may have been created by earlier runs, before the first request of this one.
pub(super) fn doubts(doubts: &Doubts) -> Option<String> {
    let Doubts { unknown, waiting, closing } = *doubts;
    let mut lines = Vec::new();
    if unknown > 0 {
        lines.push(format!(
            "{} unknown: maybe created, and not sent again; the command verify looks for them, --retry unknown sends them",
            rows_are(unknown)
        ));
    }
    if waiting > 0 {
        lines.push(format!(
            "{} in doubt: sent before and not answered; they go first, with the same tokens",
            rows_are(waiting)
        ));
    }
    if closing > 0 {
        lines.push(format!(
            "{closing} of these are about to outlive --idempotency-window, and will then be unknown"
        ));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn rows_are(count: u64) -> String {
    if count == 1 { "1 row is".to_owned() } else { format!("{count} rows are") }
}
