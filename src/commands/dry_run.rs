//! Options by which other tools show what they would do, answered with the command that does it.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::described;
use crate::ui::ResumeCommand;

/// The options of `run` that do not exist and mean `check`.
const DRY_RUNS: [&str; 9] =
    ["--dry-run", "--dryrun", "--dry", "-n", "--simulate", "--simulation", "--noop", "--no-op", "--what-if"];

/// The answer to an error about such an option of `run`, with the command to use; none to any other error.
pub(super) fn answer(error: &clap::Error) -> Option<String> {
    answer_to(error, std::env::args_os().collect())
}

fn answer_to(error: &clap::Error, mut words: Vec<OsString>) -> Option<String> {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else { return None };
    if error.kind() != ErrorKind::UnknownArgument || !DRY_RUNS.contains(&&**option) {
        return None;
    }
    let is_option = |word: &OsString| {
        word.to_str().is_some_and(|word| {
            word.strip_prefix(&**option).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        })
    };
    let at = words.iter().position(is_option)?;
    words.remove(at);
    let program = words.first().cloned().unwrap_or_default();
    // Another fault of the command line has its own error, once this one is mended.
    let matches = described().try_get_matches_from(words).ok()?;
    let check = ResumeCommand::new(program, &matches, None).as_check()?;
    Some(format!("run has no {option}; to map and validate every row and send nothing, use\n  {check}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(line: &str) -> Option<String> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        answer_to(&described().try_get_matches_from(&words).unwrap_err(), words)
    }

    #[test]
    fn every_guess_is_answered_with_check_and_the_options_that_check_takes() {
        for guess in DRY_RUNS {
            let line = format!("x run {guess} a$.csv --key=id --grace 3s --limit 5 -q --rejects r.csv");
            let expected = format!(
                "run has no {guess}; to map and validate every row and send nothing, use\n  \
                 x check 'a$.csv' --key id --limit 5 --quiet"
            );
            assert_eq!(answered(&line), Some(expected));
        }
        let valued = answered("x run --dry-run=true --job t.toml").unwrap();
        assert!(valued.ends_with("\n  x check --job t.toml"), "{valued}");
    }

    #[test]
    fn other_commands_and_other_options_have_the_errors_of_the_parser() {
        for line in ["x check --dry-run --job t.toml", "x run --rat 5", "x run --dry-run --rate fast"] {
            assert_eq!(answered(line), None, "{line}");
        }
    }
}
