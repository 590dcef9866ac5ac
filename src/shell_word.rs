//! Words of commands to paste into a POSIX shell.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::Path;

use crate::printable::is_unprintable;

/// Start of a word in `$'…'` quotes.
pub(crate) const ESCAPED: &str = "$'";

/// Quotes a word for a POSIX shell. Unprintable characters and bytes that are not UTF-8 are written as `$'…'`, which bash
/// and zsh support, and POSIX since 2024.
pub(crate) fn shell_word(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref();
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(plain) => text.to_owned(),
        Some(text) if !text.contains(is_unprintable) => format!("'{}'", text.replace('\'', r"'\''")),
        Some(_) | None => escaped(word),
    }
}

/// Quotes a path for a POSIX shell, so that no program takes it for an option.
pub(crate) fn shell_path(path: &Path) -> String {
    shell_word(no_option(path.as_os_str()))
}

/// `path`, with `./` before it if a program would take it for an option; `-` alone is standard input.
pub(crate) fn no_option(path: &OsStr) -> OsString {
    let is_option = path != "-" && path.as_encoded_bytes().starts_with(b"-");
    if is_option { Path::new(".").join(path).into_os_string() } else { path.to_owned() }
}

fn escaped(word: &OsStr) -> String {
    let mut text = ESCAPED.to_owned();
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
                c if is_unprintable(c) => escape(&mut text, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => text.push(c),
            }
        }
        escape(&mut text, chunk.invalid());
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_special_characters_are_quoted() {
        let words = ["t.csv", "Ticket ID", "it's", "", "é", "a\u{1b}[31mb'\\"].map(shell_word);
        assert_eq!(words, ["t.csv", "'Ticket ID'", r"'it'\''s'", "''", "é", r"$'a\x1b[31mb\'\\'"]);
    }

    #[test]
    fn a_path_is_never_an_option() {
        let paths = ["-y.db", "-", "--", "y.db", "/-y"].map(|path| shell_path(Path::new(path)));
        assert_eq!(paths, ["./-y.db", "-", "./--", "y.db", "/-y"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_back_bytes_that_are_not_utf_8() {
        use std::os::unix::ffi::OsStrExt as _;
        let name = OsStr::from_bytes(b"b\xff 'c\\\n\xc3\xa9.csv");
        assert_eq!(shell_word(name), r"$'b\xff \'c\\\x0aé.csv'");
        let script = format!("printf %s {}", shell_word(name));
        let read = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
        assert_eq!(read.stdout, name.as_bytes());
    }
}
