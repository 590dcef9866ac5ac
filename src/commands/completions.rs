//! `completions`: what a shell needs to complete a command line.

use clap::CommandFactory as _;

use super::CommandError;
use crate::cli::{Cli, CompletionsArgs};
use crate::exit_code::ExitCode;
use crate::report::to_stdout;

pub(super) fn completions(args: &CompletionsArgs) -> Result<ExitCode, CommandError> {
    let mut script = Vec::new();
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    to_stdout(&String::from_utf8_lossy(&script))
        .map_err(|source| CommandError::Io { what: "cannot write the completions", source })?;
    Ok(ExitCode::Complete)
}
