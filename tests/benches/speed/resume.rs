//! A second run over an import that is finished: every row is read, known, and not sent. And `status`.

use std::path::Path;

use crate::constant::Constant;
use crate::ledger;
use crate::options::{BIG, Options};
use crate::table::{self, median};
use crate::tool::{self, measured};

/// How often `status` is asked.
const ROUNDS: usize = 5;

pub(crate) fn run(options: &Options) {
    sent(options);
    if options.big {
        entered();
    }
}

/// The tool itself makes the ledger, by sending every row.
fn sent(options: &Options) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let rows = options.ledger_rows;
    tool::write_rows(path, rows);
    let endpoint = Constant::start(path, options.own_endpoint);
    let made = measured(tool::run(path, endpoint.port, &tool::unpaced("32")), &[0]);
    let case = format!("{rows} rows, sent by the tool");
    let speed = format!("{:.0}", rows as f64 / made.wall.as_secs_f64());
    table::rows("resume", &case, [("rows/s when they were sent".into(), speed, String::new())]);
    again(path, &case, rows);
}

/// The tool enters every row and sends none; what sending would have written is written by SQL.
fn entered() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    tool::write_rows(path, BIG);
    measured(entering(path), &[10]);
    settle(path);
    again(path, &format!("{BIG} rows, settled by SQL"), BIG);
}

/// Turns what waits into created rows, and has the tool close the ledger: it finds that others have written
/// to it, and looks through it.
pub(crate) fn settle(folder: &Path) {
    ledger::settle(folder).expect("the rows are settled");
    measured(resuming(folder), &[0]);
}

/// A run that reads everything, enters it into the ledger, and sends nothing.
pub(crate) fn entering(folder: &Path) -> std::process::Command {
    // Port 9 is nobody's: what is not sent needs no endpoint.
    tool::run(folder, 9, &["--limit", "0"])
}

/// A run that finds every row created.
pub(crate) fn resuming(folder: &Path) -> std::process::Command {
    tool::run(folder, 9, &[])
}

fn again(folder: &Path, case: &str, rows: u64) {
    let (command, pinned) = tool::pinned(resuming(folder));
    let on = if pinned { "one core" } else { "not pinned: there is no taskset" };
    let usage = measured(command, &[0]);
    let peak = usage.peak.map_or_else(|| "unknown".into(), |peak| format!("{:.0} MB", peak as f64 / 1e6));
    let status = || tool::command(folder, &["status", "rows.csv", "--sandbox"]);
    let asked = (0..ROUNDS).map(|_| measured(status(), &[0]).wall.as_secs_f64()).collect();
    table::rows(
        "resume",
        case,
        [
            (
                format!("rows/s of a second run, {on}"),
                format!("{:.0}", rows as f64 / usage.wall.as_secs_f64()),
                format!("{:.1} s in all", usage.wall.as_secs_f64()),
            ),
            ("its peak memory".into(), peak, String::new()),
            ("status".into(), format!("{:.0} ms", median(asked) * 1000.0), String::new()),
        ],
    );
}
