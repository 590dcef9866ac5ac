//! The sections about the number of rows: `resume` and `scale`.

use std::path::Path;

use crate::endpoints::ConstantEndpoint;
use crate::options::{BIG, Options};
use crate::process::{Usage, measure, pin};
use crate::table::{median, megabytes, print_rows};
use crate::tool;

/// Repetitions of `status`.
const STATUS_ROUNDS: usize = 5;

/// Measurements at one number of rows.
#[derive(Clone, Copy, Debug)]
struct ScaleMeasurements {
    /// Microseconds per row.
    intake: f64,
    resume: f64,
    /// Peak memory in bytes.
    intake_peak: Option<u64>,
    resume_peak: Option<u64>,
    /// Bytes of the ledger per row.
    ledger: f64,
}

/// A second run over a finished import, which reads every row and sends none, and `status`.
pub(crate) fn resume(options: &Options) {
    resume_after_sending(options);
    if options.big {
        resume_after_settling();
    }
}

/// The tool sends every row.
fn resume_after_sending(options: &Options) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let rows = options.ledger_rows;
    tool::write_rows(path, rows);
    let endpoint = ConstantEndpoint::start(path, options.own_endpoint);
    let sent = measure(tool::run(path, endpoint.port, &tool::unpaced("32")), &[0]);
    let case = format!("{rows} rows, sent by the tool");
    let speed = format!("{:.0}", rows as f64 / sent.wall.as_secs_f64());
    print_rows("resume", &case, [("rows/s when they were sent".into(), speed, String::new())]);
    measure_resume(path, &case, rows);
}

/// The tool takes in every row and sends none; SQL settles them.
fn resume_after_settling() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    tool::write_rows(path, BIG);
    measure(tool::run_intake(path), &[10]);
    tool::settle(path);
    measure_resume(path, &format!("{BIG} rows, settled by SQL"), BIG);
}

fn measure_resume(folder: &Path, case: &str, rows: u64) {
    let (command, is_pinned) = pin(tool::run_resume(folder));
    let cores = if is_pinned { "one core" } else { "not pinned: there is no taskset" };
    let usage = measure(command, &[0]);
    let status = (0..STATUS_ROUNDS).map(|_| measure(tool::status(folder), &[0]).wall.as_secs_f64()).collect();
    print_rows(
        "resume",
        case,
        [
            (
                format!("rows/s of a second run, {cores}"),
                format!("{:.0}", rows as f64 / usage.wall.as_secs_f64()),
                format!("{:.1} s in all", usage.wall.as_secs_f64()),
            ),
            ("its peak memory".into(), megabytes(usage.peak), String::new()),
            ("status".into(), format!("{:.0} ms", median(status) * 1000.0), String::new()),
        ],
    );
}

/// The cost of a row among ten thousand to millions of rows.
pub(crate) fn scale(options: &Options) {
    let sizes = [10_000, 100_000, 1_000_000].into_iter().chain(options.big.then_some(BIG));
    let mut smallest = None;
    for rows in sizes {
        let measurements = measure_scale(rows);
        print_scale(rows, measurements, *smallest.get_or_insert(measurements));
    }
}

fn measure_scale(rows: u64) -> ScaleMeasurements {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    tool::write_rows(path, rows);
    // Short runs vary more, so they are repeated.
    let rounds = if rows > 100_000 { 1 } else { 5 };
    let intakes: Vec<Usage> = (0..rounds)
        .map(|_| {
            tool::remove_ledger(path);
            measure(tool::run_intake(path), &[10])
        })
        .collect();
    tool::settle(path);
    let resumes: Vec<Usage> = (0..rounds).map(|_| measure(tool::run_resume(path), &[0])).collect();
    let per_row = |usages: &[Usage]| {
        median(usages.iter().map(|usage| usage.wall.as_secs_f64() * 1e6 / rows as f64).collect())
    };
    let peak = |usages: &[Usage]| usages.iter().filter_map(|usage| usage.peak).max();
    ScaleMeasurements {
        intake: per_row(&intakes),
        resume: per_row(&resumes),
        intake_peak: peak(&intakes),
        resume_peak: peak(&resumes),
        ledger: tool::ledger_size(path) as f64 / rows as f64,
    }
}

fn print_scale(rows: u64, measured: ScaleMeasurements, smallest: ScaleMeasurements) {
    let ratio = |value: f64, smallest: f64| format!("{:.2} x the smallest", value / smallest);
    let time = |name: &str, value: f64, smallest: f64| {
        (format!("{name}, microseconds a row"), format!("{value:.2}"), ratio(value, smallest))
    };
    let peak = |name: &str, value: Option<u64>, smallest: Option<u64>| {
        let ratio = value.zip(smallest).map(|(value, smallest)| ratio(value as f64, smallest as f64));
        (format!("{name}, peak memory"), megabytes(value), ratio.unwrap_or_default())
    };
    let bytes = format!("{:.0}", measured.ledger);
    print_rows(
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
