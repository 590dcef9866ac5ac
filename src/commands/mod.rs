//! One file a command: wiring, no logic.

mod run;
mod sandbox;
mod status;

use std::io;

use thiserror::Error;

use crate::cli::{Cli, Command};
use crate::engine::{ImportError, IntakeError};
use crate::exit_code::ExitCode;
use crate::job::JobError;
use crate::ledger::LedgerError;
use crate::report::RejectsError;
use crate::sandbox::SandboxError;
use crate::submission::ConnectError;

/// Why a command ended without its result.
#[derive(Debug, Error)]
pub enum CommandError {
    /// The job makes no sense.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The input cannot be taken in.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The import had to be given up.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The client cannot be set up.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The rejects cannot be written.
    #[error(transparent)]
    Rejects(#[from] RejectsError),
    /// The system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl CommandError {
    /// What the shell is told.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            CommandError::Job(_) | CommandError::Connect(_) => ExitCode::Usage,
            CommandError::Ledger(error) | CommandError::Rejects(RejectsError::Ledger(error)) => {
                ledger_code(error)
            }
            CommandError::Intake(error) => match error {
                IntakeError::Source(_) | IntakeError::Mapping { .. } => ExitCode::Usage,
                IntakeError::Ledger(error) => ledger_code(error),
                IntakeError::Interrupted(signal) => signal.exit_code(),
            },
            CommandError::Import(ImportError::Ledger(error)) => ledger_code(error),
            CommandError::Sandbox(SandboxError::StateWrite { .. }) => ExitCode::Storage,
            CommandError::Sandbox(_) => ExitCode::Usage,
            CommandError::Rejects(RejectsError::NotRejects(_)) => ExitCode::Usage,
            CommandError::Import(ImportError::Task(_))
            | CommandError::Rejects(RejectsError::Write { .. })
            | CommandError::Io { .. } => ExitCode::Storage,
        }
    }
}

fn ledger_code(error: &LedgerError) -> ExitCode {
    match error {
        LedgerError::Locked { .. } => ExitCode::Locked,
        LedgerError::NotALedger(_)
        | LedgerError::Newer(_)
        | LedgerError::Missing(_)
        | LedgerError::OtherIdentity { .. } => ExitCode::Usage,
        LedgerError::Io { .. }
        | LedgerError::Sqlite { .. }
        | LedgerError::Disturbed { .. }
        | LedgerError::Illegal(_)
        | LedgerError::Stopped => ExitCode::Storage,
    }
}

/// Runs the command.
///
/// # Errors
/// Whatever kept the command from its result.
pub async fn execute(cli: Cli) -> Result<ExitCode, CommandError> {
    match &cli.command {
        Command::Run(args) => run::run(args, &cli.global).await,
        Command::Status(args) => status::status(args, &cli.global),
        Command::Sandbox(args) => sandbox::sandbox(args).await,
    }
}
