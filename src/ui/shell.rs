//! The commands that resume and verify a run, to paste into a POSIX shell.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory as _};

use crate::cli::Cli;
use crate::shard::Shard;
use crate::shell_word::{ESCAPED, no_option, shell_path, shell_word};

/// Options that apply to one run only: a resumed run sends every row that waits, and none that may exist already, and it
/// replaces no file that appeared in the meantime. It has a ledger, and asks again only if nothing was sent.
const SINGLE_RUN_OPTIONS: [&str; 6] = ["limit", "retry", "crash-at", "force", "new-ledger", "yes"];

/// Placeholder for standard input. A shell refuses it until it is replaced by a file.
const SAME_INPUT: &str = "<THE-SAME-INPUT";

/// Command of a run: its arguments, and the variables `CONNECT_IMPORT_…` as options, since another shell may lack them.
#[derive(Clone, Debug)]
pub struct ResumeCommand {
    program: OsString,
    /// Name of the command that was given.
    name: String,
    inputs: Vec<OsString>,
    /// In the order of the command line, then those from variables.
    options: Vec<GivenOption>,
    /// Whether the contacts of the built-in sandbox outlast the run.
    keeps_contacts: bool,
}

#[derive(Clone, Debug)]
struct GivenOption {
    name: String,
    /// None for a flag.
    value: Option<OsString>,
    /// Whether a value must follow an equals sign.
    is_joined: bool,
}

impl ResumeCommand {
    /// The command that was parsed into `matches`, those of the whole command line, with the job that it found at hand. The
    /// job is named: with the rejects file as its input, the command would find none.
    pub fn new(program: OsString, matches: &ArgMatches, job_at_hand: Option<&str>) -> Self {
        let mut command = Cli::command();
        // Propagates the global options to the subcommands.
        command.build();
        let name = matches.subcommand_name().unwrap_or_default().to_owned();
        let mut resume =
            ResumeCommand { program, name, inputs: Vec::new(), options: Vec::new(), keeps_contacts: false };
        let given =
            matches.subcommand().and_then(|(name, given)| Some((command.find_subcommand(name)?, given)));
        let Some((command, given)) = given else { return resume };
        let mut args: Vec<&Arg> = command.get_arguments().filter(|arg| is_given(arg, given)).collect();
        args.sort_by_key(|arg| given.index_of(arg.get_id().as_str()));
        for arg in args {
            match arg.get_long() {
                None => resume.inputs.extend(values(arg, given)),
                Some(name) => resume.options.extend(options(name, arg, given)),
            }
        }
        resume.options.extend(job_at_hand.map(|job| GivenOption {
            name: "job".to_owned(),
            value: Some(job.into()),
            is_joined: false,
        }));
        resume
    }

    /// The command of a run whose built-in sandbox keeps its contacts, if `keeps_contacts`, so that they can be verified.
    pub fn with_kept_contacts(self, keeps_contacts: bool) -> Self {
        ResumeCommand { keeps_contacts, ..self }
    }

    /// The command line of the next run, without the options that apply to one run only.
    pub fn command(&self) -> String {
        let inputs = self.inputs.iter().map(|input| shell_word(no_option(input)));
        let mut line = self.line(inputs.collect());
        if self.inputs.iter().any(|input| input == "-") {
            line = format!("{line} {SAME_INPUT}");
        }
        line
    }

    /// The command line that verifies the ledger of the run. `None` if its contacts end with the run: those of the built-in
    /// sandbox.
    pub fn verify(&self) -> Option<String> {
        let has = |name: &str| self.options.iter().any(|option| option.name == name);
        if has("sandbox") && !has("endpoint-url") && !self.keeps_contacts {
            return None;
        }
        // A ledger of standard input is named.
        self.shared_with("verify", self.inputs.iter().filter(|input| *input != "-"))
    }

    /// The command line of a run that imports the corrected rejects file into the same ledger.
    pub(super) fn with_rejects(&self, rejects: &Path, ledger: &Path) -> String {
        let mut words = vec![shell_path(rejects)];
        if !self.options.iter().any(|option| option.name == "ledger") {
            words.extend(["--ledger".to_owned(), shell_path(ledger)]);
        }
        self.line(words)
    }

    /// The command line of `check` with the inputs and options that it shares with this `run`; none if the command is
    /// another one.
    pub fn as_check(&self) -> Option<String> {
        if self.name == "run" { self.shared_with("check", self.inputs.iter()) } else { None }
    }

    /// The command line of another command, with those of the options that it has too.
    fn shared_with<'a>(&self, name: &str, inputs: impl Iterator<Item = &'a OsString>) -> Option<String> {
        let mut commands = Cli::command();
        // Propagates the global options to the subcommands.
        commands.build();
        let other: Vec<&str> =
            commands.find_subcommand(name)?.get_arguments().filter_map(Arg::get_long).collect();
        let inputs = inputs.map(|input| shell_word(no_option(input)));
        let options = self.options.iter().filter(|option| other.contains(&&*option.name));
        let words = [shell_word(&self.program), name.to_owned()].into_iter().chain(inputs);
        Some(words.chain(options.map(GivenOption::text)).collect::<Vec<_>>().join(" "))
    }

    fn line(&self, first: Vec<String>) -> String {
        let options = self.options.iter().filter(|option| !SINGLE_RUN_OPTIONS.contains(&&*option.name));
        let words = [shell_word(&self.program), "run".to_owned()].into_iter().chain(first);
        words.chain(options.map(GivenOption::text)).collect::<Vec<_>>().join(" ")
    }
}

