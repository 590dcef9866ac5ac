//! Words as a shell reads them, for commands to paste.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::Path;

/// How a word begins that [`shell_word`] has written byte by byte.
const BYTE_BY_BYTE: &str = "$'";

/// A word as a POSIX shell reads it back. One with control characters, or that is not UTF-8, is written as `$'…'`, which
/// is of POSIX since 2024 and of bash and zsh for long: so it can be shown and pasted too.
pub(super) fn shell_word(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref();
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(plain) => text.to_owned(),
        Some(text) if !text.contains(char::is_control) => format!("'{}'", text.replace('\'', r"'\''")),
        Some(_) | None => byte_by_byte(word),
    }
}

/// A path as a POSIX shell reads it back, and no program takes for an option.
pub fn shell_path(path: &Path) -> String {
    shell_word(no_option(path.as_os_str()))
}

/// A path that no program takes for an option; `-` alone is standard input.
pub(super) fn no_option(path: &OsStr) -> OsString {
    let is_option = path != "-" && path.as_encoded_bytes().starts_with(b"-");
    if is_option { Path::new(".").join(path).into_os_string() } else { path.to_owned() }
}

fn byte_by_byte(word: &OsStr) -> String {
    let mut text = BYTE_BY_BYTE.to_owned();
    let escape = |text: &mut String, bytes: &[u8]| {
        for byte in bytes {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    };
    for chunk in word.as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' | '\'' => text.extend(['\\', c]),
                c if c.is_control() => escape(&mut text, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => text.push(c),
            }
        }
        escape(&mut text, chunk.invalid());
    }
    text.push('\'');
    text
}

/// The folder of this process, as the ledger keeps it: the path, or where that is no text the word for it.
pub fn this_folder() -> String {
    let folder = std::env::current_dir().unwrap_or_default().into_os_string();
    folder.into_string().unwrap_or_else(shell_word)
}

/// A command that was given in another folder than this one, with the way there.
pub(super) fn from_here(command: &str, folder: Option<&str>) -> String {
    match folder.filter(|folder| !folder.is_empty() && *folder != this_folder()) {
        Some(folder) if folder.starts_with(BYTE_BY_BYTE) => format!("cd {folder} && {command}"),
        Some(folder) => format!("cd {} && {command}", shell_word(folder)),
        None => command.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_take_them_apart() {
        let words = ["t.csv", "Ticket ID", "it's", "", "é", "a\u{1b}[31mb'\\"].map(shell_word);
        assert_eq!(words, ["t.csv", "'Ticket ID'", r"'it'\''s'", "''", "é", r"$'a\x1b[31mb\'\\'"]);
    }

    #[test]
    fn a_path_is_no_option() {
        let paths = ["-y.db", "-", "--", "y.db", "/-y"].map(|path| shell_path(Path::new(path)));
        assert_eq!(paths, ["./-y.db", "-", "./--", "y.db", "/-y"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_back_what_is_no_text() {
        use std::os::unix::ffi::OsStrExt as _;
        let name = OsStr::from_bytes(b"b\xff 'c\\\n\xc3\xa9.csv");
        assert_eq!(shell_word(name), r"$'b\xff \'c\\\x0aé.csv'");
        let script = format!("printf %s {}", shell_word(name));
        let read = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
        assert_eq!(read.stdout, name.as_bytes());
    }
}
