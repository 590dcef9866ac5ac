//! Control characters in names of files, columns and options never reach a terminal, a log or a page as they are.

use crate::support::*;
use crate::terminal::Terminal;

/// Sequences that clear a terminal, set its title and change a colour; a line break with a forged error; C1, and a reversal.
const HOSTILE: &str = "x\u{1b}[2J\u{1b}]0;t\u{7}\u{1b}[35m\r\u{8}\u{9b}2J\u{7f}\u{202e}\nerror: forged\t.";

fn named(end: &str) -> String {
    format!("{HOSTILE}{end}")
}

/// A folder with a CSV and a job file of hostile names, and a ledger of a rehearsal with one created and one rejected row.
struct Hostile {
    folder: Folder,
    csv: String,
    job: String,
    ledger: String,
}

impl Hostile {
    fn new() -> Self {
        let folder = Folder::new();
        let (csv, job, ledger) = (named("csv"), named("toml"), named("db"));
        let column = format!("\"{}\"", named("column").replace('\n', " "));
        folder.write(&csv, format!("id,Name,{column}\nK0,Task,a\n\"K\u{1b}[2J1\",{},b\n", "x".repeat(2000)));
        folder.write(&job, "[source]\nkey = [\"id\"]\n[request]\nName = \"{{ row['Name'] }}\"\n");
        Hostile { folder, csv, job, ledger }
    }

    /// Commands that read and write these files, and commands that fail with their names.
    fn commands(&self) -> Vec<Vec<&str>> {
        let Hostile { csv, job, ledger, .. } = self;
        let missing = "missing\u{1b}[2J\nerror: forged";
        vec![
            vec!["run", csv, "--job", job, "--ledger", ledger, "--sandbox", "-v"],
            vec!["run", csv, "--job", job, "--ledger", ledger, "--sandbox", "--output", "json"],
            vec!["check", csv, "--job", job, "--ledger", ledger, "--sandbox", "--show", "2"],
            vec!["check", csv, "--job", job, "--ledger", ledger, "--sandbox", "--output", "json"],
            vec!["status", "--ledger", ledger],
            vec!["status", "--ledger", ledger, "--output", "json"],
            vec!["doctor", csv, "--job", job, "--ledger", ledger, "--sandbox"],
            vec!["report", "--ledger", ledger, "--to", "page.html", "--force"],
            vec!["verify", csv, "--job", job, "--ledger", missing, "--sandbox"],
            vec!["init", csv, "--job", "new.toml"],
            vec!["run", missing, "--sandbox"],
            vec!["run", csv, "--job", missing, "--sandbox"],
            vec!["run", csv, "--sandbox", "--key", missing],
            vec!["run", csv, "--sandbox", "--column", missing],
            vec!["run", csv, "--sandbox", "--rate", missing],
            vec!["run", csv, "--instance-id", missing],
            vec!["run", csv, "--instance-id", "i", "--profile", missing],
            vec!["run", csv, "--sandbox", "--region", missing],
            vec!["run", csv, "--instance-id", "i", "--endpoint-url", missing],
            vec!["run", csv, "--sandbox", "--ledger", "/missing\u{1b}[2J/x"],
            vec!["export", "--ledger", missing, "--state", "created"],
            vec![missing],
        ]
    }
}

/// The first character that a terminal may obey.
#[track_caller]
fn expect_printable(text: &str, of: &[&str]) {
    let found = text.chars().find(|c| *c != '\n' && (c.is_control() || *c == '\u{202e}'));
    assert_eq!(found, None, "{of:?}: {text:?}");
}

#[test]
fn no_command_writes_a_control_character_of_a_name() {
    for log in [&["--debug"][..], &["--debug", "--log-format", "json"], &[]] {
        let hostile = Hostile::new();
        for command in hostile.commands() {
            let logged = [log, &["--log-file", "t.log"]].concat();
            let arguments = [&command[..], if command.len() > 1 { &logged } else { &[] }].concat();
            let ended = Ended::from(hostile.folder.command(&arguments).env("TZ", HOSTILE).output().unwrap());
            assert_ne!(ended.code, Some(101), "{command:?}: {}", ended.stderr);
            expect_printable(&ended.stdout, &command);
            expect_printable(&ended.timed_stderr, &command);
        }
        expect_printable(&hostile.folder.read("t.log"), log);
        let page = hostile.folder.read("page.html");
        assert!(!page.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')), "{page:?}");
        assert_eq!(hostile.folder.states(&hostile.ledger), "created 1, rejected 1");
    }
}

#[test]
fn a_path_with_a_line_break_begins_no_line() {
    let hostile = Hostile::new();
    for command in hostile.commands() {
        // clap quotes an argument with its line breaks, inside of quotes.
        let ended = hostile.folder.run(&command);
        let is_forged = |text: &str| text.lines().any(|line| line.starts_with("error: forged\t"));
        assert!(!is_forged(&ended.stdout) && !is_forged(&ended.stderr), "{command:?}: {}", ended.stderr);
        assert!(!ended.stderr.contains("\nerror: forged ."), "{command:?}: {}", ended.stderr);
    }
}

#[test]
fn a_terminal_gets_no_other_escape_sequences_than_this_tools_own() {
    let hostile = Hostile::new();
    for command in hostile.commands() {
        let terminal = Terminal::open(100, 40);
        let running = terminal.start_on_it(&hostile.folder, &[&command[..], &["--color", "always"]].concat());
        running.end();
        until("the terminal has shown everything", || terminal.is_closed());
        let raw = terminal.raw();
        for own in ["\u{1b}[2J", "\u{1b}]0;", "\u{1b}[35m", "\u{7}", "\u{8}", "\u{9b}", "\u{7f}", "\u{202e}"]
        {
            assert!(!raw.contains(own), "{command:?} wrote {own:?}: {raw:?}");
        }
    }
}

#[test]
fn rows_for_programs_are_escaped_on_a_terminal_alone() {
    let hostile = Hostile::new();
    hostile.folder.run(&hostile.commands()[0]).expect(1);
    for format in ["csv", "json"] {
        let export =
            ["export", "--ledger", &hostile.ledger, "--state", "created,rejected", "--output", format];
        let piped = hostile.folder.run(&export).expect(0).stdout;
        assert!(piped.contains('\u{9b}'), "{piped:?}");
        let terminal = Terminal::open(200, 40);
        terminal.start_on_it(&hostile.folder, &export).end();
        until("the terminal has shown everything", || terminal.is_closed());
        let raw = terminal.raw();
        assert!(raw.contains("K0") && !raw.contains(['\u{1b}', '\u{9b}', '\u{7}']), "{raw:?}");
    }
}
