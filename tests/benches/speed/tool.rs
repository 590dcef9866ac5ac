//! The tool under test: its commands, its input, and its ledger.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::http;
use crate::process::{isolate_environment, measure};

/// Name of the CSV in its folder; the ledger is beside it.
const CSV: &str = "rows.csv";

/// Rows per transaction when rows are settled by SQL.
const CHUNK: u64 = 100_000;

/// The port of runs that send nothing: no endpoint listens on it.
const UNUSED_PORT: u16 = 9;

/// The description of every row, and of every request of the clients that the tool is compared with.
pub(crate) const DESCRIPTION: &str =
    "A description of some eighty characters that says what was the matter at the time";

/// A command of the tool in a folder.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_connect-import"));
    command.args(arguments).current_dir(folder);
    isolate_environment(&mut command);
    command
}

/// `run` of the folder's CSV against an endpoint on this port.
pub(crate) fn run(folder: &Path, port: u16, arguments: &[&str]) -> Command {
    let mut command = command(folder, &["run", CSV, "--key", "id", "--sandbox", "--progress", "none"]);
    command.args(["--output", "json", "--endpoint-url", &format!("http://127.0.0.1:{port}")]).args(arguments);
    command
}

/// `check` of the folder's CSV.
pub(crate) fn check(folder: &Path) -> Command {
    command(folder, &["check", CSV, "--key", "id", "--progress", "none"])
}

/// A run that reads every row into the ledger and sends none.
pub(crate) fn run_intake(folder: &Path) -> Command {
    run(folder, UNUSED_PORT, &["--limit", "0"])
}

/// A run that finds every row created.
pub(crate) fn run_resume(folder: &Path) -> Command {
    run(folder, UNUSED_PORT, &[])
}

/// `status` of the folder's ledger.
pub(crate) fn status(folder: &Path) -> Command {
    command(folder, &["status", CSV, "--sandbox"])
}

/// The arguments of `run` for the highest rate.
pub(crate) fn unpaced(concurrency: &str) -> [&str; 6] {
    ["--rate", "1000000", "--burst", "1000", "--concurrency", concurrency]
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

/// Removes the ledger and its companion files.
pub(crate) fn remove_ledger(folder: &Path) {
    for suffix in ["", "-wal", "-shm", ".lock", ".rejects.csv"] {
        let mut name = ledger(folder).into_os_string();
        name.push(suffix);
        let _ = std::fs::remove_file(name);
    }
}

/// The size of the ledger in bytes.
pub(crate) fn ledger_size(folder: &Path) -> u64 {
    std::fs::metadata(ledger(folder)).expect("the ledger exists").len()
}

/// Turns the pending rows of a ledger into created ones, in less time than sending them takes, and has the
/// tool close the ledger: it finds that another program has written to it, and checks it.
///
/// Tokens, keys and digests are those of the tool's intake. The digests of the request and of the contact's id are random:
/// only `verify` and a run that creates contacts would notice.
pub(crate) fn settle(folder: &Path) {
    settle_by_sql(folder).expect("the rows are settled");
    measure(run_resume(folder), &[0]);
}

fn settle_by_sql(folder: &Path) -> rusqlite::Result<()> {
    let response: serde_json::Value =
        serde_json::from_str(&http::created_body("7c898062-b2eb-45c6-a9be-4e11edd0a2ba"))
            .expect("it is JSON");
    let [id, arn] = ["ContactId", "ContactArn"].map(|name| response[name].as_str().unwrap_or_default());
    let ledger = rusqlite::Connection::open(ledger(folder))?;
    // The ledger is temporary, so it need not survive a power failure.
    ledger.pragma_update(None, "synchronous", "OFF")?;
    let rows: u64 = ledger.query_row("SELECT coalesce(max(id), 0) FROM rows", [], |row| row.get(0))?;
    for from in (0..rows).step_by(CHUNK as usize) {
        ledger.execute(
            "UPDATE rows SET state = 'created', attempts = 1, contact_id = substr(?1, 1, 24) || printf('%012x', rows.id), contact_arn = ?2,
                    contact_hash = random(), record = NULL,
                    request_digest = randomblob(16), first_sent_ms = started_ms, last_sent_ms = started_ms
             FROM runs
             WHERE runs.id = run_id AND state = 'pending' AND rows.id > ?3 AND rows.id <= ?3 + ?4",
            rusqlite::params![id, arn, from, CHUNK],
        )?;
    }
    ledger.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

fn ledger(folder: &Path) -> PathBuf {
    folder.join("rows.sandbox.ledger.db")
}
