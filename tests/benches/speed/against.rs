//! The section `against`: this build beside another one of the tool, in turns on the same input.

use std::path::Path;
use std::process::Command;

use crate::endpoints::ConstantEndpoint;
use crate::options::Options;
use crate::process::{Usage, isolate_environment, measure};
use crate::table::{median, print_rows};
use crate::tool;

/// `check` and intake of a CSV, and sending to an endpoint without a quota.
pub(crate) fn run(options: &Options) {
    let Some(other) = &options.against else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    tool::write_rows(path, options.ledger_rows);
    let large = format!("{} rows", options.ledger_rows);
    compare(other, options, path, "check", &large, &tool::check(path), &[0]);
    compare(other, options, path, "intake", &large, &tool::run_intake(path), &[10]);
    tool::write_rows(path, options.rows);
    let endpoint = ConstantEndpoint::start(path, options.own_endpoint);
    let sending = tool::run(path, endpoint.port, &tool::unpaced("32"));
    compare(other, options, path, "send", &format!("{} rows", options.rows), &sending, &[0]);
}

fn compare(
    other: &Path,
    options: &Options,
    folder: &Path,
    name: &str,
    rows: &str,
    command: &Command,
    codes: &[i32],
) {
    let programs = [Path::new(command.get_program()), other];
    let mut runs: [Vec<Usage>; 2] = Default::default();
    // The first round warms the caches up.
    for round in 0..=options.rounds {
        for (program, usages) in programs.into_iter().zip(&mut runs) {
            tool::remove_ledger(folder);
            let mut same = Command::new(program);
            same.args(command.get_args()).current_dir(folder);
            isolate_environment(&mut same);
            let usage = measure(same, codes);
            if round > 0 {
                usages.push(usage);
            }
        }
    }
    let medians = |value: fn(&Usage) -> Option<f64>| {
        runs.each_ref().map(|usages| median(usages.iter().filter_map(value).collect()))
    };
    let cpu = medians(|usage| usage.cpu);
    let wall = medians(|usage| Some(usage.wall.as_secs_f64()));
    let peak = medians(|usage| usage.peak.map(|bytes| bytes as f64 / 1e6));
    let measurements = [("CPU", cpu, "s"), ("wall", wall, "s"), ("peak memory", peak, "MB")].map(
        |(measure, [this, other], unit)| {
            let value = format!("{this:.2} : {other:.2} {unit}");
            (format!("{name}: {measure}, this : other"), value, format!("{:.2} x", this / other))
        },
    );
    print_rows("against", rows, measurements);
}
