//! The tool under test, and what it is given to read.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::child::on_loopback;
use crate::usage::{self, Usage};

/// The name of the CSV in its folder; the ledger lies beside it.
const CSV: &str = "rows.csv";

/// The description of every row, and of every request of the clients that the tool is compared with.
pub(crate) const DESCRIPTION: &str =
    "A description of some eighty characters that says what was the matter at the time";

/// A command of the tool on a folder's CSV.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_connect-import"));
    command.args(arguments).current_dir(folder);
    on_loopback(&mut command);
    command
}

/// `run` of the folder's CSV against an endpoint on this port.
pub(crate) fn run(folder: &Path, port: u16, arguments: &[&str]) -> Command {
    let mut command = command(folder, &["run", CSV, "--key", "id", "--sandbox", "--progress", "none"]);
    command.args(["--output", "json", "--endpoint-url", &format!("http://127.0.0.1:{port}")]).args(arguments);
    command
}

/// As fast as it goes, which is what the commands without a quota are for.
pub(crate) fn unpaced(concurrency: &str) -> [&str; 6] {
    ["--rate", "1000000", "--burst", "1000", "--concurrency", concurrency]
}

/// Where `run` puts the ledger.
pub(crate) fn ledger(folder: &Path) -> std::path::PathBuf {
    folder.join("rows.sandbox.ledger.db")
}

/// Removes the ledger with all that belongs to it.
pub(crate) fn forget(folder: &Path) {
    for suffix in ["", "-wal", "-shm", ".lock", ".rejects.csv"] {
        let mut name = ledger(folder).into_os_string();
        name.push(suffix);
        let _ = std::fs::remove_file(name);
    }
}

/// Writes the CSV.
pub(crate) fn write_rows(folder: &Path, rows: u64) {
    let write = || -> std::io::Result<()> {
        let mut out = std::io::BufWriter::new(std::fs::File::create(folder.join(CSV))?);
        writeln!(out, "id,Name,Description,Attributes.a,Attributes.b")?;
        for row in 0..rows {
            writeln!(out, "row-{row},Task {row},{DESCRIPTION},{row},two")?;
        }
        out.flush()
    };
    write().expect("the CSV is written");
}

/// Runs a command to its end, which must be in one of these exit codes, and tells what it took.
pub(crate) fn measured(mut command: Command, codes: &[i32]) -> Usage {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::null()).spawn().expect("the program starts");
    let (status, usage) = usage::wait(&mut child, started).expect("the program is waited for");
    assert!(status.code().is_some_and(|code| codes.contains(&code)), "{command:?}: {status}");
    usage
}

/// The same command on one core, where the system can pin a process; and whether it can.
pub(crate) fn pinned(command: Command) -> (Command, bool) {
    let can = Command::new("taskset").args(["-c", "0", "true"]).stderr(Stdio::null()).status();
    if !can.is_ok_and(|status| status.success()) {
        return (command, false);
    }
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", "0"]).arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        pinned.current_dir(folder);
    }
    on_loopback(&mut pinned);
    (pinned, true)
}
