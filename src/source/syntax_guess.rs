//! Guesses the syntax of a file that is not plain CSV: by which reading every row has as many cells as the header.

use super::decode::{decoded, encoding_of};
use super::decompress::{decompressed, peek};
use super::detect::Trimmed;
use super::dialect::{Dialect, EscapeScope, SourceFormat};
use super::error::SourceError;
use super::input::Input;
use super::line_end::LineEnd;
use super::records::RecordReader;

/// Bytes of the text to guess from.
const SAMPLE_BYTES: usize = 1 << 20;

/// Delimiters of text formats: of COPY, of Hive, and those that COPY and OUTFILE are often told to use.
const DELIMITERS: [u8; 5] = [b'\t', 1, b'|', b',', b';'];

/// A syntax that fits a file better than plain CSV does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GuessedSyntax {
    /// [`SourceFormat::Text`].
    Text,
    /// CSV with backslashes as escapes.
    Escaped,
    /// CSV with backslashes as escapes in quoted cells; outside of quotes a backslash is text.
    EscapedInQuotes,
    /// CSV without quotes: a quote is text.
    Unquoted,
}

/// A guess, and how certain it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SyntaxGuess {
    /// The syntax.
    pub syntax: GuessedSyntax,
    /// The delimiter.
    pub delimiter: u8,
    /// Whether plain CSV has rows of other numbers of cells, or quotes that swallow rows.
    pub is_only_reading: bool,
}

/// Guesses the syntax of an input that plain CSV with `delimiter` does not fit; none if that fits best.
///
/// # Errors
/// The input cannot be opened or decompressed, or has another format.
pub fn guess_syntax(
    input: &Input,
    dialect: &Dialect,
    delimiter: u8,
) -> Result<Option<SyntaxGuess>, SourceError> {
    let failed = |source| SourceError::at_start(&input.to_string(), source);
    let (bytes, _) = decompressed(input.open()?.0).map_err(failed)?;
    let (head, mut bytes) = peek(bytes, 4).map_err(failed)?;
    let (encoding, mark) = encoding_of(&head, dialect.encoding);
    bytes.get_mut().0.set_position(mark as u64);
    let trimmed = Trimmed::of(decoded(bytes, encoding), dialect.skip_lines, SAMPLE_BYTES).map_err(failed)?;
    let mut text = trimmed.head;
    if !trimmed.is_whole {
        // The last line may be cut.
        text.truncate(memchr::memrchr(b'\n', &text).map_or(text.len(), |end| end + 1));
    }
    Ok(guess(&text, trimmed.is_whole, dialect, delimiter))
}

