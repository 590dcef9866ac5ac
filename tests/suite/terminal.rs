//! Standard error as a terminal: the status area during a run, and the lines that stay after it.

use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::*;

/// A pseudo-terminal and an emulation of its screen.
pub struct Terminal {
    master: OwnedFd,
    seen: Arc<Mutex<Seen>>,
}

struct Seen {
    screen: avt::Terminal,
    /// Everything that was written, with escape sequences.
    raw: String,
    is_closed: bool,
}

impl Terminal {
    pub fn open(columns: u16, rows: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let mut screen = avt::Terminal::with_scrollback(columns.into(), rows.into(), None).unwrap();
        // The cursor of a used terminal is at the bottom.
        screen.feed("\r\n".repeat(rows.into()).as_str());
        let terminal = Terminal {
            master,
            seen: Arc::new(Mutex::new(Seen { screen, raw: String::new(), is_closed: false })),
        };
        terminal.set_size(columns, rows);
        let (seen, mut output) =
            (terminal.seen.clone(), std::fs::File::from(terminal.master.try_clone().unwrap()));
        let closing = terminal.seen.clone();
        std::thread::spawn(move || {
            let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
            // Reading fails when the last process has closed its end.
            while let Ok(length @ 1..) = output.read(&mut buffer) {
                bytes.extend_from_slice(&buffer[..length]);
                // The rest of a character arrives with the next read.
                let whole = std::str::from_utf8(&bytes).map_or_else(|error| error.valid_up_to(), str::len);
                let rest = bytes.split_off(whole);
                let text = String::from_utf8(std::mem::replace(&mut bytes, rest)).unwrap();
                let mut seen = seen.lock().unwrap();
                seen.screen.feed(text.as_str());
                seen.raw += &text;
            }
            closing.lock().unwrap().is_closed = true;
        });
        terminal
    }

    fn set_size(&self, columns: u16, rows: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(self.master.as_fd(), size).unwrap();
    }

    fn resize(&self, columns: u16, rows: u16) {
        self.seen.lock().unwrap().screen.resize(columns.into(), rows.into());
        self.set_size(columns, rows);
    }

    /// The end for the standard error of a process.
    fn end(&self) -> Stdio {
        let name = ptsname(&self.master, Vec::new()).unwrap();
        rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap().into()
    }

    fn start(&self, folder: &Folder, arguments: &[&str], environment: &[(&str, &str)]) -> Running {
        self.start_with(folder, arguments, environment, Stdio::piped())
    }

    fn start_with(
        &self,
        folder: &Folder,
        arguments: &[&str],
        environment: &[(&str, &str)],
        stdout: Stdio,
    ) -> Running {
        let mut command = folder.command(arguments);
        command.env("TERM", "xterm-256color").envs(environment.iter().copied());
        Running::of(command.stdout(stdout).stderr(self.end()))
    }

