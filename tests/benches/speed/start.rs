//! How long it takes until the first request is there, and how big the binary is.

use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Instant;

use crate::constant;
use crate::table::{self, median};
use crate::tool::{self, measured};

const ROUNDS: usize = 20;
const ROWS: u64 = 10;

pub(crate) fn run() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let (tell, told) = mpsc::channel();
    // In this process, so that one clock tells both times. It ends with the process.
    std::thread::spawn(move || {
        constant::serve(listener, move || {
            let _ = tell.send(Instant::now());
        });
    });
    let folder = tempfile::tempdir().expect("a folder");
    tool::write_rows(folder.path(), ROWS);
    let mut times: Vec<f64> = (0..=ROUNDS)
        .map(|_| {
            tool::forget(folder.path());
            let command = tool::run(folder.path(), port, &tool::unpaced("32"));
            let began = Instant::now();
            measured(command, &[0]);
            let first = told.try_iter().min().expect("a request came");
            first.saturating_duration_since(began).as_secs_f64() * 1000.0
        })
        .collect();
    // The first time it is read from the disk.
    times.remove(0);
    let least = times.iter().copied().fold(f64::INFINITY, f64::min);
    let binary = std::fs::metadata(env!("CARGO_BIN_EXE_connect-import")).expect("the binary is there").len();
    table::rows(
        "start",
        &format!("{ROWS} rows, new ledger, plain HTTP"),
        [
            ("to the first request: least".into(), format!("{least:.1} ms"), format!("of {ROUNDS} starts")),
            ("to the first request: median".into(), format!("{:.1} ms", median(times)), String::new()),
            ("the binary".into(), format!("{:.1} MB", binary as f64 / 1e6), String::new()),
        ],
    );
}
