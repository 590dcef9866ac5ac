//! Model test: random rows, random faults and a random script of runs, crashes and edits. After each step the
//! test compares the ledger, the rejects file and the exit code with its own record. The sandbox's contacts
//! are the reference.
//!
//! `MODEL_SEEDS=1000..1100 cargo test --test suite model` uses other seeds than the suite.

#![expect(clippy::panic, reason = "a test that fails may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::consistency::*;
use crate::support::*;

#[test]
fn with_idempotent_tokens_no_row_is_lost_duplicated_or_misreported() {
    run_scripts(true, 1..61);
}

#[test]
fn without_idempotent_tokens_held_rows_are_not_duplicated() {
    run_scripts(false, 1..61);
}

/// Number of scripts at a time. A script waits for its processes most of the time.
const THREADS: usize = 4;

/// Runs the scripts of these seeds, or of those in `MODEL_SEEDS`.
fn run_scripts(honours_tokens: bool, seeds: std::ops::Range<u64>) {
    let requested = std::env::var("MODEL_SEEDS").ok().map(|range| {
        let (first, end) = range.split_once("..").unwrap();
        first.parse().unwrap()..end.parse().unwrap()
    });
    let seeds = Mutex::new(requested.unwrap_or(seeds));
    let next = || seeds.lock().unwrap().next();
    let run_all = || {
        while let Some(seed) = next() {
            let mut steps = Vec::new();
            let run = AssertUnwindSafe(|| run_script(seed, honours_tokens, &mut steps));
            // The panic itself has printed its cause.
            let succeeded = std::panic::catch_unwind(run).is_ok();
            assert!(succeeded, "seed {seed}, honours tokens: {honours_tokens}, after\n{}", steps.join("\n"));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(run_all);
        }
    });
}

/// A row of the CSV. The key is its first and its third cell.
#[derive(Clone, PartialEq, Eq, Debug)]
struct CsvRow {
    key: String,
    name: String,
}

impl CsvRow {
    fn is_valid(&self) -> bool {
        self.name.len() <= 1024
    }

    fn cells(&self) -> Vec<String> {
        [&self.key, &self.name, &self.key].map(String::clone).into()
    }
}

/// Permanent faults of the sandbox. A run ends by itself when it meets one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct PermanentFaults {
    throttles: bool,
    /// The sandbox denies requests or has a hard quota, so that a run may end in 7.
    is_fatal: bool,
}

/// The options of a run that its permitted outcomes depend on.
#[derive(Clone, Debug, Default)]
struct RunOptions {
    arguments: Vec<String>,
    retries_unknown: bool,
    holds: bool,
    may_stop: bool,
    has_budget: bool,
    limit: Option<usize>,
    window_ms: i64,
}

struct Script<'a> {
    random: fastrand::Rng,
    honours_tokens: bool,
    folder: Folder,
    sandbox: Option<SandboxProcess>,
    faults: PermanentFaults,
    csv: Vec<CsvRow>,
    /// All names that a key has had in the CSV.
    names: BTreeMap<String, BTreeSet<String>>,
    /// The ledger's rows after the last run, by token.
    last_rows: BTreeMap<String, Row>,
    /// The ids of the contacts after the last run.
    last_contacts: BTreeSet<String>,
    steps: &'a mut Vec<String>,
}

fn run_script(seed: u64, honours_tokens: bool, steps: &mut Vec<String>) {
    let mut script = Script {
        random: fastrand::Rng::with_seed(seed),
        honours_tokens,
        folder: Folder::new(),
        sandbox: None,
        faults: PermanentFaults::default(),
        csv: Vec::new(),
        names: BTreeMap::new(),
        last_rows: BTreeMap::new(),
        last_contacts: BTreeSet::new(),
        steps,
    };
    for _ in 0..script.random.usize(5..30) {
        let row = script.random_row();
        script.csv.push(row);
    }
    script.write_csv();
    script.restart_sandbox();
    for _ in 0..script.random.usize(5..13) {
        match script.random.u32(0..100) {
            0..22 => script.run(),
            22..54 => script.crash(),
            54..60 => script.interrupt(),
            60..82 => script.edit(),
            82..90 => script.restart_sandbox(),
            _ => script.age(),
        }
    }
    script.finish();
}

