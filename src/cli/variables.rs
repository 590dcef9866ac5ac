//! Environment variables that look like this tool's and set nothing.

use std::collections::BTreeSet;

use clap::Command;
use thiserror::Error;

use super::described::described;
use crate::suggest::did_you_mean;

/// Start of the names of this tool's environment variables.
const PREFIX: &str = "CONNECT_IMPORT_";

/// Set by this crate's build script for the compiler, and by `cargo run` for the program as well.
const OF_THE_BUILD: &str = "CONNECT_IMPORT_VERSION";

/// An environment variable that no option of any command has.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("no option has the environment variable {name}{hint}; correct it, or remove it")]
pub struct UnknownVariable {
    /// Name of the variable.
    pub name: String,
    hint: String,
}

/// Refuses a variable `CONNECT_IMPORT_…` that is no option's: a misspelt one would silently change nothing. Those of other
/// commands' options are known, since one environment may serve several commands.
///
/// # Errors
/// [`UnknownVariable`]
pub fn expect_known_variables() -> Result<(), UnknownVariable> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    expect_known(names)
}

fn expect_known(names: impl Iterator<Item = String>) -> Result<(), UnknownVariable> {
    let set: BTreeSet<String> =
        names.filter(|name| name.starts_with(PREFIX) && name != OF_THE_BUILD).collect();
    if set.is_empty() {
        return Ok(());
    }
    let command = described();
    let commands = std::iter::once(&command).chain(command.get_subcommands());
    let args = commands.flat_map(Command::get_arguments);
    let known: BTreeSet<&str> = args.filter_map(|arg| arg.get_env()?.to_str()).collect();
    match set.into_iter().find(|name| !known.contains(name.as_str()) && !is_of_kubernetes(name)) {
        None => Ok(()),
        Some(name) => {
            // The common start would make every name similar.
            let ends = known.iter().filter_map(|name| name.strip_prefix(PREFIX));
            let similar = did_you_mean(name.strip_prefix(PREFIX).unwrap_or_default(), ends);
            let hint = similar.map(|hint| hint.replacen('\'', &format!("'{PREFIX}"), 1)).unwrap_or_default();
            Err(UnknownVariable { name, hint })
        }
    }
}

/// Whether Kubernetes sets a variable of this name, in every pod beside a Service whose name begins with `connect-import`
/// (Kubernetes documentation, Service, environment variables): `…_SERVICE_HOST`, `…_SERVICE_PORT_HTTP`, `…_PORT`,
/// `…_PORT_80_TCP_ADDR`.
fn is_of_kubernetes(name: &str) -> bool {
    let words: Vec<&str> = name.split('_').collect();
    let is_number = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
    let is_link = |(at, word): (usize, &&str)| match (*word, words.get(at + 1)) {
        ("SERVICE", Some(&("HOST" | "PORT"))) => true,
        ("PORT", next) => next.is_none_or(is_number),
        _ => false,
    };
    words.iter().enumerate().any(is_link)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(names: &[&str]) -> Option<String> {
        expect_known(names.iter().map(|name| (*name).to_owned())).err().map(|error| error.to_string())
    }

    #[test]
    fn a_variable_of_no_option_is_refused_with_the_most_similar_one() {
        assert_eq!(
            refused(&["CONNECT_IMPORT_RATE", "CONNECT_IMPORT_RTE"]).as_deref(),
            Some(
                "no option has the environment variable CONNECT_IMPORT_RTE; did you mean 'CONNECT_IMPORT_RATE'?; \
                 correct it, or remove it"
            )
        );
        assert!(!refused(&["CONNECT_IMPORT_ZZZ"]).unwrap().contains("did you mean"));
        // An action of the moment has no variable.
        assert!(refused(&["CONNECT_IMPORT_PROBE_TOKEN"]).is_some());
    }

    #[test]
    fn variables_that_kubernetes_sets_beside_a_service_are_accepted() {
        let set = ["SERVICE_HOST", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP_ADDR", "METRICS_SERVICE_HOST"];
        let set = set.map(|end| format!("{PREFIX}{end}"));
        assert_eq!(refused(&set.each_ref().map(String::as_str)), None);
        assert!(refused(&["CONNECT_IMPORT_PORT_X", "CONNECT_IMPORT_RTE"]).is_some());
    }

    #[test]
    fn variables_of_every_command_and_of_other_programs_are_accepted() {
        let names = ["CONNECT_IMPORT_SANDBOX_PORT", "CONNECT_IMPORT_MAX_ERRORS", "CONNECT_IMPORT_PROFILE"];
        let others = ["CONNECT_IMPORTER", "connect_import_rte", "AWS_PROFILE", OF_THE_BUILD];
        assert_eq!(refused(&[&names[..], &others].concat()), None);
    }
}
