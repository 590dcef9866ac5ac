//! Standard error as a terminal: what people see while a run goes on, and what stays when it is over.

use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::*;

/// A pseudo-terminal with what a person would see on it.
struct Terminal {
    master: OwnedFd,
    seen: Arc<Mutex<Seen>>,
}

struct Seen {
    screen: avt::Terminal,
    /// All that was written, escapes included.
    raw: String,
}

impl Terminal {
    fn open(columns: u16, rows: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let mut screen = avt::Terminal::with_scrollback(columns.into(), rows.into(), None).unwrap();
        // It has been in use: the cursor is at the bottom.
        screen.feed("\r\n".repeat(rows.into()).as_str());
        let terminal = Terminal { master, seen: Arc::new(Mutex::new(Seen { screen, raw: String::new() })) };
        terminal.tell_size(columns, rows);
        let (seen, mut output) =
            (terminal.seen.clone(), std::fs::File::from(terminal.master.try_clone().unwrap()));
        std::thread::spawn(move || {
            let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
            // It ends with an error when the last process has closed its end.
            while let Ok(length @ 1..) = output.read(&mut buffer) {
                bytes.extend_from_slice(&buffer[..length]);
                // The rest of a character comes with the next piece.
                let whole = std::str::from_utf8(&bytes).map_or_else(|error| error.valid_up_to(), str::len);
                let rest = bytes.split_off(whole);
                let text = String::from_utf8(std::mem::replace(&mut bytes, rest)).unwrap();
                let mut seen = seen.lock().unwrap();
                seen.screen.feed(text.as_str());
                seen.raw += &text;
            }
        });
        terminal
    }

    fn tell_size(&self, columns: u16, rows: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(self.master.as_fd(), size).unwrap();
    }

    fn resize(&self, columns: u16, rows: u16) {
        self.seen.lock().unwrap().screen.resize(columns.into(), rows.into());
        self.tell_size(columns, rows);
    }

    /// The end that a process takes for its standard error.
    fn end(&self) -> Stdio {
        let name = ptsname(&self.master, Vec::new()).unwrap();
        rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap().into()
    }

    fn start(&self, folder: &Folder, arguments: &[&str], environment: &[(&str, &str)]) -> Running {
        let mut command = folder.command(arguments);
        command.env("TERM", "xterm-256color").envs(environment.iter().copied());
        Running::of(command.stdout(Stdio::piped()).stderr(self.end()))
    }

    /// The lines without those that are empty, those that have scrolled away included.
    fn lines(&self) -> Vec<String> {
        let lines = self.seen.lock().unwrap().screen.screen().text();
        lines.iter().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
    }

    fn shows(&self, words: &str) -> bool {
        self.lines().iter().any(|line| line.contains(words))
    }

    fn raw(&self) -> String {
        self.seen.lock().unwrap().raw.clone()
    }
}

/// Rows of which every tenth has too long a name.
fn with_faults(rows: usize) -> String {
    let name = |row: usize| if row.is_multiple_of(10) { "x".repeat(1025) } else { format!("task {row}") };
    let rows = (0..rows).map(|row| format!("K{row},{}\n", name(row)));
    std::iter::once("id,Name\n".to_owned()).chain(rows).collect()
}

#[test]
fn a_terminal_that_is_resized_during_the_run_shows_everything_once() {
    let folder = Folder::new();
    folder.write("t.csv", with_faults(40));
    // Three answers are held back until the terminal has been resized.
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap();
    let held = gate.clone();
    let endpoint = Endpoint::start(move |number, _| {
        if number >= 33 {
            drop(held.lock());
        }
        Reply::Created
    });
    let url = endpoint.url();
    let terminal = Terminal::open(100, 24);
    let running = terminal.start(&folder, &import(&url, &[]), &[]);
    until("it is under way", || terminal.shows("33 of 36 rows"));
    assert!(terminal.shows("! 4 rejected: Validation: Name: at most 1024 characters are allowed"));
    for (columns, rows, cells) in [(60, 24, 29), (40, 10, 9), (140, 30, 40)] {
        terminal.resize(columns, rows);
        // As many cells as there is room for tell that it was drawn for this width.
        let is_bar =
            |line: &String| line.starts_with("importing ") && line.matches(['█', '░']).count() == cells;
        until("it is drawn anew", || terminal.lines().iter().any(is_bar));
    }
    drop(closed);
    running.end().expect(1);
    until("the last of it is there", || terminal.shows("imported"));
    let lines = terminal.lines();
    let bar = format!("imported {} 36 of 36 rows · 100%", "█".repeat(40));
    let expected = [
        "t.ledger.db is a new ledger",
        "checked: 40 rows read, 36 to send",
        "! 4 rejected: Validation: Name: at most 1024 characters are allowed (first: t.csv, line 2)",
        &bar,
    ];
    assert_eq!(lines, expected);
}

#[test]
fn an_interrupted_run_shows_that_it_drains_and_how_far_it_came() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(40));
    let endpoint = Endpoint::start(|number, _| if number < 5 { Reply::Created } else { Reply::Hang });
    let url = endpoint.url();
    let terminal = Terminal::open(80, 24);
    let arguments = import(&url, &["--concurrency", "3", "--read-timeout", "10m", "--grace", "2s"]);
    let running = terminal.start(&folder, &arguments, &[]);
    until("requests are under way", || terminal.shows("5 of 40 rows") && endpoint.requests().len() == 8);
    running.signal("INT");
    until("it drains", || terminal.shows("for 3 requests"));
    assert!(terminal.shows("draining "), "{:?}", terminal.lines());
    running.end().expect(130);
    until("the last of it is there", || terminal.shows("stopped "));
    let lines = terminal.lines();
    assert!(lines.iter().any(|line| line.starts_with("SIGINT: no new request is made")), "{lines:?}");
    assert!(lines.last().unwrap().starts_with("stopped "), "{lines:?}");
}

#[test]
fn colour_is_there_where_it_is_wanted_and_nowhere_else() {
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
        until("it is told", || terminal.shows("rejected: Validation"));
        terminal.raw()
    };
    assert!(is_painted(&run(&[], &[])));
    assert!(!is_painted(&run(&["--color", "never"], &[])));
    assert!(!is_painted(&run(&[], &[("NO_COLOR", "1")])));
    assert!(!is_painted(&run(&[], &[("CONNECT_IMPORT_COLOR", "never")])));
    assert!(is_painted(&run(&["--color=always"], &[("NO_COLOR", "1")])));
    // A terminal that moves no cursor has lines, and nothing but text in them.
    assert!(!run(&[], &[("TERM", "dumb")]).contains('\u{1b}'));

    // Beside a terminal there is none, unless somebody wants it; also before the flags are understood.
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
