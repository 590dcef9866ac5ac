//! State of the process, as the events report it, and the words for it. Pure: times are since the start
//! of the observer.

use std::time::Duration;

use jiff::{SignedDuration, ZonedDateTime};

use crate::event::{Progress, RunEvent};
use crate::ledger::RowState;
use crate::pacing::{PoolFailure, Rate};
use crate::shutdown::Signal;
use crate::ui::words::{count_of, file_size, per_second, rounded};

/// Throttling counts as current for this long.
const THROTTLED_NOW: Duration = Duration::from_secs(3);

/// Phase of the process.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) enum Phase {
    /// Nothing that takes time has begun.
    #[default]
    Starting,
    /// The input is being read.
    Checking {
        /// Rows read.
        rows: u64,
        /// Bytes read.
        bytes: u64,
        /// Size of the input, if it is known.
        bytes_total: Option<u64>,
    },
    /// Rows are being sent.
    Importing,
    /// In-flight requests are awaited; no further row is sent.
    Draining {
        /// End of the grace period.
        until: Duration,
        /// Whether another Ctrl-C ends the process at once.
        is_interrupted: bool,
    },
    /// Rows are being looked up in Connect.
    Verifying {
        /// Rows looked up.
        done: u64,
        /// Rows to look up.
        total: u64,
        /// Kind of rows.
        subject: &'static str,
        /// Start of the phase.
        since: Duration,
    },
}

/// State of the process.
#[derive(Clone, Debug, Default)]
pub(super) struct ProcessState {
    pub(super) phase: Phase,
    pub(super) progress: Progress,
    /// Whether the rate is found automatically.
    pub(super) is_auto: bool,
    pause: Option<ShownPause>,
    last_throttled: Option<Duration>,
}

/// A pause of all requests.
#[derive(Clone, Copy, Debug)]
struct ShownPause {
    failure: PoolFailure,
    /// End, since the start of the observer.
    until: Duration,
    /// Whether the service asked for it.
    is_asked: bool,
}

/// Time of a report.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    /// Time since the start of the observer.
    pub(super) at: Duration,
    /// Local time.
    pub(super) local: ZonedDateTime,
}

/// A few words of a report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Phrase {
    pub(super) text: String,
    /// Phrases of the lowest weight are left out first when the terminal is narrow.
    pub(super) weight: u8,
    pub(super) is_problem: bool,
}

/// Words for a state of the process.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct ProgressReport {
    /// Phase, such as `importing`.
    pub(super) phase: &'static str,
    /// Phase once it is over, such as `imported`.
    pub(super) ended_phase: &'static str,
    /// Share that is done, from 0 to 1, if it is known.
    pub(super) share: Option<f64>,
    /// Amount done: `120 of 300 rows`, `40%`.
    pub(super) amounts: Vec<Phrase>,
    /// Counts, rates and times.
    pub(super) details: Vec<Phrase>,
}

impl ProcessState {
    /// Updates the state by an event.
    pub(super) fn observe(&mut self, event: &RunEvent, at: Duration) {
        match event {
            RunEvent::ReadingInput { rows, bytes, bytes_total } => {
                self.phase = Phase::Checking { rows: *rows, bytes: *bytes, bytes_total: *bytes_total };
            }
            RunEvent::SendingStarted { run, to_send } => {
                self.phase = Phase::Importing;
                self.is_auto = run.is_auto;
                self.progress = Progress { to_send: *to_send, rate_set: run.rate, ..Progress::default() };
                self.progress.rejected = run.rows.of(RowState::Rejected);
                self.progress.accepted = run.rows.of(RowState::Accepted);
            }
            RunEvent::NotStarted => self.phase = Phase::Starting,
            RunEvent::Draining { grace, signal, .. } => {
                let is_interrupted = *signal == Some(Signal::Interrupt);
                self.phase = Phase::Draining { until: at + *grace, is_interrupted };
            }
            RunEvent::Progress(progress) => {
                // Any answer ends a pause, unless the service asked for it: that answer is of a request in flight.
                let is_held = self.pause.is_some_and(|pause| pause.is_asked && at < pause.until);
                if progress.done > self.progress.done && !is_held {
                    self.pause = None;
                }
                self.progress = *progress;
            }
            RunEvent::Verifying { done, total, subject } => {
                let since = match self.phase {
                    Phase::Verifying { subject: before, since, .. } if before == *subject => since,
                    _ => at,
                };
                self.phase = Phase::Verifying { done: *done, total: *total, subject, since };
            }
            RunEvent::Paused { failure, pause, is_asked, .. } => {
                self.pause = Some(ShownPause { failure: *failure, until: at + *pause, is_asked: *is_asked });
                if *failure == PoolFailure::Throttled {
                    self.last_throttled = Some(at);
                }
            }
            RunEvent::RateReloaded(Ok(rate)) => self.is_auto = *rate == Rate::Auto,
            _ => {}
        }
    }

