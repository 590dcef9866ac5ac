//! The bar on a terminal.

use std::time::{Duration, Instant};

use jiff::ZonedDateTime;

use super::attention::notice;
use super::causes::Causes;
use super::colour::Paint;
use super::foot::{self, Size};
use super::frame::frame;
use super::stage::Stage;
use super::view::{Moment, View};
use crate::event::{Observer, RunEvent};

/// It is drawn so often at most; the eye wants no more.
const PERIOD: Duration = Duration::from_millis(100);

/// A bar, with lines above it for what needs attention.
#[derive(Debug)]
pub(super) struct Bar {
    started: Instant,
    drawn: Option<Instant>,
    stage: Stage,
    causes: Causes,
    paint: Paint,
}

impl Bar {
    pub(super) fn new() -> Self {
        Bar {
            started: Instant::now(),
            drawn: None,
            stage: Stage::new(),
            causes: Causes::default(),
            paint: Paint::of_stderr(),
        }
    }

    fn draw(&mut self, is_over: bool) {
        self.drawn = Some(Instant::now());
        let moment = Moment { at: self.started.elapsed(), local: ZonedDateTime::now() };
        let view = View::of(&self.stage, &moment);
        let size = Size::of_stderr();
        foot::draw(frame(view.as_ref(), &self.causes, size, is_over, self.paint), size);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        // The last state stays on the screen, above the summary.
        self.draw(true);
        foot::leave();
    }
}

impl Observer for Bar {
    fn observe(&mut self, event: &RunEvent) {
        let is_new = self.causes.count(event);
        self.stage.observe(event, self.started.elapsed());
        if let Some(line) = notice(event, is_new) {
            foot::print(&line);
        }
    }

    fn tick(&mut self) {
        if self.drawn.is_none_or(|drawn| drawn.elapsed() >= PERIOD) {
            self.draw(false);
        }
    }
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
}
