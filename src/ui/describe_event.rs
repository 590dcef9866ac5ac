//! Description of every event for people: the one exhaustive match over [`RunEvent`] in this folder.
//!
//! An observer that shows an event in a form of its own picks it out of the events; everything else it
//! takes from here. Pure.

use tracing::Level;

use super::announcement::announced;
use super::describe_finding::finding_words;
use super::words::{
    broken_rule, clock_corrected, count_of, draining, ledger_noticed, metrics_failed, paused, per_second,
    shard_rate_origin, warning_text,
};
use crate::event::{FindingKind, InFlightRequest, RunEvent, VerificationFinding};
use crate::ledger::{Cause, DoubtCounts, Note, NoteKind, RowState};
use crate::mapping::RowFault;
use crate::pacing::Rate;
use crate::printable::{printable, printable_lines};

/// An event as people see it.
#[derive(Debug)]
pub(super) enum Description<'a> {
    /// A message about the whole run.
    Notice(Notice),
    /// Something wrong with a row or with all requests, counted by cause.
    Problem(Problem<'a>),
    /// A change that only progress and statistics show.
    Silent,
}

/// A message about the whole run.
#[derive(Debug)]
pub(super) struct Notice {
    /// Level in the log.
    pub(super) level: Level,
    /// One or several lines.
    pub(super) text: String,
    /// Whether it answers a control signal, so that it is shown without progress too.
    pub(super) is_reply: bool,
}

/// Something wrong with one row, or with all requests.
#[derive(Debug)]
pub(super) struct Problem<'a> {
    /// Level in the log.
    pub(super) level: Level,
    /// Row concerned; none if all requests are.
    pub(super) row: Option<RowReference<'a>>,
    /// Kind, such as `rejected` or `in doubt`.
    pub(super) kind: &'static str,
    /// Causes to count it under, one for each fault.
    pub(super) causes: Vec<String>,
    /// Error code, if there is one.
    pub(super) code: Option<&'a str>,
    /// Contact concerned, if there is one.
    pub(super) contact_id: Option<&'a str>,
    /// Predicate of the row, such as `is rejected: …`; without a row the whole sentence.
    pub(super) text: String,
}

/// A row, as messages refer to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowReference<'a> {
    /// Path of the input, or `-`.
    pub(super) file: &'a str,
    /// Line of the input where the row starts.
    pub(super) line: u64,
    /// Label of the row's key.
    pub(super) key: &'a str,
}

impl Problem<'_> {
    /// The problem as a printable line.
    pub(super) fn line(&self) -> String {
        let text = &self.text;
        printable_lines(&match self.row {
            Some(RowReference { file, line, key }) => {
                format!("{}, line {line} (key {}) {text}", printable(file), printable(key))
            }
            None => text.clone(),
        })
    }
}

