//! The command that does the same again, or goes on: for people to paste, and for the ledger to keep.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory as _};

use super::shell::{no_option, shell_path, shell_word};
use crate::cli::Cli;

/// What was said of one run alone: the next one is to send all that waits, and nothing that may exist already.
const OF_ONE_RUN: [&str; 3] = ["limit", "retry", "crash-at"];

/// What stands for standard input, which is to be given again: a shell refuses it until somebody names a file.
const SAME_INPUT: &str = "<THE-SAME-INPUT";

/// A `run` as it was asked for: by its words, and by the variables `CONNECT_IMPORT_…`, which another shell may not have.
#[derive(Clone, Debug)]
pub struct ResumeCommand {
    program: OsString,
    inputs: Vec<OsString>,
    /// As the command line has them, and then the variables.
    options: Vec<Setting>,
}

#[derive(Clone, Debug)]
struct Setting {
    name: String,
    /// None of a switch.
    value: Option<OsString>,
    /// Whether a value is taken only after an equals sign.
    is_joined: bool,
}

impl ResumeCommand {
    /// Takes what was asked for from what the parser made of it; `matches` is the whole command line's.
    pub fn of(program: OsString, matches: &ArgMatches) -> Self {
        let mut command = Cli::command();
        // Only then a command has the options of every command.
        command.build();
        let mut again = ResumeCommand { program, inputs: Vec::new(), options: Vec::new() };
        let given =
            matches.subcommand().and_then(|(name, given)| Some((command.find_subcommand(name)?, given)));
        let Some((command, given)) = given else { return again };
        let mut args: Vec<&Arg> = command.get_arguments().filter(|arg| is_asked(arg, given)).collect();
        args.sort_by_key(|arg| given.index_of(arg.get_id().as_str()));
        for arg in args {
            match arg.get_long() {
                None => again.inputs.extend(values(arg, given)),
                Some(name) => again.options.extend(settings(name, arg, given)),
            }
        }
        again
    }

    /// The command that goes on with what waits: the same, but for what was said of one run alone.
    pub fn command(&self) -> String {
        let inputs = self.inputs.iter().map(|input| shell_word(no_option(input)));
        let mut line = self.line(inputs.collect());
        if self.inputs.iter().any(|input| input == "-") {
            line = format!("{line} {SAME_INPUT}");
        }
        line
    }

    /// The same with a rejects file in place of the inputs, and with the ledger named.
    pub(super) fn with_rejects(&self, rejects: &Path, ledger: &Path) -> String {
        let mut words = vec![shell_path(rejects)];
        if !self.options.iter().any(|setting| setting.name == "ledger") {
            words.extend(["--ledger".to_owned(), shell_path(ledger)]);
        }
        self.line(words)
    }

    fn line(&self, first: Vec<String>) -> String {
        let options = self.options.iter().filter(|setting| !OF_ONE_RUN.contains(&&*setting.name));
        let words = [shell_word(&self.program), "run".to_owned()].into_iter().chain(first);
        words.chain(options.map(Setting::words)).collect::<Vec<_>>().join(" ")
    }
}

/// Whether the command line or a variable says it. Whatever argument there is, and may come to be, is among them.
fn is_asked(arg: &Arg, given: &ArgMatches) -> bool {
    let source = given.value_source(arg.get_id().as_str());
    matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable))
}

fn values(arg: &Arg, given: &ArgMatches) -> impl Iterator<Item = OsString> {
    given.get_raw(arg.get_id().as_str()).into_iter().flatten().map(OsStr::to_owned)
}

/// The option, once for each of its values.
fn settings(name: &str, arg: &Arg, given: &ArgMatches) -> Vec<Setting> {
    let is_joined = arg.is_require_equals_set();
    let setting = |value| Setting { name: name.to_owned(), value, is_joined };
    if !matches!(arg.get_action(), ArgAction::SetTrue) {
        return values(arg, given).map(|value| setting(Some(value))).collect();
    }
    let is_on = given.get_flag(arg.get_id().as_str());
    is_on.then(|| setting(None)).into_iter().collect()
}

impl Setting {
    /// `--key 'Ticket ID'`, `--sandbox`, `--no-check=false`, `--ledger=-y.db`.
    fn words(&self) -> String {
        let option = format!("--{}", self.name);
        match &self.value {
            None => option,
            Some(value) if self.is_joined && value == "true" => option,
            Some(value) if self.is_joined || value.as_encoded_bytes().starts_with(b"-") => {
                let mut word = OsString::from(option + "=");
                word.push(value);
                shell_word(word)
            }
            Some(value) => format!("{option} {}", shell_word(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(words: &[&str]) -> ResumeCommand {
        let words = [&["ci"], words].concat();
        ResumeCommand::of("ci".into(), &Cli::command().try_get_matches_from(words).unwrap())
    }

    #[test]
    fn the_same_again_can_be_pasted() {
        let own =
            ["--output", "json", "run", "a b.csv", "--key", "Ticket ID", "--sandbox", "--key=-x", "./-y.csv"];
        assert_eq!(
            again(&own).command(),
            "ci run 'a b.csv' ./-y.csv --output json --key 'Ticket ID' --key=-x --sandbox"
        );
        let switches = [
            "run",
            "--no-check",
            "--no-sign-request=false",
            "-j",
            "x.toml",
            "--ledger=-y.db",
            "--",
            "-z.csv",
        ];
        assert_eq!(
            again(&switches).command(),
            "ci run ./-z.csv --no-check --no-sign-request=false --job x.toml --ledger=-y.db"
        );
    }

    #[test]
    fn what_was_said_of_one_run_is_not_said_of_the_next() {
        let own =
            ["run", "t.csv", "--limit", "10", "--retry=unknown,rejected", "--sandbox", "--crash-at=check"];
        let own = again(&[&own[..], &["--max-duration", "7h"]].concat());
        assert_eq!(own.command(), "ci run t.csv --sandbox --max-duration 7h");
        let with_rejects = own.with_rejects(Path::new("-r.csv"), Path::new("l.db"));
        assert_eq!(with_rejects, "ci run ./-r.csv --ledger l.db --sandbox --max-duration 7h");
    }

    #[test]
    fn standard_input_is_to_be_given_again() {
        let own = again(&["run", "-", "--ledger", "in.db"]);
        assert_eq!(own.command(), "ci run - --ledger in.db <THE-SAME-INPUT");
        assert_eq!(own.with_rejects(Path::new("r.csv"), Path::new("in.db")), "ci run r.csv --ledger in.db");
    }

    #[test]
    fn the_rejects_take_the_place_of_what_was_named_and_of_nothing_else() {
        let own = again(&["run", "*.csv", "--rejects", "*.csv", "--debug", "b.csv"]);
        let words = own.with_rejects(Path::new("r.csv"), Path::new("l.db"));
        assert_eq!(words, "ci run r.csv --ledger l.db --rejects '*.csv' --debug");
    }
}
