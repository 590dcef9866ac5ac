//! Fixtures: a temporary folder, the binary, the sandbox process, and the endpoint with scripted replies.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub use crate::endpoint::{Endpoint, Gate, Reply, Request};

/// Timeout of every wait: long enough for the slowest machine, so that only a hang reaches it.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Skips a test whose tool is missing. The gate, `.ci/run`, installs every tool and sets `CI`: there it fails
/// instead.
#[track_caller]
#[expect(clippy::print_stderr, reason = "the test runner shows it with --nocapture")]
pub fn skip_outside_of_the_gate(reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "{reason}");
    eprintln!("skipped: {reason}");
}

/// A temporary folder, removed when it is dropped.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Permission bits of a file.
    pub fn permissions(&self, name: &str) -> u32 {
        self.path(name).metadata().unwrap().permissions().mode() & 0o777
    }

    /// A command of the binary in this folder, with an empty environment as under cron.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_connect-import"));
        command.current_dir(self.0.path()).args(arguments).env_clear();
        command.env("AWS_EC2_METADATA_DISABLED", "true").stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        let ended = Ended::from(self.command(arguments).output().unwrap());
        expect_times(&ended.timed_stderr);
        ended
    }

    /// Runs the command under a limit on open files, with the files from 3 on that `inherited` names and no other one.
    pub fn run_with_open_files(
        &self,
        limit: u32,
        inherited: std::ops::Range<u32>,
        arguments: &[&str],
    ) -> Ended {
        let opened: String = inherited.map(|number| format!("exec {number}</dev/null; ")).collect();
        let script = format!(
            "for file in /proc/self/fd/*; do file=${{file##*/}}; [ $file -lt 3 ] || eval \"exec $file>&-\"; done; \
             {opened}ulimit -n {limit}; exec \"$0\" \"$@\""
        );
        let mut command = Command::new("bash");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_connect-import")]).args(arguments);
        command.current_dir(self.path("")).env_clear().stdin(Stdio::null());
        Ended::from(command.output().unwrap())
    }

    /// Runs the binary with a pipe for standard output whose reader closes it at once.
    pub fn run_with_closed_stdout(&self, arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        Ended::from(child.wait_with_output().unwrap())
    }

    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        Running::of(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// Result of a query to the ledger: one line per row, columns joined by `|`.
    pub fn query(&self, ledger: &str, sql: &str) -> String {
        let connection = rusqlite::Connection::open(self.path(ledger)).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        let mut lines = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let cell = |index| match row.get_ref(index).unwrap() {
                rusqlite::types::ValueRef::Null => String::new(),
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                rusqlite::types::ValueRef::Real(number) => number.to_string(),
                rusqlite::types::ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                rusqlite::types::ValueRef::Blob(bytes) => format!("{} bytes", bytes.len()),
            };
            lines.push((0..columns).map(cell).collect::<Vec<_>>().join("|"));
        }
        lines.join("\n")
    }

    /// Changes the ledger with SQL.
    pub fn execute(&self, ledger: &str, sql: &str) {
        rusqlite::Connection::open(self.path(ledger)).unwrap().execute_batch(sql).unwrap();
    }

    /// As [`Folder::states`]; nothing while the ledger has no tables yet.
    pub fn states_or_nothing(&self, ledger: &str) -> String {
        let tables = self.query(ledger, "SELECT count(*) FROM sqlite_schema WHERE name = 'rows'");
        if tables == "1" { self.states(ledger) } else { String::new() }
    }

    /// Rows by state, such as `created 3, pending 1`.
    pub fn states(&self, ledger: &str) -> String {
        let counts =
            self.query(ledger, "SELECT state || ' ' || count(*) FROM rows GROUP BY state ORDER BY state");
        counts.replace('\n', ", ")
    }
}

/// Exit code and output of a process that has ended. The code is `None` if a signal killed it.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    /// Without the times at the start of its lines.
    pub stderr: String,
    /// As it was written.
    pub timed_stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let timed_stderr = String::from_utf8(output.stderr).unwrap();
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: timed_stderr
                .split_inclusive('\n')
                .map(|line| without_time(line).unwrap_or(line))
                .collect(),
            timed_stderr,
        }
    }
}

impl Ended {
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// A line of a log after its time, which has the form `2026-11-21T13:00:07.120Z `; none if it has no time.
pub fn without_time(line: &str) -> Option<&str> {
    const FORM: &str = "0000-00-00T00:00:00.000Z ";
    let (time, rest) = line.split_at_checked(FORM.len())?;
    let is_of_form = time.replace(|c: char| c.is_ascii_digit(), "0") == FORM;
    is_of_form.then_some(rest)
}

/// Checks that every line of a log has its time.
#[track_caller]
pub fn expect_times(log: &str) {
    for line in log.lines() {
        assert!(
            without_time(line).is_some() || line.starts_with("{\"timestamp\":"),
            "no time: {line:?}\n{log}"
        );
    }
}

/// A running process, killed when it is dropped.
pub struct Running(Option<Child>);

impl Running {
    pub fn of(command: &mut Command) -> Self {
        Running(Some(command.spawn().unwrap()))
    }

    pub fn signal(&self, name: &str) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Whether the process handles a signal, `INT` or `TERM`.
    pub fn handles(&self, name: &str) -> bool {
        let number = if name == "INT" { 2 } else { 15 };
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or_default();
        u64::from_str_radix(caught.trim(), 16).is_ok_and(|caught| caught & (1 << (number - 1)) != 0)
    }

    /// Sends two signals directly one after the other.
    pub fn signal_twice(&self, signals: [rustix::process::Signal; 2]) {
        let id = rustix::process::Pid::from_raw(i32::try_from(self.id()).unwrap()).unwrap();
        for signal in signals {
            rustix::process::kill_process(id, signal).unwrap();
        }
    }

    fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    pub fn is_over(&mut self) -> bool {
        self.0.as_mut().unwrap().try_wait().unwrap().is_some()
    }

    pub fn end(mut self) -> Ended {
        Ended::from(self.0.take().unwrap().wait_with_output().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits until a condition holds. `what` describes it when the wait times out.
#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < TIMEOUT, "timed out: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Starts a run whose standard error is written to the file `stderr`.
pub fn start_with_stderr_file(folder: &Folder, arguments: &[&str]) -> Running {
    let mut command = folder.command(arguments);
    let stderr = std::fs::File::create(folder.path("stderr")).unwrap();
    Running::of(command.stdout(Stdio::piped()).stderr(stderr))
}

/// Standard error so far of a run that `start_with_stderr_file` started.
pub fn stderr_so_far(folder: &Folder) -> String {
    folder.read("stderr")
}

/// A process of `connect-import sandbox`.
pub struct SandboxProcess {
    pub port: u16,
    _process: Running,
}

impl SandboxProcess {
    pub fn start(folder: &Folder, arguments: &[&str]) -> Self {
        let file = folder.path("port");
        let _ = std::fs::remove_file(&file);
        let mut all = vec!["sandbox", "--port-file", "port"];
        all.extend(arguments);
        let process = folder.start(&all);
        until("the sandbox serves", || file.exists());
        let port = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
        SandboxProcess { port, _process: process }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Contacts with all their members.
    pub fn listed_contacts(&self) -> Vec<serde_json::Value> {
        serde_json::from_str(&self.get("/_sandbox/contacts")).unwrap()
    }

    /// Client token and contact id of each contact.
    pub fn contacts(&self) -> Vec<(String, String)> {
        let text =
            |contact: &serde_json::Value, name: &str| contact[name].as_str().unwrap_or_default().to_owned();
        let contacts = self.listed_contacts();
        contacts.iter().map(|contact| (text(contact, "ClientToken"), text(contact, "ContactId"))).collect()
    }

    pub fn stat(&self, name: &str) -> u64 {
        let stats: serde_json::Value = serde_json::from_str(&self.get("/_sandbox/stats")).unwrap();
        stats[name].as_u64().unwrap()
    }

    pub fn get(&self, path: &str) -> String {
        SandboxProcess::get_from(self.port, path)
    }

    /// The response body of a GET request to the sandbox on this port.
    pub fn get_from(port: u16, path: &str) -> String {
        SandboxProcess::send(port, &format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n"))
    }

    /// The response body of a PUT request, such as another client sends.
    pub fn put(&self, path: &str, body: &serde_json::Value) -> String {
        let body = body.to_string();
        let length = body.len();
        let head = format!("PUT {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
        SandboxProcess::send(self.port, &(head + &body))
    }

    fn send(port: u16, request: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response.split_once("\r\n\r\n").unwrap().1.to_owned()
    }
}

/// A CSV of `rows` rows with the columns `id` and `Name`.
pub fn numbered_csv(rows: usize) -> String {
    let mut text = "id,Name\n".to_owned();
    for number in 0..rows {
        text.push_str(&format!("K{number},Task {number}\n"));
    }
    text
}

/// Arguments of a run of `t.csv` with the ledger `t.ledger.db` and without a rate limit.
pub fn import<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    import_file("t.csv", url, more)
}

/// The arguments of an import of `csv` into `t.ledger.db`, as fast as the endpoint answers.
pub fn import_file<'a>(csv: &'a str, url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["run", csv, "--key", "id"], &into(url)[..], more].concat()
}

/// Options of a run with the ledger `t.ledger.db`, this endpoint, and no effective rate limit.
pub fn into(url: &str) -> [&str; 9] {
    ["--sandbox", "--ledger", "t.ledger.db", "--rate", "100000", "--burst", "1000", "--endpoint-url", url]
}

/// Keys of a user, as variables of the environment.
pub const USER_KEYS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret")];

/// Options of a command with the ledger `t.ledger.db` and this endpoint, as a service of Region `eu-west-2`.
pub fn into_service(url: &str) -> [&str; 8] {
    let instance = "11111111-2222-3333-4444-555555555555";
    ["--ledger", "t.ledger.db", "--instance-id", instance, "--region", "eu-west-2", "--endpoint-url", url]
}

/// Arguments of a run of `t.csv` that signs its requests, with no effective rate limit.
pub fn run_signed<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let own = ["run", "t.csv", "--key", "id", "--rate", "100000", "--burst", "1000"];
    [&own[..], &into_service(url), more].concat()
}

/// Replaces paths, ports, rates and times, which differ between runs, by placeholders.
pub fn steady(text: &str, folder: &Folder) -> String {
    let real = folder.0.path().canonicalize().unwrap();
    let text = text.replace(&*real.to_string_lossy(), "FOLDER");
    let text = text.replace(&*folder.0.path().to_string_lossy(), "FOLDER");
    let text = text.replace(env!("CARGO_BIN_EXE_connect-import"), "connect-import");
    // The operating system chooses the port.
    let text = match text.split_once("http://127.0.0.1:") {
        Some((before, after)) => {
            format!("{before}http://127.0.0.1:PORT{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        None => text,
    };
    let lines =
        text.lines().map(|line| if line.contains(" in all; ") { "  (rate, time, throttling)" } else { line });
    lines.map(|line| format!("{line}\n")).collect()
}

/// The last JSON line of each `message_type`.
pub fn messages(stdout: &str) -> BTreeMap<String, serde_json::Value> {
    let lines = stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.map(|line| (line["message_type"].as_str().unwrap().to_owned(), line)).collect()
}

/// A file of the repository.
pub fn repository(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