/// Describes an event.
pub(super) fn describe(event: &RunEvent) -> Description<'_> {
    match event {
        RunEvent::InputWarned(warned) => warning(warning_text(warned)),
        RunEvent::RowNoted { file, note } => Description::Problem(noted(file, note)),
        RunEvent::RowSettled { source, line, key, state, cause, done, .. } => {
            let row = RowReference { file: source, line: *line, key };
            settled(row, *state, *done, cause.as_ref()).map_or(Description::Silent, Description::Problem)
        }
        RunEvent::VerificationFinding(finding) => Description::Problem(found(finding)),
        RunEvent::Paused { failure, cause, pause, is_asked } => match paused(*failure, *is_asked) {
            None => Description::Silent,
            Some(words) => {
                let asked = if *is_asked { ", as the service asks" } else { "" };
                let seconds = pause.as_secs_f64();
                Description::Problem(Problem {
                    level: Level::WARN,
                    row: None,
                    kind: "pauses",
                    causes: vec![format!("{words} ({cause})")],
                    code: Some(&cause.code),
                    contact_id: None,
                    text: format!("{words} ({cause}); continuing in {seconds:.1} s{asked}"),
                })
            }
        },
        RunEvent::ClockCorrected(offset) => warning(clock_corrected(*offset)),
        RunEvent::LedgerNoticed(notice) => warning(ledger_noticed(notice)),
        RunEvent::ShardStarted { shard, rate, burst, is_own_rate } => {
            let origin = shard_rate_origin(*shard, *rate, *is_own_rate);
            milestone(match rate {
                Rate::Fixed(rate) => {
                    format!("shard {shard}: {} a second, burst {burst}; {origin}", per_second(*rate))
                }
                Rate::Auto => format!("shard {shard}: {origin}"),
            })
        }
        RunEvent::MetricsFailed { file, problem } => warning(metrics_failed(file, problem)),
        RunEvent::LedgerCreated { ledger, is_recreated: false } => {
            milestone(format!("{} is a new ledger", printable(ledger)))
        }
        RunEvent::LedgerCreated { ledger, is_recreated: true } => warning(format!(
            "{} is a new ledger where there was one before: this run knows of no earlier one, and sends every row \
             again, with the same tokens",
            printable(ledger)
        )),
        RunEvent::SendingStarted { run, to_send } => {
            let adopted = match run.adopted {
                0 => String::new(),
                adopted => format!("; {adopted} of the rows that wait are from other files"),
            };
            let elsewhere = match run.other_shards {
                0 => String::new(),
                elsewhere => format!(", {elsewhere} of other shards"),
            };
            let passed_over = match run.passed_over {
                0 => String::new(),
                passed_over => format!(", {passed_over} passed over"),
            };
            let checked = format!(
                "checked: {} rows read{elsewhere}{passed_over}, {to_send} to send{adopted}",
                run.rows_read
            );
            milestone(
                earlier_attempts(&run.doubts).into_iter().chain([checked]).collect::<Vec<_>>().join("\n"),
            )
        }
        RunEvent::Announced(announcement) => {
            notice(Level::INFO, &announced(announcement), announcement.is_question)
        }
        RunEvent::InFlightListed(requests) => reply(Level::INFO, in_flight(requests)),
        RunEvent::RateReloaded(Ok(Rate::Fixed(rate))) => {
            reply(Level::INFO, format!("the rate is {rate} a second from now on"))
        }
        RunEvent::RateReloaded(Ok(Rate::Auto)) => {
            reply(Level::INFO, "the rate is found automatically from now on".to_owned())
        }
        RunEvent::RateReloaded(Err(why)) => reply(Level::WARN, format!("the rate is unchanged: {why}")),
        RunEvent::ConcurrencyLimited { in_flight, latency, rate } => warning(format!(
            "answers take {:.2} s, so {in_flight} requests in flight allow no more than {} a second; to raise that, \
             raise --concurrency and the limit on open files (ulimit -n)",
            latency.as_secs_f64(),
            per_second(*rate)
        )),
        RunEvent::OpenFilesLimited { requested, allowed } => warning(format!(
            "the limit on open files allows {allowed} requests in flight, not {requested}; to raise it, use ulimit -n"
        )),
        RunEvent::LedgerAtRisk { ledger, file_system } => match file_system.risk() {
            Some((risk, remedy)) => {
                warning(format!("{} is on {file_system}: {risk}; {remedy}", printable(ledger)))
            }
            None => Description::Silent,
        },
        RunEvent::Draining { signal, in_flight, grace } => milestone(draining(*signal, *in_flight, *grace)),
        RunEvent::Prepared(_)
        | RunEvent::NotStarted
        | RunEvent::ReadingInput { .. }
        | RunEvent::Progress(_)
        | RunEvent::Verifying { .. } => Description::Silent,
    }
}

