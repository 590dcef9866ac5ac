//! The status area: the lines at the bottom of the terminal, drawn by indicatif.
//!
//! One [`ProgressBar`] draws all of its lines, and hides while something is printed above. A `MultiProgress`
//! is not used: its `suspend` panics when the terminal cannot be written, and a run outlives its terminal.

use std::io::{IsTerminal as _, Write as _};
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
use crate::printable::printable_styled;
use crate::ui::describe_event::{Description, describe};
use crate::ui::details::detail;
use crate::ui::period::Period;
use crate::ui::words::stamped_now;

/// Interval between two draws.
const INTERVAL: Duration = Duration::from_millis(100);

/// Rows of a terminal that has one to spare.
const MIN_ROWS_TO_SPARE: usize = 6;

/// Steps of the bar, more than it has cells.
const STEPS: f64 = 1e6;

/// The process has one standard error, so it has one status area, above which everything else is printed.
static STATUS_AREA: LazyLock<Mutex<StatusArea>> = LazyLock::new(|| Mutex::new(StatusArea::new()));

/// Whether standard error is a terminal that can move its cursor.
pub(crate) fn can_draw() -> bool {
    !ProgressDrawTarget::stderr().is_hidden()
}

/// Writes a line to standard error, above the status area. Where standard error is no terminal, each line of its text
/// begins with the time.
pub(crate) fn print_line(line: &str) {
    status_area().print(line);
}

/// Writes to standard error without a line break at the end. The status area must not be shown.
pub(crate) fn print_prompt(text: &str) {
    let _area = status_area();
    // If it cannot be written, there is no other place for an error.
    let _ = write!(anstream::stderr(), "{text}").and_then(|()| anstream::stderr().flush());
}

/// Removes the status area; what is printed after it says how the command ended.
pub(crate) fn leave_status_area() {
    status_area().leave(None);
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
    /// Lines of the area at the last draw.
    lines: usize,
    /// Whether the first of them is empty.
    has_empty_line: bool,
    /// Whether lines of the area are on the screen.
    is_shown: bool,
}

impl StatusArea {
    fn new() -> Self {
        StatusArea {
            bar: ProgressBar::hidden(),
            columns: 0,
            lines: 0,
            has_empty_line: false,
            is_shown: false,
        }
    }

    /// Draws a layout, below an empty line where the terminal has one to spare. indicatif leaves the cursor at the right
    /// end, so the terminal writes its `^C` on the next line, and the next draw begins one line too low: it leaves the
    /// empty line, and no old text.
    fn draw(&mut self, layout: &Layout, size: Size) {
        if self.bar.is_finished() || (layout.is_empty() && !self.is_shown) {
            return;
        }
        self.follow_resize(size.columns);
        let mut layout = layout.clone();
        self.has_empty_line = !layout.is_empty() && size.rows >= MIN_ROWS_TO_SPARE;
        if self.has_empty_line {
            layout.before.insert(0, '\n');
        }
        self.lines = (layout.before.clone() + &layout.after).matches('\n').count() + 1;
        show(&layout, &self.bar);
        self.is_shown = !layout.is_empty();
    }

    fn print(&mut self, line: &str) {
        if self.is_shown {
            self.follow_resize(size_of_stderr().columns);
        }
        self.bar.suspend(|| write_line(line));
    }

    /// After a change of width, removes the lines, which the terminal may have wrapped again: indicatif, which counts
    /// lines, would erase too few of them or lines printed above.
    fn follow_resize(&mut self, columns: usize) {
        if columns == self.columns {
            return;
        }
        if self.is_shown {
            match rewraps() {
                // A write error is of the draw, which indicatif ignores too.
                true => drop(self.erase_rewrapped(columns)),
                // They stay, and the next draw is below them.
                false => write_line(""),
            }
        }
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
        self.columns = columns;
    }

    /// Erases the lines after the terminal has wrapped them to `columns`. indicatif fills every line to its end, so all of
    /// them are one wrapped line, with the cursor at its end. The empty line at the top stays, in case the terminal has
    /// wrapped to fewer lines.
    fn erase_rewrapped(&self, columns: usize) -> std::io::Result<()> {
        let cells = self.lines * self.columns;
        let empty = if self.has_empty_line { self.columns / columns.max(1) } else { 0 };
        let up = cells.div_ceil(columns.max(1)).saturating_sub(1 + empty);
        let terminal = Term::stderr();
        terminal.move_cursor_up(up)?;
        terminal.write_str("\r")?;
        terminal.clear_to_end_of_screen()
    }

    /// Ends the status area. Its last state is removed, or `ended` stays in its place.
    fn leave(&mut self, ended: Option<&Layout>) {
        if self.bar.is_finished() {
            return;
        }
        match ended.filter(|ended| !ended.is_empty()) {
            None => self.bar.finish_and_clear(),
            Some(ended) => {
                // Nothing may have been drawn yet.
                self.follow_resize(size_of_stderr().columns);
                show(ended, &self.bar);
                self.bar.abandon();
                // indicatif leaves the cursor at the end of its last line.
                write_line("");
            }
        }
        self.bar.set_draw_target(ProgressDrawTarget::hidden());
        self.is_shown = false;
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
    let line = printable_styled(line);
    let text = if std::io::stderr().is_terminal() { format!("{line}\n") } else { stamped_now(&line) };
    // In one write, since several processes may share a log. anstream enables escape sequences on Windows.
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// Whether the terminal wraps its lines again when its width changes, as most do. xterm and GNU screen name themselves.
fn rewraps() -> bool {
    let is_set = |name| std::env::var_os(name).is_some();
    is_set("TMUX") || !["XTERM_VERSION", "STY"].into_iter().any(is_set)
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
    /// Whether every problem and detail has a line.
    is_verbose: bool,
    /// Whether the user is asked something at this moment, so that nothing may be drawn.
    is_asking: bool,
}

impl TerminalObserver {
    /// An observer for a terminal that [`can_draw`].
    pub(crate) fn new(is_verbose: bool) -> Self {
        TerminalObserver {
            started: Instant::now(),
            period: Period::start(INTERVAL),
            size: size_of_stderr(),
            state: ProcessState::default(),
            causes: Causes::default(),
            colours: TerminalColours::of_stderr(),
            is_verbose,
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
                if self.causes.count(&problem) && problem.row.is_none() || self.is_verbose {
                    print_line(&problem.line());
                }
            }
            Description::Silent => {}
        }
        if let Some(line) = detail(event).filter(|_| self.is_verbose) {
            print_line(&line);
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
        // Printed in full, since they stay.
        for line in cause_lines(&self.causes, usize::MAX, 6, self.colours) {
            area.print(&line);
        }
        let report = self.state.report(&self.moment());
        let columns = size_of_stderr().columns;
        let ended = report.map(|report| Layout::of_bar(report.ended_phase, &report, columns, self.colours));
        // A report on the same terminal says it in words.
        area.leave(ended.as_ref().filter(|_| !std::io::stdout().is_terminal()));
    }
}

#[cfg(test)]
mod tests;
