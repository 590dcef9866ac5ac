//! Text that moves no cursor and changes no colour: a file's name, or a message of the service, may hold anything.

/// The text as one line: line breaks and tabs are spaces, other control characters are named, as `\u{1b}`.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => shown.push(' '),
            c if c.is_control() => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// The same for each line of a text.
pub(super) fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(printable("a\u{1b}[2Jb\tc\r\nd\u{9b}é"), r"a\u{1b}[2Jb c  d\u{9b}é");
        assert_eq!(printable_lines("a\r\nb\u{7}\n"), "a \nb\\u{7}\n");
    }
}
