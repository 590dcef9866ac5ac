//! The model: random rows, random faults and a random script of runs, crashes and changes, and after each step
//! the ledger, the rejects and the exit code are held against what the test itself has written down. The
//! sandbox's contacts are the truth.
//!
//! `MODEL_SEEDS=1000..1100 cargo test --release --test suite model` plays other scripts than the suite does.

#![expect(clippy::panic, reason = "a test that fails may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::*;
use crate::truth::*;

#[test]
fn where_tokens_are_honoured_nothing_is_lost_doubled_or_called_what_it_is_not() {
    play_all(true, 1..61);
}

#[test]
fn where_tokens_of_completed_tasks_mean_nothing_rows_that_are_held_are_not_doubled() {
    play_all(false, 1..61);
}

/// Scripts that are played at the same time: each waits for its processes most of the time.
const PLAYERS: usize = 4;

/// Plays these seeds, or those that the environment names.
fn play_all(honoured: bool, seeds: std::ops::Range<u64>) {
    let named = std::env::var("MODEL_SEEDS").ok().map(|range| {
        let (first, end) = range.split_once("..").unwrap();
        first.parse().unwrap()..end.parse().unwrap()
    });
    let waiting = Mutex::new(named.unwrap_or(seeds));
    let next = || waiting.lock().unwrap().next();
    let player = || {
        while let Some(seed) = next() {
            let mut script = Vec::new();
            let played = std::panic::catch_unwind(AssertUnwindSafe(|| play(seed, honoured, &mut script)));
            // The cause stands above it, where the panic was.
            assert!(played.is_ok(), "seed {seed}, honoured: {honoured}, after\n{}", script.join("\n"));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..PLAYERS {
            scope.spawn(player);
        }
    });
}

/// A row of the CSV.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Line {
    key: String,
    name: String,
}

impl Line {
    fn is_valid(&self) -> bool {
        self.name.len() <= 1024
    }

    fn cells(&self) -> Vec<String> {
        [&self.key, &self.name, &self.key].map(String::clone).into()
    }
}

/// What the sandbox does wrong for good; a run has to end by itself where it does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Limits {
    throttles: bool,
    /// It denies, or has a quota: then a run may end in 7.
    is_fatal: bool,
}

/// What a run was asked for, as far as it matters to what it may do.
#[derive(Clone, Debug, Default)]
struct Asked {
    arguments: Vec<String>,
    retries_unknown: bool,
    holds: bool,
    may_stop: bool,
    has_budget: bool,
    limit: Option<usize>,
    window_ms: i64,
}

struct Play<'a> {
    random: fastrand::Rng,
    honoured: bool,
    folder: Folder,
    sandbox: Option<SandboxProcess>,
    limits: Limits,
    csv: Vec<Line>,
    /// Every name that a key ever had in the CSV.
    names: BTreeMap<String, BTreeSet<String>>,
    /// The ledger's rows after the last run, by token.
    known: BTreeMap<String, Row>,
    /// The ids of the contacts after the last run.
    contacts: BTreeSet<String>,
    script: &'a mut Vec<String>,
}

fn play(seed: u64, honoured: bool, script: &mut Vec<String>) {
    let mut play = Play {
        random: fastrand::Rng::with_seed(seed),
        honoured,
        folder: Folder::new(),
        sandbox: None,
        limits: Limits::default(),
        csv: Vec::new(),
        names: BTreeMap::new(),
        known: BTreeMap::new(),
        contacts: BTreeSet::new(),
        script,
    };
    for _ in 0..play.random.usize(5..30) {
        let line = play.line();
        play.csv.push(line);
    }
    play.write_csv();
    play.restart_sandbox();
    for _ in 0..play.random.usize(5..13) {
        match play.random.u32(0..100) {
            0..22 => play.run(),
            22..54 => play.crash(),
            54..60 => play.interrupt(),
            60..82 => play.edit(),
            82..90 => play.restart_sandbox(),
            _ => play.age(),
        }
    }
    play.end();
}