    /// Words for the state; none if there is nothing to do.
    pub(super) fn report(&self, moment: &Moment) -> Option<ProgressReport> {
        let progress = &self.progress;
        let (phase, ended_phase, share, amounts, details) = match self.phase {
            Phase::Starting => return None,
            Phase::Checking { rows, bytes, bytes_total } => {
                let read = match bytes_total {
                    Some(total) => format!("{} of {}", file_size(bytes), file_size(total)),
                    None => file_size(bytes),
                };
                let amounts = vec![phrase(1, read), phrase(2, count_of(rows, "row"))];
                let share = bytes_total.map(|total| share_of(bytes, total));
                ("checking", "checked", share, amounts, Vec::new())
            }
            Phase::Importing | Phase::Draining { .. } if progress.to_send == 0 => return None,
            Phase::Importing | Phase::Draining { .. } => {
                let share = share_of(progress.done, progress.to_send);
                let amounts = amounts(progress.done, progress.to_send, "rows");
                match self.phase {
                    Phase::Draining { until, is_interrupted } => {
                        let details = self.draining(until.saturating_sub(moment.at), is_interrupted);
                        ("draining", "stopped", Some(share), amounts, details)
                    }
                    _ => ("importing", "imported", Some(share), amounts, self.importing(moment)),
                }
            }
            Phase::Verifying { done, total, subject, .. } => {
                let left = time_left(self.time_left(moment.at), moment);
                let amounts = amounts(done, total, subject);
                ("verifying", "verified", Some(share_of(done, total)), amounts, left)
            }
        };
        Some(ProgressReport { phase, ended_phase, share, amounts, details })
    }

    /// The pause that holds requests up, and its rest. Throttling holds them up for that pause, any other failure until
    /// there is an answer.
    fn pause(&self, at: Duration) -> Option<(ShownPause, Duration)> {
        let pause = self.pause?;
        let left = pause.until.saturating_sub(at);
        (pause.failure != PoolFailure::Throttled || !left.is_zero()).then_some((pause, left))
    }

    /// Estimated time to the end of the phase, if it can be estimated.
    fn time_left(&self, at: Duration) -> Option<Duration> {
        let progress = &self.progress;
        match self.phase {
            Phase::Starting | Phase::Checking { .. } | Phase::Draining { .. } => None,
            Phase::Importing if self.pause.is_some_and(|why| why.failure != PoolFailure::Throttled) => None,
            Phase::Importing if progress.created == 0 && progress.throttled > 0 => None,
            Phase::Importing => (progress.done < progress.to_send).then(|| progress.time_left()),
            Phase::Verifying { done, total, since, .. } => {
                let elapsed = at.saturating_sub(since).as_secs_f64();
                let left = total.saturating_sub(done) as f64 * elapsed / done as f64;
                (left > 0.0).then(|| Duration::try_from_secs_f64(left).ok()).flatten()
            }
        }
    }

