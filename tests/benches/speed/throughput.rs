//! The sections about the tool's own cost: `no-quota` and `start`.

use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Instant;

use crate::endpoints::{self, ConstantEndpoint};
use crate::options::Options;
use crate::process::{self, Usage, measure};
use crate::table::{median, print_rows};
use crate::tool;

/// In-flight requests: a usual number of threads, and the maximum of the tool.
const CONCURRENCY: [&str; 2] = ["32", "256"];

/// The clients of `no-quota`, in the order of the table.
const CLIENTS: [&str; 3] =
    ["bare SDK calls, a thread a core", "bare SDK calls, one thread", "run with a durable ledger"];

/// Starts of the tool.
const STARTS: usize = 20;
const START_ROWS: u64 = 10;

/// Rows per second and CPU time without a quota, beside a loop of the same SDK calls without a ledger.
///
/// The loop runs on tokio's default runtime, with a thread for each core, and on one thread, as the tool
/// does. The tool is compared with the better of the two.
pub(crate) fn no_quota(options: &Options) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    tool::write_rows(path, options.rows);
    let endpoint = ConstantEndpoint::start(path, options.own_endpoint);
    let (port, rows) = (endpoint.port.to_string(), options.rows.to_string());
    for concurrency in CONCURRENCY {
        let mut runs: [Vec<Usage>; 3] = Default::default();
        // The clients take turns, and the first round is not counted.
        for round in 0..=options.rounds {
            tool::remove_ledger(path);
            let [threads, thread] = ["threads", "thread"]
                .map(|runtime| measure(process::role("bare", &[&port, &rows, concurrency, runtime]), &[0]));
            let tool = measure(tool::run(path, endpoint.port, &tool::unpaced(concurrency)), &[0]);
            if round > 0 {
                for (runs, usage) in runs.iter_mut().zip([threads, thread, tool]) {
                    runs.push(usage);
                }
            }
        }
        let case = format!("{rows} rows, {concurrency} at once, {}", endpoint.name);
        print_comparison(&case, options.rows as f64, &runs);
    }
}

fn print_comparison(case: &str, rows: f64, runs: &[Vec<Usage>; 3]) {
    let speed = |usages: &Vec<Usage>| {
        Some(rows / median(usages.iter().map(|usage| usage.wall.as_secs_f64()).collect()))
    };
    let cost = |usages: &Vec<Usage>| {
        let cpu: Option<Vec<f64>> = usages.iter().map(|usage| usage.cpu).collect();
        cpu.map(|cpu| median(cpu) * 1000.0 / rows)
    };
    let better_speed: fn(f64, f64) -> f64 = f64::max;
    for (measure, values, digits, better) in [
        ("rows/s", runs.each_ref().map(speed), 0, better_speed),
        ("CPU s per 1000 rows", runs.each_ref().map(cost), 3, f64::min),
    ] {
        let [threads, thread, tool] = values;
        let ratio = threads.zip(thread).zip(tool).map(|((one, other), tool)| tool / better(one, other));
        let ratio = ratio.map(|ratio| format!("{ratio:.2} x the better loop")).unwrap_or_default();
        let ratios = [String::new(), String::new(), ratio];
        let measurements = CLIENTS.iter().zip(values).zip(ratios).map(|((name, value), ratio)| {
            let value = value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.digits$}"));
            (format!("{measure}, {name}"), value, ratio)
        });
        print_rows("no-quota", case, measurements);
    }
}

/// The time from the start of the process to its first request, and the size of the binary.
pub(crate) fn start() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let (sender, requests) = mpsc::channel();
    // It runs in this process, so that both times are from one clock. It ends with the process.
    std::thread::spawn(move || {
        endpoints::serve_constant(listener, move || {
            let _ = sender.send(Instant::now());
        });
    });
    let folder = tempfile::tempdir().expect("a folder");
    tool::write_rows(folder.path(), START_ROWS);
    let mut times: Vec<f64> = (0..=STARTS)
        .map(|_| {
            tool::remove_ledger(folder.path());
            let command = tool::run(folder.path(), port, &tool::unpaced("32"));
            let began = Instant::now();
            measure(command, &[0]);
            let first = requests.try_iter().min().expect("a request arrived");
            first.saturating_duration_since(began).as_secs_f64() * 1000.0
        })
        .collect();
    // The first start reads the binary from the disk.
    times.remove(0);
    let least = times.iter().copied().fold(f64::INFINITY, f64::min);
    let binary = std::fs::metadata(env!("CARGO_BIN_EXE_connect-import")).expect("the binary exists").len();
    print_rows(
        "start",
        &format!("{START_ROWS} rows, new ledger, plain HTTP"),
        [
            ("to the first request: least".into(), format!("{least:.1} ms"), format!("of {STARTS} starts")),
            ("to the first request: median".into(), format!("{:.1} ms", median(times)), String::new()),
            ("the binary".into(), format!("{:.1} MB", binary as f64 / 1e6), String::new()),
        ],
    );
}