fn guess(text: &[u8], is_whole: bool, dialect: &Dialect, delimiter: u8) -> Option<SyntaxGuess> {
    let columns = dialect.columns.len();
    let quoted = Dialect { quote: Some(b'"'), escape: None, format: SourceFormat::Csv, ..dialect.clone() };
    let csv = Reading::of(text, is_whole, &quoted, delimiter, columns);
    let escaped = Dialect { escape: Some(b'\\'), ..quoted.clone() };
    let fits = |syntax, delimiter| Some(SyntaxGuess { syntax, delimiter, is_only_reading: !csv.is_regular });
    let in_quotes = Dialect { escape_in: EscapeScope::Quoted, ..escaped.clone() };
    let is_read = |dialect: &Dialect| Reading::of(text, is_whole, dialect, delimiter, columns).is_regular;
    let reads_escaped = || is_read(&escaped);
    let own = Backslashes::of(text, delimiter);
    if !csv.is_regular && own.quotes > 0 {
        // An exporter that escapes outside of quotes escapes every backslash.
        if has_plain_backslash(text, delimiter) && is_read(&in_quotes) {
            return fits(GuessedSyntax::EscapedInQuotes, delimiter);
        }
        if reads_escaped() {
            return fits(GuessedSyntax::Escaped, delimiter);
        }
    }
    let plain = Dialect { quote: None, format: SourceFormat::Text, ..escaped.clone() };
    let candidates: Vec<u8> = match dialect.delimiter {
        Some(delimiter) => vec![delimiter],
        None => DELIMITERS.to_vec(),
    };
    for delimiter in candidates {
        let found = Backslashes::of(text, delimiter);
        if !found.are_escapes()
            || !csv.is_regular && text.starts_with(b"\"")
            || !Reading::of(text, is_whole, &plain, delimiter, columns).is_regular
        {
            continue;
        }
        // A marker of no value alone is frequent in CSV too, but hardly ever between tabs.
        let has_evidence =
            found.letters + found.backslashes > 0 || found.nulls > 0 && matches!(delimiter, b'\t' | 1);
        let is_unquoted = || !csv.needs_quotes && !has_csv_quotes(text, delimiter);
        if !csv.is_regular || has_evidence && is_unquoted() {
            return fits(GuessedSyntax::Text, delimiter);
        }
    }
    if csv.is_regular {
        return None;
    }
    if own.delimiters + own.line_ends > 0 && reads_escaped() {
        return fits(GuessedSyntax::Escaped, delimiter);
    }
    let unquoted = Dialect { quote: None, ..quoted };
    let has_quotes = memchr::memchr(b'"', text).is_some() && !text.starts_with(b"\"");
    let reads_unquoted = has_quotes && Reading::of(text, is_whole, &unquoted, delimiter, columns).is_regular;
    reads_unquoted.then(|| fits(GuessedSyntax::Unquoted, delimiter)).flatten()
}

/// A text read in one dialect.
struct Reading {
    /// Whether every row has the header's number of cells, at least two, and no quote is stray, swallows rows or is
    /// never closed.
    is_regular: bool,
    /// Whether a cell has a delimiter or a line end, which only quotes allow.
    needs_quotes: bool,
}

impl Reading {
    /// `columns` is the number of columns that the job names; 0 if the first record is the header.
    fn of(text: &[u8], is_whole: bool, dialect: &Dialect, delimiter: u8, columns: usize) -> Self {
        let line_end = LineEnd::of_first(text, dialect.quote);
        let mut reader = RecordReader::new(text, 1, line_end, dialect, delimiter);
        let mut fields = csv::StringRecord::new();
        let (mut width, mut rows) = (columns, 0_usize);
        let mut reading = Reading { is_regular: true, needs_quotes: false };
        loop {
            match reader.read(&mut fields, width) {
                Ok(Some(form)) => {
                    if width == 0 {
                        width = fields.len();
                    }
                    rows += 1;
                    reading.is_regular &=
                        fields.len() == width && !form.has_stray_quote && !form.may_hold_rows;
                    let is_special = |byte: &u8| *byte == delimiter || matches!(byte, b'\r' | b'\n');
                    reading.needs_quotes |= fields.as_slice().as_bytes().iter().any(is_special);
                }
                Ok(None) => break,
                Err(_) => {
                    // A quote may be closed after the sample.
                    reading.is_regular &= !is_whole;
                    break;
                }
            }
        }
        reading.is_regular &= width > 1 && rows > 1;
        reading
    }
}

/// The characters that the backslashes of a text stand before.
#[derive(Debug, Default)]
struct Backslashes {
    /// Letters and digits of escapes, such as `\n`, but not in names such as `CORP\nina`.
    letters: usize,
    /// `\N` as a whole cell.
    nulls: usize,
    /// Other backslashes, but not those that begin a share's name, such as `\\nas\team`.
    backslashes: usize,
    /// Those that may be either: escapes, or part of a name.
    of_names: usize,
    delimiters: usize,
    line_ends: usize,
    quotes: usize,
    /// Anything else, and drives of Windows, such as `C:\new`: the backslash is text.
    others: usize,
}

