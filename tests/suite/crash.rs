//! The crash matrix: a run is killed at every moment that has a name, and at others, while the sandbox goes
//! wrong too; then the same command is run until it is done. One contact a key, every contact id true,
//! no row lost, and every reject in its place.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::*;
use crate::truth::*;

/// Faults that are seldom enough for two of them in a row, which make a run pause, to be rare.
const FAULTS: [&str; 8] = ["--lose", "0.03", "--fail", "0.01", "--reset", "0.01", "--slow", "0.05:20ms"];

/// One attempt: what goes unanswered is left to the next run, which needs no second to begin.
const OPTIONS: [&str; 6] = ["--max-attempts", "1", "--concurrency", "4", "--progress", "none"];

/// More runs than any of these imports needs.
const RESUMES: usize = 30;

/// An import that is killed and goes on, against a sandbox of its own.
struct Import {
    folder: Folder,
    sandbox: SandboxProcess,
    /// Of every run.
    options: Vec<&'static str>,
    /// For the failure's message.
    story: String,
    /// Keys of rows that can be created.
    keys: BTreeSet<String>,
    /// The others.
    faulty: Vec<Reject>,
    kills: usize,
}

impl Import {
    /// Of so many rows, of which a few must be rejected.
    fn of(rows: usize, seed: u64, faults: &[&str]) -> Self {
        let folder = Folder::new();
        let sandbox = sandbox(&folder, seed, faults);
        let (mut text, mut line) = ("id,Name,Description,Attributes.id\n".to_owned(), 2);
        let (mut keys, mut faulty) = (BTreeSet::new(), Vec::new());
        for number in 0..rows {
            let key = format!("K{number}");
            let name = if number % 20 == 7 { name_too_long() } else { format!("Task {number}") };
            // A cell of two lines, so that lines are not the numbers of rows.
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
        Import { folder, sandbox, options, story: format!("seed {seed}"), keys, faulty, kills: 0 }
    }

    fn start(&self, more: &[&str]) -> Running {
        let url = self.sandbox.url();
        let options: Vec<&str> = self.options.iter().chain(more).copied().collect();
        self.folder.start(&import(&url, &options))
    }

    /// A run that is expected to be killed by itself.
    fn crash(&mut self, more: &[&str]) {
        let before = self.rejects_file();
        let ended = self.start(more).end();
        self.story.push_str(&format!("; {more:?} ended in {:?}", ended.code));
        assert_eq!(ended.code, None, "{}: it was not reached\n{}", self.story, ended.stderr);
        self.look_at_the_dead();
        assert!(before == self.rejects_file(), "{}: the rejects file was touched", self.story);
    }

    /// A run that may be killed or come to its end before.
    fn crash_if_it_comes_to_that(&mut self, more: &[&str]) {
        let ended = self.start(more).end();
        self.story.push_str(&format!("; {more:?} ended in {:?}", ended.code));
        assert!(matches!(ended.code, None | Some(0 | 1 | 75)), "{}\n{}", self.story, ended.stderr);
        self.look_at_the_dead();
    }

    /// Whatever a dead run left behind, none of it is a lie.
    fn look_at_the_dead(&mut self) {
        self.kills += 1;
        let lies = lies(&rows(&self.folder), &contacts(&self.sandbox));
        assert!(lies.is_empty(), "{}: {lies:#?}", self.story);
        let names = std::fs::read_dir(self.folder.path("")).unwrap();
        for name in names.map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
            let is_ours = name.starts_with(LEDGER) && !name.ends_with(".lock");
            assert!(!is_ours || is_private(&self.folder, &name), "{}: {name}", self.story);
        }
        rejects(&self.folder);
    }

    fn rejects_file(&self) -> Option<Vec<u8>> {
        std::fs::read(self.folder.path(REJECTS)).ok()
    }

    /// The same command until it is done.
    fn resume(&mut self) -> Vec<Row> {
        let mut code = Some(75);
        for _ in 0..RESUMES {
            let ended = self.start(&[]).end();
            code = ended.code;
            self.story.push_str(&format!("; resumed: {code:?}"));
            if code != Some(75) {
                assert!(matches!(code, Some(0 | 1)), "{}\n{}", self.story, ended.stderr);
                break;
            }
        }
        let rows = rows(&self.folder);
        let left_over = rows.iter().any(|row| row.state != "created");
        assert_eq!(code, Some(i32::from(left_over)), "{}", self.story);
        rows
    }

