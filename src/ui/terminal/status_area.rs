//! The status area: the lines at the bottom of the terminal, drawn by indicatif.
//!
//! One [`ProgressBar`] draws all of its lines, and hides while something is printed above. A `MultiProgress`
//! is not used: its `suspend` panics when the terminal cannot be written, and a run outlives its terminal.

use std::io::Write as _;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use jiff::ZonedDateTime;

use super::causes::Causes;
use super::colour::TerminalColours;
use super::layout::{Layout, Size, cause_lines};
use super::progress::{Moment, ProcessState};
use crate::event::{Observer, RunEvent};
use crate::ui::describe_event::{Description, describe};
use crate::ui::period::Period;

/// Interval between two draws.
const INTERVAL: Duration = Duration::from_millis(100);

/// Steps of the bar, more than it has cells.
const STEPS: f64 = 1e6;

/// The process has one standard error, so it has one status area, above which everything else is printed.
static STATUS_AREA: LazyLock<Mutex<StatusArea>> = LazyLock::new(|| Mutex::new(StatusArea::new()));

/// Whether standard error is a terminal that can move its cursor.
pub(crate) fn can_draw() -> bool {
    !ProgressDrawTarget::stderr().is_hidden()
}

/// Writes a line to standard error, above the status area.
pub(crate) fn print_line(line: &str) {
    status_area().print(line);
}

/// Writes to standard error without a line break at the end. The status area must not be shown.
pub(crate) fn print_prompt(text: &str) {
    let _area = status_area();
    // If it cannot be written, there is no other place for an error.
    let _ = write!(anstream::stderr(), "{text}").and_then(|()| anstream::stderr().flush());
}

/// Ends the status area; its last state stays on the screen.
pub(crate) fn leave_status_area() {
    status_area().leave();
}

fn status_area() -> MutexGuard<'static, StatusArea> {
    STATUS_AREA.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The status area of a terminal.
#[derive(Debug)]
struct StatusArea {
    bar: ProgressBar,
    /// Width of the terminal at the last draw.
    columns: usize,
    /// Whether lines of the area are on the screen.
    is_shown: bool,
}

impl StatusArea {
    fn new() -> Self {
        StatusArea { bar: ProgressBar::hidden(), columns: 0, is_shown: false }
    }

    fn draw(&mut self, layout: &Layout, size: Size) {
        if self.bar.is_finished() || (layout.is_empty() && !self.is_shown) {
            return;
        }
        self.follow_resize(size.columns);
        show(layout, &self.bar);
        self.is_shown = !layout.is_empty();
    }

    fn print(&mut self, line: &str) {
        if self.is_shown {
            self.follow_resize(size_of_stderr().columns);
        }
        self.bar.suspend(|| write_line(line));
    }

    /// After a change of width, leaves the lines on the screen and continues below them. The terminal may have
    /// wrapped them, so indicatif, which counts lines, would erase too few of them or lines printed above.
    fn follow_resize(&mut self, columns: usize) {
        if columns == self.columns {
            return;
        }
        if self.is_shown {
            write_line("");
        }
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
        self.columns = columns;
    }

    fn leave(&mut self) {
        if self.bar.is_finished() {
            return;
        }
        self.bar.abandon();
        self.bar.set_draw_target(ProgressDrawTarget::hidden());
        if self.is_shown {
            // indicatif leaves the cursor at the end of its last line.
            write_line("");
        }
    }
}

/// Draws a layout.
fn show(layout: &Layout, bar: &ProgressBar) {
    let template = match layout.bar {
        Some(of) => {
            let cells = TerminalColours::of_stderr().bar(&format!("{{bar:{}}}", of.cells));
            format!("{{before}} {cells} {{after}}")
        }
        None => "{before}{after}".to_owned(),
    };
    let text = |text: &str| {
        let text = text.to_owned();
        move |_: &ProgressState, writer: &mut dyn std::fmt::Write| {
            // A write error is of the draw, which indicatif ignores.
            let _ = writer.write_str(&text);
        }
    };
    let Ok(style) = ProgressStyle::with_template(&template) else { return };
    bar.set_style(style.with_key("before", text(&layout.before)).with_key("after", text(&layout.after)));
    bar.update(|state| {
        state.set_len(STEPS as u64);
        state.set_pos(layout.bar.map_or(0, |bar| (bar.share * STEPS) as u64));
    });
}

/// Writes a line to standard error. If it cannot be written, there is no other place for an error.
fn write_line(line: &str) {
    // anstream enables escape sequences on Windows.
    let _ = writeln!(anstream::stderr(), "{line}");
}

fn size_of_stderr() -> Size {
    let (rows, columns) = Term::stderr().size();
    Size { columns: columns.into(), rows: rows.into() }
}

/// Observer that shows progress in the status area, and prints notices above it.
#[derive(Debug)]
pub(crate) struct TerminalObserver {
    started: Instant,
    period: Period,
    /// Size at the last tick; nothing is drawn while it changes.
    size: Size,
    state: ProcessState,
    causes: Causes,
    colours: TerminalColours,
    /// Whether the user is asked something at this moment, so that nothing may be drawn.
    is_asking: bool,
}

impl TerminalObserver {
    /// An observer for a terminal that [`can_draw`].
    pub(crate) fn new() -> Self {
        TerminalObserver {
            started: Instant::now(),
            period: Period::start(INTERVAL),
            size: size_of_stderr(),
            state: ProcessState::default(),
            causes: Causes::default(),
            colours: TerminalColours::of_stderr(),
            is_asking: false,
        }
    }

    fn moment(&self) -> Moment {
        Moment { at: self.started.elapsed(), local: ZonedDateTime::now() }
    }
}

impl Observer for TerminalObserver {
    fn observe(&mut self, event: &RunEvent) {
        self.state.observe(event, self.started.elapsed());
        // Every later event comes after the answer.
        self.is_asking = matches!(event, RunEvent::Announced(announcement) if announcement.is_question);
        if self.is_asking {
            status_area().draw(&Layout::default(), self.size);
        }
        match describe(event) {
            Description::Notice(notice) => print_line(&notice.text),
            Description::Problem(problem) => {
                // Problems of rows are counted in the status area.
                if self.causes.count(&problem) && problem.row.is_none() {
                    print_line(&problem.line());
                }
            }
            Description::Silent => {}
        }
    }

    fn tick(&mut self) {
        if self.is_asking || !self.period.advance() {
            return;
        }
        let before = std::mem::replace(&mut self.size, size_of_stderr());
        if before == self.size {
            let report = self.state.report(&self.moment());
            let layout = Layout::new(report.as_ref(), &self.causes, self.size, self.colours);
            status_area().draw(&layout, self.size);
        }
    }
}

impl Drop for TerminalObserver {
    fn drop(&mut self) {
        let mut area = status_area();
        let size = size_of_stderr();
        let report = self.state.report(&self.moment());
        let ended =
            report.map(|report| Layout::of_bar(report.ended_phase, &report, size.columns, self.colours));
        area.draw(&ended.unwrap_or_default(), size);
        // Printed in full, since they stay.
        for line in cause_lines(&self.causes, usize::MAX, 6, self.colours) {
            area.print(&line);
        }
        area.leave();
    }
}

#[cfg(test)]
mod tests;
