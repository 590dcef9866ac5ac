//! The exit codes. They are a public interface: schedulers decide by them whether to run the command again.

use std::process::ExitCode as ProcessExitCode;

/// Exit code of the process. Treat an unlisted code as a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Every row of the ledger is created or accepted.
    Complete = 0,
    /// Finished; rows of the ledger are rejected, failed, unknown or of a file that was not read to its end, or have the
    /// contact of another row.
    RowsNotCreated = 1,
    /// Usage or configuration; nothing was sent.
    Usage = 2,
    /// More rows failed than `--max-errors` allows; stopped early, or not started.
    ErrorBudget = 3,
    /// Credentials, permission, instance or a hard quota: it must be fixed before another run.
    Fatal = 7,
    /// A planned stop, such as `--limit`; rows remain. Run again.
    PlannedStop = 10,
    /// Another run holds the ledger. Run later.
    Locked = 11,
    /// The ledger or an output could not be written.
    Storage = 74,
    /// Connect kept throttling or was unreachable, or the ledger was busy; rows remain. Run later.
    TryLater = 75,
    /// Interrupted by SIGINT; rows remain. Run again.
    Interrupted = 130,
    /// Interrupted by SIGTERM; rows remain. Run again.
    Terminated = 143,
}

impl ExitCode {
    /// All codes, in ascending order.
    pub const ALL: [ExitCode; 11] = [
        ExitCode::Complete,
        ExitCode::RowsNotCreated,
        ExitCode::Usage,
        ExitCode::ErrorBudget,
        ExitCode::Fatal,
        ExitCode::PlannedStop,
        ExitCode::Locked,
        ExitCode::Storage,
        ExitCode::TryLater,
        ExitCode::Interrupted,
        ExitCode::Terminated,
    ];

    /// The meaning of the code, and whether and when to run the same command again; for the help and the README.
    pub fn meaning(self) -> (&'static str, &'static str) {
        match self {
            ExitCode::Complete => ("every row of the ledger is created or accepted", "–"),
            ExitCode::RowsNotCreated => (
                "finished; rows of the ledger are rejected, failed or unknown, or share a contact",
                "after fixing them",
            ),
            ExitCode::Usage => ("invalid usage or configuration; nothing was sent", "after fixing it"),
            ExitCode::ErrorBudget => (
                "more rows failed than `--max-errors` allows; stopped early or not started",
                "after checking the errors",
            ),
            ExitCode::Fatal => ("credentials, permission, instance or a hard quota", "after fixing it"),
            ExitCode::PlannedStop => ("planned stop, such as `--limit`; rows remain", "yes"),
            ExitCode::Locked => ("another run holds the ledger", "later"),
            ExitCode::Storage => ("the ledger or an output could not be written", "after fixing it"),
            ExitCode::TryLater => (
                "Connect kept throttling or was unreachable, or the ledger was busy; rows remain",
                "yes, later",
            ),
            ExitCode::Interrupted => ("interrupted by SIGINT; rows remain", "yes"),
            ExitCode::Terminated => ("interrupted by SIGTERM; rows remain", "yes"),
        }
    }

    /// Number of the code.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<ExitCode> for ProcessExitCode {
    fn from(code: ExitCode) -> Self {
        ProcessExitCode::from(code.code())
    }
}

#[cfg(test)]
mod tests {
    use super::ExitCode;

    #[test]
    fn the_codes_are_the_published_ones() {
        let published = [
            (ExitCode::Complete, 0),
            (ExitCode::RowsNotCreated, 1),
            (ExitCode::Usage, 2),
            (ExitCode::ErrorBudget, 3),
            (ExitCode::Fatal, 7),
            (ExitCode::PlannedStop, 10),
            (ExitCode::Locked, 11),
            (ExitCode::Storage, 74),
            (ExitCode::TryLater, 75),
            (ExitCode::Interrupted, 130),
            (ExitCode::Terminated, 143),
        ];
        assert_eq!(published.map(|(exit, _)| exit), ExitCode::ALL);
        for (exit, number) in published {
            assert_eq!(exit.code(), number);
        }
    }
}
