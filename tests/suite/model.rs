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

mod checks;
mod csv;

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

    /// What is counted: rows with its key, or without one rows that are equal.
    fn identity(&self) -> (&str, &str) {
        (&self.key, if self.key.is_empty() { &self.name } else { "" })
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

/// A row that was mended in a rejects file.
#[derive(Clone, Debug)]
struct Mend {
    /// The column `_row`.
    origin: String,
    /// The row of the CSV as it was, and its [number](KnownRow::number).
    was: (CsvRow, usize),
    /// The row as it is.
    row: CsvRow,
}

/// A row of the CSV as the ledger has it.
#[derive(Clone, Debug)]
struct KnownRow {
    row: CsvRow,
    /// Its number among those of its key; of rows without a key, of those that are equal.
    number: usize,
    /// Whether another row has its key, or it has none.
    is_rejected: bool,
    is_mended: bool,
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
    /// Rows that were mended in a rejects file.
    mends: Vec<Mend>,
    /// Keys that only mended rows have had.
    mended_keys: u32,
    /// Whether the last run has read the CSV as it is.
    is_read: bool,
    /// The rows of the CSV that was read last that are not mended, with their numbers.
    last_own: BTreeSet<(String, String, usize)>,
    /// The ledger's rows after the last run, by number.
    last_rows: BTreeMap<i64, Row>,
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
        mends: Vec::new(),
        mended_keys: 0,
        is_read: false,
        last_own: BTreeSet::new(),
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
            22..50 => script.crash(),
            50..56 => script.interrupt(),
            56..72 => script.edit(),
            72..78 => script.mend_rejects(),
            78..82 => script.mend_csv(),
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
        self.start_file("t.csv", arguments)
    }

    fn start_file(&self, csv: &str, arguments: &[String]) -> Running {
        let url = self.sandbox().url();
        let mut all = vec!["--progress", "none"];
        all.extend(arguments.iter().map(String::as_str));
        self.folder.start(&import_file(csv, &url, &all))
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
        self.check_run(options, &ended);
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
        self.check_run(&options, &ended);
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
        self.check_run(&options, &ended);
    }
}
