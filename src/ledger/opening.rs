//! Why opening a ledger takes time, as its caller tells it.

use std::time::Duration;

/// Why opening a ledger takes time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Opening {
    /// Another run holds the ledger, and this one waits for it.
    Queued {
        /// The holder's line in the lock file.
        holder: String,
        /// How long this run waits at most.
        lock_wait: Duration,
    },
    /// The last run did not close the ledger, so that every page of it is checked.
    Examined {
        /// Size of the ledger, bytes.
        bytes: u64,
    },
}
