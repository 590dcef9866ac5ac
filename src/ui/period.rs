//! A recurring period, for output that is written at most so often.

use std::time::{Duration, Instant};

/// A period that starts over each time it has elapsed.
#[derive(Debug)]
pub(super) struct Period {
    length: Duration,
    started: Instant,
}

impl Period {
    /// Starts a period of this length.
    pub(super) fn start(length: Duration) -> Self {
        Period { length, started: Instant::now() }
    }

    /// Starts the next period if this one has elapsed; returns whether it has.
    pub(super) fn advance(&mut self) -> bool {
        let has_elapsed = self.started.elapsed() >= self.length;
        if has_elapsed {
            self.restart();
        }
        has_elapsed
    }

    /// Starts the period over.
    pub(super) fn restart(&mut self) {
        self.started = Instant::now();
    }
}