    fn importing(&self, moment: &Moment) -> Vec<Phrase> {
        let progress = &self.progress;
        let mut phrases = self.counts();
        let kind = if self.is_auto { "found" } else { "set" };
        let rates = (per_second(progress.rate_now), per_second(progress.rate_set));
        phrases.push(phrase(7, format!("{} of {}/s {kind}", rates.0, rates.1)));
        let is_now = self.last_throttled.is_some_and(|last| moment.at.saturating_sub(last) < THROTTLED_NOW);
        if progress.throttled > 0 {
            let now = if is_now { " (now)" } else { "" };
            let text = format!("throttled {}{now}", progress.throttled);
            phrases.push(Phrase { text, weight: if is_now { 8 } else { 5 }, is_problem: is_now });
        }
        if let Some(text) = self.pause(moment.at).and_then(|(pause, left)| paused(pause, left)) {
            phrases.push(Phrase { text, weight: 10, is_problem: true });
        }
        phrases.push(phrase(1, format!("in flight {}", progress.in_flight)));
        phrases.extend(time_left(self.time_left(moment.at), moment));
        phrases
    }

    fn draining(&self, left: Duration, is_interrupted: bool) -> Vec<Phrase> {
        let in_flight = self.progress.in_flight;
        let wait = match in_flight {
            0 => "no request in flight".to_owned(),
            more => {
                let requests = count_of(more as u64, "request");
                format!("waiting up to {:.0}s for {requests}", left.as_secs_f64().ceil())
            }
        };
        let offer =
            (is_interrupted && in_flight > 0).then(|| phrase(8, "Ctrl-C again stops at once".to_owned()));
        std::iter::once(phrase(9, wait)).chain(offer).chain(self.counts()).collect()
    }

    /// Rows by state.
    fn counts(&self) -> Vec<Phrase> {
        let progress = &self.progress;
        let others = [
            ("rejected", progress.rejected, 4),
            ("accepted", progress.accepted, 7),
            ("failed", progress.failed, 4),
            ("unknown", progress.unknown, 6),
        ];
        let others = others.into_iter().filter(|(_, count, _)| *count > 0);
        let others = others.map(|(state, count, weight)| phrase(weight, format!("{state} {count}")));
        std::iter::once(phrase(2, format!("created {}", progress.created))).chain(others).collect()
    }
}

/// `paused 12s: out of reach`.
fn paused(pause: ShownPause, left: Duration) -> Option<String> {
    let state = match left.as_secs() {
        0 => "trying again".to_owned(),
        seconds if pause.is_asked => format!("paused {seconds}s as asked"),
        seconds => format!("paused {seconds}s"),
    };
    match pause.failure {
        PoolFailure::Throttled => (left.as_secs() > 0).then_some(state),
        PoolFailure::Unreachable => Some(format!("{state}: out of reach")),
        PoolFailure::Unanswered => Some(format!("{state}: no answers")),
        PoolFailure::CredentialsUnavailable => Some(format!("{state}: no credentials")),
    }
}

fn amounts(done: u64, total: u64, subject: &str) -> Vec<Phrase> {
    // Rounded down: 100% means that all is done.
    let percent = done.min(total).saturating_mul(100).checked_div(total).unwrap_or(100);
    vec![phrase(2, format!("{done} of {total} {subject}")), phrase(1, format!("{percent}%"))]
}

fn share_of(done: u64, total: u64) -> f64 {
    if total == 0 { 1.0 } else { (done as f64 / total as f64).clamp(0.0, 1.0) }
}

/// `38m left`, `until 14:32`.
fn time_left(left: Option<Duration>, moment: &Moment) -> Vec<Phrase> {
    let Some(left) = left else { return Vec::new() };
    let until = until(left, &moment.local).map(|until| phrase(8, until));
    std::iter::once(phrase(9, format!("{} left", roughly(left)))).chain(until).collect()
}