    /// Starts a process whose standard input is the terminal too.
    pub fn start_with_input(
        &self,
        folder: &Folder,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Running {
        let mut command = folder.command(arguments);
        command.env("TERM", "xterm-256color").envs(environment.iter().copied());
        Running::of(command.stdin(self.end()).stdout(Stdio::piped()).stderr(self.end()))
    }

    /// Types on the keyboard of the terminal.
    pub fn type_text(&self, text: &str) {
        std::fs::File::from(self.master.try_clone().unwrap()).write_all(text.as_bytes()).unwrap();
    }

    /// Rows of the screen and of what has scrolled off it, without empty ones. indicatif fills every row to
    /// its end, so the terminal takes all rows of a draw for one wrapped line.
    pub fn rows(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let rows = seen.screen.screen().all_lines().map(|line| line.text().trim_end().to_owned());
        rows.filter(|row| !row.is_empty()).collect()
    }

    pub fn shows(&self, text: &str) -> bool {
        self.rows().iter().any(|row| row.contains(text))
    }

    /// Starts a process whose standard output and standard error are the terminal.
    pub fn start_on_it(&self, folder: &Folder, arguments: &[&str]) -> Running {
        self.start_with(folder, arguments, &[], self.end())
    }

    /// Whether the last process has closed its end, so that everything was read.
    pub fn is_closed(&self) -> bool {
        self.seen.lock().unwrap().is_closed
    }

    pub fn raw(&self) -> String {
        self.seen.lock().unwrap().raw.clone()
    }
}

/// Rows, every tenth of which has a name that is too long.
fn with_faults(rows: usize) -> String {
    let name = |row: usize| if row.is_multiple_of(10) { "x".repeat(1025) } else { format!("task {row}") };
    let rows = (0..rows).map(|row| format!("K{row},{}\n", name(row)));
    std::iter::once("id,Name\n".to_owned()).chain(rows).collect()
}

#[test]
fn a_resized_terminal_keeps_every_printed_line_and_shows_the_status_area_for_its_width() {
    let folder = Folder::new();
    folder.write("t.csv", with_faults(40));
    // Three replies are held back until the terminal has been resized.
    let gate = Gate::default();
    let held = gate.clone();
    let endpoint = Endpoint::start(move |number, _| {
        if number >= 33 {
            held.pass();
        }
        Reply::Created
    });
    let url = endpoint.url();
    let terminal = Terminal::open(100, 24);
    let running = terminal.start(&folder, &import(&url, &[]), &[]);
    until("33 rows are sent", || terminal.shows("33 of 36 rows"));
    assert!(terminal.shows("! 4 rejected: Validation: Name: at most 1024 characters are allowed"));
    for (columns, rows, cells) in [(60, 24, 30), (40, 10, 10), (140, 30, 40)] {
        terminal.resize(columns, rows);
        // The bar fills the width, so the number of cells identifies a draw for this width.
        let is_bar = |row: &String| row.starts_with("importing ") && row.matches(['█', '░']).count() == cells;
        until("the status area has the new width", || terminal.rows().iter().any(is_bar));
    }
    gate.open();
    running.end().expect(1);
    until("the run has ended", || terminal.shows("imported"));
    let rows = terminal.rows();
    let fault = "! 4 rejected: Validation: Name: at most 1024 characters are allowed (first: t.csv, line 2)";
    let bar = format!("imported {} 36 of 36 rows · 100%", "█".repeat(40));
    assert_eq!(rows[..2], ["t.ledger.db is a new ledger", "checked: 40 rows read, 36 to send"]);
    assert_eq!(rows[rows.len() - 2..], [fault, &bar]);
    assert!(!rows.iter().any(|row| row.contains("importing ")), "no earlier draw is left: {rows:#?}");
    let announced = rows.iter().filter(|row| row.starts_with("  ")).count();
    assert_eq!((announced, rows.len()), (7, 12), "{rows:#?}");
}

#[test]
fn an_interrupted_run_shows_the_drain_and_its_last_progress() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(40));
    let gate = Gate::default();
    let held = gate.clone();
    let endpoint = Endpoint::start(move |number, _| {
        if number >= 5 {
            held.pass();
        }
        Reply::Created
    });
    let url = endpoint.url();
    let terminal = Terminal::open(80, 24);
    let arguments = import(&url, &["--concurrency", "3", "--read-timeout", "10m", "--grace", "10m"]);
    let running = terminal.start(&folder, &arguments, &[]);
    until("three requests are in flight", || {
        terminal.shows("5 of 40 rows") && endpoint.requests().len() == 8
    });
    // The terminal echoes it. It controls no process, so it sends no signal.
    terminal.type_text("\u{3}");
    until("the terminal has echoed it", || terminal.raw().contains("^C"));
    running.signal("INT");
    until("the drain is shown", || terminal.shows("for 3 requests · Ctrl-C again stops at once"));
    assert!(terminal.shows("draining "), "{:?}", terminal.rows());
    assert!(!terminal.shows("importing ") && !terminal.shows("^C"), "{:?}", terminal.rows());
    gate.open();
    running.end().expect(130);
    until("the last draw is shown", || terminal.shows("stopped "));
    let rows = terminal.rows();
    assert!(rows.iter().any(|row| row.starts_with("SIGINT: stopping, no new request is sent")), "{rows:?}");
    assert!(rows.last().unwrap().starts_with("stopped "), "{rows:?}");
}

