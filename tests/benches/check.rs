//! `check` of a million rows with a mapping of ten members, compared with reading the file with the csv crate
//! alone. They take turns, on one core, where the system can pin a process, and on all cores.
//!
//!     cargo bench --bench check [-- ROWS]
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints, and stops at the first error"
)]

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;

const JOB: &str = r#"
[source]
files = ["rows.csv"]
key = ["Ticket ID"]
[request]
Name = "{{ subject | truncate(1024) }}"
Description = "{{ description | truncate(4096) }}"
[request.Attributes]
legacy_id = "{{ ticket_id }}"
status = "{{ status | lookup('status') }}"
priority = "{{ priority | lower }}"
product = "{{ product }}"
customer = "{{ row['Customer Name'] }}"
agent = "{{ agent | default('nobody', true) }}"
opened = "{{ opened }}"
[request.References.Ticket]
Type = "URL"
Value = "{{ url }}"
[lookup.status]
Open = "OPEN"
Closed = "DONE"
"*" = "OTHER"
"#;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match &arguments[..] {
        [word, file] if word == "read" => read(Path::new(file)),
        [] => compare(1_000_000),
        [rows] => compare(rows.parse().expect("a number of rows")),
        _ => println!("usage: cargo bench --bench check [-- ROWS]"),
    }
}

/// The baseline: the csv crate alone.
fn read(file: &Path) {
    let mut reader = csv::Reader::from_path(file).expect("the file opens");
    let mut record = csv::StringRecord::new();
    let (mut rows, mut cells) = (0_u64, 0);
    while reader.read_record(&mut record).expect("the file reads") {
        rows += 1;
        cells += record.len();
    }
    println!("{rows} rows, {cells} cells");
}

fn compare(rows: u32) {
    let folder = tempfile::tempdir().expect("a folder");
    let (csv, job) = (folder.path().join("rows.csv"), folder.path().join("job.toml"));
    write_rows(&csv, rows).expect("the file is written");
    std::fs::write(&job, JOB).expect("the job is written");
    let bytes = std::fs::metadata(&csv).expect("the file is there").len();
    println!("{rows} rows, {} MB, {ROUNDS} rounds in turns; median", bytes / 1_000_000);

    let own = std::env::current_exe().expect("this program's path");
    let read = || command(own.as_os_str(), &["read".as_ref(), csv.as_os_str()]);
    let check = || {
        let arguments = ["check".as_ref(), "--progress=none".as_ref(), "--job".as_ref(), job.as_os_str()];
        command(env!("CARGO_BIN_EXE_connect-import").as_ref(), &arguments)
    };
    let (mut alone, mut one, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(time(pinned(read())));
        one.push(time(pinned(check())));
        all.push(time(check()));
    }
    let alone = median(alone);
    let on_one = if can_pin() { "one core" } else { "not pinned: there is no taskset" };
    let all_cores = "all cores";
    for (name, cores, time) in [
        ("csv crate alone", on_one, alone),
        ("connect-import check", on_one, median(one)),
        ("connect-import check", all_cores, median(all)),
    ] {
        let per_row = time.as_secs_f64() * 1e9 / f64::from(rows);
        let ratio = time.as_secs_f64() / alone.as_secs_f64();
        println!("{name:<22} {cores:<10} {per_row:>6.0} ns a row   {ratio:.2}");
    }
}

fn write_rows(path: &Path, rows: u32) -> std::io::Result<()> {
    let words = "the printer on floor two does not answer since monday and nobody knows why it happened";
    let words: Vec<&str> = words.split(' ').collect();
    let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
    writeln!(
        out,
        "Ticket ID,Subject,Description,Status,Priority,Product,Customer Name,Agent,Opened,Purchased,URL,Region"
    )?;
    for row in 0..rows {
        let word =
            |n: u32| words[((row.wrapping_mul(2_654_435_761) >> 7) as usize + n as usize * 5) % words.len()];
        let text: Vec<&str> = (0..18).map(word).collect();
        let status = ["Open", "Closed", "Pending"][row as usize % 3];
        writeln!(
            out,
            "T-{row},Ticket {row} {},\"{}, and so on\",{status},High,Product {},Customer {},Agent {},\
             2024-03-{:02}T10:{:02}:00Z,2023-01-{:02},https://helpdesk.example.com/tickets/{row},Europe",
            word(3),
            text.join(" "),
            row % 50,
            row % 1000,
            row % 20,
            row % 28 + 1,
            row % 60,
            row % 28 + 1,
        )?;
    }
    out.flush()
}

fn can_pin() -> bool {
    let status = Command::new("taskset").args(["-c", "0", "true"]).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn command(program: &OsStr, arguments: &[&OsStr]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::null());
    command
}

/// The command on one core, where the system can pin a process.
fn pinned(command: Command) -> Command {
    if !can_pin() {
        return command;
    }
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", "0"]).arg(command.get_program()).args(command.get_args()).stdout(Stdio::null());
    pinned
}

fn time(mut command: Command) -> Duration {
    let started = Instant::now();
    let status = command.status().expect("the program runs");
    assert!(status.success(), "{status}");
    started.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