impl Play<'_> {
    fn sandbox(&self) -> &SandboxProcess {
        self.sandbox.as_ref().unwrap()
    }

    fn tell(&mut self, step: impl Into<String>) {
        let mut step = step.into();
        step = step.replace(&name_too_long(), "too long");
        self.script.push(step);
    }

    /// Whether something that happens so often, in per cent, happens now.
    fn chance(&mut self, percent: u32) -> bool {
        self.random.u32(0..100) < percent
    }

    // The CSV.

    fn line(&mut self) -> Line {
        let key = match self.random.u32(0..20) {
            0 => String::new(),
            _ => format!("K{}", self.random.u32(0..30)),
        };
        Line { key, name: self.name() }
    }

    /// One of a few, so that a row may get an earlier name back.
    fn name(&mut self) -> String {
        if self.chance(12) { name_too_long() } else { format!("Name {}", self.random.u32(0..4)) }
    }

    fn write_csv(&mut self) {
        let mut text = "id,Name,Attributes.id\n".to_owned();
        for Line { key, name } in &self.csv {
            text.push_str(&format!("{key},{name},{key}\n"));
            self.names.entry(key.clone()).or_default().insert(name.clone());
        }
        self.folder.write("t.csv", text);
        let lines: Vec<_> = self.csv.iter().map(|line| format!("{}={}", line.key, line.name)).collect();
        self.tell(format!("  t.csv: {}", lines.join(", ")));
    }

    /// Mostly one of those in doubt, where there is most to go wrong.
    fn some_line(&mut self) -> usize {
        let is_in_doubt = |line: &Line| self.known.values().any(|row| row.key == line.key && row.in_doubt);
        let doubtful: Vec<usize> =
            (0..self.csv.len()).filter(|index| is_in_doubt(&self.csv[*index])).collect();
        if doubtful.is_empty() || self.chance(40) {
            self.random.usize(0..self.csv.len())
        } else {
            doubtful[self.random.usize(0..doubtful.len())]
        }
    }

    fn edit(&mut self) {
        self.tell("edit");
        for _ in 0..self.random.usize(1..4) {
            let at = self.some_line();
            match self.random.u32(0..6) {
                0 | 1 => self.csv[at].name = self.name(),
                2 if self.csv.len() > 1 => {
                    self.csv.remove(at);
                }
                3 | 4 => {
                    for _ in 0..self.random.usize(1..5) {
                        let line = self.line();
                        self.csv.insert(at, line);
                    }
                }
                _ => {
                    let other = self.random.usize(0..self.csv.len());
                    self.csv.swap(at, other);
                }
            }
        }
        if self.chance(50) {
            let name = self.name();
            if let Some(faulty) = self.csv.iter_mut().find(|line| !line.is_valid()) {
                faulty.name = name;
            }
        }
        self.write_csv();
    }

    /// The rows that are the first of their key, by it.
    fn firsts(&self) -> BTreeMap<&str, &Line> {
        let mut firsts = BTreeMap::new();
        for line in self.csv.iter().filter(|line| !line.key.is_empty()) {
            firsts.entry(&*line.key).or_insert(line);
        }
        firsts
    }

    // The sandbox.

    fn restart_sandbox(&mut self) {
        self.limits = Limits::default();
        // Probabilities are small: two rows in a row without an answer make a run pause.
        let mut faults: Vec<String> = Vec::new();
        for (name, values) in [
            ("--fail", ["0", "0", "0.02", "0.05"]),
            ("--reset", ["0", "0", "0.02", "0.05"]),
            ("--lose", ["0", "0.05", "0.1", "0.2"]),
            ("--slow", ["0:1ms", "0:1ms", "0.1:10ms", "0.3:30ms"]),
        ] {
            faults.extend([name.to_owned(), values[self.random.usize(0..4)].to_owned()]);
        }
        let some = self.random.u32(0..15).to_string();
        match self.random.u32(0..20) {
            0 => {
                self.limits.throttles = true;
                faults.extend(["--throttle-after".to_owned(), some]);
            }
            1 => {
                self.limits.is_fatal = true;
                faults.extend(["--deny-after".to_owned(), some]);
            }
            2 => {
                self.limits.is_fatal = true;
                faults.extend(["--quota".to_owned(), some]);
            }
            _ => {}
        }
        self.start_sandbox(&faults);
    }

    fn start_sandbox(&mut self, faults: &[String]) {
        self.sandbox = None;
        // A seed of its own, or the same rows would meet the same faults again.
        let seed = self.random.u64(..).to_string();
        let mut arguments = vec!["--rate", "0", "--state", "contacts.jsonl", "--seed", &seed];
        if !self.honoured {
            arguments.push("--forget-completed");
        }
        arguments.extend(faults.iter().map(String::as_str));
        self.sandbox = Some(SandboxProcess::start(&self.folder, &arguments));
        self.tell(format!("sandbox {}", arguments.join(" ")));
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
        self.tell(format!("{hours} hours go by"));
        self.remember(&rows(&self.folder));
    }

    // Runs.

    fn asked(&mut self) -> Asked {
        let mut asked = Asked { window_ms: 24 * 3_600_000, ..Asked::default() };
        let mut add = |words: &[&str]| asked.arguments.extend(words.iter().map(|word| (*word).to_owned()));
        add(&["--concurrency", &self.random.u32(1..9).to_string()]);
        // A second attempt comes after a second.
        add(&["--max-attempts", if self.chance(10) { "2" } else { "1" }]);
        if self.chance(25) {
            add(&["--no-check"]);
        }
        if self.chance(15) {
            add(&["--retry", "rejected"]);
        }
        if self.honoured && self.chance(20) {
            add(&["--retry", "unknown"]);
            asked.retries_unknown = true;
        }
        let mut add = |words: &[&str]| asked.arguments.extend(words.iter().map(|word| (*word).to_owned()));
        if !self.honoured || self.chance(15) {
            add(&["--on-unknown", "hold"]);
            asked.holds = true;
        }
        if self.chance(25) {
            let limit = self.random.usize(1..9);
            add(&["--limit", &limit.to_string()]);
            asked.limit = Some(limit);
            asked.may_stop = true;
        }
        if self.chance(15) {
            let (window, milliseconds) =
                [("1ms", 1), ("90m", 90 * 60_000), ("5h", 5 * 3_600_000)][self.random.usize(0..3)];
            add(&["--idempotency-window", window]);
            asked.window_ms = milliseconds;
        }
        if self.limits.throttles || self.chance(5) {
            add(&["--max-duration", ["0s", "30ms", "300ms"][self.random.usize(0..3)]]);
            asked.may_stop = true;
        }
        if self.chance(5) {
            add(&["--max-errors", &self.random.u32(0..4).to_string()]);
            asked.has_budget = true;
        }
        asked
    }

    fn start(&self, arguments: &[String]) -> Running {
        let url = self.sandbox().url();
        let mut all = vec!["--progress", "none"];
        all.extend(arguments.iter().map(String::as_str));
        self.folder.start(&import(&url, &all))
    }

    fn run(&mut self) {
        let asked = self.asked();
        self.run_to_its_end(&asked);
    }

    fn run_to_its_end(&mut self, asked: &Asked) -> Option<i32> {
        self.tell(format!("run {}", asked.arguments.join(" ")));
        let ended = self.start(&asked.arguments).end();
        self.tell(format!("  ended in {:?}", ended.code));
        assert!(ended.code.is_some(), "a run died that was not killed: {}", ended.stderr);
        self.expect_sense(asked, ended.code);
        ended.code
    }

    /// A run that is killed at some moment, if it is not over by then.
    fn crash(&mut self) {
        let mut asked = self.asked();
        let ended = if self.chance(65) {
            // Twice where a crash leaves a doubt.
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
            // Those that come once a run come at all only when it ends, or when it is made.
            let most = if matches!(point, "shutdown" | "rejects" | "migration") { 2 } else { 12 };
            asked
                .arguments
                .extend(["--crash-at".to_owned(), format!("{point}:{}", self.random.u32(1..most))]);
            self.tell(format!("run {}", asked.arguments.join(" ")));
            self.start(&asked.arguments).end()
        } else {
            let moment = self.random.u64(0..60);
            self.tell(format!("run {} and kill it after {moment} ms", asked.arguments.join(" ")));
            let mut running = self.start(&asked.arguments);
            std::thread::sleep(Duration::from_millis(moment));
            if !running.is_over() {
                running.signal("KILL");
            }
            running.end()
        };
        self.tell(format!("  ended in {:?}", ended.code));
        self.expect_sense(&asked, ended.code);
    }

    /// A run that is told to stop at some moment, if it is not over by then.
    fn interrupt(&mut self) {
        let asked = self.asked();
        let moment = self.random.u64(0..60);
        self.tell(format!("run {} and stop it after {moment} ms", asked.arguments.join(" ")));
        let mut running = self.start(&asked.arguments);
        std::thread::sleep(Duration::from_millis(moment));
        if !running.is_over() {
            running.signal("TERM");
        }
        let ended = running.end();
        self.tell(format!("  ended in {:?}", ended.code));
        self.expect_sense(&asked, ended.code);
    }

    // What must be true.

    fn remember(&mut self, rows: &[Row]) {
        self.known = rows.iter().map(|row| (row.token.clone(), row.clone())).collect();
    }

    /// After a run that ended with this code, or was killed.
    fn expect_sense(&mut self, asked: &Asked, code: Option<i32>) {
        let (rows, contacts) = (rows(&self.folder), contacts(self.sandbox()));
        let lies = lies(&rows, &contacts);
        assert!(lies.is_empty(), "{lies:#?}");
        for contact in &contacts {
            assert!(self.names[&contact.key].contains(&contact.name), "never in the CSV: {contact:?}");
            assert!(contact.name.len() <= 1024, "{contact:?}");
        }
        self.expect_steps(asked, &rows);
        self.expect_what_the_csv_says(asked, &contacts);
        for name in [LEDGER, REJECTS] {
            assert!(is_private(&self.folder, name), "{name}");
        }
        // A signal before there is somebody to hear it is one that kills; one while the input is read leaves
        // everything to the next run.
        let is_whole = code.is_some_and(|code| code != 143);
        if is_whole {
            self.expect_closed_doubts_to_be_unknown(asked, &rows);
            self.expect_all_told(asked, &rows, code);
            assert_eq!(left_behind(&self.folder), Vec::<String>::new());
        }
        self.remember(&rows);
        self.contacts = contacts.into_iter().map(|contact| contact.id).collect();
    }

    /// A run makes contacts of the CSV as it stands, and not of more rows than it may.
    fn expect_what_the_csv_says(&self, asked: &Asked, contacts: &[Contact]) {
        let firsts = self.firsts();
        // What was in doubt may have come from an earlier run, by a request that was late.
        let is_doubted =
            |contact: &&Contact| self.known.get(&contact.token).is_some_and(|before| before.in_doubt);
        let new = contacts.iter().filter(|contact| !self.contacts.contains(&contact.id));
        let new: Vec<&Contact> = new.filter(|contact| !is_doubted(contact)).collect();
        for contact in &new {
            let line = firsts.get(&*contact.key);
            assert!(line.is_some_and(|line| line.name == contact.name), "{contact:?} for {line:?}");
        }
        assert!(asked.limit.is_none_or(|limit| new.len() <= limit), "more than the limit: {new:#?}");
    }

    /// What no run may do to a row.
    fn expect_steps(&self, asked: &Asked, rows: &[Row]) {
        let now: BTreeMap<&str, &Row> = rows.iter().map(|row| (&*row.token, row)).collect();
        for (token, before) in &self.known {
            let after = now.get(&**token);
            let after = after.unwrap_or_else(|| panic!("the ledger has lost {before:?}"));
            let is_legal = match &*before.state {
                "created" => after.state == "created" && after.contact == before.contact,
                "unknown" => after.state == "unknown" || asked.retries_unknown,
                _ => true,
            };
            assert!(is_legal, "{before:?} became {after:?}");
            let is_told = after.state == "created" || after.in_doubt || !before.in_doubt;
            assert!(is_told, "the doubt of {before:?} is forgotten: {after:?}");
        }
    }

    /// Rows that were in doubt for too long, or for whatever time where they are held, and those that the
    /// CSV holds no longer.
    fn expect_closed_doubts_to_be_unknown(&self, asked: &Asked, rows: &[Row]) {
        let holds = asked.holds && !asked.retries_unknown;
        assert!(!holds || rows.iter().all(|row| !row.in_doubt || row.state == "unknown"), "{rows:#?}");
        let oldest = now_ms() - asked.window_ms - 60_000;
        let firsts = self.firsts();
        for row in rows.iter().filter(|row| row.in_doubt && !firsts.contains_key(&*row.key)) {
            assert_eq!(row.state, "unknown", "{row:?} is in the CSV no longer");
        }
        for row in rows.iter().filter(|_| !asked.retries_unknown) {
            let doubt = self.known.get(&row.token).filter(|before| before.in_doubt);
            let is_closed = doubt.is_some_and(|before| asked.holds || before.doubt_ms < oldest);
            assert!(!is_closed || row.state == "unknown", "{doubt:?} became {row:?}");
        }
    }

    /// The exit code and the rejects file say what the ledger says, of every row of the CSV.
    fn expect_all_told(&self, asked: &Asked, rows: &[Row], code: Option<i32>) {
        let of_its_own = |row: &&Row| row.code != "DuplicateKey" && row.code != "EmptyKey";
        let mut by_key: BTreeMap<&str, &Row> = BTreeMap::new();
        for row in rows.iter().filter(of_its_own) {
            assert!(by_key.insert(&row.key, row).is_none(), "a key has two rows: {row:?}");
        }
        assert!(rows.iter().all(|row| row.state != "in_flight"), "{rows:#?}");

        let mut expected = Vec::new();
        let mut waiting = 0;
        let mut met = BTreeSet::new();
        for (index, line) in self.csv.iter().enumerate() {
            let number = index as u64 + 2;
            let state = if line.key.is_empty() || !met.insert(&line.key) {
                "rejected"
            } else {
                let row = by_key.get(&*line.key).unwrap_or_else(|| panic!("not in the ledger: {line:?}"));
                assert_eq!(row.line, number, "{row:?}");
                &row.state
            };
            match state {
                "created" => {}
                "pending" => waiting += 1,
                _ => expected.push((number, state, line)),
            }
        }

        let told = rejects(&self.folder);
        for (line, state, row) in &expected {
            // A row without a key has a label instead.
            let is_it = |reject: &&Reject| {
                (reject.line, &*reject.state) == (*line, *state)
                    && (row.key.is_empty() || reject.key == row.key)
            };
            let reject = told.iter().find(is_it);
            let reject = reject.unwrap_or_else(|| panic!("line {line} is {state} and not told: {told:#?}"));
            // An unknown row stands there as it was sent.
            assert!(*state == "unknown" || reject.cells == row.cells(), "{reject:?} is not {row:?}");
        }
        // Beyond the CSV's own rows there are those that were taken out of it while they were in doubt.
        let firsts = self.firsts();
        for reject in &told {
            let is_expected =
                expected.iter().any(|(line, state, _)| (*line, *state) == (reject.line, &reject.state));
            let is_gone = reject.state == "unknown" && !firsts.contains_key(&*reject.key);
            assert!(is_expected || is_gone, "told without need: {reject:?}");
        }

        let in_doubt = by_key.values().any(|row| row.state == "pending" && row.in_doubt);
        let fits = match code {
            Some(0) => waiting == 0 && told.is_empty(),
            Some(1) => waiting == 0 && !told.is_empty(),
            Some(3) => asked.has_budget && !told.is_empty(),
            Some(7) => self.limits.is_fatal && waiting > 0,
            Some(10) => asked.may_stop && waiting > 0,
            Some(75) => in_doubt && waiting > 0,
            _ => false,
        };
        assert!(fits, "{code:?} with {waiting} waiting, {} told, in doubt: {in_doubt}", told.len());
    }

    /// Without faults, and with every row asked for that tokens allow, all that can be created is.
    fn end(&mut self) {
        self.limits = Limits::default();
        self.start_sandbox(&[]);
        let mut asked = Asked { window_ms: 24 * 3_600_000, ..Asked::default() };
        let words = if self.honoured {
            asked.retries_unknown = true;
            ["--retry", "unknown,rejected"]
        } else {
            asked.holds = true;
            ["--on-unknown", "hold"]
        };
        asked.arguments.extend(words.map(str::to_owned));
        let code = self.run_to_its_end(&asked);
        assert!(matches!(code, Some(0 | 1)), "{code:?}");

        let contacts = contacts(self.sandbox());
        for (key, line) in self.firsts() {
            let contact = contacts.iter().find(|contact| contact.key == key);
            let row = self.known.values().find(|row| row.key == key && row.code != "DuplicateKey").unwrap();
            let fits = match (&*row.state, contact) {
                ("created", Some(_)) => true,
                // It was sent with another name, and nobody has said that this was its contact.
                ("unknown", Some(contact)) if self.honoured => contact.name != line.name,
                ("unknown", None) if self.honoured => !line.is_valid(),
                ("unknown", _) => true,
                ("rejected", None) => !line.is_valid(),
                (_, _) => false,
            };
            assert!(fits, "{line:?} is {row:?}, and the sandbox has {contact:?}");
        }

        // Once more, and there is nothing to do.
        let requests = self.sandbox().stat("requests");
        let before = self.known.clone();
        asked.retries_unknown = false;
        asked.arguments = if self.honoured { Vec::new() } else { words.map(str::to_owned).into() };
        let again = self.run_to_its_end(&asked);
        // A row in doubt that has left the CSV is reported by the run that finds it so, and by no later one.
        let has_left = |row: &Row| row.state == "unknown" && self.csv.iter().all(|line| line.key != row.key);
        let reported_once = (code, again) == (Some(1), Some(0)) && self.known.values().any(has_left);
        assert!(again == code || reported_once, "{code:?}, and then {again:?}");
        assert_eq!(self.sandbox().stat("requests"), requests);
        assert_eq!(self.known, before);
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}
