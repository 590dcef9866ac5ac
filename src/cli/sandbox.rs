//! Options of `sandbox`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::values::duration;
use crate::sandbox::SlowResponses;

/// Options of `sandbox`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    connect-import sandbox --port 8080 --rate 2 --burst 5 --latency 40ms --state contacts.jsonl\n  \
    aws connect create-contact --endpoint-url http://127.0.0.1:8080 …")]
pub struct SandboxArgs {
    /// Port on 127.0.0.1; 0 selects a free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port: u16,
    /// File to write the port to once requests are served
    #[arg(long, value_name = "FILE")]
    pub port_file: Option<PathBuf>,
    /// Quota, requests per second; 0 is no quota
    #[arg(long, value_name = "R", default_value_t = crate::pacing::DEFAULT_RATE)]
    pub rate: f64,
    /// Burst of the quota
    #[arg(long, value_name = "B", default_value_t = crate::pacing::DEFAULT_BURST)]
    pub burst: u32,
    /// Latency of an answer, such as 40ms: half before the request arrives, half after
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = duration)]
    pub latency: Duration,
    /// Jitter of the latency as a share of it, from 0 to 1, such as 0.3
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub jitter: f64,
    /// File that keeps contacts and client tokens across restarts
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Probability of a 500 before anything is done, from 0 to 1
    #[arg(long, value_name = "P", help_heading = "Faults", default_value_t = 0.0)]
    pub fail: f64,
    /// Probability that the connection is closed before anything is done
    #[arg(long, value_name = "P", help_heading = "Faults", default_value_t = 0.0)]
    pub reset: f64,
    /// Probability that a contact is created and the connection closed without an answer
    #[arg(long, value_name = "P", help_heading = "Faults", default_value_t = 0.0)]
    pub lose: f64,
    /// Probability that a contact is created and answered with the id of the one before it
    #[arg(long, value_name = "P", help_heading = "Faults", default_value_t = 0.0)]
    pub stale: f64,
    /// Probability of a late answer and its delay, such as 0.1:5s
    #[arg(long, value_name = "P:TIME", help_heading = "Faults")]
    pub slow: Option<SlowResponses>,
    /// Answer 429 to every request after the first N
    #[arg(long, value_name = "N", help_heading = "Faults")]
    pub throttle_after: Option<u64>,
    /// Answer 403 to every request after the first N
    #[arg(long, value_name = "N", help_heading = "Faults")]
    pub deny_after: Option<u64>,
    /// Answer 402 once N contacts exist
    #[arg(long, value_name = "N", help_heading = "Faults")]
    pub quota: Option<u64>,
    /// Forget a client token when its contact is older than this, such as 24h
    #[arg(long, value_name = "TIME", help_heading = "Faults", value_parser = duration)]
    pub token_window: Option<Duration>,
    /// Forget the client token of a COMPLETED contact immediately
    #[arg(long, help_heading = "Faults", value_parser = BoolishValueParser::new())]
    pub forget_completed: bool,
    /// Delay before SearchContacts finds a contact, such as 30s
    #[arg(long, value_name = "TIME", help_heading = "Faults", default_value = "0s", value_parser = duration)]
    pub index_lag: Duration,
    /// Seed of the random faults and the jitter; the same seed and requests give the same faults
    #[arg(long, value_name = "N", help_heading = "Faults", default_value_t = 0)]
    pub seed: u64,
}
