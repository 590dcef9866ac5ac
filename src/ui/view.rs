//! What the bar and the plain lines say of a stage: the same words, in parts, of which a narrow line leaves some out.

use std::time::Duration;

use jiff::{SignedDuration, ZonedDateTime};

use super::bar::{per_second, rounded};
use super::stage::{Phase, Stage};
use crate::pacing::PoolFailure;

/// When it is said.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    /// Since the start of the observer.
    pub(super) at: Duration,
    /// The local time.
    pub(super) local: ZonedDateTime,
}

/// A few words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Part {
    pub(super) text: String,
    /// Where there is no room for all, the parts of the least weight are left out.
    pub(super) weight: u8,
    pub(super) needs_attention: bool,
}

/// What is said of a stage.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct View {
    /// What the process is at; once that is over, what it was at.
    pub(super) phase: &'static str,
    pub(super) over: &'static str,
    /// How much of it is done, from 0 to 1, if that can be told.
    pub(super) share: Option<f64>,
    /// How much is done, in words.
    pub(super) amounts: Vec<Part>,
    /// The rest.
    pub(super) parts: Vec<Part>,
}

impl View {
    /// What is said of a stage; nothing where there is nothing to do.
    pub(super) fn of(stage: &Stage, moment: &Moment) -> Option<Self> {
        let (phase, over) = match stage.phase {
            Phase::Begun => return None,
            Phase::Checking { .. } => ("checking", "checked"),
            Phase::Importing => ("importing", "imported"),
            Phase::Draining { .. } => ("draining", "stopped"),
            Phase::Verifying { .. } => ("verifying", "verified"),
        };
        let view = |share, amounts, parts| View { phase, over, share, amounts, parts };
        Some(match stage.phase {
            Phase::Begun => return None,
            Phase::Checking { rows, bytes, bytes_total } => {
                let read = match bytes_total {
                    Some(total) => format!("{} of {}", size(bytes), size(total)),
                    None => size(bytes),
                };
                let amounts = vec![part(1, read), part(2, plural(rows, "row", "rows"))];
                view(bytes_total.map(|total| share(bytes, total)), amounts, Vec::new())
            }
            Phase::Importing | Phase::Draining { .. } => {
                let progress = &stage.progress;
                if progress.to_send == 0 {
                    return None;
                }
                let amounts = amounts(progress.done, progress.to_send, "rows");
                let parts = match stage.phase {
                    Phase::Draining { until } => draining(stage, until.saturating_sub(moment.at)),
                    _ => importing(stage, moment),
                };
                view(Some(share(progress.done, progress.to_send)), amounts, parts)
            }
            Phase::Verifying { done, total, what, .. } => {
                let left = time_left(stage.time_left(moment.at), moment);
                view(Some(share(done, total)), amounts(done, total, what), left)
            }
        })
    }
}

fn importing(stage: &Stage, moment: &Moment) -> Vec<Part> {
    let progress = &stage.progress;
    let mut parts = counts(stage);
    let which = if stage.is_found { "found" } else { "set" };
    let rate = format!("{} of {}/s {which}", per_second(progress.rate_now), per_second(progress.rate_set));
    parts.push(part(7, rate));
    let is_throttled = stage.is_throttled(moment.at);
    if progress.throttled > 0 {
        let now = if is_throttled { " (now)" } else { "" };
        let text = format!("throttled {}{now}", progress.throttled);
        parts.push(Part { text, weight: if is_throttled { 8 } else { 5 }, needs_attention: is_throttled });
    }
    if let Some(text) = hindrance(stage, moment.at) {
        parts.push(Part { text, weight: 10, needs_attention: true });
    }
    parts.push(part(1, format!("in flight {}", progress.in_flight)));
    parts.extend(time_left(stage.time_left(moment.at), moment));
    parts
}

/// `paused 12s: out of reach`.
fn hindrance(stage: &Stage, at: Duration) -> Option<String> {
    let (failure, left) = stage.hindrance(at)?;
    // Tenths would only flicker.
    let what = match left.as_secs() {
        0 => "trying again".to_owned(),
        seconds => format!("paused {seconds}s"),
    };
    match failure {
        PoolFailure::Throttled => (left.as_secs() > 0).then_some(what),
        PoolFailure::Unreachable => Some(format!("{what}: out of reach")),
        PoolFailure::Unanswered => Some(format!("{what}: no answers")),
        PoolFailure::CredentialsUnavailable => Some(format!("{what}: no credentials")),
    }
}

