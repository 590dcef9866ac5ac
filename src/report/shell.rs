//! Commands to paste.

use std::ffi::OsString;
use std::path::Path;

/// The command line of this process, for doing the same again.
pub(super) fn same_command() -> String {
    shell_line(own_words())
}

/// The command line of this process with `rejects` in place of `inputs`, and the ledger named.
pub(super) fn command_for_rejects(inputs: &[String], rejects: &Path, ledger: &Path) -> String {
    let mut words: Vec<String> = own_words().into_iter().filter(|word| !inputs.contains(word)).collect();
    let after_run = words.iter().position(|word| word == "run").map_or(words.len(), |at| at + 1);
    let mut more = vec![rejects.display().to_string()];
    if !words.iter().any(|word| word == "--ledger" || word.starts_with("--ledger=")) {
        more.extend(["--ledger".to_owned(), ledger.display().to_string()]);
    }
    words.splice(after_run..after_run, more);
    shell_line(words)
}

fn own_words() -> Vec<String> {
    std::env::args_os().map(|word: OsString| word.to_string_lossy().into_owned()).collect()
}

/// Words as a POSIX shell reads them back.
fn shell_line(words: impl IntoIterator<Item = String>) -> String {
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
    use super::shell_line;

    #[test]
    fn a_printed_command_can_be_pasted() {
        let words = ["connect-import", "--key", "Ticket ID", "it's", ""].map(String::from);
        assert_eq!(shell_line(words), r"connect-import --key 'Ticket ID' 'it'\''s' ''");
    }
}
