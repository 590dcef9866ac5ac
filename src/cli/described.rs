//! The clap command with help texts that are common to all commands.

use std::any::TypeId;
use std::ffi::OsString;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgMatches, Command, CommandFactory as _, Error, FromArgMatches as _};

use super::Cli;
use crate::exit_code::ExitCode;

const ENVIRONMENT: &str = "Environment: every option can be set by a variable, such as CONNECT_IMPORT_LOCK_WAIT for \
    --lock-wait or, for the sandbox, CONNECT_IMPORT_SANDBOX_PORT for --port. A flag overrides the variable, which overrides \
    the job file. Credentials are found as the AWS CLI finds them.";

impl Cli {
    /// Parses the command line of this process; also returns clap's matches.
    ///
    /// # Errors
    /// An argument is invalid; or help or the version was requested, which clap returns as an error.
    pub fn read() -> Result<(Self, ArgMatches), Error> {
        let matches = described().try_get_matches();
        let read = matches.and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
        read.map_err(with_source)
    }
}

/// The clap command as `--help`, the manual pages and the completions show it.
pub fn described() -> Command {
    // A variable's name follows from its option's, so ENVIRONMENT states the rule once.
    let plain = |command: Command| command.mut_args(described_arg);
    plain(Cli::command())
        .after_help("connect-import COMMAND -h shows the options of a command, --help all of them.")
        .after_long_help(format!("{}\n\n{ENVIRONMENT}", exit_codes()))
        .mut_subcommands(|command| {
            let examples = command.get_after_help().map(StyledStr::to_string).unwrap_or_default();
            let exits =
                if command.get_name() == "run" { format!("\n\n{}", exit_codes()) } else { String::new() };
            plain(command).after_long_help(format!("{examples}{exits}\n\n{ENVIRONMENT}"))
        })
}

fn described_arg(arg: Arg) -> Arg {
    // A boolean's values, true and false, say nothing. clap's debug assertions forbid hiding them where none is taken.
    let is_boolean = arg.get_value_parser().type_id() == TypeId::of::<bool>();
    let hides_values = is_boolean && arg.get_action().takes_values();
    // clap_mangen omits options hidden from -h unless they have a long help.
    let text = arg.get_long_help().or(arg.get_help()).cloned();
    let arg = arg.hide_env(true).hide_possible_values(hides_values);
    match text {
        Some(text) => arg.long_help(text),
        None => arg,
    }
}

fn exit_codes() -> String {
    let codes =
        ExitCode::ALL.map(|code| format!("  {:>3}  {}\n", code.code(), code.meaning().replace('`', "")));
    format!("Exit codes:\n{}An unknown code is a failure.", codes.concat())
}

/// Adds a hint if an invalid value came from an environment variable and not from an argument.
fn with_source(mut error: Error) -> Error {
    let of = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let (Some(option), Some(value)) = (of(ContextKind::InvalidArg), of(ContextKind::InvalidValue)) else {
        return error;
    };
    let long = option.trim_start_matches('-').split([' ', '=', '[']).next().unwrap_or_default().to_owned();
    let typed = |word: OsString| word.to_string_lossy().starts_with(&format!("--{long}"));
    if std::env::args_os().any(typed) {
        return error;
    }
    let command = described();
    let mut args =
        std::iter::once(&command).chain(command.get_subcommands()).flat_map(Command::get_arguments);
    let variable = args.find_map(|arg| {
        let name = arg.get_env().filter(|_| arg.get_long() == Some(&long))?;
        let set = std::env::var_os(name)?;
        set.to_string_lossy().contains(&value).then(|| name.to_string_lossy().into_owned())
    });
    if let Some(variable) = variable {
        let tip = StyledStr::from(format!("the value comes from the environment variable {variable}"));
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        described().debug_assert();
    }

    #[test]
    fn a_variable_has_the_name_of_its_option() {
        let command = described();
        let check = |arg: &Arg, prefix: &str| {
            if let (Some(variable), Some(long)) = (arg.get_env(), arg.get_long()) {
                let name = format!("{prefix}{}", long.replace('-', "_").to_uppercase());
                assert_eq!(variable.to_str(), Some(&*name));
            }
        };
        command.get_arguments().for_each(|arg| check(arg, "CONNECT_IMPORT_"));
        for command in command.get_subcommands() {
            let prefix =
                if command.get_name() == "sandbox" { "CONNECT_IMPORT_SANDBOX_" } else { "CONNECT_IMPORT_" };
            command.get_arguments().for_each(|arg| check(arg, prefix));
        }
    }

    #[test]
    fn every_command_has_examples() {
        for command in described().get_subcommands() {
            let help = command.clone().render_long_help().to_string();
            let example = format!("connect-import {}", command.get_name());
            assert!(help.contains("Example") && help.contains(&example), "{help}");
        }
    }
}