/// Rows that earlier runs may have created; none if there are no such rows.
pub(super) fn earlier_attempts(doubts: &DoubtCounts) -> Option<String> {
    let DoubtCounts { unknown, waiting, closing } = *doubts;
    let are = |count: u64| format!("{} {}", count_of(count, "row"), if count == 1 { "is" } else { "are" });
    let mut lines = Vec::new();
    if unknown > 0 {
        lines.push(format!(
            "{} unknown: maybe created, and not sent again; the command verify looks for them, \
             --retry unknown sends them",
            are(unknown)
        ));
    }
    if waiting > 0 {
        lines.push(format!(
            "{} in doubt: sent before and unanswered; sent first, with the same client tokens",
            are(waiting)
        ));
    }
    if closing > 0 {
        lines.push(format!(
            "{closing} of these are about to outlive --idempotency-window, and will then be unknown"
        ));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn notice<'a>(level: Level, text: &str, is_reply: bool) -> Description<'a> {
    Description::Notice(Notice { level, text: printable_lines(text), is_reply })
}

fn milestone<'a>(text: String) -> Description<'a> {
    notice(Level::INFO, &text, false)
}

fn warning<'a>(text: String) -> Description<'a> {
    notice(Level::WARN, &text, false)
}

fn reply<'a>(level: Level, text: String) -> Description<'a> {
    notice(level, &text, true)
}

fn in_flight(requests: &[InFlightRequest]) -> String {
    let heading = match requests.len() {
        0 => "no request is in flight".to_owned(),
        1 => "1 request is in flight:".to_owned(),
        more => format!("{more} requests are in flight:"),
    };
    let lines = requests.iter().map(|InFlightRequest { source, line, key, elapsed }| {
        let seconds = elapsed.as_secs_f64();
        format!("  {}, line {line} (key {}), for {seconds:.1} s", printable(source), printable(key))
    });
    std::iter::once(heading).chain(lines).collect::<Vec<_>>().join("\n")
}

fn noted<'a>(file: &'a str, note: &'a Note) -> Problem<'a> {
    let (kind, text) = match &note.kind {
        NoteKind::Rejected(rejection) => {
            (RowState::Rejected.name(), format!("is rejected: {}: {rejection}", rejection.code))
        }
        NoteKind::ChangedSinceCreated => (
            "changed since created, not sent again",
            "has changed since it was created; it is not sent again".to_owned(),
        ),
        NoteKind::ChangedInDoubt => (
            "changed since an unanswered attempt, sent again as before",
            "has changed since an unanswered attempt; it is sent again as it was".to_owned(),
        ),
        NoteKind::Unknown => (
            "unknown from earlier runs, not sent again",
            "is unknown: it may have been created; it is not sent again".to_owned(),
        ),
    };
    let (code, causes) = match &note.kind {
        NoteKind::Rejected(rejection) => {
            let cause = |fault: &RowFault| {
                let rule = broken_rule(&fault.member, &fault.rule, &fault.origin);
                format!("{}: {rule}", rejection.code)
            };
            (Some(rejection.code), rejection.faults.iter().map(cause).collect())
        }
        NoteKind::ChangedSinceCreated | NoteKind::ChangedInDoubt | NoteKind::Unknown => {
            (None, vec![String::new()])
        }
    };
    let row = Some(RowReference { file, line: note.line, key: &note.key });
    Problem { level: Level::WARN, row, kind, causes, code, contact_id: None, text }
}

fn settled<'a>(
    row: RowReference<'a>,
    state: RowState,
    is_done: bool,
    cause: Option<&'a Cause>,
) -> Option<Problem<'a>> {
    let (level, kind, text) = match state {
        RowState::Failed | RowState::Unknown => (Level::ERROR, state.name(), format!("is {state}")),
        RowState::Rejected => (Level::WARN, state.name(), format!("is {state}")),
        RowState::Pending if is_done => {
            (Level::WARN, "in doubt", "went unanswered and waits for the next run".to_owned())
        }
        RowState::Pending
        | RowState::InFlight
        | RowState::Created
        | RowState::Accepted
        | RowState::Withdrawn => return None,
    };
    let why = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
    Some(Problem {
        level,
        row: Some(row),
        kind,
        causes: vec![cause.map(Cause::to_string).unwrap_or_default()],
        code: cause.map(|cause| &*cause.code),
        contact_id: None,
        text: format!("{text}{why}"),
    })
}

