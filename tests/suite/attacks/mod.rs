//! Random attacks on an import: system calls that fail, power cuts, and a server that lies. Each is followed by runs
//! without it, after which every row must have one contact, and the ledger must tell all of them.
//!
//! `ATTACK_SEEDS=1000..1100 cargo test --test suite attacks::` uses other seeds than the suite, and
//! `tests/attacks/run.sh` many. A seed decides what is attacked; the order of threads is not in its hands, so that a
//! failure may need several repetitions.

#![expect(clippy::panic, reason = "a test that fails may panic")]

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};

use crate::consistency::*;
use crate::support::*;

mod disk;
mod failing_calls;
mod lying_server;
mod power_cuts;

/// Cases at a time. A case waits for its processes most of the time.
const THREADS: usize = 4;

/// Runs `attack` for each seed of `seeds`, or of those in `ATTACK_SEEDS`, and prints how many `attacks` held in all.
/// `attack` returns their number.
#[expect(clippy::print_stderr, reason = "tests/attacks/run.sh adds the numbers up")]
fn with_seeds(attacks: &str, seeds: std::ops::Range<u64>, attack: impl Fn(u64) -> usize + Sync) {
    let requested = std::env::var("ATTACK_SEEDS").ok().map(|range| {
        let (first, end) = range.split_once("..").unwrap();
        first.parse().unwrap()..end.parse().unwrap()
    });
    let is_requested = requested.is_some();
    let seeds = Mutex::new(requested.unwrap_or(seeds));
    let held = Mutex::new(0);
    let run_all = || {
        loop {
            let Some(seed) = seeds.lock().unwrap().next() else { break };
            // The panic itself has printed its cause.
            let attacked = std::panic::catch_unwind(AssertUnwindSafe(|| attack(seed)));
            let Ok(number) = attacked else {
                let end = seed + 1;
                panic!("{attacks}: repeat this one with ATTACK_SEEDS={seed}..{end}");
            };
            *held.lock().unwrap() += number;
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(run_all);
        }
    });
    let held = held.into_inner().unwrap();
    // Of a single seed, the run may make fewer calls than the attack counts.
    assert!(held > 0 || is_requested, "nothing was attacked");
    eprintln!("held: {held} {attacks}");
}

/// The library of `shim.c`, compiled once per process.
static SHIM: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let part = folder.join(format!("attacks-{}.so", std::process::id()));
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&part);
    compiler.arg(repository("tests/suite/attacks/shim.c")).args(["-ldl", "-pthread"]);
    assert!(compiler.status().unwrap().success());
    let library = folder.join("attacks.so");
    std::fs::rename(&part, &library).unwrap();
    library
});

/// Number of rows that can be created.
const ROWS: usize = 24;

/// An import of a CSV with a faulty row into a sandbox that loses some answers.
struct Import {
    /// Has the CSV, the ledger and the rejects file, and nothing else: what the attacks are on.
    client: Folder,
    /// Beside it, for the sandbox and the notes of the shim.
    server: Folder,
    sandbox: SandboxProcess,
    /// Whether the sandbox forgets client tokens at once, so that the runs must hold rows in doubt.
    forgets_tokens: bool,
    /// Every run so far, for the message of a failed assertion.
    history: String,
}

impl Import {
    fn new(seed: u64, forgets_tokens: bool) -> Self {
        let (client, server) = (Folder::new(), Folder::new());
        let mut text = "id,Name,Attributes.id\n".to_owned();
        for number in 0..ROWS {
            text.push_str(&format!("K{number},Task {number},K{number}\n"));
        }
        text.push_str(&format!("faulty,{},faulty\n", name_too_long()));
        client.write("t.csv", text);
        let seed = seed.to_string();
        // A run pauses after two unanswered rows in sequence, so that faults are rare.
        let mut options = vec!["--rate", "0", "--seed", &seed, "--lose", "0.04", "--fail", "0.01"];
        options.extend(["--reset", "0.01", "--slow", "0.1:3ms"]);
        if forgets_tokens {
            options.push("--forget-completed");
        }
        let sandbox = SandboxProcess::start(&server, &options);
        Import { client, server, sandbox, forgets_tokens, history: String::new() }
    }

    /// A run that is started with `more` options.
    fn command(&self, more: &[&str]) -> Command {
        let url = self.sandbox.url();
        let mut options = vec!["--max-attempts", "1", "--concurrency", "4", "--progress", "none"];
        if self.forgets_tokens {
            options.extend(["--on-unknown", "hold"]);
        }
        options.extend(more);
        self.client.command(&import(&url, &options))
    }

    /// The same, with the variables of the shim.
    fn attacked(&self, more: &[&str], variables: &[(&str, String)]) -> Command {
        let mut command = self.command(more);
        command.env("LD_PRELOAD", &*SHIM).env("ATTACK_FOLDER", self.client.path("").canonicalize().unwrap());
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Waits for a run, and fails if it hangs, panics or takes the ledger for damaged.
    fn end(&mut self, mut command: Command) -> Ended {
        use std::process::Stdio;
        let mut running = Running::of(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
        until("the run ends", || running.is_over());
        let ended = running.end();
        let notes = std::fs::read_to_string(self.server.path("notes")).unwrap_or_default();
        let failed = notes.lines().next().map(|call| format!(" (first failed call: {call})"));
        self.history.push_str(&format!("; ended in {:?}{}", ended.code, failed.unwrap_or_default()));
        for text in ["panicked", "internal error", "damaged"] {
            assert!(!ended.stderr.contains(text), "{}: {}", self.history, ended.stderr);
        }
        ended
    }

    /// Every contact must be of a row that is created or in doubt, and every created row must have its own.
    fn expect_consistent(&self) {
        let contradictions = contradictions(&rows(&self.client), &contacts(&self.sandbox));
        assert!(contradictions.is_empty(), "{}: {contradictions:#?}", self.history);
    }

    /// Repeats the run without attacks until it completes, and expects one contact for each row.
    fn resume(mut self) {
        for _ in 0..30 {
            let ended = self.end(self.command(&[]));
            assert!(matches!(ended.code, Some(1 | 75)), "{}: {}", self.history, ended.stderr);
            if ended.code == Some(1) {
                break;
            }
        }
        self.expect_consistent();
        let (rows, contacts) = (rows(&self.client), contacts(&self.sandbox));
        assert_eq!(rows.len(), ROWS + 1, "{}: {rows:#?}", self.history);
        for row in &rows {
            let own = contacts.iter().filter(|contact| contact.key == row.key).count();
            let fits = match (&*row.key, &*row.state, own) {
                ("faulty", "rejected", 0) | (_, "created", 1) => true,
                (_, "unknown", 0 | 1) => self.forgets_tokens,
                _ => false,
            };
            assert!(fits, "{}: {row:?} has {own} contacts", self.history);
        }
        let told = rows.iter().filter(|row| row.state != "created").count();
        assert_eq!(rejects(&self.client).len(), told, "{}", self.history);
    }
}
