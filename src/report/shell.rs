//! Commands to paste.

use std::ffi::OsString;
use std::path::Path;

/// The command line of this process, for doing the same again.
pub fn same_command() -> String {
    shell_line(own_words())
}

/// The command line of this process with `rejects` in place of the inputs that it names, and the ledger
/// named.
pub(super) fn command_for_rejects(inputs: &[String], rejects: &Path, ledger: &Path) -> String {
    shell_line(with_rejects(own_words(), inputs, rejects, ledger))
}

/// Options without a value after them.
const FLAGS: [&str; 5] = ["--sandbox", "--no-check", "--no-sign-request", "--debug", "--"];

fn with_rejects(own: Vec<String>, inputs: &[String], rejects: &Path, ledger: &Path) -> Vec<String> {
    let mut words: Vec<String> = Vec::with_capacity(own.len() + 3);
    for word in own {
        let takes_value = |option: &String| {
            option == "-j" || option.starts_with("--") && !option.contains('=') && !FLAGS.contains(&&**option)
        };
        let is_value = words.last().is_some_and(takes_value);
        if is_value || !inputs.contains(&word) {
            words.push(word);
        }
    }
    let after_run = words.iter().position(|word| word == "run").map_or(words.len(), |at| at + 1);
    let mut more = vec![rejects.display().to_string()];
    if !words.iter().any(|word| word == "--ledger" || word.starts_with("--ledger=")) {
        more.extend(["--ledger".to_owned(), ledger.display().to_string()]);
    }
    words.splice(after_run..after_run, more);
    words
}

fn own_words() -> Vec<String> {
    std::env::args_os().map(|word: OsString| word.to_string_lossy().into_owned()).collect()
}

/// A command that was given in another folder than this one, with the way there.
pub(super) fn from_here(command: &str, folder: Option<&str>) -> String {
    let is_here = |folder: &str| std::env::current_dir().is_ok_and(|here| here == Path::new(folder));
    match folder.filter(|folder| !folder.is_empty() && !is_here(folder)) {
        Some(folder) => format!("cd {} && {command}", shell_word(folder)),
        None => command.to_owned(),
    }
}

/// Words as a POSIX shell reads them back.
pub(super) fn shell_line(words: impl IntoIterator<Item = String>) -> String {
    words.into_iter().map(|word| shell_word(&word)).collect::<Vec<_>>().join(" ")
}

/// A word as a POSIX shell reads it back.
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
    let is_plain = !word.is_empty() && word.chars().all(plain);
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_command_can_be_pasted() {
        let words = ["connect-import", "--key", "Ticket ID", "it's", ""].map(String::from);
        assert_eq!(shell_line(words), r"connect-import --key 'Ticket ID' 'it'\''s' ''");
    }

    #[test]
    fn the_rejects_take_the_place_of_what_was_named_and_of_nothing_else() {
        let own = ["ci", "run", "*.csv", "--rejects", "*.csv", "--debug", "b.csv"].map(String::from).to_vec();
        let inputs = ["*.csv", "b.csv"].map(String::from);
        let words = with_rejects(own, &inputs, Path::new("r.csv"), Path::new("l.db"));
        assert_eq!(words, ["ci", "run", "r.csv", "--ledger", "l.db", "--rejects", "*.csv", "--debug"]);
    }
}
