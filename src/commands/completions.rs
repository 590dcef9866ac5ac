//! `completions`: prints shell completions.

use clap_complete::Shell;

use super::{CommandError, io};
use crate::cli::{CompletionsArgs, described};
use crate::exit_code::ExitCode;
use crate::ui::to_stdout;

pub(super) fn completions(args: &CompletionsArgs) -> Result<ExitCode, CommandError> {
    let mut script = Vec::new();
    let mut command = described();
    let name = command.get_name().to_owned();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    if args.shell == Shell::Bash {
        // clap_complete 4.6 writes the name of a program with a hyphen in two ways (clap issue 6421), so that its commands
        // would not be completed.
        script = script.replace("connect__subcmd__import", "connect__import");
    }
    to_stdout(&script).map_err(io("cannot write the completions"))?;
    Ok(ExitCode::Complete)
}
