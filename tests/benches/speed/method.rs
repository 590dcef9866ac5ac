//! The ways to send contacts at a quota that are held against each other.

use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;

use crate::child::{Guarded, on_loopback, role};
use crate::server::Quota;
use crate::tool;

const BOTO3: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/benches/speed/boto3_adaptive.py");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// The tool, told the quota.
    Told,
    /// The tool, left to find the quota.
    Auto,
    SdkAdaptive,
    Boto3Adaptive,
    Boto3Standard,
}

impl Method {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Method::Told => "--rate R --burst B",
            Method::Auto => "--rate auto",
            Method::SdkAdaptive => "Rust SDK adaptive",
            Method::Boto3Adaptive => "boto3 adaptive",
            Method::Boto3Standard => "boto3 standard",
        }
    }

    /// Whether this machine has what it takes.
    pub(crate) fn is_installed(self) -> bool {
        match self {
            Method::Told | Method::Auto | Method::SdkAdaptive => true,
            Method::Boto3Adaptive | Method::Boto3Standard => {
                let mut python = Command::new("python3");
                let import = python.args(["-c", "import boto3"]).stderr(Stdio::null()).status();
                import.is_ok_and(|status| status.success())
            }
        }
    }

    /// Starts it against a server; it ends by itself soon after so many seconds.
    pub(crate) fn start(self, folder: &Path, port: u16, quota: Quota, seconds: usize) -> Guarded {
        let (port_text, seconds_text) = (port.to_string(), seconds.to_string());
        let duration = format!("{seconds}s");
        let (rate, burst) = (quota.rate.to_string(), quota.burst.to_string());
        let told = ["--max-duration", &duration, "--rate", &rate, "--burst", &burst];
        let auto = ["--max-duration", &duration, "--rate", "auto"];
        let mut command = match self {
            Method::Told | Method::Auto => {
                // More than the quota lets through in that time.
                tool::write_rows(
                    folder,
                    (quota.rate * seconds as f64 * 1.3) as u64 + u64::from(quota.burst) + 100,
                );
                tool::run(folder, port, if self == Method::Told { &told } else { &auto })
            }
            Method::SdkAdaptive => role("sdk-adaptive", &[&port_text, &seconds_text]),
            Method::Boto3Adaptive => boto3(&port_text, "adaptive", &seconds_text),
            Method::Boto3Standard => boto3(&port_text, "standard", &seconds_text),
        };
        Guarded(command.stdout(Stdio::piped()).spawn().expect("the client starts"))
    }

    /// How many calls or rows came to nothing for good, and of how many, by what the client said last.
    ///
    /// # Errors
    /// It did not end as it should; then what it counted is not known.
    pub(crate) fn lost(self, status: ExitStatus, said: &Value) -> Result<(u64, u64), String> {
        let number = |name: &str| said[name].as_u64().unwrap_or_default();
        match self {
            // Rows are left by intention.
            Method::Told | Method::Auto if status.code() == Some(10) => {
                let lost = number("rejected") + number("failed") + number("unknown");
                Ok((lost, lost + number("created")))
            }
            Method::SdkAdaptive | Method::Boto3Adaptive | Method::Boto3Standard if status.success() => {
                Ok((number("failed"), number("calls")))
            }
            _ => Err(format!("{status}: {}", said["why"].as_str().unwrap_or("see above"))),
        }
    }
}

fn boto3(port: &str, mode: &str, seconds: &str) -> Command {
    let mut command = Command::new("python3");
    command.args([BOTO3, port, mode, seconds]);
    on_loopback(&mut command);
    command
}
