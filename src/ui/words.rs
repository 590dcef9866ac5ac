//! Words that several outputs share: quantities, causes, and text that is safe to print. Pure.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::ledger::{LedgerNotice, Opening, RunRecord};
use crate::pacing::{PoolFailure, Rate};
use crate::printable::{ShownPath as _, printable};
use crate::shard::Shard;
use crate::shutdown::Signal;
use crate::submission::ClockOffset;
use crate::warning::{RowExample, Warning};

/// `text` with the time, in UTC, at the start of each of its lines and a line break at the end of each: RFC 3339 with
/// milliseconds, as in exports. Empty lines are left out.
pub(super) fn stamped(text: &str, now: Timestamp) -> String {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| format!("{now:.3} {line}\n")).collect()
}

/// [`stamped`] with the time of now.
pub(crate) fn stamped_now(text: &str) -> String {
    stamped(text, Timestamp::now())
}

/// A rate per second with one decimal; below one per second with three.
pub(crate) fn per_second(rate: f64) -> String {
    if rate > 0.0 && rate < 1.0 { format!("{rate:.3}") } else { format!("{rate:.1}") }
}

/// A duration in its two largest units: `5days 19h`, `2h 5m`, `12s`, `0.3s`.
pub(crate) fn rounded(time: Duration) -> String {
    if time < Duration::from_secs(10) && !time.is_zero() {
        return format!("{:.1}s", time.as_secs_f64());
    }
    let whole = Duration::from_secs(time.as_secs_f64().round() as u64);
    let text = humantime::format_duration(whole).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// A file size in decimal units: `3.4 MB`.
pub(super) fn file_size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match UNITS.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", bytes as f64 / unit as f64),
        None => format!("{bytes} B"),
    }
}

/// `1 row`, `2 rows`.
pub(super) fn count_of(count: u64, singular: &str) -> String {
    format!("{count} {singular}{}", if count == 1 { "" } else { "s" })
}

/// A line for each count that is not 0.
pub(super) fn count_lines(counts: &[(u64, &str)]) -> String {
    let some = counts.iter().filter(|(number, _)| *number > 0);
    some.map(|(number, words)| format!("  {number:>9}  {words}\n")).collect()
}

/// Member, rule and origin of a fault, without the value's size:
/// `Name: at most 1024 characters are allowed (from …)`.
pub(super) fn broken_rule(member: &str, rule: &str, origin: &str) -> String {
    let member = if member.is_empty() { String::new() } else { format!("{member}: ") };
    let origin = if origin.is_empty() { String::new() } else { format!(" ({origin})") };
    format!("{member}{rule}{origin}")
}

/// A group of warnings, without a line break at its end: count, code, subject and observation; a line with the remedy; and
/// its examples. The lines after the first are indented.
pub(super) fn warning_text(warning: &Warning) -> String {
    let Warning { code, subject, message, remedy, count, examples } = warning;
    let rows = if *count == 0 { String::new() } else { format!("{}: ", count_of(*count, "row")) };
    let mut text = format!("{code}: {rows}{}", broken_rule(subject, message, ""));
    for line in example_lines(examples, *count) {
        let _ = write!(text, "\n  {line}");
    }
    if !remedy.is_empty() {
        let _ = write!(text, "\n  {remedy}");
    }
    text
}

/// Characters of a line with several examples, so that it fits a terminal of 80 columns with its indentation.
const EXAMPLES_WIDTH: usize = 69;

/// The examples of a group of `count` rows, in one line if that is short: `t.csv, lines 4 (HD-2), 5 (HD-3), …`.
pub(super) fn example_lines(examples: &[RowExample], count: u64) -> Vec<String> {
    let has_more = count > examples.len() as u64;
    if let [first, _, ..] = examples
        && examples.iter().all(|example| example.file == first.file && example.found.is_empty())
    {
        let line = |RowExample { line, key, .. }: &RowExample| match key.is_empty() {
            true => line.to_string(),
            false => format!("{line} ({key})"),
        };
        let mut lines: Vec<String> = examples.iter().map(line).collect();
        lines.extend(has_more.then(|| "…".to_owned()));
        let line = printable(&format!("{}, lines {}", first.file, lines.join(", ")));
        if line.chars().count() <= EXAMPLES_WIDTH {
            return vec![line];
        }
    }
    let mut lines: Vec<String> = examples.iter().map(row_example).collect();
    lines.extend((has_more && !examples.is_empty()).then(|| "…".to_owned()));
    lines
}

