//! The exit codes, a published contract: a scheduler decides by them whether to run again.

use std::process::ExitCode as ProcessExitCode;

/// How the process ends. A code that is not listed here is a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Every row is created.
    Complete = 0,
    /// Finished; some rows are rejected, failed or unknown.
    RowsLeftBehind = 1,
    /// Usage or configuration; nothing was sent.
    Usage = 2,
    /// More rows went wrong than the error budget allows; stopped early, or not started.
    ErrorBudget = 3,
    /// Credentials, permission, instance or a hard quota: it must be fixed before another run.
    Fatal = 7,
    /// A planned stop, such as `--limit`; rows remain. Run again.
    Budget = 10,
    /// Another run holds the ledger. Run later.
    Locked = 11,
    /// The ledger or an output could not be written.
    Storage = 74,
    /// Connect kept throttling or was out of reach; rows remain. Run later.
    TryLater = 75,
    /// Interrupted by SIGINT; rows remain. Run again.
    Interrupted = 130,
    /// Interrupted by SIGTERM; rows remain. Run again.
    Terminated = 143,
}

impl ExitCode {
    /// Every code, in the order of their numbers.
    pub const ALL: [ExitCode; 11] = [
        ExitCode::Complete,
        ExitCode::RowsLeftBehind,
        ExitCode::Usage,
        ExitCode::ErrorBudget,
        ExitCode::Fatal,
        ExitCode::Budget,
        ExitCode::Locked,
        ExitCode::Storage,
        ExitCode::TryLater,
        ExitCode::Interrupted,
        ExitCode::Terminated,
    ];

    /// What it means, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            ExitCode::Complete => "every row is created",
            ExitCode::RowsLeftBehind => "finished; some rows are rejected, failed or unknown",
            ExitCode::Usage => "invalid usage or configuration; nothing was sent",
            ExitCode::ErrorBudget => {
                "more rows failed than `--max-errors` allows; stopped early or not started"
            }
            ExitCode::Fatal => "credentials, permission, instance or a hard quota",
            ExitCode::Budget => "planned stop, such as `--limit`; rows remain",
            ExitCode::Locked => "another run holds the ledger",
            ExitCode::Storage => "the ledger or an output could not be written",
            ExitCode::TryLater => "Connect kept throttling or was unreachable; rows remain",
            ExitCode::Interrupted => "interrupted by SIGINT; rows remain",
            ExitCode::Terminated => "interrupted by SIGTERM; rows remain",
        }
    }

    /// Whether the same command should be run again.
    pub fn again(self) -> &'static str {
        match self {
            ExitCode::Complete => "–",
            ExitCode::RowsLeftBehind => "after fixing them",
            ExitCode::Usage | ExitCode::Fatal | ExitCode::Storage => "after fixing it",
            ExitCode::ErrorBudget => "after checking the errors",
            ExitCode::Locked => "later",
            ExitCode::TryLater => "yes, later",
            ExitCode::Budget | ExitCode::Interrupted | ExitCode::Terminated => "yes",
        }
    }

    /// The number the shell sees.
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
            (ExitCode::RowsLeftBehind, 1),
            (ExitCode::Usage, 2),
            (ExitCode::ErrorBudget, 3),
            (ExitCode::Fatal, 7),
            (ExitCode::Budget, 10),
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