    /// What must be true at the end, however it came to it.
    fn expect_an_orderly_end(&self, rows: &[Row], contacts: &[Contact]) {
        let lies = lies(rows, contacts);
        assert!(lies.is_empty(), "{}: {lies:#?}", self.story);
        let all: BTreeSet<&String> = rows.iter().map(|row| &row.key).collect();
        let faulty = self.faulty.iter().map(|reject| &reject.key);
        assert_eq!(all, self.keys.iter().chain(faulty).collect(), "{}", self.story);
        assert_eq!(all.len(), rows.len(), "{}: a key has two rows", self.story);
        assert_eq!(left_behind(&self.folder), Vec::<String>::new(), "{}", self.story);
        assert!(self.folder.path(REJECTS).exists() || self.faulty.is_empty());
        for name in [LEDGER, REJECTS] {
            assert!(is_private(&self.folder, name), "{}: {name}", self.story);
        }
    }

    /// Resumes, and expects one contact a key and the rejects to be just those that must be.
    fn end_with_one_contact_a_key(mut self) {
        let rows = self.resume();
        let contacts = contacts(&self.sandbox);
        self.expect_an_orderly_end(&rows, &contacts);
        let keys: BTreeSet<&String> = contacts.iter().map(|contact| &contact.key).collect();
        assert_eq!(keys, self.keys.iter().collect(), "{}", self.story);
        assert_eq!(contacts.len(), self.keys.len(), "{}", self.story);
        for row in &rows {
            let expected = if self.keys.contains(&row.key) { "created" } else { "rejected" };
            assert_eq!(row.state, expected, "{}: {row:?}", self.story);
        }
        assert!(rejects(&self.folder) == self.faulty, "{}: {:?}", self.story, self.folder.read(REJECTS));
    }

    /// Resumes where tokens mean nothing: what is in doubt is unknown and not doubled.
    fn end_without_a_double(mut self) {
        let rows = self.resume();
        self.expect_an_orderly_end(&rows, &contacts(&self.sandbox));
        let mut expected = self.faulty.clone();
        for row in rows.iter().filter(|row| self.keys.contains(&row.key)) {
            assert!(matches!(&*row.state, "created" | "unknown"), "{}: {row:?}", self.story);
        }
        let unknown = rows.iter().filter(|row| row.state == "unknown");
        let told = rejects(&self.folder);
        let cells = |line| told.iter().find(|reject| reject.line == line).unwrap().cells.clone();
        expected.extend(unknown.map(|row| Reject {
            line: row.line,
            key: row.key.clone(),
            state: row.state.clone(),
            cells: cells(row.line),
        }));
        expected.sort();
        let mut told = told.clone();
        told.sort();
        assert!(told == expected, "{}: {:?}", self.story, self.folder.read(REJECTS));
    }
}

/// A sandbox that keeps its contacts when it is started again.
fn sandbox(folder: &Folder, seed: u64, faults: &[&str]) -> SandboxProcess {
    let seed = seed.to_string();
    let mut arguments = vec!["--rate", "0", "--state", "contacts.jsonl", "--seed", &seed];
    arguments.extend(faults);
    SandboxProcess::start(folder, &arguments)
}

/// Rows of an import that is killed at named moments; a twentieth of them must be rejected.
const ROWS: usize = 60;

/// Killed at a moment when it comes for the nth time, by the first run and by the second, and then resumed.
fn killed_twice_at(point: &str, times: &[usize]) {
    for (number, nth) in times.iter().enumerate() {
        let at = format!("{point}:{nth}");
        for seed in [1, 2] {
            let mut import = Import::of(ROWS, 10 * number as u64 + seed, &FAULTS);
            import.crash(&["--crash-at", &at]);
            import.crash_if_it_comes_to_that(&["--crash-at", &at]);
            import.end_with_one_contact_a_key();
        }
    }
}

#[test]
fn killed_while_a_ledger_is_made() {
    killed_twice_at("migration", &[1, 2, 3]);
}

#[test]
fn killed_while_the_input_is_checked() {
    killed_twice_at("check", &[1, 2, 31, 60]);
}