fn found(finding: &VerificationFinding) -> Problem<'_> {
    let VerificationFinding { source, line, key, contact_id, kind } = finding;
    let words = finding_words(finding);
    Problem {
        level: if *kind == FindingKind::Found { Level::INFO } else { Level::WARN },
        row: Some(RowReference { file: source, line: *line, key }),
        kind: words.kind,
        causes: vec![words.cause],
        code: None,
        contact_id: contact_id.as_deref(),
        text: words.text,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::file_system::FileSystem;
    use crate::mapping::Rejection;
    use crate::pacing::PoolFailure;

    fn problem(event: &RunEvent) -> Option<Problem<'_>> {
        match describe(event) {
            Description::Problem(problem) => Some(problem),
            Description::Notice(_) | Description::Silent => None,
        }
    }

    #[test]
    fn a_ledger_at_risk_is_a_warning_with_the_risk_and_the_remedy() {
        let of = |type_name| RunEvent::LedgerAtRisk {
            ledger: "t.ledger.db".to_owned(),
            file_system: FileSystem::of_type(type_name),
        };
        let nfs = of("nfs4");
        let Description::Notice(told) = describe(&nfs) else { panic!("it is not told") };
        assert_eq!(told.level, Level::WARN);
        assert!(told.text.starts_with("t.ledger.db is on NFS (nfs4): hosts may not see"), "{}", told.text);
        assert!(told.text.contains("--ledger"), "{}", told.text);
        assert!(matches!(describe(&of("ext4")), Description::Silent));
    }

    fn settled(state: RowState, done: bool) -> RunEvent {
        RunEvent::RowSettled {
            source: "t.csv".into(),
            line: 7,
            key: "K\u{1b}[2J".into(),
            state,
            done,
            cause: Some(Cause { code: "NoAnswer".into(), message: "no answer".into() }),
            latency: None,
        }
    }

    #[test]
    fn a_problem_of_a_row_names_its_place_in_printable_text() {
        let event = settled(RowState::Unknown, true);
        let line = problem(&event).unwrap().line();
        assert_eq!(line, r"t.csv, line 7 (key K\u{1b}[2J) is unknown: NoAnswer: no answer");
    }

    #[test]
    fn a_row_is_a_problem_unless_it_is_created_or_attempted_again() {
        let kind = |state, done| problem(&settled(state, done)).map(|problem| (problem.kind, problem.level));
        assert_eq!(kind(RowState::Created, true), None);
        assert_eq!(kind(RowState::Pending, false), None);
        assert_eq!(kind(RowState::Pending, true), Some(("in doubt", Level::WARN)));
        assert_eq!(kind(RowState::Rejected, true), Some(("rejected", Level::WARN)));
        assert_eq!(kind(RowState::Failed, true), Some(("failed", Level::ERROR)));
    }

    #[test]
    fn each_fault_of_a_rejected_row_is_a_cause() {
        let fault = |member: &str| RowFault {
            member: member.into(),
            found: "has 9 characters".into(),
            rule: "is too long".into(),
            ..RowFault::default()
        };
        let rejection = Rejection { code: "Validation", faults: vec![fault("Name"), fault("Description")] };
        let note = Note { line: 2, key: "K".into(), kind: NoteKind::Rejected(rejection) };
        let event = RunEvent::RowNoted { file: "t.csv".into(), note };
        let expected = ["Validation: Name: is too long", "Validation: Description: is too long"];
        assert_eq!(problem(&event).unwrap().causes, expected);
    }

    #[test]
    fn throttling_is_silent_unless_the_service_asks_for_a_pause_and_any_other_pause_is_a_problem() {
        let paused = |failure| RunEvent::Paused {
            failure,
            cause: Cause { code: "Connection".into(), message: "refused".into() },
            pause: Duration::from_millis(1500),
            is_asked: false,
        };
        assert!(problem(&paused(PoolFailure::Throttled)).is_none());
        let event = paused(PoolFailure::Unreachable);
        let line = problem(&event).unwrap().line();
        assert_eq!(line, "Connect is out of reach (Connection: refused); continuing in 1.5 s");
        let asked = RunEvent::Paused {
            failure: PoolFailure::Throttled,
            cause: Cause { code: "SlowDown".into(), message: "later".into() },
            pause: Duration::from_secs(60),
            is_asked: true,
        };
        let line = problem(&asked).unwrap().line();
        assert_eq!(line, "Connect throttles (SlowDown: later); continuing in 60.0 s, as the service asks");
    }

    #[test]
    fn replies_to_control_signals_are_marked() {
        let is_reply = |event: &RunEvent| match describe(event) {
            Description::Notice(notice) => notice.is_reply,
            Description::Problem(_) | Description::Silent => false,
        };
        assert!(is_reply(&RunEvent::InFlightListed(Vec::new())));
        assert!(is_reply(&RunEvent::RateReloaded(Ok(Rate::Auto))));
        assert!(!is_reply(&RunEvent::LedgerCreated { ledger: "l".into(), is_recreated: false }));
    }
}
