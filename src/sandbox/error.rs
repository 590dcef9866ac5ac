//! What can go wrong with the sandbox itself, as opposed to what it answers (`refusal`).

use std::io;
use std::path::PathBuf;

/// Why the sandbox cannot start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The quota lets nothing through, or is not a number.
    #[error(
        "the sandbox's quota of {rate} requests a second, burst {burst}, lets nothing through: \
         give a rate above 0 and a burst of at least 1"
    )]
    Quota {
        /// The rate that was asked for, in requests a second.
        rate: f64,
        /// The burst that was asked for, in requests.
        burst: u32,
    },

    /// A random fault's probability is none.
    #[error("the sandbox's fault `{fault}` has the probability {value}: give a number from 0 to 1")]
    Probability {
        /// The fault, by its name in [`Faults`](super::Faults).
        fault: &'static str,
        /// The probability that was asked for.
        value: f64,
    },

    /// The jitter is no share of the latency.
    #[error("the sandbox's jitter is {0}: give a share of the latency, a number from 0 to 1")]
    Jitter(
        /// The jitter that was asked for.
        f64,
    ),

    /// The port could not be listened on.
    #[error(
        "the sandbox cannot listen on 127.0.0.1 port {port}: {source}; \
         give another port, or 0 for any free one"
    )]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// What the operating system said.
        source: io::Error,
    },

    /// The state file could not be opened or read.
    #[error(
        "the sandbox's state file {} cannot be opened: {source}; \
         give a file in a folder that exists and that you may write to", path.display()
    )]
    StateOpen {
        /// The state file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// Another sandbox has the state file open.
    #[error(
        "the sandbox's state file {} is in use by another sandbox: stop that one, or give this \
         one a file of its own", path.display()
    )]
    StateInUse {
        /// The state file.
        path: PathBuf,
    },

    /// The state file holds something else. It is left as it is.
    #[error(
        "{} is not a sandbox's state file (line {line}); it was left untouched: give another \
         file, or one that does not exist yet", path.display()
    )]
    NotAState {
        /// The file.
        path: PathBuf,
        /// The first line that is no contact, counted from 1.
        line: u64,
    },

    /// A contact could not be written to the state file.
    #[error(
        "the sandbox's state file {} cannot be written: {source}; make room or mend the folder, \
         then start the sandbox again: what it has answered so far is in the file", path.display()
    )]
    StateWrite {
        /// The state file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}
