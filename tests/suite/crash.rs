//! The crash matrix: a run is killed at every crash point and at random times, while the sandbox injects faults.
//! The command is then repeated until it completes. Every key must have one contact with the id in the ledger, no row
//! may be lost, and the rejects file must be complete.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::consistency::*;
use crate::support::*;

/// Faults of the sandbox. They are rare, because a run pauses after two in a row.
const FAULTS: [&str; 8] = ["--lose", "0.03", "--fail", "0.01", "--reset", "0.01", "--slow", "0.05:20ms"];

/// One attempt per run: the next run repeats an unanswered attempt without a backoff.
const OPTIONS: [&str; 6] = ["--max-attempts", "1", "--concurrency", "4", "--progress", "none"];

/// Maximum number of runs to complete an import.
const RESUMES: usize = 30;

/// An import into a sandbox of its own that is killed and resumed.
struct Import {
    folder: Folder,
    sandbox: SandboxProcess,
    /// Options of every run.
    options: Vec<&'static str>,
    /// Every run so far, for the message of a failed assertion.
    history: String,
    /// Keys of rows that can be created.
    keys: BTreeSet<String>,
    /// Rows that must be rejected.
    faulty: Vec<Reject>,
    kills: usize,
}

impl Import {
    /// An import of `rows` rows, a twentieth of which must be rejected.
    fn of(rows: usize, seed: u64, faults: &[&str]) -> Self {
        let folder = Folder::new();
        let sandbox = sandbox(&folder, seed, faults);
        let (mut text, mut line) = ("id,Name,Description,Attributes.id\n".to_owned(), 2);
        let (mut keys, mut faulty) = (BTreeSet::new(), Vec::new());
        for number in 0..rows {
            let key = format!("K{number}");
            let name = if number % 20 == 7 { name_too_long() } else { format!("Task {number}") };
            // A cell of two lines, so that a line number differs from the row number.
            let (description, lines) = if number % 10 == 3 { ("one\ntwo", 2) } else { ("one", 1) };
            text.push_str(&format!("{key},{name},\"{description}\",{key}\n"));
            if number % 20 == 7 {
                let cells = [&key, &name, description, &key].map(str::to_owned).into();
                faulty.push(Reject { line, key, state: "rejected".to_owned(), cells });
            } else {
                keys.insert(key);
            }
            line += lines;
        }
        folder.write("t.csv", text);
        let options = OPTIONS.to_vec();
        Import { folder, sandbox, options, history: format!("seed {seed}"), keys, faulty, kills: 0 }
    }

    fn start(&self, more: &[&str]) -> Running {
        let url = self.sandbox.url();
        let options: Vec<&str> = self.options.iter().chain(more).copied().collect();
        self.folder.start(&import(&url, &options))
    }

    /// Runs to a crash point that must be reached.
    fn crash(&mut self, more: &[&str]) {
        let before = self.rejects_file();
        let ended = self.start(more).end();
        self.history.push_str(&format!("; {more:?} ended in {:?}", ended.code));
        assert_eq!(ended.code, None, "{}: the crash point was not reached\n{}", self.history, ended.stderr);
        self.check_after_kill();
        assert!(before == self.rejects_file(), "{}: the rejects file has changed", self.history);
    }

    /// Runs to a crash point that may not be reached.
    fn crash_or_end(&mut self, more: &[&str]) {
        let ended = self.start(more).end();
        self.history.push_str(&format!("; {more:?} ended in {:?}", ended.code));
        assert!(matches!(ended.code, None | Some(0 | 1 | 75)), "{}\n{}", self.history, ended.stderr);
        self.check_after_kill();
    }

