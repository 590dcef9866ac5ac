//! Child processes: they do not outlive this program, and their CPU time and memory are measured.
//!
//! The measurements are read from /proc: the system calls for them need unsafe code.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Maximum time until a server writes its port.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Ticks of the kernel's clock per second for user space, in every Linux on x86 and ARM.
const TICKS_PER_SECOND: f64 = 100.0;

/// Interval between two looks at the peak memory. It is gone once the process has ended, so growth in the
/// last interval is not seen.
const PEAK_INTERVAL: Duration = Duration::from_millis(5);

/// A child process that is killed on drop.
#[derive(Debug)]
pub(crate) struct ChildGuard(pub(crate) Child);

impl Drop for ChildGuard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The resources that a child used from its start to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) wall: Duration,
    /// User and system time in seconds, to a hundredth.
    pub(crate) cpu: Option<f64>,
    /// Peak of the resident memory in bytes.
    pub(crate) peak: Option<u64>,
}

/// A command that runs this program in another role.
pub(crate) fn role(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program's path"));
    command.args(["role", name]).args(arguments);
    isolate_environment(&mut command);
    command
}

/// Removes the variables for proxies, for AWS and for the tool from the environment of a child.
pub(crate) fn isolate_environment(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let upper = name.to_string_lossy().to_uppercase();
        if upper.ends_with("_PROXY") || upper.starts_with("AWS_") || upper.starts_with("CONNECT_IMPORT_") {
            command.env_remove(name);
        }
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true");
}

/// Starts a server that writes its port to the first line of its standard output.
pub(crate) fn start_server(mut command: Command) -> (ChildGuard, u16) {
    let mut child = ChildGuard(command.stdout(Stdio::piped()).spawn().expect("the server starts"));
    let mut line = String::new();
    let out = child.0.stdout.as_mut().expect("its output is piped");
    BufReader::new(out).read_line(&mut line).expect("the server writes its port");
    (child, line.trim().parse().expect("a port"))
}

/// Waits for the port that a server writes into a file.
pub(crate) fn port_in(file: &Path) -> u16 {
    let start = Instant::now();
    loop {
        if let Ok(text) = fs::read_to_string(file) {
            return text.trim().parse().expect("a port");
        }
        assert!(start.elapsed() < START_TIMEOUT, "the server does not start");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits for a process that ends by itself. Returns its status and its last line of output as JSON. The
/// output must fit into the buffer of the pipe.
///
/// # Errors
///
/// The process did not end in time; it is killed.
pub(crate) fn wait_for_end(mut child: ChildGuard, timeout: Duration) -> Result<(ExitStatus, Value), String> {
    let start = Instant::now();
    let status = loop {
        match child.0.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if start.elapsed() < timeout => std::thread::sleep(Duration::from_millis(20)),
            Ok(None) => return Err("did not end by itself".to_owned()),
            Err(error) => return Err(error.to_string()),
        }
    };
    let mut out = String::new();
    if let Some(pipe) = child.0.stdout.as_mut() {
        pipe.read_to_string(&mut out).map_err(|error| error.to_string())?;
    }
    let last = out.lines().last().and_then(|line| serde_json::from_str(line).ok());
    Ok((status, last.unwrap_or_default()))
}

/// Runs a command to its end, which must have one of these exit codes, and measures it.
pub(crate) fn measure(mut command: Command, codes: &[i32]) -> Usage {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::null()).spawn().expect("the program starts");
    let id = child.id();
    let peak = std::thread::spawn(move || watch_peak(id));
    wait_without_reaping(id).expect("the program is waited for");
    let wall = started.elapsed();
    // Until the process is reaped its CPU time can be read.
    let cpu = cpu_seconds(id);
    let peak = peak.join().ok().flatten();
    let status = child.wait().expect("the program is waited for");
    assert!(status.code().is_some_and(|code| codes.contains(&code)), "{command:?}: {status}");
    Usage { wall, cpu, peak }
}

/// The command on one core, and whether this system can pin a process.
pub(crate) fn pin(command: Command) -> (Command, bool) {
    let taskset = Command::new("taskset").args(["-c", "0", "true"]).stderr(Stdio::null()).status();
    if !taskset.is_ok_and(|status| status.success()) {
        return (command, false);
    }
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", "0"]).arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        pinned.current_dir(folder);
    }
    isolate_environment(&mut pinned);
    (pinned, true)
}

#[cfg(unix)]
fn wait_without_reaping(id: u32) -> std::io::Result<()> {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let id = i32::try_from(id).ok().and_then(Pid::from_raw).ok_or(std::io::ErrorKind::InvalidInput)?;
    waitid(WaitId::Pid(id), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    Ok(())
}

#[cfg(not(unix))]
fn wait_without_reaping(_id: u32) -> std::io::Result<()> {
    Ok(())
}

/// Fields 14 and 15 of the line; field 2 is a name in parentheses.
fn cpu_seconds(id: u32) -> Option<f64> {
    let line = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut fields = line.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_SECOND)
}

/// The last peak that was read before the process ended.
fn watch_peak(id: u32) -> Option<u64> {
    let mut peak = None;
    while let Some(seen) = peak_memory(id) {
        peak = Some(seen);
        std::thread::sleep(PEAK_INTERVAL);
    }
    peak
}

fn peak_memory(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    kib.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