impl Script<'_> {
    fn sandbox(&self) -> &SandboxProcess {
        self.sandbox.as_ref().unwrap()
    }

    /// Records a step, to be printed if the script fails.
    fn record(&mut self, step: impl Into<String>) {
        self.steps.push(step.into().replace(&name_too_long(), "too long"));
    }

    /// Returns true with this probability, in percent.
    fn chance(&mut self, percent: u32) -> bool {
        self.random.u32(0..100) < percent
    }

    // The CSV.

    fn random_row(&mut self) -> CsvRow {
        let key = match self.random.u32(0..20) {
            0 => String::new(),
            _ => format!("K{}", self.random.u32(0..30)),
        };
        CsvRow { key, name: self.random_name() }
    }

    /// One of few names, so that an edited row may get an earlier name again.
    fn random_name(&mut self) -> String {
        if self.chance(12) { name_too_long() } else { format!("Name {}", self.random.u32(0..4)) }
    }

    fn write_csv(&mut self) {
        let mut text = "id,Name,Attributes.id\n".to_owned();
        for CsvRow { key, name } in &self.csv {
            text.push_str(&format!("{key},{name},{key}\n"));
            self.names.entry(key.clone()).or_default().insert(name.clone());
        }
        self.folder.write("t.csv", text);
        let rows: Vec<_> = self.csv.iter().map(|row| format!("{}={}", row.key, row.name)).collect();
        self.record(format!("  t.csv: {}", rows.join(", ")));
    }

    /// Index of a row of the CSV, mostly of one in doubt: these have the most states to go wrong.
    fn random_index(&mut self) -> usize {
        let is_in_doubt =
            |row: &CsvRow| self.last_rows.values().any(|last| last.key == row.key && last.in_doubt);
        let in_doubt: Vec<usize> =
            (0..self.csv.len()).filter(|index| is_in_doubt(&self.csv[*index])).collect();
        if in_doubt.is_empty() || self.chance(40) {
            self.random.usize(0..self.csv.len())
        } else {
            in_doubt[self.random.usize(0..in_doubt.len())]
        }
    }

    fn edit(&mut self) {
        self.record("edit");
        for _ in 0..self.random.usize(1..4) {
            let at = self.random_index();
            match self.random.u32(0..6) {
                0 | 1 => self.csv[at].name = self.random_name(),
                2 if self.csv.len() > 1 => {
                    self.csv.remove(at);
                }
                3 | 4 => {
                    for _ in 0..self.random.usize(1..5) {
                        let row = self.random_row();
                        self.csv.insert(at, row);
                    }
                }
                _ => {
                    let other = self.random.usize(0..self.csv.len());
                    self.csv.swap(at, other);
                }
            }
        }
        if self.chance(50) {
            let name = self.random_name();
            if let Some(invalid) = self.csv.iter_mut().find(|row| !row.is_valid()) {
                invalid.name = name;
            }
        }
        self.write_csv();
    }

    /// The first row of each key. The others are rejected as duplicates.
    fn first_rows(&self) -> BTreeMap<&str, &CsvRow> {
        let mut first_rows = BTreeMap::new();
        for row in self.csv.iter().filter(|row| !row.key.is_empty()) {
            first_rows.entry(&*row.key).or_insert(row);
        }
        first_rows
    }

    // The sandbox.

    fn restart_sandbox(&mut self) {
        self.faults = PermanentFaults::default();
        // Two consecutive unanswered attempts make a run pause, so their probabilities are small.
        let mut arguments: Vec<String> = Vec::new();
        for (name, values) in [
            ("--fail", ["0", "0", "0.02", "0.05"]),
            ("--reset", ["0", "0", "0.02", "0.05"]),
            ("--lose", ["0", "0.05", "0.1", "0.2"]),
            ("--slow", ["0:1ms", "0:1ms", "0.1:10ms", "0.3:30ms"]),
        ] {
            arguments.extend([name.to_owned(), values[self.random.usize(0..4)].to_owned()]);
        }
        let requests = self.random.u32(0..15).to_string();
        match self.random.u32(0..20) {
            0 => {
                self.faults.throttles = true;
                arguments.extend(["--throttle-after".to_owned(), requests]);
            }
            1 => {
                self.faults.is_fatal = true;
                arguments.extend(["--deny-after".to_owned(), requests]);
            }
            2 => {
                self.faults.is_fatal = true;
                arguments.extend(["--quota".to_owned(), requests]);
            }
            _ => {}
        }
        self.start_sandbox(&arguments);
    }

    fn start_sandbox(&mut self, more: &[String]) {
        self.sandbox = None;
        // With one seed for all sandboxes, a row would meet the same fault each time.
        let seed = self.random.u64(..).to_string();
        let mut arguments = vec!["--rate", "0", "--state", "contacts.jsonl", "--seed", &seed];
        if !self.honours_tokens {
            arguments.push("--forget-completed");
        }
        arguments.extend(more.iter().map(String::as_str));
        self.sandbox = Some(SandboxProcess::start(&self.folder, &arguments));
        self.record(format!("sandbox {}", arguments.join(" ")));
    }

    // Time.

    fn age(&mut self) {
        if !self.folder.path(LEDGER).exists() {
            return;
        }
        let hours = self.random.u32(1..30);
        let columns = ["first_sent_ms", "last_sent_ms", "doubt_ms"];
        let earlier = columns
            .map(|column| format!("{column} = {column} - {}", u64::from(hours) * 3_600_000))
            .join(", ");
        self.folder.execute(LEDGER, &format!("UPDATE rows SET {earlier}"));
        self.record(format!("{hours} hours pass"));
        self.store_rows(&rows(&self.folder));
    }

    // Runs.

    fn random_options(&mut self) -> RunOptions {
        let mut options = RunOptions { window_ms: 24 * 3_600_000, ..RunOptions::default() };
        let mut add = |words: &[&str]| options.arguments.extend(words.iter().map(|word| (*word).to_owned()));
        add(&["--concurrency", &self.random.u32(1..9).to_string()]);
        // A second attempt is sent after a second, so it is rare.
        add(&["--max-attempts", if self.chance(10) { "2" } else { "1" }]);
        if self.chance(25) {
            add(&["--no-check"]);
        }
        if self.chance(15) {
            add(&["--retry", "rejected"]);
        }
        if self.honours_tokens && self.chance(20) {
            add(&["--retry", "unknown"]);
            options.retries_unknown = true;
        }
        let mut add = |words: &[&str]| options.arguments.extend(words.iter().map(|word| (*word).to_owned()));
        if !self.honours_tokens || self.chance(15) {
            add(&["--on-unknown", "hold"]);
            options.holds = true;
        }
        if self.chance(25) {
            let limit = self.random.usize(1..9);
            add(&["--limit", &limit.to_string()]);
            options.limit = Some(limit);
            options.may_stop = true;
        }
        if self.chance(15) {
            let (window, milliseconds) =
                [("1ms", 1), ("90m", 90 * 60_000), ("5h", 5 * 3_600_000)][self.random.usize(0..3)];
            add(&["--idempotency-window", window]);
            options.window_ms = milliseconds;
        }
        if self.faults.throttles || self.chance(5) {
            add(&["--max-duration", ["0s", "30ms", "300ms"][self.random.usize(0..3)]]);
            options.may_stop = true;
        }
        if self.chance(5) {
            add(&["--max-errors", &self.random.u32(0..4).to_string()]);
            options.has_budget = true;
        }
        options
    }

    fn start(&self, arguments: &[String]) -> Running {
        let url = self.sandbox().url();
        let mut all = vec!["--progress", "none"];
        all.extend(arguments.iter().map(String::as_str));
        self.folder.start(&import(&url, &all))
    }

    fn run(&mut self) {
        let options = self.random_options();
        self.run_with(&options);
    }

    /// Runs to the end, checks the result and returns the exit code.
    fn run_with(&mut self, options: &RunOptions) -> Option<i32> {
        self.record(format!("run {}", options.arguments.join(" ")));
        let ended = self.start(&options.arguments).end();
        self.record(format!("  ended in {:?}", ended.code));
        assert!(ended.code.is_some(), "a run ended by a signal that the test did not send: {}", ended.stderr);
        self.check_run(options, ended.code);
        ended.code
    }

    /// Starts a run and kills it at a crash point or after a random time, unless it has ended before.
    fn crash(&mut self) {
        let mut options = self.random_options();
        let ended = if self.chance(65) {
            // Points that leave a row in doubt are listed twice.
            const POINTS: [&str; 13] = [
                "migration",
                "check",
                "before-intent",
                "after-intent",
                "after-intent",
                "after-answer",
                "after-answer",
                "before-commit",
                "before-commit",
                "after-commit",
                "after-commit",
                "shutdown",
                "rejects",
            ];
            let point = POINTS[self.random.usize(0..POINTS.len())];
            // A run reaches these once at most.
            let most = if matches!(point, "shutdown" | "rejects" | "migration") { 2 } else { 12 };
            options
                .arguments
                .extend(["--crash-at".to_owned(), format!("{point}:{}", self.random.u32(1..most))]);
            self.record(format!("run {}", options.arguments.join(" ")));
            self.start(&options.arguments).end()
        } else {
            let delay_ms = self.random.u64(0..60);
            self.record(format!("run {} and kill it after {delay_ms} ms", options.arguments.join(" ")));
            let mut running = self.start(&options.arguments);
            std::thread::sleep(Duration::from_millis(delay_ms));
            if !running.is_over() {
                running.signal("KILL");
            }
            running.end()
        };
        self.record(format!("  ended in {:?}", ended.code));
        self.check_run(&options, ended.code);
    }

    /// Starts a run and sends SIGTERM after a random time, unless it has ended before.
    fn interrupt(&mut self) {
        let options = self.random_options();
        let delay_ms = self.random.u64(0..60);
        self.record(format!("run {} and interrupt it after {delay_ms} ms", options.arguments.join(" ")));
        let mut running = self.start(&options.arguments);
        std::thread::sleep(Duration::from_millis(delay_ms));
        if !running.is_over() {
            running.signal("TERM");
        }
        let ended = running.end();
        self.record(format!("  ended in {:?}", ended.code));
        self.check_run(&options, ended.code);
    }

    // Checks.

    fn store_rows(&mut self, rows: &[Row]) {
        self.last_rows = rows.iter().map(|row| (row.token.clone(), row.clone())).collect();
    }

    /// Checks everything after a run. `code` is `None` if the run was killed.
    fn check_run(&mut self, options: &RunOptions, code: Option<i32>) {
        let (rows, contacts) = (rows(&self.folder), contacts(self.sandbox()));
        let contradictions = contradictions(&rows, &contacts);
        assert!(contradictions.is_empty(), "{contradictions:#?}");
        for contact in &contacts {
            assert!(self.names[&contact.key].contains(&contact.name), "the CSV never had {contact:?}");
            assert!(contact.name.len() <= 1024, "{contact:?}");
        }
        self.check_transitions(options, &rows);
        self.check_new_contacts(options, &contacts);
        for name in [LEDGER, REJECTS] {
            assert!(is_private(&self.folder, name), "{name}");
        }
        // A signal before the handlers are installed kills the run. One that arrives while the input is read
        // leaves all rows to the next run.
        if code.is_some_and(|code| code != 143) {
            self.check_expired_rows_are_unknown(options, &rows);
            self.check_rejects_and_exit_code(options, &rows, code);
            assert_eq!(left_behind(&self.folder), Vec::<String>::new());
        }
        self.store_rows(&rows);
        self.last_contacts = contacts.into_iter().map(|contact| contact.id).collect();
    }

    /// A run creates contacts only from the rows of the CSV, and at most `--limit` of them.
    fn check_new_contacts(&self, options: &RunOptions, contacts: &[Contact]) {
        let first_rows = self.first_rows();
        // A late request of an earlier run may have created the contact of a row in doubt.
        let was_in_doubt =
            |contact: &&Contact| self.last_rows.get(&contact.token).is_some_and(|last| last.in_doubt);
        let new = contacts.iter().filter(|contact| !self.last_contacts.contains(&contact.id));
        let new: Vec<&Contact> = new.filter(|contact| !was_in_doubt(contact)).collect();
        for contact in &new {
            let row = first_rows.get(&*contact.key);
            assert!(row.is_some_and(|row| row.name == contact.name), "{contact:?} for {row:?}");
        }
        assert!(options.limit.is_none_or(|limit| new.len() <= limit), "more than the limit: {new:#?}");
    }

    /// No run loses a row, a contact or a doubt.
    fn check_transitions(&self, options: &RunOptions, rows: &[Row]) {
        let now: BTreeMap<&str, &Row> = rows.iter().map(|row| (&*row.token, row)).collect();
        for (token, before) in &self.last_rows {
            let after = now.get(&**token);
            let after = after.unwrap_or_else(|| panic!("the ledger has lost {before:?}"));
            let is_legal = match &*before.state {
                "created" => after.state == "created" && after.contact == before.contact,
                "unknown" => after.state == "unknown" || options.retries_unknown,
                _ => true,
            };
            assert!(is_legal, "{before:?} became {after:?}");
            let keeps_doubt = after.state == "created" || after.in_doubt || !before.in_doubt;
            assert!(keeps_doubt, "{before:?} was in doubt and became {after:?}");
        }
    }

    /// A row in doubt becomes unknown when it is held, when its idempotency window has passed, or when it has
    /// left the CSV.
    fn check_expired_rows_are_unknown(&self, options: &RunOptions, rows: &[Row]) {
        let holds = options.holds && !options.retries_unknown;
        assert!(!holds || rows.iter().all(|row| !row.in_doubt || row.state == "unknown"), "{rows:#?}");
        let oldest = now_ms() - options.window_ms - 60_000;
        let first_rows = self.first_rows();
        for row in rows.iter().filter(|row| row.in_doubt && !first_rows.contains_key(&*row.key)) {
            assert_eq!(row.state, "unknown", "{row:?} has left the CSV");
        }
        for row in rows.iter().filter(|_| !options.retries_unknown) {
            let before = self.last_rows.get(&row.token).filter(|before| before.in_doubt);
            let has_expired = before.is_some_and(|before| options.holds || before.doubt_ms < oldest);
            assert!(!has_expired || row.state == "unknown", "{before:?} became {row:?}");
        }
    }

    /// The rejects file and the exit code agree with the ledger about every row of the CSV.
    fn check_rejects_and_exit_code(&self, options: &RunOptions, rows: &[Row], code: Option<i32>) {
        let has_own_key =
            |row: &&Row| row.code != "DuplicateKey" && row.code != "EmptyKey" && row.state != "withdrawn";
        let mut by_key: BTreeMap<&str, &Row> = BTreeMap::new();
        for row in rows.iter().filter(has_own_key) {
            assert!(by_key.insert(&row.key, row).is_none(), "a key has two rows: {row:?}");
        }
        assert!(rows.iter().all(|row| row.state != "in_flight"), "{rows:#?}");

        let mut expected = Vec::new();
        let mut waiting = 0;
        let mut seen_keys = BTreeSet::new();
        for (index, csv_row) in self.csv.iter().enumerate() {
            let line = index as u64 + 2;
            let state = if csv_row.key.is_empty() || !seen_keys.insert(&csv_row.key) {
                "rejected"
            } else {
                let row = by_key.get(&*csv_row.key);
                let row = row.unwrap_or_else(|| panic!("the ledger does not have {csv_row:?}"));
                assert_eq!(row.line, line, "{row:?}");
                &row.state
            };
            match state {
                "created" => {}
                "pending" => waiting += 1,
                _ => expected.push((line, state, csv_row)),
            }
        }

        let rejects = rejects(&self.folder);
        for (line, state, row) in &expected {
            // The rejects file has a label in place of an empty key.
            let matches = |reject: &&Reject| {
                (reject.line, &*reject.state) == (*line, *state)
                    && (row.key.is_empty() || reject.key == row.key)
            };
            let reject = rejects.iter().find(matches);
            let reject = reject
                .unwrap_or_else(|| panic!("line {line} is {state} and not in the rejects: {rejects:#?}"));
            // The cells of an unknown row are those that were sent.
            assert!(*state == "unknown" || reject.cells == row.cells(), "{reject:?} is not {row:?}");
        }
        // The other rejects are rows that left the CSV while they were in doubt.
        let first_rows = self.first_rows();
        for reject in &rejects {
            let is_expected =
                expected.iter().any(|(line, state, _)| (*line, *state) == (reject.line, &reject.state));
            let is_gone = reject.state == "unknown" && !first_rows.contains_key(&*reject.key);
            assert!(is_expected || is_gone, "not to be expected in the rejects: {reject:?}");
        }

        let in_doubt = by_key.values().any(|row| row.state == "pending" && row.in_doubt);
        let fits = match code {
            Some(0) => waiting == 0 && rejects.is_empty(),
            Some(1) => waiting == 0 && !rejects.is_empty(),
            Some(3) => options.has_budget && !rejects.is_empty(),
            Some(7) => self.faults.is_fatal && waiting > 0,
            Some(10) => options.may_stop && waiting > 0,
            Some(75) => in_doubt && waiting > 0,
            _ => false,
        };
        assert!(fits, "{code:?} with {waiting} waiting, {} rejects, in doubt: {in_doubt}", rejects.len());
    }

    /// A last run without faults, which retries all rows that it may, creates every valid row.
    fn finish(&mut self) {
        self.faults = PermanentFaults::default();
        self.start_sandbox(&[]);
        let mut options = RunOptions { window_ms: 24 * 3_600_000, ..RunOptions::default() };
        let retry = if self.honours_tokens {
            options.retries_unknown = true;
            ["--retry", "unknown,rejected"]
        } else {
            options.holds = true;
            ["--on-unknown", "hold"]
        };
        options.arguments.extend(retry.map(str::to_owned));
        let code = self.run_with(&options);
        assert!(matches!(code, Some(0 | 1)), "{code:?}");

        let contacts = contacts(self.sandbox());
        for (key, csv_row) in self.first_rows() {
            let contact = contacts.iter().find(|contact| contact.key == key);
            let own_row =
                |row: &&Row| row.key == key && row.code != "DuplicateKey" && row.state != "withdrawn";
            let row = self.last_rows.values().find(own_row).unwrap();
            let fits = match (&*row.state, contact) {
                ("created", Some(_)) => true,
                // The row was sent with another name, so the service refuses its token.
                ("unknown", Some(contact)) if self.honours_tokens => contact.name != csv_row.name,
                ("unknown", None) if self.honours_tokens => !csv_row.is_valid(),
                ("unknown", _) => true,
                ("rejected", None) => !csv_row.is_valid(),
                (_, _) => false,
            };
            assert!(fits, "{csv_row:?} is {row:?}, and the sandbox has {contact:?}");
        }

        // Another run sends nothing.
        let requests = self.sandbox().stat("requests");
        let before = self.last_rows.clone();
        options.retries_unknown = false;
        options.arguments = if self.honours_tokens { Vec::new() } else { retry.map(str::to_owned).into() };
        let second_code = self.run_with(&options);
        // Only the run that finds a row in doubt that has left the CSV reports it.
        let has_left =
            |row: &Row| row.state == "unknown" && self.csv.iter().all(|csv_row| csv_row.key != row.key);
        let reported_once =
            (code, second_code) == (Some(1), Some(0)) && self.last_rows.values().any(has_left);
        assert!(second_code == code || reported_once, "{code:?}, and then {second_code:?}");
        assert_eq!(self.sandbox().stat("requests"), requests);
        assert_eq!(self.last_rows, before);
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}
