//! Text that is safe to print: what moves a cursor, changes a colour or reorders a line is escaped. Pure.
//!
//! Names of files and columns, values of the environment and answers of a service may contain any character. Paths become text
//! by [`ShownPath::shown`]; every writer of standard output, standard error and the log escapes once more what is left.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

/// Whether a terminal may obey the character: control characters (C0, DEL, C1), line and paragraph separators, and those that
/// reverse or isolate the direction of text (UAX #9, explicit formatting characters).
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` on one line: line breaks and tabs become spaces, other unprintable characters are escaped as `\u{1b}`.
pub(crate) fn printable(text: &str) -> String {
    escaped(&text.replace(['\n', '\r', '\t'], " "), |_| false)
}

/// `text` with its line breaks kept and every line made printable.
pub(crate) fn printable_lines(text: &str) -> String {
    escaped(&text.replace(['\r', '\t'], " "), |c| c == '\n')
}

/// `text` as it is laid out, with line breaks and tabs: a page, or a manual page.
pub(crate) fn printable_page(text: &str) -> String {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

/// `text` with its line breaks and with this tool's own styles, those of clap and of its problems; other escape sequences are
/// escaped.
pub(crate) fn printable_styled(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(STYLE_START) {
        shown += &printable_lines(before);
        let style = STYLES.into_iter().find(|style| after.starts_with(style));
        shown += &style.map_or_else(|| printable(STYLE_START), |style| format!("{STYLE_START}{style}"));
        rest = &after[style.map_or(0, str::len)..];
    }
    shown + &printable_lines(rest)
}

/// Start of a style, and what follows: reset, bold, underlined, red, green, yellow.
const STYLE_START: &str = "\u{1b}[";
const STYLES: [&str; 6] = ["0m", "1m", "4m", "31m", "32m", "33m"];

/// `text` with its unprintable characters escaped, except for those that are kept.
fn escaped(text: &str, is_kept: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if is_unprintable(c) && !is_kept(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// JSON in which the unprintable characters after U+001F, which `serde_json` writes as they are, are escaped as JSON spells
/// them. They occur in strings only, so it stays the same JSON. Line breaks are kept.
pub(crate) fn printable_json(json: &str) -> Cow<'_, str> {
    if !json.contains(|c| c != '\n' && is_unprintable(c)) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_unprintable(c) {
            shown.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Text of a path.
pub(crate) trait ShownPath {
    /// The path as printable text on one line.
    fn shown(&self) -> String;
}

impl<P: AsRef<Path> + ?Sized> ShownPath for P {
    fn shown(&self) -> String {
        printable(&self.as_ref().to_string_lossy())
    }
}

/// Writer of rows for programs: CSV or JSON Lines. Where it is a terminal, everything but line breaks and tabs that a terminal
/// may obey is escaped.
#[derive(Debug)]
pub struct RowWriter<W> {
    out: W,
    is_terminal: bool,
    /// The start of a character whose other bytes come with the next write.
    begun: Vec<u8>,
}

impl<W: Write> RowWriter<W> {
    /// A writer to `out`.
    pub fn new(out: W, is_terminal: bool) -> Self {
        RowWriter { out, is_terminal, begun: Vec::new() }
    }
}

impl<W: Write> Write for RowWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_terminal {
            return self.out.write(bytes);
        }
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let mut shown = String::with_capacity(all.len());
        let mut chunks = all.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            for c in chunk.valid().chars() {
                match c {
                    '\n' | '\t' => shown.push(c),
                    // CSV may end its lines with both.
                    '\r' => {}
                    c if is_unprintable(c) => shown.extend(c.escape_unicode()),
                    c => shown.push(c),
                }
            }
            let is_begun = chunks.peek().is_none()
                && std::str::from_utf8(chunk.invalid()).is_err_and(|error| error.error_len().is_none());
            if is_begun {
                self.begun = chunk.invalid().to_vec();
            } else if !chunk.invalid().is_empty() {
                shown.push(char::REPLACEMENT_CHARACTER);
            }
        }
        self.out.write_all(shown.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_text_moves_no_cursor() {
        assert_eq!(printable("a\u{1b}[2Jb\tc\r\nd\u{9b}é"), r"a\u{1b}[2Jb c  d\u{9b}é");
        assert_eq!(printable("a\u{202e}b\u{2028}c\u{2066}d"), r"a\u{202e}b\u{2028}c\u{2066}d");
        assert_eq!(printable_lines("a\r\nb\u{7}\n"), "a \nb\\u{7}\n");
    }

    #[test]
    fn only_styles_of_this_tool_are_styles() {
        let own = "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m a\nb";
        assert_eq!(printable_styled(own), own);
        assert_eq!(
            printable_styled("a\u{1b}[2Jb\u{1b}[35mc\u{1b}]0;d\u{7}\u{1b}["),
            r"a\u{1b}[2Jb\u{1b}[35mc\u{1b}]0;d\u{7}\u{1b}["
        );
    }

    #[test]
    fn a_path_is_shown_on_one_line() {
        assert_eq!(Path::new("a\nerror: b\u{1b}[2J.csv").shown(), r"a error: b\u{1b}[2J.csv");
    }

    #[test]
    fn json_moves_no_cursor_and_stays_json() {
        let value = "a\u{9b}2J\u{7f}\u{85}\u{1b}\n\té\u{200b}\u{202e}";
        let pretty = serde_json::to_string_pretty(&[value]).unwrap();
        let shown = printable_json(&pretty);
        assert!(!shown.contains(|c| c != '\n' && is_unprintable(c)), "{shown:?}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&shown).unwrap(), [value]);
    }

    #[test]
    fn a_terminal_gets_rows_without_control_characters_however_their_bytes_arrive() {
        let rows = "é\u{9b}2J,\u{1b}]0;x\u{7},€\r\na\tb\n".as_bytes();
        for size in 1..rows.len() {
            let mut writer = RowWriter::new(Vec::new(), true);
            for part in rows.chunks(size) {
                writer.write_all(part).unwrap();
            }
            let written = String::from_utf8(writer.out).unwrap();
            assert_eq!(written, "é\\u{9b}2J,\\u{1b}]0;x\\u{7},€\na\tb\n", "{size}");
        }
        let mut writer = RowWriter::new(Vec::new(), true);
        writer.write_all(b"a\xffb").unwrap();
        assert_eq!(writer.out, "a\u{fffd}b".as_bytes());
        let mut file = RowWriter::new(Vec::new(), false);
        file.write_all(rows).unwrap();
        assert_eq!(file.out, rows);
    }
}