impl Backslashes {
    fn of(text: &[u8], delimiter: u8) -> Self {
        let mut found = Backslashes::default();
        let (mut at, mut cell_end, mut is_name) = (0, 0, false);
        while let Some(next) = memchr::memchr(b'\\', &text[at..]) {
            let (before, after) = (&text[..at + next], text.get(at + next + 1));
            if before.len() >= cell_end {
                let is_end = |byte: &u8| *byte == delimiter || matches!(byte, b'\r' | b'\n');
                let start = before.iter().rposition(is_end).map_or(0, |end| end + 1);
                cell_end = text[start..].iter().position(is_end).map_or(text.len(), |end| start + end);
                is_name = is_name_with_backslashes(&text[start..cell_end]);
            }
            let is_end =
                |byte: Option<&u8>| byte.is_none_or(|byte| *byte == delimiter || byte.is_ascii_control());
            let is_cell = is_end(before.last()) && is_end(text.get(at + next + 2));
            let is_drive = matches!(before, [.., letter, b':'] if letter.is_ascii_alphabetic());
            let count = match after {
                Some(b'\\' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'0') if is_name => {
                    &mut found.of_names
                }
                Some(b'\\') => &mut found.backslashes,
                _ if is_drive => &mut found.others,
                Some(b'N') if is_cell => &mut found.nulls,
                Some(b'.') if is_cell => &mut found.nulls,
                Some(b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'0' | b'\'') => &mut found.letters,
                Some(b'"') => &mut found.quotes,
                Some(b'\r' | b'\n') => &mut found.line_ends,
                Some(byte) if *byte == delimiter => &mut found.delimiters,
                _ => &mut found.others,
            };
            *count += 1;
            at = (at + next + 2).min(text.len());
        }
        found
    }

    /// Whether all of them are escapes of the text format.
    fn are_escapes(&self) -> bool {
        self.others + self.quotes == 0
    }
}

/// Whether a cell without a quote has a backslash that is not escaped and escapes nothing.
fn has_plain_backslash(text: &[u8], delimiter: u8) -> bool {
    let cells = text.split(|byte| *byte == delimiter || matches!(byte, b'\r' | b'\n'));
    { cells }.filter(|cell| !cell.contains(&b'"')).any(|cell| {
        let runs = cell.split(|byte| *byte != b'\\');
        { runs }.any(|run| run.len() % 2 == 1)
    })
}

/// Whether a cell may be an account, a path or a share: `CORP\nina`, `temp\new`, `\\nas\team`.
fn is_name_with_backslashes(cell: &[u8]) -> bool {
    let is_part = |part: &[u8]| {
        let is_of_name =
            |byte: &u8| !byte.is_ascii() || byte.is_ascii_alphanumeric() || b"_-.$@".contains(byte);
        !part.is_empty() && part.iter().all(is_of_name)
    };
    cell.strip_prefix(b"\\\\").unwrap_or(cell).split(|byte| *byte == b'\\').all(is_part)
}

