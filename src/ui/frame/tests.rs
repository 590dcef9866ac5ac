//! What the bar looks like at every width. The snapshots are to be read.

use std::fmt::Write as _;
use std::time::Duration;

use anstream::adapter::strip_str;

use super::*;
use crate::event::{Progress, RunEvent};
use crate::ledger;
use crate::ledger::RowState;
use crate::pacing::{PoolFailure, Rate};
use crate::ui::stage::{Phase, Stage};
use crate::ui::view::Moment;

/// A Saturday.
const NOW: &str = "2026-11-21T14:00[Europe/London]";

const WIDTHS: [usize; 5] = [40, 60, 80, 120, 200];

fn at(seconds: u64) -> Moment {
    Moment { at: Duration::from_secs(seconds), local: NOW.parse().unwrap() }
}

fn settled(line: u64, state: RowState, code: &str, message: &str) -> RunEvent {
    let cause = Some(ledger::Cause { code: code.into(), message: message.into() });
    let source = "/srv/imports/tickets-of-last-year.csv".to_owned();
    RunEvent::RowSettled { source, line, key: "K".into(), state, done: true, cause, latency: None }
}

/// Seven causes, the first the most frequent.
fn causes() -> Causes {
    let mut causes = Causes::default();
    let kinds = [
        (
            RowState::Rejected,
            "Validation",
            "Name: at most 1024 characters are allowed (from {{ row['Ticket Subject'] }})",
        ),
        (RowState::Failed, "InternalServiceException", "the service is not well"),
        (RowState::Unknown, "NoAnswer", "no answer within the read timeout"),
        (RowState::Rejected, "InvalidParameterException", "a\u{1b}[2J message\nof several lines"),
        (RowState::Rejected, "Mapping", "Description: ticket_description is required"),
        (RowState::Pending, "NoAnswer", "connection closed before message completed"),
        (RowState::Rejected, "RaggedRow", "the header has fifteen: look for a stray quote or delimiter"),
    ];
    for (rank, (state, code, message)) in kinds.into_iter().enumerate() {
        for line in 0..(14 - 2 * rank as u64) {
            causes.count(&settled(46 + line, state, code, message));
        }
    }
    causes
}

/// The lines at every width, each of which must fit.
fn shown(stage: &Stage, moment: &Moment, causes: &Causes, rows: usize, is_over: bool) -> String {
    let view = View::of(stage, moment);
    let mut text = String::new();
    for columns in WIDTHS {
        let size = Size { columns, rows };
        let lines = frame(view.as_ref(), causes, size, is_over, Paint::new(false));
        assert!(lines.iter().all(|line| line.width() < columns), "{columns}: {lines:#?}");
        assert!(lines.len() < rows, "{rows}: {lines:#?}");
        assert!(!lines.concat().contains(|c: char| c.is_control()), "{lines:#?}");
        writeln!(text, "{columns} columns\n{}\n", lines.join("\n")).unwrap();
        let painted = frame(view.as_ref(), causes, size, is_over, Paint::new(true));
        let stripped: Vec<String> = painted.iter().map(|line| strip_str(line).to_string()).collect();
        assert_eq!(stripped, lines, "colour says nothing of its own");
    }
    text
}

fn importing() -> Stage {
    let mut stage = Stage::new();
    stage.phase = Phase::Importing;
    stage.progress = Progress {
        to_send: 56_789,
        created: 12_300,
        done: 12_345,
        in_flight: 2,
        rate_now: 1.9,
        rate_set: 2.0,
        done_rate: 2.0,
        ..Progress::default()
    };
    stage
}

fn in_trouble() -> Stage {
    let mut stage = importing();
    stage.is_found = true;
    let more = Progress { rejected: 30, failed: 12, unknown: 10, throttled: 31, ..stage.progress };
    stage.observe(&RunEvent::Progress(more), Duration::from_secs(9));
    let cause = ledger::Cause { code: "ThrottlingException".into(), message: String::new() };
    let pause = Duration::from_millis(200);
    stage
        .observe(&RunEvent::Paused { failure: PoolFailure::Throttled, cause, pause }, Duration::from_secs(9));
    stage
}

