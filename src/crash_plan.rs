//! Planned crashes at named points, to test the recovery of the next run. Only runs against a sandbox have them. The
//! process ends as by `kill -9`, without output and cleanup.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A point of a run at which it can crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CrashPoint {
    /// The ledger's schema is changed and not committed.
    Migration,
    /// A row of the input has been read and mapped.
    Check,
    /// A row is about to be sent, and the ledger has no intent yet.
    BeforeIntent,
    /// The intent is durable, and the request is not sent.
    AfterIntent,
    /// The answer is received, and the ledger has no result yet.
    AfterAnswer,
    /// The ledger is about to commit.
    BeforeCommit,
    /// The ledger has committed, and the callers are not answered.
    AfterCommit,
    /// The run starts to drain.
    Shutdown,
    /// The rejects file is written and not renamed to its final name.
    Rejects,
}

/// All points with their spelling on the command line, in the order of a run.
const POINTS: [(&str, CrashPoint); 9] = [
    ("migration", CrashPoint::Migration),
    ("check", CrashPoint::Check),
    ("before-intent", CrashPoint::BeforeIntent),
    ("after-intent", CrashPoint::AfterIntent),
    ("after-answer", CrashPoint::AfterAnswer),
    ("before-commit", CrashPoint::BeforeCommit),
    ("after-commit", CrashPoint::AfterCommit),
    ("shutdown", CrashPoint::Shutdown),
    ("rejects", CrashPoint::Rejects),
];

/// A crash at the n-th passage of a point, written `POINT` or `POINT:N`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CrashAt {
    point: CrashPoint,
    nth: u64,
}

impl FromStr for CrashAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, nth) = text.split_once(':').unwrap_or((text, "1"));
        let point = POINTS.into_iter().find(|(point, _)| *point == name);
        match (point, nth.parse()) {
            (Some((_, point)), Ok(nth)) if nth > 0 => Ok(CrashAt { point, nth }),
            _ => {
                let names = POINTS.map(|(name, _)| name).join(", ");
                Err(format!("write POINT or POINT:N, with N from 1 and one of these points: {names}"))
            }
        }
    }
}

/// The planned crash of a run, or none. Clones count passages together.
#[derive(Clone, Debug, Default)]
pub struct CrashPlan(Option<Arc<PlannedCrash>>);

#[derive(Debug)]
struct PlannedCrash {
    at: CrashAt,
    passages: AtomicU64,
}

impl CrashPlan {
    /// Plans `crash`.
    pub fn new(crash: Option<CrashAt>) -> Self {
        CrashPlan(crash.map(|at| Arc::new(PlannedCrash { at, passages: AtomicU64::new(0) })))
    }

    /// Counts a passage of `point`, and ends the process if it is the planned one.
    pub fn reach(&self, point: CrashPoint) {
        if let Some(planned) = self.0.as_ref().filter(|planned| planned.at.point == point)
            && planned.passages.fetch_add(1, Ordering::Relaxed) + 1 == planned.at.nth
        {
            crash();
        }
    }
}

fn crash() -> ! {
    #[cfg(unix)]
    {
        use rustix::process::{Signal, getpid, kill_process};
        // Every process may signal itself, so this cannot fail.
        let _ = kill_process(getpid(), Signal::KILL);
    }
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_a_point_and_a_number_of_passages() {
        assert_eq!("check".parse(), Ok(CrashAt { point: CrashPoint::Check, nth: 1 }));
        assert_eq!("after-intent:7".parse(), Ok(CrashAt { point: CrashPoint::AfterIntent, nth: 7 }));
        for text in ["", "nowhere", "check:0", "check:x", "check:-1"] {
            assert!(text.parse::<CrashAt>().unwrap_err().contains("before-intent, after-intent"), "{text}");
        }
        for (name, point) in POINTS {
            assert_eq!(name.parse(), Ok(CrashAt { point, nth: 1 }));
        }
    }
}