#[test]
fn killed_before_the_ledger_knows_of_a_request() {
    killed_twice_at("before-intent", &[1, 2, 9, 30, 57]);
}

#[test]
fn killed_before_a_request_leaves() {
    killed_twice_at("after-intent", &[1, 2, 9, 30, 57]);
}

#[test]
fn killed_before_the_ledger_knows_of_an_answer() {
    killed_twice_at("after-answer", &[1, 2, 9, 30, 57]);
}

#[test]
fn killed_before_the_ledger_commits() {
    killed_twice_at("before-commit", &[1, 2, 3, 4, 5, 6, 7, 8, 20, 33]);
}

#[test]
fn killed_after_the_ledger_has_committed() {
    killed_twice_at("after-commit", &[1, 2, 3, 4, 5, 6, 7, 8, 20, 33]);
}

#[test]
fn killed_before_the_rejects_are_in_their_place() {
    killed_twice_at("rejects", &[1, 1]);
    // Where an earlier run has left its rejects, they stay as they were.
    let mut import = Import::of(ROWS, 1, &FAULTS);
    let ended = import.start(&["--limit", "5"]).end();
    assert!(matches!(ended.code, Some(10 | 75)), "{}", ended.stderr);
    assert_eq!(rejects(&import.folder), import.faulty);
    import.crash(&["--crash-at", "rejects"]);
    import.end_with_one_contact_a_key();
}

#[test]
fn killed_before_the_rejects_are_in_their_place_and_then_none_is_left() {
    let mut import = Import::of(ROWS, 1, &[]);
    import.crash(&["--crash-at", "rejects"]);
    let mended = import.folder.read("t.csv").replace(&name_too_long(), "mended");
    import.folder.write("t.csv", mended);
    import.keys.extend(import.faulty.drain(..).map(|reject| reject.key));
    import.end_with_one_contact_a_key();
}

#[test]
fn killed_when_a_signal_has_stopped_the_run() {
    for (seed, signal, created) in [(1, "TERM", 1), (2, "INT", 5), (3, "TERM", 20), (4, "INT", 40)] {
        let mut import = Import::of(ROWS, seed, &FAULTS);
        let running = import.start(&["--crash-at", "shutdown", "--rate", "150", "--burst", "1"]);
        until("some rows are created", || import.sandbox.stat("created") >= created);
        running.signal(signal);
        let ended = running.end();
        assert_eq!(ended.code, None, "{}", ended.stderr);
        import.look_at_the_dead();
        import.end_with_one_contact_a_key();
    }
}

#[test]
fn killed_when_the_run_has_stopped_as_it_was_planned() {
    let plans: [&[&str]; 5] = [
        &["--max-errors", "0"],
        // The rows that must be rejected are met among those that are sent.
        &["--max-errors", "0", "--no-check"],
        &["--max-errors", "1", "--no-check"],
        &["--max-duration", "0s"],
        &["--max-duration", "100ms", "--rate", "100", "--burst", "1"],
    ];
    for (number, plan) in plans.into_iter().enumerate() {
        let mut import = Import::of(ROWS, number as u64 + 1, &FAULTS);
        import.crash(&[&["--crash-at", "shutdown"], plan].concat());
        import.end_with_one_contact_a_key();
    }
}

const FIRST_SCHEMA: &str = include_str!("../../migrations/0001_ledger.sql");

