//! The status area as terminals of several sizes show it. The snapshots are to be read.

use std::fmt::Write as _;

use console::{measure_text_width, strip_ansi_codes};
use indicatif::InMemoryTerm;

use super::*;
use crate::event::Progress;
use crate::ledger::{Cause, RowState};
use crate::pacing::PoolFailure;
use crate::ui::terminal::progress::Phase;

/// A Saturday.
const NOW: &str = "2026-11-21T14:00[Europe/London]";

const WIDTHS: [u16; 5] = [40, 60, 80, 120, 200];

fn at(seconds: u64) -> Moment {
    Moment { at: Duration::from_secs(seconds), local: NOW.parse().unwrap() }
}

fn count(causes: &mut Causes, line: u64, state: RowState, code: &str, message: &str) {
    let cause = Some(Cause { code: code.into(), message: message.into() });
    let source = "/srv/imports/tickets-of-last-year.csv".to_owned();
    let event =
        RunEvent::RowSettled { source, line, key: "K".into(), state, done: true, cause, latency: None };
    let Description::Problem(problem) = describe(&event) else { panic!("no problem") };
    causes.count(&problem);
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
            count(&mut causes, 46 + line, state, code, message);
        }
    }
    causes
}

/// The screen of a terminal that shows a layout.
fn screen(layout: &Layout, columns: u16, rows: u16) -> String {
    let terminal = InMemoryTerm::new(rows, columns);
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::term_like(Box::new(terminal.clone())));
    show(layout, &bar);
    terminal.contents()
}

/// The screens of all widths. Every line fits, and colour changes no text.
fn screens(rows: u16, layout: impl Fn(Size, TerminalColours) -> Layout) -> String {
    let mut text = String::new();
    for columns in WIDTHS {
        let size = Size { columns: columns.into(), rows: rows.into() };
        let plain = layout(size, TerminalColours::new(false));
        let shown = screen(&plain, columns, rows);
        let lines = (plain.before.clone() + &plain.after).matches('\n').count() + 1;
        assert_eq!(shown.lines().count(), lines, "{columns}: a line is wrapped: {shown}");
        let coloured = layout(size, TerminalColours::new(true));
        for (coloured, plain) in [(&coloured.before, &plain.before), (&coloured.after, &plain.after)] {
            assert_eq!(strip_ansi_codes(coloured), *plain);
        }
        writeln!(text, "{columns} columns\n{shown}\n").unwrap();
    }
    text
}

fn shown(state: &ProcessState, moment: &Moment, causes: &Causes, rows: u16) -> String {
    let report = state.report(moment);
    screens(rows, |size, colours| Layout::new(report.as_ref(), causes, size, colours))
}

fn ended(state: &ProcessState, moment: &Moment) -> String {
    let report = state.report(moment).unwrap();
    screens(24, |size, colours| Layout::of_bar(report.ended_phase, &report, size.columns, colours))
}

fn importing() -> ProcessState {
    let progress = Progress {
        to_send: 56_789,
        created: 12_300,
        done: 12_345,
        in_flight: 2,
        rate_now: 1.9,
        rate_set: 2.0,
        done_rate: 2.0,
        ..Progress::default()
    };
    let mut state = ProcessState::default();
    (state.phase, state.progress) = (Phase::Importing, progress);
    state
}

fn paused(state: &mut ProcessState, failure: PoolFailure, pause: Duration, second: u64) {
    let cause = Cause { code: String::new(), message: String::new().into() };
    state.observe(&RunEvent::Paused { failure, cause, pause, is_asked: false }, Duration::from_secs(second));
}

fn with_problems() -> ProcessState {
    let mut state = importing();
    state.is_auto = true;
    let more = Progress { rejected: 30, failed: 12, unknown: 10, throttled: 31, ..state.progress };
    state.observe(&RunEvent::Progress(more), Duration::from_secs(9));
    paused(&mut state, PoolFailure::Throttled, Duration::from_millis(200), 9);
    state
}

#[test]
fn checking() {
    let mut state = ProcessState::default();
    let event = |bytes_total| RunEvent::ReadingInput { rows: 12_000, bytes: 3_456_789, bytes_total };
    state.observe(&event(Some(10_240_000)), Duration::ZERO);
    let known = shown(&state, &at(1), &Causes::default(), 24);
    state.observe(&event(None), Duration::ZERO);
    let unknown = shown(&state, &at(1), &Causes::default(), 24);
    insta::assert_snapshot!(format!("{known}of unknown size:\n\n{unknown}"));
}

#[test]
fn importing_without_problems() {
    insta::assert_snapshot!(shown(&importing(), &at(10), &Causes::default(), 24));
}

#[test]
fn importing_with_problems() {
    insta::assert_snapshot!(shown(&with_problems(), &at(10), &causes(), 24));
}

#[test]
fn importing_with_problems_on_a_low_terminal() {
    insta::assert_snapshot!(shown(&with_problems(), &at(10), &causes(), 10));
}

#[test]
fn importing_while_connect_is_out_of_reach() {
    let mut state = importing();
    paused(&mut state, PoolFailure::Unreachable, Duration::from_secs(12), 10);
    let during = shown(&state, &at(10), &Causes::default(), 24);
    let after = shown(&state, &at(22), &Causes::default(), 24);
    insta::assert_snapshot!(format!("{during}after the pause:\n\n{after}"));
    // An answer ends it.
    state.observe(&RunEvent::Progress(Progress { done: 12_346, ..state.progress }), Duration::from_secs(23));
    assert!(!shown(&state, &at(23), &Causes::default(), 24).contains("out of reach"));
}

#[test]
fn draining() {
    let mut state = with_problems();
    let event = RunEvent::Draining { signal: None, in_flight: 2, grace: Duration::from_secs(30) };
    state.observe(&event, Duration::from_secs(10));
    let during = shown(&state, &at(13), &Causes::default(), 24);
    state.progress.in_flight = 0;
    let after = ended(&state, &at(14));
    insta::assert_snapshot!(format!("{during}when it has ended:\n\n{after}"));
}

#[test]
fn verifying() {
    let mut state = ProcessState::default();
    for (done, second) in [(0, 5), (200, 25)] {
        let event = RunEvent::Verifying { done, total: 1_000_000, subject: "created rows" };
        state.observe(&event, Duration::from_secs(second));
    }
    insta::assert_snapshot!(shown(&state, &at(25), &Causes::default(), 24));
}

#[test]
fn the_bar_and_the_causes_stay_when_all_is_done() {
    let mut state = importing();
    state.progress.done = state.progress.to_send;
    let bar = ended(&state, &at(10));
    let causes = cause_lines(&causes(), usize::MAX, 6, TerminalColours::new(false)).join("\n");
    insta::assert_snapshot!(format!("{bar}above it:\n\n{causes}"));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let (state, causes) = (with_problems(), causes());
    let report = state.report(&at(10));
    for columns in 1..250 {
        for rows in 1..12 {
            let size = Size { columns, rows };
            let layout = Layout::new(report.as_ref(), &causes, size, TerminalColours::new(false));
            let cells = layout.bar.map_or(0, |bar| bar.cells + 2);
            let text = format!("{}{}{}", layout.before, "█".repeat(cells), layout.after);
            assert!(text.lines().all(|line| measure_text_width(line) <= columns), "{columns}: {text}");
        }
    }
}
