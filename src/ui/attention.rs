//! Lines for what deserves one: of what befalls rows the first of each cause, and of the rest each.

use super::bar::{per_second, rounded};
use super::causes::setback_words;
use super::metrics::unmeasured;
use super::portion;
use super::printable::printable_lines;
use crate::event::{Discrepancy, Finding, Flight, RunEvent};
use crate::ledger::{Cause, Doubts, Note, Opening, RowState};
use crate::pacing::Rate;

/// The line for what befell a row, if it needs attention.
pub(super) fn row_line(event: &RunEvent) -> Option<String> {
    row_words(event).map(|words| printable_lines(&words))
}

fn row_words(event: &RunEvent) -> Option<String> {
    match event {
        RunEvent::Noted { file, note } => Some(noted(file, note)),
        RunEvent::Settled { source, line, key, state, cause, done, .. } => {
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
        RunEvent::Verified(finding) => Some(found(finding)),
        RunEvent::Checking { .. }
        | RunEvent::Checked { .. }
        | RunEvent::NewLedger { .. }
        | RunEvent::Opening(_)
        | RunEvent::InFlight(_)
        | RunEvent::RateRead(_)
        | RunEvent::Crowded { .. }
        | RunEvent::FewFiles { .. }
        | RunEvent::Sharded { .. }
        | RunEvent::Unmeasured { .. }
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
        RunEvent::Opening(Opening::Queued { holder, patience }) => Some(format!(
            "another run holds the ledger ({holder}); waiting for it, up to {}",
            rounded(*patience)
        )),
        RunEvent::Opening(Opening::Examined { bytes }) => Some(format!(
            "the ledger was not closed by its last run, or was changed since; looking through its {} MB",
            bytes / 1_000_000
        )),
        RunEvent::Sharded { shard, rate, burst, is_own } => {
            Some(portion::start(*shard, *rate, *burst, *is_own))
        }
        RunEvent::Unmeasured { file, problem } => Some(unmeasured(file, problem)),
        RunEvent::NewLedger { ledger, again: false } => Some(format!("{ledger} is a new ledger")),
        RunEvent::NewLedger { ledger, again: true } => Some(format!(
            "{ledger} is a new ledger where there was one before: this run knows of no earlier one, and sends every \
             row again, with the same tokens"
        )),
        RunEvent::Checked { run, to_send } => {
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
        RunEvent::InFlight(_) | RunEvent::RateRead(_) => asked_words(event),
        RunEvent::Crowded { under_way, latency, rate } => Some(format!(
            "answers take {:.2} s, so no more than {} a second can be sent with {under_way} under way; --concurrency, \
             and the files that the process may open (ulimit -n), set that bound",
            latency.as_secs_f64(),
            per_second(*rate)
        )),
        RunEvent::FewFiles { asked, allowed } => Some(format!(
            "the process may open too few files for {asked} requests under way; {allowed} may be (see ulimit -n)"
        )),
        RunEvent::Paused { setback, cause, pause } if is_new => {
            let Cause { code, message } = cause;
            setback_words(*setback)
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
        | RunEvent::Noted { .. }
        | RunEvent::Settled { .. }
        | RunEvent::Verified(_)
        | RunEvent::Checking { .. }
        | RunEvent::Progress(_)
        | RunEvent::Verifying { .. } => None,
    }
}

fn found(finding: &Finding) -> String {
    let Finding { source, line, key, contact_id, what } = finding;
    let contact = contact_id.as_deref().unwrap_or_default();
    let words = match what {
        Discrepancy::Missing => format!("is missing: Connect does not know contact {contact}"),
        Discrepancy::Different(members) => {
            format!("differs in {} from contact {contact}", members.join(" and "))
        }
        Discrepancy::Found => format!("was unknown and is created: contact {contact}"),
        Discrepancy::Ambiguous { contacts, rows } => format!(
            "stays unknown: {} and it cannot be told whose; it fits {}",
            match rows {
                1 => "more than one contact fits".to_owned(),
                rows => format!("{rows} rows were sent alike"),
            },
            contacts.join(", ")
        ),
        Discrepancy::Shared => format!("has contact {contact}, which another row has as well"),
        Discrepancy::NotFound => "stays unknown: it was not found, which is no proof".to_owned(),
        Discrepancy::Refused(cause) => format!("cannot be asked for: {}: {}", cause.code, cause.message),
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
        RunEvent::InFlight(flights) => {
            let mut lines = vec![match flights.len() {
                0 => "no request is under way".to_owned(),
                1 => "1 request is under way:".to_owned(),
                more => format!("{more} requests are under way:"),
            }];
            lines.extend(flights.iter().map(|flight| {
                let Flight { source, line, key, time } = flight;
                format!("  {source}, line {line} (key {key}), for {:.1} s", time.as_secs_f64())
            }));
            Some(lines.join("\n"))
        }
        RunEvent::RateRead(Ok(Rate::Fixed(rate))) => {
            Some(format!("the rate is {rate} a second from here on"))
        }
        RunEvent::RateRead(Ok(Rate::Auto)) => Some("the rate is found by itself from here on".to_owned()),
        RunEvent::RateRead(Err(why)) => Some(format!("the rate stays: {why}")),
        RunEvent::Checking { .. }
        | RunEvent::Noted { .. }
        | RunEvent::Checked { .. }
        | RunEvent::Settled { .. }
        | RunEvent::NewLedger { .. }
        | RunEvent::Sharded { .. }
        | RunEvent::Opening(_)
        | RunEvent::Crowded { .. }
        | RunEvent::FewFiles { .. }
        | RunEvent::Unmeasured { .. }
        | RunEvent::Paused { .. }
        | RunEvent::Draining { .. }
        | RunEvent::Progress(_)
        | RunEvent::Verifying { .. }
        | RunEvent::Verified(_) => None,
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
