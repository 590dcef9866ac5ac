//! Child processes that do not outlive what started them.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a server may take until it serves.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process that is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Guarded(pub(crate) Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// This program in another role.
pub(crate) fn role(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program's path"));
    command.args(["role", name]).args(arguments);
    on_loopback(&mut command);
    command
}

/// Keeps what the environment says of proxies, of AWS and of the tool from a child.
pub(crate) fn on_loopback(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let upper = name.to_string_lossy().to_uppercase();
        if upper.ends_with("_PROXY") || upper.starts_with("AWS_") || upper.starts_with("CONNECT_IMPORT_") {
            command.env_remove(name);
        }
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true");
}

/// Starts a server that says its port in the first line of its standard output.
pub(crate) fn serving(mut command: Command) -> (Guarded, u16) {
    let mut child = Guarded(command.stdout(Stdio::piped()).spawn().expect("the server starts"));
    let mut line = String::new();
    let out = child.0.stdout.as_mut().expect("its output is piped");
    BufReader::new(out).read_line(&mut line).expect("the server says its port");
    (child, line.trim().parse().expect("a port"))
}

/// Waits for the port that a server writes into a file.
pub(crate) fn port_in(file: &Path) -> u16 {
    let start = Instant::now();
    loop {
        if let Ok(text) = std::fs::read_to_string(file) {
            return text.trim().parse().expect("a port");
        }
        assert!(start.elapsed() < PATIENCE, "the server does not serve");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits for a process that ends by itself, and gives its status and the last line it wrote, as JSON. What it
/// writes is short enough for the pipe.
///
/// # Errors
/// It does not end in time; then it is killed.
pub(crate) fn ended(mut child: Guarded, patience: Duration) -> Result<(ExitStatus, Value), String> {
    let start = Instant::now();
    let status = loop {
        match child.0.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if start.elapsed() < patience => std::thread::sleep(Duration::from_millis(20)),
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
