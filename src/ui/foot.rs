//! The lines at the foot of the terminal, which are drawn over and over while what is to stay goes above them.
//!
//! Each is a line of its own to the terminal, neither padded nor joined by its wrapping, so that what a resized terminal
//! makes of them can be reckoned: one that has become too long for the width fills several rows, and nothing else moves.
//! Nearly every terminal wraps so; one that cuts lines instead may lose some of what was written just above.

use std::io::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anstream::adapter::strip_str;
use unicode_width::UnicodeWidthStr as _;

/// The process has one standard error, so this is one as well, and all that is written there goes through it.
static FOOT: Mutex<Foot> = Mutex::new(Foot::new());

/// Erases a line, with what the terminal knows of its wrapping: erasing the end of it alone leaves some with as long a
/// line as there ever was.
const WHOLE_LINE: &str = "\x1b[2K";

/// Erases what is below. Never from the screen's first row: some terminals then keep what they erase, above.
const REST_OF_SCREEN: &str = "\x1b[J";

/// What the terminal has room for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Size {
    /// That of the terminal now; the usual one where it does not say.
    pub(super) fn of_stderr() -> Self {
        let known = terminal_size::terminal_size_of(io::stderr());
        let known = known.filter(|(columns, rows)| columns.0 > 0 && rows.0 > 0);
        known.map_or(Size { columns: 80, rows: 24 }, |(columns, rows)| Size {
            columns: columns.0.into(),
            rows: rows.0.into(),
        })
    }
}

/// Has these lines stand at the foot, in place of those that do.
pub(super) fn draw(lines: Vec<String>, size: Size) {
    write(|foot| foot.draw(lines, size));
}

/// Writes a line that stays, above the foot.
pub(super) fn print(line: &str) {
    write(|foot| foot.print(line, Size::of_stderr()));
}

/// Has the foot stay as it is. Nothing is drawn any more.
pub(super) fn leave() {
    lock().leave();
}