#[test]
fn checking() {
    let mut stage = Stage::new();
    let event = |bytes_total| RunEvent::ReadingInput { rows: 12_000, bytes: 3_456_789, bytes_total };
    stage.observe(&event(Some(10_240_000)), Duration::ZERO);
    let known = shown(&stage, &at(1), &Causes::default(), 24, false);
    stage.observe(&event(None), Duration::ZERO);
    let unknown = shown(&stage, &at(1), &Causes::default(), 24, false);
    insta::assert_snapshot!(format!("{known}of unknown size:\n\n{unknown}"));
}

#[test]
fn importing_without_trouble() {
    insta::assert_snapshot!(shown(&importing(), &at(10), &Causes::default(), 24, false));
}

#[test]
fn importing_with_trouble() {
    insta::assert_snapshot!(shown(&in_trouble(), &at(10), &causes(), 24, false));
}

#[test]
fn importing_with_trouble_on_a_low_terminal() {
    insta::assert_snapshot!(shown(&in_trouble(), &at(10), &causes(), 10, false));
}

#[test]
fn importing_while_connect_is_out_of_reach() {
    let mut stage = importing();
    let cause = ledger::Cause { code: "OutOfReach".into(), message: "connection refused".into() };
    let pause = Duration::from_secs(12);
    stage.observe(
        &RunEvent::Paused { failure: PoolFailure::Unreachable, cause, pause },
        Duration::from_secs(10),
    );
    let paused = shown(&stage, &at(10), &Causes::default(), 24, false);
    let trying = shown(&stage, &at(22), &Causes::default(), 24, false);
    insta::assert_snapshot!(format!("{paused}when the pause is over:\n\n{trying}"));
    // An answer ends it.
    stage.observe(&RunEvent::Progress(Progress { done: 12_346, ..stage.progress }), Duration::from_secs(23));
    assert_eq!(stage.hindrance(Duration::from_secs(23)), None);
}

#[test]
fn draining() {
    let mut stage = in_trouble();
    let event = RunEvent::Draining { signal: None, in_flight: 2, grace: Duration::from_secs(30) };
    stage.observe(&event, Duration::from_secs(10));
    let before = shown(&stage, &at(13), &Causes::default(), 24, false);
    stage.progress.in_flight = 0;
    let after = shown(&stage, &at(14), &Causes::default(), 24, true);
    insta::assert_snapshot!(format!("{before}when it is over:\n\n{after}"));
}

#[test]
fn verifying() {
    let mut stage = Stage::new();
    for (done, second) in [(0, 5), (200, 25)] {
        let event = RunEvent::Verifying { done, total: 1_000_000, subject: "created rows" };
        stage.observe(&event, Duration::from_secs(second));
    }
    insta::assert_snapshot!(shown(&stage, &at(25), &Causes::default(), 24, false));
}

#[test]
fn what_stays_when_all_is_done() {
    let mut stage = importing();
    stage.progress.done = stage.progress.to_send;
    insta::assert_snapshot!(shown(&stage, &at(10), &causes(), 24, true));
}

#[test]
fn nothing_is_drawn_where_there_is_nothing_to_do() {
    let mut stage = importing();
    stage.progress.to_send = 0;
    assert_eq!(View::of(&stage, &at(1)), None);
    assert_eq!(View::of(&Stage::new(), &at(1)), None);
}

#[test]
fn a_terminal_of_any_size_takes_it() {
    let (stage, causes) = (in_trouble(), causes());
    for columns in 1..250 {
        for rows in 1..12 {
            let view = View::of(&stage, &at(10));
            let lines = frame(view.as_ref(), &causes, Size { columns, rows }, false, Paint::new(false));
            assert!(lines.iter().all(|line| line.width() < columns), "{columns}: {lines:#?}");
            assert!(columns < 40 || lines.iter().all(|line| !line.is_empty()), "{columns}: {lines:#?}");
        }
    }
}

#[test]
fn a_rate_that_is_read_again_may_be_found_from_then_on() {
    let mut stage = importing();
    assert!(!stage.is_found);
    stage.observe(&RunEvent::RateReloaded(Ok(Rate::Auto)), Duration::ZERO);
    assert!(stage.is_found);
}