/// An estimate without false precision: `9s`, `9m 59s`, `38m`, `1h 23m`, `5days 19h`.
fn roughly(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil() as u64;
    match seconds {
        0..10 => format!("{}s", seconds.max(1)),
        10..600 => rounded(Duration::from_secs(seconds)),
        600..86_400 => rounded(Duration::from_secs(seconds / 60 * 60)),
        _ => rounded(Duration::from_secs(seconds / 3600 * 3600)),
    }
}

/// Local end time: `until 14:32`, on another day of the next six `until Tue 14:32`, later `until 2026-12-03`.
fn until(left: Duration, now: &ZonedDateTime) -> Option<String> {
    let end = now.checked_add(SignedDuration::try_from(left).ok()?).ok()?;
    let days = now.date().until(end.date()).ok()?.get_days();
    let form = match days {
        0 => "until %H:%M",
        1..7 => "until %a %H:%M",
        _ => "until %Y-%m-%d",
    };
    Some(end.strftime(form).to_string())
}

fn phrase(weight: u8, text: String) -> Phrase {
    Phrase { text, weight, is_problem: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_time_is_as_precise_as_is_useful() {
        let now: ZonedDateTime = "2026-11-21T14:00[Europe/London]".parse().unwrap();
        let of = |hours: f64| until(Duration::from_secs_f64(hours * 3600.0), &now).unwrap();
        assert_eq!(of(0.5), "until 14:30");
        assert_eq!(of(9.99), "until 23:59");
        assert_eq!(of(10.5), "until Sun 00:30");
        assert_eq!(of(6.0 * 24.0), "until Fri 14:00");
        assert_eq!(of(7.0 * 24.0), "until 2026-11-28");
        // Daylight saving time begins in between.
        let now: ZonedDateTime = "2026-03-28T14:00[Europe/London]".parse().unwrap();
        assert_eq!(until(Duration::from_secs(24 * 3600), &now).unwrap(), "until Sun 15:00");
        assert_eq!(until(Duration::MAX, &now), None);
    }

    #[test]
    fn the_time_left_has_no_false_precision() {
        let of = |seconds: f64| roughly(Duration::from_secs_f64(seconds));
        assert_eq!([of(0.2), of(59.5), of(599.0)], ["1s", "1m", "9m 59s"]);
        assert_eq!([of(2310.0), of(5000.0), of(501_900.0)], ["38m", "1h 23m", "5days 19h"]);
    }

    #[test]
    fn a_reloaded_rate_may_be_found_automatically_from_then_on() {
        let mut state = ProcessState::default();
        assert!(!state.is_auto);
        state.observe(&RunEvent::RateReloaded(Ok(Rate::Auto)), Duration::ZERO);
        assert!(state.is_auto);
    }

    #[test]
    fn a_pause_that_the_service_asks_for_is_shown_until_its_end() {
        let mut state = ProcessState { phase: Phase::Importing, ..ProcessState::default() };
        state.progress.to_send = 9;
        let cause = crate::ledger::Cause { code: "SlowDown".into(), message: "later".into() };
        let (failure, pause) = (PoolFailure::Throttled, Duration::from_secs(60));
        state.observe(&RunEvent::Paused { failure, cause, pause, is_asked: true }, Duration::ZERO);
        let progress = Progress { done: 1, ..state.progress };
        // A request that was in flight is answered.
        state.observe(&RunEvent::Progress(progress), Duration::from_secs(1));
        let has_pause = |second| {
            let moment = Moment { at: Duration::from_secs(second), local: ZonedDateTime::now() };
            let details = state.report(&moment).unwrap().details;
            details.iter().any(|phrase| phrase.text == format!("paused {}s as asked", 60 - second))
        };
        assert!(has_pause(2) && has_pause(59) && !has_pause(60));
    }

    #[test]
    fn nothing_is_reported_without_anything_to_do() {
        let moment = Moment { at: Duration::ZERO, local: ZonedDateTime::now() };
        let mut state = ProcessState::default();
        assert_eq!(state.report(&moment), None);
        state.phase = Phase::Importing;
        assert_eq!(state.report(&moment), None);
    }
}
