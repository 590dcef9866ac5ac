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
        if self.chance(12) {
            // Each is another, so that a row which was mended is never as it was again.
            format!("{}{}", name_too_long(), self.random.u32(..))
        } else {
            format!("Name {}", self.random.u32(0..4))
        }
    }

    /// A key that no other row has had.
    fn mended_key(&mut self) -> String {
        self.mended_keys += 1;
        format!("M{}", self.mended_keys)
    }

    fn write_csv(&mut self) {
        let mut text = "id,Name,Attributes.id\n".to_owned();
        for CsvRow { key, name } in &self.csv {
            text.push_str(&format!("{key},{name},{key}\n"));
            self.names.entry(key.clone()).or_default().insert(name.clone());
        }
        self.folder.write("t.csv", text);
        self.is_read = false;
        // The CSV may have a mended row as it is, with another name since.
        for mend in &mut self.mends {
            if let Some(row) = self.csv.iter().find(|row| row.key == mend.row.key && row.key.starts_with('M'))
            {
                mend.row = row.clone();
            }
        }
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

    /// The rows of the CSV as the ledger has them after it was read.
    fn known_rows(&self) -> Vec<KnownRow> {
        // By what is counted, the number of the last row that is not the first.
        let mut numbers: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut found = BTreeSet::new();
        let mut mended = |row: &CsvRow, number: usize, has_first: bool| {
            let was = |mend: &&Mend| {
                let is_same = mend.was == (row.clone(), number) && !found.contains(&mend.origin);
                // The first row of a key has it, mended or not.
                is_same && !(has_first && mend.row.key == row.key)
            };
            let mend = self.mends.iter().find(was)?;
            found.insert(mend.origin.clone());
            Some(KnownRow { row: mend.row.clone(), number, is_rejected: false })
        };
        let mut rows = Vec::new();
        for row in &self.csv {
            // A first row that was mended is known wherever it is.
            let has_first = numbers.contains_key(&row.identity());
            if let Some(known) = mended(row, 1, has_first) {
                numbers.entry(row.identity()).or_insert(1);
                rows.push(known);
                continue;
            }
            let number = numbers.entry(row.identity()).and_modify(|number| *number += 1).or_insert(1);
            let own = || KnownRow {
                row: row.clone(),
                number: *number,
                is_rejected: row.key.is_empty() || *number > 1,
            };
            rows.push(mended(row, *number, false).unwrap_or_else(own));
        }
        rows
    }

    /// The rows that are sent unless they have a fault.
    fn first_rows(&self) -> BTreeMap<String, CsvRow> {
        let known = self.known_rows().into_iter().filter(|known| !known.is_rejected);
        known.map(|known| (known.row.key.clone(), known.row)).collect()
    }

    // Mending.

    /// Mends rows in the CSV as they were mended in a rejects file, or gives rejected rows keys and names.
    fn mend_csv(&mut self) {
        self.record("mend in the CSV");
        for (index, known) in self.known_rows().into_iter().enumerate() {
            if self.chance(50) {
                continue;
            }
            if known.row != self.csv[index] {
                self.csv[index] = known.row;
            } else if known.is_rejected || !known.row.is_valid() {
                let key = self.mended_key();
                self.csv[index] = CsvRow { key, name: "Mended".to_owned() };
            }
        }
        self.write_csv();
    }

    /// Mends rows in the rejects file and imports it, perhaps after an import that is killed.
    fn mend_rejects(&mut self) {
        if !self.is_read {
            return self.run();
        }
        let mut lines = vec!["id,Name,Attributes.id,_file,_line,_key,_state,_code,_message,_row".to_owned()];
        let known_rows = self.known_rows();
        for (reject, origin) in rejects_with_origins(&self.folder) {
            let index = usize::try_from(reject.line).unwrap() - 2;
            let is_own = known_rows.get(index).is_some_and(|known| known.row.cells() == reject.cells);
            if !is_own || reject.state == "unknown" || self.chance(40) {
                continue;
            }
            let row = known_rows[index].row.clone();
            // A name alone is mended only where it was the fault, and the key is the row's own.
            let key = match row.key.is_empty()
                || known_rows[index].is_rejected
                || row.is_valid()
                || self.chance(50)
            {
                true => self.mended_key(),
                false => row.key,
            };
            let mended = CsvRow { key, name: self.random_name() };
            let [id, name, attribute] = mended.cells().try_into().unwrap();
            lines.push(format!("{id},{name},{attribute},,,,,,,{}", origin));
            self.names.entry(id).or_default().insert(name);
            for mend in self.mends.iter_mut().filter(|mend| mend.origin == origin) {
                mend.row = mended.clone();
            }
            // The CSV has the row as it was first, or as it was mended before.
            let was = (self.csv[index].clone(), known_rows[index].number);
            if !self.mends.iter().any(|mend| mend.was == was) {
                self.mends.push(Mend { origin, was, row: mended });
            }
        }
        if lines.len() == 1 {
            return self.run();
        }
        self.record(format!("mend in the rejects file:\n  {}", lines[1..].join("\n  ")));
        self.folder.write("mended.csv", lines.join("\n") + "\n");
        let mut options = self.random_options();
        while options.limit.is_some() {
            options = self.random_options();
        }
        if self.chance(50) {
            const POINTS: [&str; 5] =
                ["check", "before-commit", "after-commit", "after-intent", "after-answer"];
            let point = format!("{}:{}", POINTS[self.random.usize(0..5)], self.random.u32(1..9));
            self.record(format!("run mended.csv {} --crash-at {point}", options.arguments.join(" ")));
            let mut arguments = options.arguments.clone();
            arguments.extend(["--crash-at".to_owned(), point]);
            self.start_file("mended.csv", &arguments).end();
            let contradictions = contradictions(&rows(&self.folder), &contacts(self.sandbox()));
            assert!(contradictions.is_empty(), "{contradictions:#?}");
        }
        self.record(format!("run mended.csv {}", options.arguments.join(" ")));
        let ended = self.start_file("mended.csv", &options.arguments).end();
        self.record(format!("  ended in {:?}", ended.code));
        self.check_run(&options, ended.code);
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
        self.last_rows = rows.iter().map(|row| (row.id, row.clone())).collect();
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
        // A row with its own key is mended no more once the CSV has its key with other content.
        let origins = mended_origins(&self.folder);
        self.mends.retain(|mend| mend.row.key != mend.was.0.key || origins.contains(&mend.origin));
        self.check_transitions(options, &rows);
        self.check_new_contacts(options, &contacts);
        for name in [LEDGER, REJECTS] {
            assert!(is_private(&self.folder, name), "{name}");
        }
        // A signal before the handlers are installed kills the run. One that arrives while the input is read
        // leaves all rows to the next run.
        if code.is_some_and(|code| code != 143) {
            self.is_read = true;
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
        let was_in_doubt = |contact: &&Contact| {
            self.last_rows.values().any(|last| last.token == contact.token && last.in_doubt)
        };
        let new = contacts.iter().filter(|contact| !self.last_contacts.contains(&contact.id));
        let new: Vec<&Contact> = new.filter(|contact| !was_in_doubt(contact)).collect();
        for contact in &new {
            let row = first_rows.get(&*contact.key);
            // A row that was mended is sent, whatever the CSV has by now.
            let is_mended = self.mends.iter().any(|mend| mend.row.key == contact.key);
            assert!(is_mended || row.is_some_and(|row| row.name == contact.name), "{contact:?} for {row:?}");
        }
        assert!(options.limit.is_none_or(|limit| new.len() <= limit), "more than the limit: {new:#?}");
    }

    /// No run loses a row, a contact or a doubt.
    fn check_transitions(&self, options: &RunOptions, rows: &[Row]) {
        let now: BTreeMap<i64, &Row> = rows.iter().map(|row| (row.id, row)).collect();
        for (id, before) in &self.last_rows {
            let after = now.get(id);
            let after = after.unwrap_or_else(|| panic!("the ledger has lost {before:?}"));
            let is_legal = match &*before.state {
                "created" => {
                    after.state == "created"
                        && (&after.contact, &after.token) == (&before.contact, &before.token)
                }
                "unknown" => after.state == "unknown" || options.retries_unknown,
                _ => true,
            };
            assert!(is_legal, "{before:?} became {after:?}");
            assert!(!before.in_doubt || after.token == before.token, "{before:?} became {after:?}");
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
        let is_sent_for = |row: &&Row| first_rows.contains_key(&*row.key) || row.key.starts_with('M');
        for row in rows.iter().filter(|row| row.in_doubt && !is_sent_for(row)) {
            assert_eq!(row.state, "unknown", "{row:?} has left the CSV");
        }
        for row in rows.iter().filter(|_| !options.retries_unknown) {
            let before = self.last_rows.get(&row.id).filter(|before| before.in_doubt);
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
        let known_rows = self.known_rows();
        for (index, known) in known_rows.iter().enumerate() {
            let line = index as u64 + 2;
            let state = if known.is_rejected {
                "rejected"
            } else {
                let row = by_key.get(&*known.row.key);
                let row = row.unwrap_or_else(|| panic!("the ledger does not have {known:?}"));
                assert_eq!(row.line, line, "{row:?}");
                &row.state
            };
            if state != "created" && state != "pending" {
                expected.push((line, state, &known.row));
            }
        }
        let waiting = rows.iter().filter(|row| row.state == "pending").count();

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
            let is_gone = match &*reject.state {
                "unknown" => !first_rows.contains_key(&*reject.key),
                "failed" => reject.key.starts_with('M'),
                _ => false,
            };
            assert!(is_expected || is_gone, "not to be expected in the rejects: {reject:?}");
        }

        let in_doubt = rows.iter().any(|row| row.state == "pending" && row.in_doubt);
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
        assert_eq!(code, second_code);
        assert_eq!(self.sandbox().stat("requests"), requests);
        assert_eq!(self.last_rows, before);
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}
