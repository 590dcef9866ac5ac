//! Whether a row costs the same among ten thousand and among millions.

use std::path::Path;

use crate::ledger;
use crate::options::{BIG, Options};
use crate::resume::{entering, resuming, settle};
use crate::table::{self, median};
use crate::tool::{self, measured};
use crate::usage::Usage;

/// What is measured at one size, for each in the order of the table.
#[derive(Clone, Copy, Debug)]
struct Measured {
    /// Microseconds a row.
    intake: f64,
    resume: f64,
    /// Bytes at the peak.
    intake_peak: Option<u64>,
    resume_peak: Option<u64>,
    /// Bytes of ledger a row.
    ledger: f64,
}

pub(crate) fn run(options: &Options) {
    let sizes = [10_000, 100_000, 1_000_000].into_iter().chain(options.big.then_some(BIG));
    let mut smallest = None;
    for rows in sizes {
        let measured = measure(rows);
        report(rows, measured, *smallest.get_or_insert(measured));
    }
}

fn measure(rows: u64) -> Measured {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    tool::write_rows(path, rows);
    // What is over soon is measured more often.
    let rounds = if rows > 100_000 { 1 } else { 5 };
    let intakes: Vec<Usage> = (0..rounds)
        .map(|_| {
            tool::forget(path);
            measured(entering(path), &[10])
        })
        .collect();
    settle(path);
    let resumes: Vec<Usage> = (0..rounds).map(|_| measured(resuming(path), &[0])).collect();
    let a_row = |usages: &[Usage]| {
        median(usages.iter().map(|usage| usage.wall.as_secs_f64() * 1e6 / rows as f64).collect())
    };
    let peak = |usages: &[Usage]| usages.iter().filter_map(|usage| usage.peak).max();
    Measured {
        intake: a_row(&intakes),
        resume: a_row(&resumes),
        intake_peak: peak(&intakes),
        resume_peak: peak(&resumes),
        ledger: per_row(path, rows),
    }
}

fn per_row(folder: &Path, rows: u64) -> f64 {
    ledger::size(folder) as f64 / rows as f64
}

fn report(rows: u64, measured: Measured, smallest: Measured) {
    let ratio = |value: f64, smallest: f64| format!("{:.2} x the smallest", value / smallest);
    let time = |what: &str, value: f64, smallest: f64| {
        (format!("{what}, microseconds a row"), format!("{value:.2}"), ratio(value, smallest))
    };
    let peak = |what: &str, value: Option<u64>, smallest: Option<u64>| {
        let shown = value.map_or_else(|| "unknown".into(), |value| format!("{:.0} MB", value as f64 / 1e6));
        let against = value.zip(smallest).map(|(value, smallest)| ratio(value as f64, smallest as f64));
        (format!("{what}, peak memory"), shown, against.unwrap_or_default())
    };
    let bytes = format!("{:.0}", measured.ledger);
    table::rows(
        "scale",
        &format!("{rows} rows"),
        [
            time("intake", measured.intake, smallest.intake),
            peak("intake", measured.intake_peak, smallest.intake_peak),
            time("resume", measured.resume, smallest.resume),
            peak("resume", measured.resume_peak, smallest.resume_peak),
            ("ledger, bytes a row".into(), bytes, ratio(measured.ledger, smallest.ledger)),
        ],
    );
}
