//! Errors after the first request may have left. No exit code of theirs says that nothing was sent.

use super::CommandError;
use crate::exit_code::ExitCode;

/// An error of a command whose requests may have left.
#[derive(Debug)]
pub(super) struct SentError(CommandError);

impl<E: Into<CommandError>> From<E> for SentError {
    fn from(error: E) -> Self {
        SentError(error.into())
    }
}

impl SentError {
    /// The error as that of its command.
    pub(super) fn of_command(self) -> CommandError {
        CommandError::AfterSending(Box::new(self.0))
    }
}

/// The exit code of an error after the first request. [`ExitCode::Usage`], which says that nothing was sent, and
/// [`ExitCode::Locked`], which says that the run had not begun, are those of the same error before it.
pub(super) fn code_after_sending(code: ExitCode) -> ExitCode {
    match code {
        ExitCode::Usage | ExitCode::Locked => ExitCode::Storage,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::ledger::LedgerError;

    #[test]
    fn an_error_after_the_first_request_never_says_that_nothing_was_sent() {
        let path = || PathBuf::from("x.db");
        let holder = String::new();
        let errors = [
            LedgerError::NotALedger(path()),
            LedgerError::Newer(path()),
            LedgerError::Missing(path()),
            LedgerError::HardLinked(path()),
            LedgerError::Locked { path: path(), holder: holder.clone() },
            LedgerError::TakenOver { path: path(), own: holder.clone(), other: holder },
            LedgerError::Stopped,
        ];
        for error in errors {
            let text = error.to_string();
            let sent = SentError::from(error).of_command();
            assert_eq!((sent.exit_code(), sent.to_string()), (ExitCode::Storage, text));
        }
        for code in ExitCode::ALL {
            assert!(!matches!(code_after_sending(code), ExitCode::Usage | ExitCode::Locked));
        }
        assert_eq!(code_after_sending(ExitCode::Terminated), ExitCode::Terminated);
    }
}