/// `tickets.csv, line 7 (key HD-1): has 5000 characters`.
pub(super) fn row_example(example: &RowExample) -> String {
    let RowExample { file, line, key, found } = example;
    let key = if key.is_empty() { String::new() } else { format!(" (key {key})") };
    let found = if found.is_empty() { String::new() } else { format!(": {found}") };
    printable(&format!("{file}, line {line}{key}{found}"))
}

/// The failure that pauses all requests; none for throttling unless the service asks for the pause: it is shown as a
/// number.
pub(super) fn paused(failure: PoolFailure, is_asked: bool) -> Option<&'static str> {
    match failure {
        PoolFailure::Throttled => is_asked.then_some("Connect throttles"),
        PoolFailure::Unreachable => Some("Connect is out of reach"),
        PoolFailure::Unanswered => Some("Connect gives no usable answer"),
        PoolFailure::CredentialsUnavailable => Some("the credentials are out of reach"),
    }
}

/// `this machine's clock is 12m behind the service's`.
pub(super) fn clock_offset(offset: ClockOffset) -> String {
    let direction = if offset.0 < 0 { "ahead of" } else { "behind" };
    let difference = rounded(Duration::from_secs(offset.0.unsigned_abs()));
    format!("this machine's clock is {difference} {direction} the service's")
}

/// What a ledger tells while a command goes on, with the remedy.
pub(super) fn ledger_noticed(notice: &LedgerNotice) -> String {
    match notice {
        LedgerNotice::Opening(Opening::Queued { holder, lock_wait }) => {
            format!("another run holds the ledger ({holder}); waiting for it, up to {}", rounded(*lock_wait))
        }
        LedgerNotice::Opening(Opening::Examined { bytes }) => format!(
            "the ledger was not closed by its last run, or was changed since; checking all {} MB of it",
            bytes / 1_000_000
        ),
        LedgerNotice::Busy { ledger, holder, bound } => format!(
            "the ledger {} is kept busy by {holder}; waiting for it, up to {}, and sending nothing meanwhile; end what \
             that program does with it",
            ledger.shown(),
            rounded(*bound)
        ),
        LedgerNotice::LogGrown { log, bytes, reader } => format!(
            "{} has {} MB and grows, since {reader} reads the ledger in one long transaction; end what that program does \
             with it before the disk is full",
            log.shown(),
            bytes / 1_000_000
        ),
    }
}

/// Notice that a run corrects the time of its signatures.
pub(super) fn clock_corrected(offset: ClockOffset) -> String {
    // A wrong date of an earlier answer can be the reason, too.
    let clock = match offset.is_large() {
        true => format!("{}; set it, for instance by NTP", clock_offset(offset)),
        false => "an earlier answer had a wrong date".to_owned(),
    };
    format!(
        "Connect refused the time of a signature; requests are signed with the service's time from now on: {clock}"
    )
}

/// Warning that the metrics file cannot be written.
pub(super) fn metrics_failed(file: &str, problem: &str) -> String {
    format!("the metrics cannot be written to {file} ({problem}); the import continues without them")
}

/// Warning that the log file cannot be written.
pub(super) fn log_failed(file: &Path, problem: &std::io::Error) -> String {
    let file = file.shown();
    format!(
        "the log cannot be written to {file} ({problem}); its lines are lost until it can be written again"
    )
}

/// Notice that a run stops sending, and what it waits for.
pub(super) fn draining(signal: Option<Signal>, in_flight: usize, grace: Duration) -> String {
    let cause = signal.map(|signal| format!("{}: ", signal.name())).unwrap_or_default();
    let wait = match in_flight {
        0 => "no request is in flight".to_owned(),
        more => {
            format!("awaiting {} in flight for up to {}", count_of(more as u64, "request"), rounded(grace))
        }
    };
    // After another reason the next Ctrl-C is the first.
    let offer = match (signal, in_flight) {
        (Some(Signal::Interrupt), 1) => "; press Ctrl-C again to stop at once (it will be in doubt)",
        (Some(Signal::Interrupt), 2..) => "; press Ctrl-C again to stop at once (they will be in doubt)",
        _ => "",
    };
    format!("{cause}stopping, no new request is sent; {wait}{offer}")
}

/// How the rate of a shard's process was determined.
pub(super) fn shard_rate_origin(shard: Shard, rate: Rate, is_own_rate: bool) -> String {
    match (rate, is_own_rate) {
        (Rate::Auto, _) => "each shard finds its own rate".to_owned(),
        (Rate::Fixed(_), true) => "the rate is the value of --rate, not divided".to_owned(),
        (Rate::Fixed(_), false) => {
            format!("the rate is that of the whole import, divided by {}", shard.count())
        }
    }
}