    /// Ledger and rejects file must agree with the sandbox after every kill, and be private to their owner.
    fn check_after_kill(&mut self) {
        self.kills += 1;
        let contradictions = contradictions(&rows(&self.folder), &contacts(&self.sandbox));
        assert!(contradictions.is_empty(), "{}: {contradictions:#?}", self.history);
        let names = std::fs::read_dir(self.folder.path("")).unwrap();
        for name in names.map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
            let is_ours = name.starts_with(LEDGER) && !name.ends_with(".lock");
            assert!(!is_ours || is_private(&self.folder, &name), "{}: {name}", self.history);
        }
        rejects(&self.folder);
    }

    fn rejects_file(&self) -> Option<Vec<u8>> {
        std::fs::read(self.folder.path(REJECTS)).ok()
    }

    /// Repeats the command until it exits with 0 or 1.
    fn resume(&mut self) -> Vec<Row> {
        let mut code = Some(75);
        for _ in 0..RESUMES {
            let ended = self.start(&[]).end();
            code = ended.code;
            self.history.push_str(&format!("; resumed: {code:?}"));
            if code != Some(75) {
                assert!(matches!(code, Some(0 | 1)), "{}\n{}", self.history, ended.stderr);
                break;
            }
        }
        let rows = rows(&self.folder);
        let is_incomplete = rows.iter().any(|row| row.state != "created");
        assert_eq!(code, Some(i32::from(is_incomplete)), "{}", self.history);
        rows
    }

    /// Every row is in the ledger once, no temporary file is left, and the files are private to their owner.
    fn expect_complete(&self, rows: &[Row], contacts: &[Contact]) {
        let contradictions = contradictions(rows, contacts);
        assert!(contradictions.is_empty(), "{}: {contradictions:#?}", self.history);
        let all: BTreeSet<&String> = rows.iter().map(|row| &row.key).collect();
        let faulty = self.faulty.iter().map(|reject| &reject.key);
        assert_eq!(all, self.keys.iter().chain(faulty).collect(), "{}", self.history);
        assert_eq!(all.len(), rows.len(), "{}: a key has two rows", self.history);
        assert_eq!(left_behind(&self.folder), Vec::<String>::new(), "{}", self.history);
        assert!(self.folder.path(REJECTS).exists() || self.faulty.is_empty());
        for name in [LEDGER, REJECTS] {
            assert!(is_private(&self.folder, name), "{}: {name}", self.history);
        }
    }

    /// Resumes, and expects one contact per key and exactly the faulty rows in the rejects file.
    fn resume_to_one_contact_per_key(mut self) {
        let rows = self.resume();
        let contacts = contacts(&self.sandbox);
        self.expect_complete(&rows, &contacts);
        let keys: BTreeSet<&String> = contacts.iter().map(|contact| &contact.key).collect();
        assert_eq!(keys, self.keys.iter().collect(), "{}", self.history);
        assert_eq!(contacts.len(), self.keys.len(), "{}", self.history);
        for row in &rows {
            let expected = if self.keys.contains(&row.key) { "created" } else { "rejected" };
            assert_eq!(row.state, expected, "{}: {row:?}", self.history);
        }
        assert!(rejects(&self.folder) == self.faulty, "{}: {:?}", self.history, self.folder.read(REJECTS));
    }

    /// Resumes where Connect ignores client tokens: a row in doubt becomes unknown and gets no second contact.
    fn resume_without_duplicates(mut self) {
        let rows = self.resume();
        self.expect_complete(&rows, &contacts(&self.sandbox));
        let mut expected = self.faulty.clone();
        for row in rows.iter().filter(|row| self.keys.contains(&row.key)) {
            assert!(matches!(&*row.state, "created" | "unknown"), "{}: {row:?}", self.history);
        }
        let unknown = rows.iter().filter(|row| row.state == "unknown");
        let rejected = rejects(&self.folder);
        let cells = |line| rejected.iter().find(|reject| reject.line == line).unwrap().cells.clone();
        expected.extend(unknown.map(|row| Reject {
            line: row.line,
            key: row.key.clone(),
            state: row.state.clone(),
            cells: cells(row.line),
        }));
        expected.sort();
        let mut rejected = rejected.clone();
        rejected.sort();
        assert!(rejected == expected, "{}: {:?}", self.history, self.folder.read(REJECTS));
    }
}

