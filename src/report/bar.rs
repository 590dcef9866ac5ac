//! The bar on a terminal: the only file that names indicatif.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::attention::Attention;
use crate::event::{Observer, Progress, RunEvent};

/// A bar, with lines above it for what needs attention.
#[derive(Debug)]
pub(super) struct Bar {
    bar: ProgressBar,
    attention: Attention,
    draining: bool,
    /// The rows that a verification asks for.
    verifying: Option<&'static str>,
}

impl Bar {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style("checking {bytes} {msg}"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Bar { bar, attention: Attention::default(), draining: false, verifying: None }
    }

    fn progress(&self, progress: &Progress) {
        self.bar.set_position(progress.done);
        let phase = if self.draining { " · draining" } else { "" };
        self.bar.set_message(format!("{}{phase}", counts(progress)));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        // The last state stays on the screen, above the summary.
        self.bar.abandon();
    }
}

/// What the bar and the plain lines say alike.
pub(super) fn counts(progress: &Progress) -> String {
    let mut parts = vec![
        format!("created {}", progress.created),
        format!("rejected {}", progress.rejected),
        format!("{} of {}/s", per_second(progress.rate_now), per_second(progress.rate_set)),
        format!("throttled {}", progress.throttled),
        format!("in flight {}", progress.in_flight),
    ];
    if progress.failed > 0 {
        parts.insert(2, format!("failed {}", progress.failed));
    }
    if progress.unknown > 0 {
        parts.insert(2, format!("unknown {}", progress.unknown));
    }
    parts.push(format!("{} left", rounded(progress.time_left())));
    parts.join(" · ")
}

/// A rate: one decimal, and below one a second three.
pub(crate) fn per_second(rate: f64) -> String {
    if rate > 0.0 && rate < 1.0 { format!("{rate:.3}") } else { format!("{rate:.1}") }
}

/// `5days 19h`, `2h 5m`, `12s`, `0.3s`: two units are enough.
pub(crate) fn rounded(time: Duration) -> String {
    if time < Duration::from_secs(10) && !time.is_zero() {
        return format!("{:.1}s", time.as_secs_f64());
    }
    let whole = Duration::from_secs(time.as_secs_f64().round() as u64);
    let text = humantime::format_duration(whole).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

impl Observer for Bar {
    fn observe(&mut self, event: &RunEvent) {
        if let Some(line) = self.attention.line(event) {
            self.bar.println(line);
        }
        match event {
            RunEvent::Checking { rows, bytes, bytes_total } => {
                if let Some(total) = bytes_total {
                    self.bar.set_length(*total);
                    self.bar.set_style(style("checking {wide_bar} {bytes} of {total_bytes} · {msg}"));
                }
                self.bar.set_position(*bytes);
                self.bar.set_message(format!("{rows} rows"));
            }
            RunEvent::Checked { to_send, .. } => {
                self.bar.set_position(0);
                self.bar.set_length(*to_send);
                self.bar.set_style(style("{wide_bar} {pos} of {len} rows\n{msg}"));
            }
            RunEvent::Draining { .. } => self.draining = true,
            RunEvent::Progress(progress) => self.progress(progress),
            RunEvent::Verifying { done, total, what } => {
                if self.verifying != Some(*what) {
                    self.verifying = Some(*what);
                    self.bar.set_style(style("asking for {msg} {wide_bar} {pos} of {len}, {eta} left"));
                    self.bar.set_message(*what);
                    self.bar.set_length(*total);
                }
                self.bar.set_position(*done);
            }
            RunEvent::Noted { .. }
            | RunEvent::Verified(_)
            | RunEvent::Settled { .. }
            | RunEvent::NewLedger { .. }
            | RunEvent::Opening(_)
            | RunEvent::Crowded { .. }
            | RunEvent::FewFiles { .. }
            | RunEvent::InFlight(_)
            | RunEvent::RateRead(_)
            | RunEvent::Paused { .. } => {}
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants; a bar without one is still a bar.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_to_two_units() {
        assert_eq!(rounded(Duration::from_secs(501_900)), "5days 19h");
        assert_eq!(rounded(Duration::from_millis(11_600)), "12s");
        assert_eq!(rounded(Duration::from_millis(340)), "0.3s");
        assert_eq!(rounded(Duration::ZERO), "0s");
    }

    #[test]
    fn unknown_and_failed_rows_are_shown_when_there_are_any() {
        let progress =
            Progress { created: 3, to_send: 10, done: 4, unknown: 1, rate_set: 2.0, ..Default::default() };
        assert_eq!(
            counts(&progress),
            "created 3 · rejected 0 · unknown 1 · 0.0 of 2.0/s · throttled 0 · in flight 0 · 3.0s left"
        );
    }
}