#[test]
fn killed_while_an_old_ledger_is_brought_up_to_date() {
    for (seed, point, nth) in [(1, "after-intent:30", 1), (2, "after-answer:20", 2), (3, "check:40", 1)] {
        let mut import = Import::of(ROWS, seed, &FAULTS);
        import.crash(&["--crash-at", point]);
        // As the first version would have left it.
        let (_, rows_of_old) = FIRST_SCHEMA.split_once("CREATE TABLE rows").unwrap();
        let first_schema = format!(
            "DROP TRIGGER rows_change_runs; DROP TABLE tallies; DROP TABLE open_readings; DROP TABLE segments;
             DROP TABLE minutes; DROP TABLE latencies; DROP TABLE readings;
             ALTER TABLE identity DROP COLUMN shard;
             ALTER TABLE runs DROP COLUMN commits; ALTER TABLE runs DROP COLUMN is_auto;
             ALTER TABLE runs DROP COLUMN rate_found; ALTER TABLE runs DROP COLUMN command;
             ALTER TABLE runs DROP COLUMN folder; ALTER TABLE runs DROP COLUMN exit_code;
             ALTER TABLE runs DROP COLUMN last_ms; ALTER TABLE runs DROP COLUMN recorded_ms;
             ALTER TABLE runs DROP COLUMN held_back;
             DROP INDEX rows_by_token; DROP INDEX rows_not_created; DROP INDEX rows_in_doubt; DROP INDEX rows_by_cause;
             ALTER TABLE rows DROP COLUMN sent; ALTER TABLE rows RENAME TO rows_of_now;
             CREATE TABLE rows{rows_of_old};
             INSERT INTO rows SELECT * FROM rows_of_now; DROP TABLE rows_of_now;
             PRAGMA user_version = 1"
        );
        import.folder.execute(LEDGER, &first_schema);
        import.folder.write("t.ledger.db.lock", "process 1, since then\n");
        let before = rows(&import.folder);
        for nth in [nth, 1] {
            import.crash(&["--crash-at", &format!("migration:{nth}")]);
            assert_eq!(rows(&import.folder), before, "{}", import.story);
        }
        import.end_with_one_contact_a_key();
    }
}

#[test]
fn killed_after_requests_have_reached_connect_and_before_they_are_answered() {
    for (seed, created, under_way) in [(1, 0, 1), (2, 0, 4), (3, 20, 4), (4, 50, 3)] {
        let mut import = Import::of(ROWS, seed, &FAULTS);
        if created > 0 {
            let limit = created.to_string();
            import.start(&["--limit", &limit]).end();
        }
        // Whatever it sends from here on is taken, and not answered while this test lasts.
        drop(import.sandbox);
        import.sandbox = sandbox(&import.folder, seed, &["--slow", "1:1h"]);
        let concurrency = under_way.to_string();
        let running = import.start(&["--concurrency", &concurrency, "--read-timeout", "1h"]);
        let taken = || import.sandbox.stat("created") + import.sandbox.stat("replayed");
        until("requests have reached it", || taken() >= under_way);
        running.signal("KILL");
        running.end();
        import.look_at_the_dead();
        let ids: BTreeSet<String> =
            contacts(&import.sandbox).into_iter().map(|contact| contact.token).collect();
        let rows = rows(&import.folder);
        let sent = rows.iter().filter(|row| row.state == "in_flight" && ids.contains(&row.token));
        assert_eq!(sent.count() as u64, under_way, "{}", import.story);
        drop(import.sandbox);
        import.sandbox = sandbox(&import.folder, seed + 100, &FAULTS);
        import.end_with_one_contact_a_key();
    }
}

#[test]
fn killed_at_random_moments() {
    for seed in 1..=3 {
        let faults = ["--latency", "5ms", "--lose", "0.003", "--fail", "0.001", "--slow", "0.01:100ms"];
        let mut import = Import::of(2000, seed, &faults);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..12 {
            let mut running = import.start(&["--concurrency", "32"]);
            std::thread::sleep(Duration::from_millis(random.u64(5..300)));
            if running.is_over() {
                break;
            }
            running.signal("KILL");
            running.end();
            import.look_at_the_dead();
        }
        assert!(import.kills > 1, "seed {seed}: the run was over before it could be killed");
        import.end_with_one_contact_a_key();
    }
}

#[test]
fn killed_where_tokens_of_completed_tasks_mean_nothing_no_row_is_doubled() {
    let faults = [&FAULTS[..], &["--forget-completed"]].concat();
    let points = ["check:30", "before-intent:9", "after-intent:9", "after-answer:9", "after-answer:30"];
    let points = [&points[..], &["before-commit:12", "after-commit:12", "after-commit:25"]].concat();
    for (number, point) in points.into_iter().enumerate() {
        let mut import = Import::of(ROWS, number as u64 + 1, &faults);
        import.options.extend(["--on-unknown", "hold"]);
        import.crash(&["--crash-at", point]);
        import.crash_if_it_comes_to_that(&["--crash-at", point]);
        import.end_without_a_double();
    }
}