/// A sandbox that keeps its contacts in a file, so that another one can replace it.
fn sandbox(folder: &Folder, seed: u64, faults: &[&str]) -> SandboxProcess {
    let seed = seed.to_string();
    let mut arguments = vec!["--rate", "0", "--state", "contacts.jsonl", "--seed", &seed];
    arguments.extend(faults);
    SandboxProcess::start(folder, &arguments)
}

/// Rows of an import that is killed at crash points.
const ROWS: usize = 60;

/// Kills the first and the second run when they reach a crash point for the nth time, and then resumes.
fn killed_twice_at(point: &str, times: &[usize]) {
    for (number, nth) in times.iter().enumerate() {
        let at = format!("{point}:{nth}");
        for seed in [1, 2] {
            let mut import = Import::of(ROWS, 10 * number as u64 + seed, &FAULTS);
            import.crash(&["--crash-at", &at]);
            import.crash_or_end(&["--crash-at", &at]);
            import.resume_to_one_contact_per_key();
        }
    }
}

#[test]
fn killed_while_the_ledger_is_created() {
    killed_twice_at("migration", &[1]);
}

#[test]
fn killed_while_the_input_is_checked() {
    killed_twice_at("check", &[1, 2, 31, 60]);
}

#[test]
fn killed_before_an_intent_is_recorded() {
    killed_twice_at("before-intent", &[1, 2, 9, 30, 57]);
}

#[test]
fn killed_after_an_intent_is_recorded() {
    killed_twice_at("after-intent", &[1, 2, 9, 30, 57]);
}

#[test]
fn killed_before_an_answer_is_recorded() {
    killed_twice_at("after-answer", &[1, 2, 9, 30, 57]);
}

#[test]
fn killed_before_the_ledger_commits() {
    killed_twice_at("before-commit", &[1, 2, 3, 4, 5, 6, 7, 8, 20, 33]);
}

#[test]
fn killed_after_the_ledger_commits() {
    killed_twice_at("after-commit", &[1, 2, 3, 4, 5, 6, 7, 8, 20, 33]);
}

#[test]
fn killed_before_the_rejects_file_is_renamed() {
    killed_twice_at("rejects", &[1, 1]);
    // The rejects file of an earlier run stays unchanged.
    let mut import = Import::of(ROWS, 1, &FAULTS);
    let ended = import.start(&["--limit", "5"]).end();
    assert!(matches!(ended.code, Some(10 | 75)), "{}", ended.stderr);
    assert_eq!(rejects(&import.folder), import.faulty);
    import.crash(&["--crash-at", "rejects"]);
    import.resume_to_one_contact_per_key();
}

#[test]
fn killed_before_the_rejects_file_is_renamed_and_the_next_run_has_no_rejects() {
    let mut import = Import::of(ROWS, 1, &[]);
    import.crash(&["--crash-at", "rejects"]);
    let corrected = import.folder.read("t.csv").replace(&name_too_long(), "corrected");
    import.folder.write("t.csv", corrected);
    import.keys.extend(import.faulty.drain(..).map(|reject| reject.key));
    import.resume_to_one_contact_per_key();
}

#[test]
fn killed_during_the_shutdown_after_a_signal() {
    for (seed, signal, burst) in [(1, "TERM", 1), (2, "INT", 8), (3, "TERM", 25), (4, "INT", 50)] {
        let mut import = Import::of(ROWS, seed, &FAULTS);
        // The burst is less than the rows, and the rate so low that the signal always comes before the last row.
        let allowed = burst.to_string();
        let running = import.start(&["--crash-at", "shutdown", "--rate", "2", "--burst", &allowed]);
        until("some rows are created", || import.sandbox.stat("created") > burst / 2);
        running.signal(signal);
        let ended = running.end();
        assert_eq!(ended.code, None, "{}", ended.stderr);
        import.check_after_kill();
        import.resume_to_one_contact_per_key();
    }
}