/// Whether the command line or a variable gives the argument.
fn is_given(arg: &Arg, given: &ArgMatches) -> bool {
    let source = given.value_source(arg.get_id().as_str());
    matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable))
}

fn values(arg: &Arg, given: &ArgMatches) -> Vec<OsString> {
    let id = arg.get_id().as_str();
    // As numbers, since a shell outside of an array job lacks the variables of `aws-batch`.
    if let Ok(Some(shard)) = given.try_get_one::<Shard>(id) {
        return vec![shard.to_string().into()];
    }
    given.get_raw(id).into_iter().flatten().map(OsStr::to_owned).collect()
}

/// The option, once for each of its values.
fn options(name: &str, arg: &Arg, given: &ArgMatches) -> Vec<GivenOption> {
    let is_joined = arg.is_require_equals_set();
    let option = |value| GivenOption { name: name.to_owned(), value, is_joined };
    if !matches!(arg.get_action(), ArgAction::SetTrue) {
        return values(arg, given).into_iter().map(|value| option(Some(value))).collect();
    }
    let is_on = given.get_flag(arg.get_id().as_str());
    is_on.then(|| option(None)).into_iter().collect()
}

impl GivenOption {
    /// `--key 'Ticket ID'`, `--sandbox`, `--no-check=false`, `--ledger=-y.db`.
    fn text(&self) -> String {
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

/// Working directory, as the ledger records it: the path, or its quoted form if it is not UTF-8.
pub fn this_folder() -> String {
    let folder = std::env::current_dir().unwrap_or_default().into_os_string();
    folder.into_string().unwrap_or_else(shell_word)
}

/// Folder in which a command is pasted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PastedIn {
    /// The working folder of this process.
    ThisFolder,
    /// Any folder: a page is read everywhere.
    AnyFolder,
}

/// `command`, after a `cd` if it was given in another folder than that in which it is pasted.
pub(super) fn pasted(command: &str, folder: &str, pasted_in: PastedIn) -> String {
    if folder.is_empty() || pasted_in == PastedIn::ThisFolder && folder == this_folder() {
        command.to_owned()
    } else if folder.starts_with(ESCAPED) {
        format!("cd {folder} && {command}")
    } else {
        format!("cd {} && {command}", shell_word(folder))
    }
}

/// This program as it was called, quoted for a shell.
pub fn this_program() -> String {
    shell_word(std::env::args_os().next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resumed(words: &[&str]) -> ResumeCommand {
        let words = [&["ci"], words].concat();
        ResumeCommand::new("ci".into(), &Cli::command().try_get_matches_from(words).unwrap(), None)
    }

    #[test]
    fn the_command_can_be_pasted() {
        let own =
            ["--output", "json", "run", "a b.csv", "--key", "Ticket ID", "--sandbox", "--key=-x", "./-y.csv"];
        assert_eq!(
            resumed(&own).command(),
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
            resumed(&switches).command(),
            "ci run ./-z.csv --no-check --no-sign-request=false --job x.toml --ledger=-y.db"
        );
    }

    #[test]
    fn options_of_one_run_are_left_out() {
        let own =
            ["run", "t.csv", "--limit", "10", "--retry=unknown", "--sandbox", "--crash-at=check", "--force"];
        let own = resumed(&[&own[..], &["--yes", "--new-ledger", "--max-duration", "7h"]].concat());
        assert_eq!(own.command(), "ci run t.csv --sandbox --max-duration 7h");
        let with_rejects = own.with_rejects(Path::new("-r.csv"), Path::new("l.db"));
        assert_eq!(with_rejects, "ci run ./-r.csv --ledger l.db --sandbox --max-duration 7h");
    }

    #[test]
    fn the_command_that_verifies_has_the_options_that_both_commands_know() {
        let own = [
            "run",
            "a b.csv",
            "--ledger=-y.db",
            "--key",
            "id",
            "--rate",
            "3",
            "--limit",
            "1",
            "--region",
            "eu-west-2",
        ];
        let verified = resumed(&own).verify().unwrap();
        assert_eq!(verified, "ci verify 'a b.csv' --ledger=-y.db --key id --region eu-west-2");
        assert_eq!(resumed(&["run", "t.csv", "--sandbox"]).verify(), None);
        let of_sandbox =
            ["run", "-", "--ledger", "l.db", "--sandbox", "--endpoint-url", "http://127.0.0.1:1"];
        let verified = resumed(&of_sandbox).verify().unwrap();
        assert_eq!(verified, "ci verify --ledger l.db --sandbox --endpoint-url http://127.0.0.1:1");
    }

    #[test]
    fn standard_input_has_a_placeholder() {
        let own = resumed(&["run", "-", "--ledger", "in.db"]);
        assert_eq!(own.command(), "ci run - --ledger in.db <THE-SAME-INPUT");
        assert_eq!(own.with_rejects(Path::new("r.csv"), Path::new("in.db")), "ci run r.csv --ledger in.db");
    }

    #[test]
    fn the_rejects_file_replaces_the_inputs_only() {
        let own = resumed(&["run", "*.csv", "--rejects", "*.csv", "--debug", "b.csv"]);
        let words = own.with_rejects(Path::new("r.csv"), Path::new("l.db"));
        assert_eq!(words, "ci run r.csv --ledger l.db --rejects '*.csv' --debug");
    }
}