#[test]
fn nothing_of_the_status_area_is_left_above_a_report_on_the_same_terminal() {
    let folder = Folder::new();
    folder.write("t.csv", with_faults(20));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let terminal = Terminal::open(100, 24);
    let running = terminal.start_with(&folder, &import(&url, &[]), &[], terminal.end());
    running.end().expect(1);
    until("the report is shown", || terminal.shows("throttled 0 times"));
    let rows = terminal.rows();
    assert_eq!(rows[0], "t.ledger.db is a new ledger");
    assert_eq!(rows[1], "checked: 20 rows read, 18 to send");
    let report = rows.iter().position(|row| row.starts_with("Finished, but ")).unwrap();
    assert!(rows[report - 1].starts_with("! 2 rejected: Validation: "), "{rows:#?}");
    assert!(rows[report - 2].starts_with("  ledger "), "{rows:#?}");
}

#[test]
fn with_verbose_each_problem_and_step_has_a_line_above_the_status_area() {
    let folder = Folder::new();
    folder.write("t.csv", with_faults(20));
    let endpoint = Endpoint::start(|number, _| match number {
        0 => Reply::Error(500, "InternalServiceException"),
        _ => Reply::Created,
    });
    let url = endpoint.url();
    let terminal = Terminal::open(160, 24);
    terminal.start(&folder, &import(&url, &["-v"]), &[]).end().expect(1);
    until("the run has ended", || terminal.shows("imported"));
    let rows = terminal.rows();
    for part in [
        "t.csv is read: 20 rows",
        "line 12 (key K10) is rejected",
        "is tried again: InternalServiceException",
    ] {
        assert!(rows.iter().any(|row| row.contains(part)), "{part} is not in {rows:#?}");
    }
    assert!(!rows.iter().any(|row| row.contains("Z ")), "no time on a terminal: {rows:#?}");
}

#[test]
fn colour_is_written_only_to_a_capable_terminal_or_on_request() {
    let folder = Folder::new();
    folder.write("t.csv", with_faults(1) + "K1,one\n");
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let colours = ["\u{1b}[33m", "\u{1b}[32m", "\u{1b}[31m"];
    let is_painted = |text: &str| colours.iter().any(|colour| text.contains(colour));
    let run = |flags: &[&str], environment: &[(&str, &str)]| {
        let terminal = Terminal::open(80, 24);
        let arguments = import(&url, &[&["--retry", "rejected"], flags].concat());
        terminal.start(&folder, &arguments, environment).end().expect(1);
        until("the fault is shown", || terminal.shows("rejected: Validation"));
        terminal.raw()
    };
    assert!(is_painted(&run(&[], &[])));
    assert!(!is_painted(&run(&["--color", "never"], &[])));
    assert!(!is_painted(&run(&[], &[("NO_COLOR", "1")])));
    assert!(!is_painted(&run(&[], &[("CONNECT_IMPORT_COLOR", "never")])));
    assert!(is_painted(&run(&["--color=always"], &[("NO_COLOR", "1")])));
    // A dumb terminal cannot move the cursor.
    assert!(!run(&[], &[("TERM", "dumb")]).contains('\u{1b}'));

    // Errors of the command line itself follow the same rules.
    let error = |flags: &[&str], environment: &[(&str, &str)]| {
        let mut command = folder.command(flags);
        Ended::from(command.envs(environment.iter().copied()).output().unwrap()).expect(2).stderr
    };
    for misuse in [&["run", "--sandbox"][..], &["run", "--no-such-flag"]] {
        assert!(!is_painted(&error(misuse, &[])));
        assert!(is_painted(&error(misuse, &[("CLICOLOR_FORCE", "1")])));
        assert!(is_painted(&error(misuse, &[("CONNECT_IMPORT_COLOR", "always")])));
        assert!(is_painted(&error(&[misuse, &["--color", "always"]].concat(), &[])));
        assert!(!is_painted(&error(&[misuse, &["--color=never"]].concat(), &[("CLICOLOR_FORCE", "1")])));
    }
}