#[test]
fn killed_during_the_shutdown_after_a_budget_is_reached() {
    let plans: [&[&str]; 4] = [
        &["--max-errors", "0"],
        // Without the check the faulty rows are found between requests.
        &["--max-errors", "0", "--no-check"],
        &["--max-errors", "1", "--no-check"],
        &["--max-duration", "5s", "--rate", "0.0001", "--burst", "1"],
    ];
    for (number, plan) in plans.into_iter().enumerate() {
        let mut import = Import::of(ROWS, number as u64 + 1, &FAULTS);
        import.crash(&[&["--crash-at", "shutdown"], plan].concat());
        import.resume_to_one_contact_per_key();
    }
}

#[test]
fn killed_while_requests_are_received_and_not_answered() {
    for (seed, created, in_flight) in [(1, 0, 1), (2, 0, 4), (3, 20, 4), (4, 50, 3)] {
        let mut import = Import::of(ROWS, seed, &FAULTS);
        if created > 0 {
            let limit = created.to_string();
            import.start(&["--limit", &limit]).end();
        }
        // The next sandbox creates contacts and does not answer within the time of this test.
        drop(import.sandbox);
        import.sandbox = sandbox(&import.folder, seed, &["--slow", "1:1h"]);
        let concurrency = in_flight.to_string();
        let running = import.start(&["--concurrency", &concurrency, "--read-timeout", "1h"]);
        let received = || import.sandbox.stat("created") + import.sandbox.stat("replayed");
        until("requests are received", || received() >= in_flight);
        running.signal("KILL");
        running.end();
        import.check_after_kill();
        let tokens: BTreeSet<String> =
            contacts(&import.sandbox).into_iter().map(|contact| contact.token).collect();
        let rows = rows(&import.folder);
        let sent = rows.iter().filter(|row| row.state == "in_flight" && tokens.contains(&row.token));
        assert_eq!(sent.count() as u64, in_flight, "{}", import.history);
        drop(import.sandbox);
        import.sandbox = sandbox(&import.folder, seed + 100, &FAULTS);
        import.resume_to_one_contact_per_key();
    }
}

#[test]
fn killed_at_random_moments() {
    for seed in 1..=3 {
        let faults = ["--latency", "5ms", "--lose", "0.003", "--fail", "0.001", "--slow", "0.01:100ms"];
        let mut import = Import::of(2000, seed, &faults);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..12 {
            // At this rate the twelve runs, of 300 ms at most, send fewer requests than there are rows.
            let mut running = import.start(&["--concurrency", "32", "--rate", "400", "--burst", "20"]);
            std::thread::sleep(Duration::from_millis(random.u64(5..300)));
            if running.is_over() {
                break;
            }
            running.signal("KILL");
            running.end();
            import.check_after_kill();
        }
        assert!(import.kills > 1, "seed {seed}: the run ended before it was killed");
        import.resume_to_one_contact_per_key();
    }
}

#[test]
fn killed_where_connect_ignores_client_tokens_no_row_has_two_contacts() {
    let faults = [&FAULTS[..], &["--forget-completed"]].concat();
    let points = ["check:30", "before-intent:9", "after-intent:9", "after-answer:9", "after-answer:30"];
    let points = [&points[..], &["before-commit:12", "after-commit:12", "after-commit:25"]].concat();
    for (number, point) in points.into_iter().enumerate() {
        let mut import = Import::of(ROWS, number as u64 + 1, &faults);
        import.options.extend(["--on-unknown", "hold"]);
        import.crash(&["--crash-at", point]);
        import.crash_or_end(&["--crash-at", point]);
        import.resume_without_duplicates();
    }
}