fn draining(stage: &Stage, left: Duration) -> Vec<Part> {
    let under_way = match stage.progress.in_flight {
        0 => "no request under way".to_owned(),
        more => {
            let requests = plural(more as u64, "request", "requests");
            format!("waiting up to {:.0}s for {requests}", left.as_secs_f64().ceil())
        }
    };
    let mut parts = vec![part(9, under_way)];
    parts.extend(counts(stage));
    parts
}

/// Rows by what became of them.
fn counts(stage: &Stage) -> Vec<Part> {
    let progress = &stage.progress;
    let mut parts = vec![part(2, format!("created {}", progress.created))];
    let others = [
        ("rejected", progress.rejected, 4),
        ("failed", progress.failed, 4),
        ("unknown", progress.unknown, 6),
    ];
    parts.extend(
        others
            .into_iter()
            .filter(|(_, count, _)| *count > 0)
            .map(|(state, count, weight)| part(weight, format!("{state} {count}"))),
    );
    parts
}

fn amounts(done: u64, total: u64, what: &str) -> Vec<Part> {
    // 100% is said when it is.
    let percent = done.min(total).saturating_mul(100).checked_div(total).unwrap_or(100);
    vec![part(2, format!("{done} of {total} {what}")), part(1, format!("{percent}%"))]
}

fn share(done: u64, total: u64) -> f64 {
    if total == 0 { 1.0 } else { (done as f64 / total as f64).clamp(0.0, 1.0) }
}

/// `38m left`, `until 14:32`.
fn time_left(left: Option<Duration>, moment: &Moment) -> Vec<Part> {
    let Some(left) = left else { return Vec::new() };
    let mut parts = vec![part(9, format!("{} left", roughly(left)))];
    parts.extend(until(left, &moment.local).map(|until| part(8, until)));
    parts
}

/// As exact as an estimate can be: `9s`, `9m 59s`, `38m`, `1h 23m`, `5days 19h`.
fn roughly(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil() as u64;
    match seconds {
        0..10 => format!("{}s", seconds.max(1)),
        10..600 => rounded(Duration::from_secs(seconds)),
        600..86_400 => rounded(Duration::from_secs(seconds / 60 * 60)),
        _ => rounded(Duration::from_secs(seconds / 3600 * 3600)),
    }
}

/// The local time at the end of so much time: `until 14:32`, on another day `until Tue 14:32`, from the same day of
/// the next week on `until 2026-12-03`.
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

/// `3.4 MB`.
fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match UNITS.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", bytes as f64 / unit as f64),
        None => format!("{bytes} B"),
    }
}

fn plural(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

fn part(weight: u8, text: String) -> Part {
    Part { text, weight, needs_attention: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_told_as_exactly_as_is_of_use() {
        let now: ZonedDateTime = "2026-11-21T14:00[Europe/London]".parse().unwrap();
        let of = |hours: f64| until(Duration::from_secs_f64(hours * 3600.0), &now).unwrap();
        assert_eq!(of(0.5), "until 14:30");
        assert_eq!(of(9.99), "until 23:59");
        assert_eq!(of(10.5), "until Sun 00:30");
        assert_eq!(of(6.0 * 24.0), "until Fri 14:00");
        assert_eq!(of(7.0 * 24.0), "until 2026-11-28");
        // The clocks change meanwhile.
        let now: ZonedDateTime = "2026-03-28T14:00[Europe/London]".parse().unwrap();
        assert_eq!(until(Duration::from_secs(24 * 3600), &now).unwrap(), "until Sun 15:00");
        assert_eq!(until(Duration::MAX, &now), None);
    }

    #[test]
    fn the_time_left_is_no_more_exact_than_it_can_be() {
        let of = |seconds: f64| roughly(Duration::from_secs_f64(seconds));
        assert_eq!([of(0.2), of(59.5), of(599.0)], ["1s", "1m", "9m 59s"]);
        assert_eq!([of(2310.0), of(5000.0), of(501_900.0)], ["38m", "1h 23m", "5days 19h"]);
    }

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!([size(0), size(2_040), size(10_240_000)], ["0 B", "2.0 kB", "10.2 MB"]);
    }
}
