//! No quota at all: what the tool itself costs, beside a bare loop of the same SDK calls without a ledger.
//!
//! The loop runs twice: on the runtime that tokio gives by itself, with a thread for each core, and on one
//! thread, as the tool does. The better of the two is what the tool is held against.

use crate::child;
use crate::constant::Constant;
use crate::options::Options;
use crate::table::{self, median};
use crate::tool::{self, measured};
use crate::usage::Usage;

/// Requests under way: what people give their threads, and what the tool allows itself.
const CONCURRENCY: [&str; 2] = ["32", "256"];

pub(crate) fn run(options: &Options) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    tool::write_rows(path, options.rows);
    let endpoint = Constant::start(path, options.own_endpoint);
    let (port, rows) = (endpoint.port.to_string(), options.rows.to_string());
    for concurrency in CONCURRENCY {
        let mut runs: [Vec<Usage>; 3] = Default::default();
        // In turns, and the first round does not count.
        for round in 0..=options.rounds {
            tool::forget(path);
            let loops = ["threads", "thread"]
                .map(|runtime| measured(child::role("bare", &[&port, &rows, concurrency, runtime]), &[0]));
            let tool = measured(tool::run(path, endpoint.port, &tool::unpaced(concurrency)), &[0]);
            if round > 0 {
                let [threads, thread] = loops;
                for (runs, usage) in runs.iter_mut().zip([threads, thread, tool]) {
                    runs.push(usage);
                }
            }
        }
        let case = format!("{rows} rows, {concurrency} at once, {}", endpoint.name);
        tell(&case, options.rows as f64, &runs);
    }
}

const NAMES: [&str; 3] =
    ["bare SDK calls, a thread a core", "bare SDK calls, one thread", "run with a durable ledger"];

fn tell(case: &str, rows: f64, runs: &[Vec<Usage>; 3]) {
    let speed = |usages: &Vec<Usage>| {
        Some(rows / median(usages.iter().map(|usage| usage.wall.as_secs_f64()).collect()))
    };
    let cost = |usages: &Vec<Usage>| {
        let cpu: Option<Vec<f64>> = usages.iter().map(|usage| usage.cpu).collect();
        cpu.map(|cpu| median(cpu) * 1000.0 / rows)
    };
    for (what, values, digits) in
        [("rows/s", runs.each_ref().map(speed), 0), ("CPU s per 1000 rows", runs.each_ref().map(cost), 3)]
    {
        let [threads, thread, tool] = values;
        let best = if digits == 0 { f64::max } else { f64::min };
        let ratio = threads.zip(thread).zip(tool).map(|((one, other), tool)| tool / best(one, other));
        let ratios =
            [None, None, ratio].map(|ratio| ratio.map(|ratio| format!("{ratio:.2} x the better loop")));
        let told = NAMES.iter().zip(values).zip(ratios).map(|((name, value), ratio)| {
            let shown = value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.digits$}"));
            (format!("{what}, {name}"), shown, ratio.unwrap_or_default())
        });
        table::rows("no-quota", case, told);
    }
}
