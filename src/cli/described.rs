//! The clap command with help texts that are common to all commands.

use std::any::TypeId;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, Command, CommandFactory as _, Error, FromArgMatches as _};

use super::Cli;
use crate::exit_code::ExitCode;

const ENVIRONMENT: &str = "Environment: every option but --new-ledger can be set by a variable, such as CONNECT_IMPORT_LOCK_WAIT for \
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
        let (cli, matches) = read.map_err(with_source)?;
        if cli.global.quiet && cli.global.verbose {
            // Here and not by clap, since a variable that is false does not conflict.
            return Err(described().error(ErrorKind::ArgumentConflict, QUIET_AND_VERBOSE));
        }
        Ok((cli, matches))
    }
}

const QUIET_AND_VERBOSE: &str = "--quiet and --verbose exclude each other; leave one out, also of the variables \
    CONNECT_IMPORT_QUIET and CONNECT_IMPORT_VERBOSE";

/// The paths that the command line and variables name, each with its option or argument, except `but`.
pub fn named_paths(matches: &ArgMatches, but: &str) -> Vec<(String, PathBuf)> {
    let mut command = Cli::command();
    // Propagates the global options to the subcommands.
    command.build();
    let given = matches.subcommand().and_then(|(name, given)| Some((command.find_subcommand(name)?, given)));
    let Some((command, given)) = given else { return Vec::new() };
    let is_path = |arg: &&Arg| arg.get_value_parser().type_id() == TypeId::of::<PathBuf>();
    let mut paths = Vec::new();
    for arg in command.get_arguments().filter(is_path).filter(|arg| arg.get_long() != Some(but)) {
        let name = match (arg.get_long(), arg.get_value_names()) {
            (Some(long), _) => format!("--{long}"),
            (None, names) => names.and_then(<[_]>::first).map(ToString::to_string).unwrap_or_default(),
        };
        let values = given.get_many::<PathBuf>(arg.get_id().as_str()).into_iter().flatten();
        paths.extend(values.map(|path| (name.clone(), path.clone())));
    }
    paths
}

/// Options without an environment variable, by command: an action of the moment must not come from the environment.
const WITHOUT_VARIABLE: [(&str, &str); 5] =
    [("init", "job"), ("init", "skeleton"), ("man", "to"), ("doctor", "probe-token"), ("run", "new-ledger")];

/// The clap command as `--help`, the manual pages and the completions show it.
pub fn described() -> Command {
    with_common_help(Cli::command())
        .after_help("connect-import COMMAND -h shows the options of a command, --help all of them.")
        .after_long_help(format!("{}\n\n{ENVIRONMENT}", exit_codes()))
        .mut_subcommands(|command| {
            let examples = command.get_after_help().map(StyledStr::to_string).unwrap_or_default();
            let exits =
                if command.get_name() == "run" { format!("\n\n{}", exit_codes()) } else { String::new() };
            with_common_help(command).after_long_help(format!("{examples}{exits}\n\n{ENVIRONMENT}"))
        })
}

/// Gives every option its environment variable and a long help.
fn with_common_help(command: Command) -> Command {
    let name = command.get_name().to_owned();
    let prefix = if name == "sandbox" { "CONNECT_IMPORT_SANDBOX_" } else { "CONNECT_IMPORT_" };
    command.mut_args(|arg| {
        // A boolean's values, true and false, say nothing. clap's debug assertions forbid hiding them where none is taken.
        let is_boolean = arg.get_value_parser().type_id() == TypeId::of::<bool>();
        let hides_values = is_boolean && arg.get_action().takes_values();
        // clap_mangen omits options hidden from -h unless they have a long help.
        let text = arg.get_long_help().or(arg.get_help()).cloned();
        // The variable's name follows from the option's, so ENVIRONMENT states the rule once.
        let variable = arg.get_long().filter(|long| !WITHOUT_VARIABLE.contains(&(&name, long)));
        let variable = variable.map(|long| format!("{prefix}{}", long.replace('-', "_").to_uppercase()));
        let arg = match variable {
            Some(variable) => arg.env(variable).hide_env(true),
            None => arg,
        };
        let arg = arg.hide_possible_values(hides_values);
        match text {
            Some(text) => arg.long_help(text),
            None => arg,
        }
    })
}

fn exit_codes() -> String {
    let codes =
        ExitCode::ALL.map(|code| format!("  {:>3}  {}\n", code.code(), code.meaning().0.replace('`', "")));
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
    fn an_option_has_a_variable_of_its_name_except_for_actions_of_the_moment() {
        let command = described();
        let variable = |command: &Command, long: &str| {
            let mut args = command.get_arguments();
            let arg = args.find(|arg| arg.get_long() == Some(long)).unwrap();
            arg.get_env().map(|name| name.to_str().unwrap().to_owned())
        };
        let of = |name: &str, long: &str| variable(command.find_subcommand(name).unwrap(), long);
        assert_eq!(variable(&command, "read-timeout").as_deref(), Some("CONNECT_IMPORT_READ_TIMEOUT"));
        assert_eq!(of("run", "max-errors").as_deref(), Some("CONNECT_IMPORT_MAX_ERRORS"));
        assert_eq!(of("sandbox", "port").as_deref(), Some("CONNECT_IMPORT_SANDBOX_PORT"));
        for (command, long) in WITHOUT_VARIABLE {
            assert_eq!(of(command, long), None, "{command} --{long}");
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