/// Achieved rate of a run, if known, and its target rate.
pub(super) fn run_rates(run: &RunRecord, achieved: Option<f64>) -> String {
    let target = match (run.is_auto, run.rate_found) {
        (false, _) => format!("{} a second set", per_second(run.rate)),
        (true, Some(found)) => format!("{} a second found", per_second(found)),
        (true, None) => "no limit found".to_owned(),
    };
    match achieved {
        Some(achieved) => format!("{} created a second, {target}", per_second(achieved)),
        None => target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_the_time_in_the_form_of_exports() {
        let now: Timestamp = "2026-11-21T14:00:07.12+01:00".parse().unwrap();
        let expected = "2026-11-21T13:00:07.120Z a\n2026-11-21T13:00:07.120Z   b\n";
        assert_eq!(stamped("a\n\n  b\n", now), expected);
        let whole: Timestamp = "2026-11-21T13:00:00Z".parse().unwrap();
        assert_eq!(stamped("a", whole), "2026-11-21T13:00:00.000Z a\n");
    }

    #[test]
    fn a_second_ctrl_c_is_offered_only_where_it_has_an_effect() {
        let text = |signal, in_flight| draining(signal, in_flight, Duration::from_secs(30));
        let interrupt = Some(Signal::Interrupt);
        assert_eq!(
            text(interrupt, 5),
            "SIGINT: stopping, no new request is sent; awaiting 5 requests in flight for up to 30s; press Ctrl-C again to \
             stop at once (they will be in doubt)"
        );
        assert!(text(interrupt, 1).ends_with(
            "1 request in flight for up to 30s; press Ctrl-C again to stop at once (it will be in doubt)"
        ));
        let idle = "SIGINT: stopping, no new request is sent; no request is in flight";
        assert_eq!(text(interrupt, 0), idle);
        for other in [text(Some(Signal::Terminate), 5), text(None, 5)] {
            assert!(other.ends_with("awaiting 5 requests in flight for up to 30s"), "{other}");
        }
    }

    #[test]
    fn a_clock_is_behind_or_ahead_of_the_services() {
        assert_eq!(clock_offset(ClockOffset(725)), "this machine's clock is 12m 5s behind the service's");
        assert_eq!(clock_offset(ClockOffset(-3600)), "this machine's clock is 1h ahead of the service's");
        assert!(
            clock_corrected(ClockOffset(725))
                .ends_with("12m 5s behind the service's; set it, for instance by NTP")
        );
        assert!(clock_corrected(ClockOffset(-2)).ends_with("an earlier answer had a wrong date"));
    }

    #[test]
    fn durations_are_rounded_to_two_units() {
        assert_eq!(rounded(Duration::from_secs(501_900)), "5days 19h");
        assert_eq!(rounded(Duration::from_millis(11_600)), "12s");
        assert_eq!(rounded(Duration::from_millis(340)), "0.3s");
        assert_eq!(rounded(Duration::ZERO), "0s");
    }

    #[test]
    fn examples_without_details_share_a_line_if_it_is_short() {
        let example = |file: &str, line, key: &str, found: &str| {
            let [file, key, found] = [file, key, found].map(str::to_owned);
            RowExample { file, line, key, found }
        };
        let short = [example("t.csv", 4, "HD-2", ""), example("t.csv", 5, "", "")];
        assert_eq!(example_lines(&short, 2), ["t.csv, lines 4 (HD-2), 5"]);
        assert_eq!(example_lines(&short, 3), ["t.csv, lines 4 (HD-2), 5, …"]);
        assert_eq!(example_lines(&short[..1], 9), ["t.csv, line 4 (key HD-2)", "…"]);
        let others = [
            example("u.csv", 5, "", ""),
            example("t.csv", 5, "", "x"),
            example("t.csv", 5, &"k".repeat(60), ""),
        ];
        for other in others {
            let two = [short[0].clone(), other];
            assert_eq!(example_lines(&two, 2), [row_example(&two[0]), row_example(&two[1])]);
        }
        assert!(example_lines(&[], 5).is_empty());
    }

    #[test]
    fn file_sizes_have_a_unit() {
        assert_eq!([file_size(0), file_size(2_040), file_size(10_240_000)], ["0 B", "2.0 kB", "10.2 MB"]);
    }
}