fn write(change: impl FnOnce(&mut Foot) -> String) {
    let mut foot = lock();
    let text = change(&mut foot);
    if !text.is_empty() {
        // In one piece, so that nothing flickers. If standard error is gone, there is nobody to tell.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

fn lock() -> MutexGuard<'static, Foot> {
    FOOT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What stands at the foot; the cursor is at the start of the row below. What it returns is to be written.
#[derive(Debug)]
struct Foot {
    lines: Vec<String>,
    size: Size,
    is_left: bool,
}

impl Foot {
    const fn new() -> Self {
        Foot { lines: Vec::new(), size: Size { columns: 0, rows: 0 }, is_left: false }
    }

    fn draw(&mut self, mut lines: Vec<String>, size: Size) -> String {
        if self.is_left {
            return String::new();
        }
        // What has scrolled out at the top could not be drawn over.
        lines.truncate(size.rows.saturating_sub(1));
        let is_same = (&lines, size) == (&self.lines, self.size);
        if is_same || lines.is_empty() && self.lines.is_empty() {
            return String::new();
        }
        let is_drawn_over = size == self.size && !lines.is_empty();
        let mut text = if is_drawn_over { up(self.lines.len()) } else { self.erase(size) };
        let before = std::mem::replace(&mut self.lines, lines);
        self.size = size;
        self.write_out(&mut text, if is_drawn_over { &before } else { &[] });
        text
    }

    fn print(&mut self, line: &str, size: Size) -> String {
        if self.lines.is_empty() {
            return format!("{line}\n");
        }
        let mut text = self.erase(size);
        text.push_str(line);
        text.push('\n');
        self.write_out(&mut text, &[]);
        text
    }

    fn leave(&mut self) {
        *self = Foot { is_left: true, ..Foot::new() };
    }

    /// Writes the lines over those that were there before, of which what has not changed stays as it is.
    fn write_out(&self, text: &mut String, before: &[String]) {
        for (row, line) in self.lines.iter().enumerate() {
            if before.get(row) != Some(line) {
                text.push_str(WHOLE_LINE);
                text.push_str(line);
            }
            text.push('\n');
        }
        if !self.lines.is_empty() {
            // Lines of before, and what was typed below.
            text.push_str(REST_OF_SCREEN);
        }
    }

    /// Erases all lines, in a terminal that has this size by now; the cursor is where the first of them was.
    fn erase(&self, size: Size) -> String {
        let columns = size.columns.max(1);
        let rows = |line: &String| strip_str(line).to_string().width().div_ceil(columns).max(1);
        let rows = self.lines.iter().map(rows).sum::<usize>().min(size.rows.saturating_sub(1));
        // The row below as well: something may have been typed there.
        up(rows) + &format!("{WHOLE_LINE}\n").repeat(rows) + WHOLE_LINE + &up(rows)
    }
}

/// To the start of the line so many rows above.
fn up(rows: usize) -> String {
    if rows == 0 { "\r".to_owned() } else { format!("\r\x1b[{rows}A") }
}

#[cfg(test)]
mod tests {
    use avt::Terminal;

    use super::*;

    const LONG: &str = "a line that is as long as it can be, up to seventy columns and no more";

    /// A terminal that wraps anew when it is resized, with lines of a shell before, and a foot.
    struct Screen {
        terminal: Terminal,
        foot: Foot,
    }

    impl Screen {
        fn new(columns: usize, rows: usize) -> Self {
            let mut screen = Screen {
                terminal: Terminal::with_scrollback(columns, rows, None).unwrap(),
                foot: Foot::new(),
            };
            screen.write("$ one\n$ two\n".to_owned());
            screen
        }

        fn size(&self) -> Size {
            let (columns, rows) = self.terminal.size();
            Size { columns, rows }
        }

        /// As the line discipline of a terminal does it.
        fn write(&mut self, text: String) {
            self.terminal.feed(text.replace('\n', "\r\n").as_str());
        }

        fn draw(&mut self, lines: &[&str]) {
            let text = self.foot.draw(lines.iter().map(|line| (*line).to_owned()).collect(), self.size());
            self.write(text);
        }

        fn print(&mut self, line: &str) {
            let text = self.foot.print(line, self.size());
            self.write(text);
        }

        /// Everything, what has scrolled away included.
        fn lines(&self) -> Vec<String> {
            let lines = self.terminal.screen().text();
            let mut lines: Vec<String> = lines.iter().map(|line| line.trim_end().to_owned()).collect();
            while lines.last().is_some_and(String::is_empty) {
                lines.pop();
            }
            lines
        }
    }

    #[test]
    fn the_foot_is_drawn_over_and_what_is_printed_stays_above_it() {
        let mut screen = Screen::new(80, 24);
        screen.draw(&["! one", "bar 1", "more"]);
        screen.draw(&["bar 2", "more"]);
        screen.print("a notice\nof two lines");
        screen.draw(&["bar 3", "more"]);
        assert_eq!(screen.lines(), ["$ one", "$ two", "a notice", "of two lines", "bar 3", "more"]);
        screen.draw(&[]);
        screen.print("the end");
        assert_eq!(screen.lines(), ["$ one", "$ two", "a notice", "of two lines", "the end"]);
    }

    #[test]
    fn what_has_not_changed_is_not_written_again() {
        let mut foot = Foot::new();
        let size = Size { columns: 80, rows: 24 };
        assert!(!foot.draw(vec!["bar".into()], size).is_empty());
        assert_eq!(foot.draw(vec!["bar".into()], size), "");
        assert_eq!(Foot::new().draw(vec![], size), "");
    }

    #[test]
    fn where_there_is_no_foot_a_line_is_a_line() {
        assert_eq!(Foot::new().print("error: no", Size { columns: 80, rows: 24 }), "error: no\n");
    }

    #[test]
    fn a_resized_terminal_keeps_what_was_printed_and_shows_the_foot_once() {
        for (narrower, painted) in
            [(60, LONG.to_owned()), (40, LONG.replace("line", "\u{1b}[33mline\u{1b}[0m"))]
        {
            let mut screen = Screen::new(120, 24);
            screen.print("a notice");
            screen.draw(&[&painted, &painted, "bar"]);
            screen.terminal.resize(narrower, 24);
            screen.draw(&["bar", "more"]);
            assert_eq!(screen.lines(), ["$ one", "$ two", "a notice", "bar", "more"], "{narrower}");
            screen.terminal.resize(150, 24);
            screen.print("another");
            screen.draw(&[&painted, "bar"]);
            assert_eq!(screen.lines(), ["$ one", "$ two", "a notice", "another", LONG, "bar"], "{narrower}");
        }
    }

    #[test]
    fn a_low_terminal_scrolls_and_is_drawn_over_all_the_same() {
        let mut screen = Screen::new(40, 6);
        for number in 0..10 {
            screen.print(&format!("notice {number}"));
            screen.draw(&["! one", &format!("bar {number}"), "more"]);
        }
        let lines = screen.lines();
        assert_eq!(lines.len(), 2 + 10 + 3, "{lines:?}");
        assert_eq!(lines[11..], ["notice 9", "! one", "bar 9", "more"]);
        // More than there is room for is not drawn.
        screen.draw(&["1", "2", "3", "4", "5", "6", "7"]);
        screen.draw(&["bar"]);
        assert_eq!(screen.lines()[2..], [&lines[2..12], &["bar".to_owned()]].concat());
    }

    #[test]
    fn what_is_left_stays_and_is_drawn_over_no_more() {
        let mut screen = Screen::new(80, 24);
        screen.draw(&["bar"]);
        screen.foot.leave();
        screen.draw(&["late"]);
        screen.print("error: no");
        assert_eq!(screen.lines(), ["$ one", "$ two", "bar", "error: no"]);
    }
}