/// Whether a cell is quoted and has a doubled quote, as only CSV writes it.
fn has_csv_quotes(text: &[u8], delimiter: u8) -> bool {
    let cells = text.split(|byte| *byte == delimiter || matches!(byte, b'\r' | b'\n'));
    let mut inner = cells.filter_map(|cell| cell.strip_prefix(b"\"")?.strip_suffix(b"\""));
    text.starts_with(b"\"")
        || inner.any(|inner| {
            let quotes = inner.split(|byte| *byte != b'"').filter(|run| !run.is_empty());
            quotes.clone().next().is_some() && { quotes }.all(|run| run.len() % 2 == 0)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(text: &str, delimiter: u8) -> Option<(GuessedSyntax, u8)> {
        let found = guess(text.as_bytes(), true, &Dialect::default(), delimiter)?;
        Some((found.syntax, found.delimiter))
    }

    #[test]
    fn lines_with_the_headers_number_of_cells_are_text() {
        let text = "id\tsubject\tnote\n1\ta\tn1\n3\t\"starts\tn3\n4\td\tn4\n5\tends\"\tn5\n";
        assert_eq!(guessed(text, b'\t'), Some((GuessedSyntax::Text, b'\t')));
        // The quote is never closed, and stray.
        assert_eq!(guessed("a\tb\n1\t\"x\n2\ty\n", b'\t'), Some((GuessedSyntax::Text, b'\t')));
        assert_eq!(guessed("a|b\n1|\"x\" y\n2|z\n", b'|'), Some((GuessedSyntax::Text, b'|')));
    }

    #[test]
    fn escapes_without_quotes_are_text() {
        for (text, delimiter) in [
            ("id\tbody\n1\tone line\\ntwo\n", b'\t'),
            ("id\tbody\n1\tC:\\\\new\n2\tYes\\nNo\n", b'\t'),
            ("id\tbody\n1\t\\N\n", b'\t'),
            ("id\tbody\n1\tC:\\\\temp\n2\t\"\"\n", b'\t'),
            ("id,body\n1,a b\\nc\n", b','),
            ("id\u{1}body\n1\u{1}a\\n\\nb\n", 1),
            ("id\tdata\n1\t{\"a\":\"x\\\\ty\"}\n2\t[1]\n", b'\t'),
        ] {
            assert_eq!(guessed(text, b'\t'), Some((GuessedSyntax::Text, delimiter)), "{text:?}");
        }
    }

    #[test]
    fn escaped_quotes_and_separators_are_escaped_csv() {
        for text in [
            "id,body,n\n1,\"He said \\\"hi, you\\\"\",x\n2,b,y\n",
            "id,body,n\n1,a\\,b,x\n2,\"C:\\\\temp\",y\n3,\"a, b\",z\n",
            "id,body,n\n1,\"a\\\"b\\\nc\",x\n",
        ] {
            assert_eq!(guessed(text, b','), Some((GuessedSyntax::Escaped, b',')), "{text:?}");
        }
    }

    #[test]
    fn a_plain_backslash_outside_of_quotes_shows_that_the_escape_applies_in_quotes_only() {
        for text in [
            "id,path,note\n1,C:\\temp\\,\"say \\\"hi\\\", you\"\n2,a,b\n",
            "id,path,note\n1,\\\\server\\share,\"\\\"quoted, whole\\\"\"\n2,a,\"b\\\\\"\n",
        ] {
            assert_eq!(guessed(text, b','), Some((GuessedSyntax::EscapedInQuotes, b',')), "{text:?}");
        }
    }

    #[test]
    fn a_file_of_paths_with_stray_quotes_has_no_quotes() {
        let text = "id\tpath\n1\t\"C:\\Users\\x\" y\n2\tD:\\new\n";
        assert_eq!(guessed(text, b'\t'), Some((GuessedSyntax::Unquoted, b'\t')));
    }

    #[test]
    fn plain_csv_stays_csv() {
        for text in [
            "id,body\n1,\"a, b\"\n2,\"x\ny\"\n",
            "id\tpath\n1\tC:\\temp\\new\n",
            "id,owner\n1,CORP\\nina\n2,CORP\\tim\n",
            "id\tfolder\n1\t\\\\nas\\team\n2\treports\\new\n",
            "id,body\n1,\\N\n",
            "id\tbody\n1\t\"one \"\"two\"\"\"\n2\tthree\\nfour\n",
            "\"id\"\t\"body\"\n\"1\"\t\"a\\nb\"\n",
            "id\tbody\n1\t\"a\tb\"\n2\tx\\ny\n",
            "id,body\n1,a\n2\n3,c\n",
            "id\n1\\n2\n",
            "",
        ] {
            assert_eq!(guessed(text, if text.contains('\t') { b'\t' } else { b',' }), None, "{text:?}");
        }
    }
}
