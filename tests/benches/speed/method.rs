//! The clients that are compared at a quota.

use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;

use crate::endpoints::Quota;
use crate::process::{ChildGuard, isolate_environment, role};
use crate::tool;

const BOTO3: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/benches/speed/boto3_adaptive.py");

/// The exit code of the tool at the end of `--max-duration`.
const PLANNED_STOP: i32 = 10;

/// A client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// The tool with the quota as its rate.
    FixedRate,
    /// The tool with an adaptive rate.
    AutoRate,
    SdkAdaptive,
    Boto3Adaptive,
    Boto3Standard,
}

impl Method {
    /// The name in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Method::FixedRate => "--rate R --burst B",
            Method::AutoRate => "--rate auto",
            Method::SdkAdaptive => "Rust SDK adaptive",
            Method::Boto3Adaptive => "boto3 adaptive",
            Method::Boto3Standard => "boto3 standard",
        }
    }

    /// Whether this machine has everything that the client needs.
    pub(crate) fn is_installed(self) -> bool {
        match self {
            Method::FixedRate | Method::AutoRate | Method::SdkAdaptive => true,
            Method::Boto3Adaptive | Method::Boto3Standard => {
                let mut python = Command::new("python3");
                let import = python.args(["-c", "import boto3"]).stderr(Stdio::null()).status();
                import.is_ok_and(|status| status.success())
            }
        }
    }

    /// Starts the client; it ends by itself after this number of seconds.
    pub(crate) fn start(self, folder: &Path, port: u16, quota: Quota, seconds: usize) -> ChildGuard {
        let (port_text, seconds_text) = (port.to_string(), seconds.to_string());
        let mut command = match self {
            Method::FixedRate | Method::AutoRate => {
                // More rows than the quota admits in that time.
                let rows = (quota.rate * seconds as f64 * 1.3) as u64 + u64::from(quota.burst) + 100;
                tool::write_rows(folder, rows);
                let (rate, burst) = (quota.rate.to_string(), quota.burst.to_string());
                let fixed = ["--rate", &rate, "--burst", &burst];
                let pace: &[&str] = if self == Method::FixedRate { &fixed } else { &["--rate", "auto"] };
                let mut run = tool::run(folder, port, &["--max-duration", &format!("{seconds}s")]);
                run.args(pace);
                run
            }
            Method::SdkAdaptive => role("sdk-adaptive", &[&port_text, &seconds_text]),
            Method::Boto3Adaptive => boto3(&port_text, "adaptive", &seconds_text),
            Method::Boto3Standard => boto3(&port_text, "standard", &seconds_text),
        };
        ChildGuard(command.stdout(Stdio::piped()).spawn().expect("the client starts"))
    }

    /// The number of calls or rows that failed for good, and of all, by the client's last line of output.
    ///
    /// # Errors
    ///
    /// The client did not end as expected, so its counts are not complete.
    pub(crate) fn lost(self, status: ExitStatus, output: &Value) -> Result<(u64, u64), String> {
        let number = |name: &str| output[name].as_u64().unwrap_or_default();
        match self {
            Method::FixedRate | Method::AutoRate if status.code() == Some(PLANNED_STOP) => {
                let lost = number("rejected") + number("failed") + number("unknown");
                Ok((lost, lost + number("created")))
            }
            Method::SdkAdaptive | Method::Boto3Adaptive | Method::Boto3Standard if status.success() => {
                Ok((number("failed"), number("calls")))
            }
            _ => Err(format!("{status}: {}", output["why"].as_str().unwrap_or("the message is above"))),
        }
    }
}

fn boto3(port: &str, mode: &str, seconds: &str) -> Command {
    let mut command = Command::new("python3");
    command.args([BOTO3, port, mode, seconds]);
    isolate_environment(&mut command);
    command
}
