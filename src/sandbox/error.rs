//! Errors of the sandbox itself. The errors that it responds with are in `api_error`.

use std::io;
use std::path::PathBuf;

use crate::printable::ShownPath as _;

/// Why the sandbox cannot start or continue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The quota lets nothing through, or is not a number.
    #[error(
        "the sandbox's quota of {rate} requests per second, burst {burst}, lets nothing through: \
         give a rate above 0 and a burst of at least 1"
    )]
    Quota {
        /// The configured rate, requests per second.
        rate: f64,
        /// The configured burst, requests.
        burst: u32,
    },

    /// The probability of a random fault is not a number from 0 to 1.
    #[error("the sandbox's fault `{fault}` has the probability {value}: give a number from 0 to 1")]
    Probability {
        /// The name of the fault in [`Faults`](super::Faults).
        fault: &'static str,
        /// The configured probability.
        value: f64,
    },

    /// The jitter is not a number from 0 to 1.
    #[error("the sandbox's jitter is {0}: give a share of the latency, a number from 0 to 1")]
    Jitter(f64),

    /// The port could not be bound.
    #[error(
        "the sandbox cannot listen on 127.0.0.1 port {port}: {source}; \
         give another port, or 0 for any free one"
    )]
    Listen {
        /// The configured port.
        port: u16,
        /// The error of the operating system.
        source: io::Error,
    },

    /// The state file could not be opened or read.
    #[error(
        "the sandbox's state file {} cannot be opened: {source}; \
         give a file in a folder that exists and that you may write to", path.shown()
    )]
    StateOpen {
        /// The state file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },

    /// Another sandbox has the state file open.
    #[error(
        "the sandbox's state file {} is in use by another sandbox: stop that one, or give this \
         one a file of its own", path.shown()
    )]
    StateInUse {
        /// The state file.
        path: PathBuf,
    },

    /// The file is not a state file. It is left unchanged.
    #[error(
        "{} is not a sandbox's state file (line {line}) and was left unchanged: give another \
         file, or one that does not exist yet", path.shown()
    )]
    NotAState {
        /// The file.
        path: PathBuf,
        /// The first line that is not a contact, counted from 1.
        line: u64,
    },

    /// A contact could not be written to the state file.
    #[error(
        "the sandbox's state file {} cannot be written: {source}; it has every contact reported as created: \
         free disk space or repair the folder, then start the sandbox again", path.shown()
    )]
    StateWrite {
        /// The state file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}
