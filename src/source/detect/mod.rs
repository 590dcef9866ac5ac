//! Detection of a file's compression, encoding and delimiter, and of its header, from its first 64 KiB.

mod cell_kind;
mod delimiter;
mod header_line;
mod preamble;

use std::io::Read;

use encoding_rs::UTF_8;

use super::decode::{decoded, encoding_of, looks_like_utf16};
use super::decompress::{Peeked, decompressed, peek};
use super::dialect::{Dialect, FoundDialect, SourceFormat};
use super::error::SourceError;
use super::foreign::of_text;
use super::line_end::LineEnd;
use super::record::ExpectedEncoding;
use delimiter::{TextSample, detect_delimiter, rejects_delimiter, usable_candidates};
use header_line::expect_header;
use preamble::Preamble;
pub(super) use preamble::Trimmed;

/// Bytes of a file to detect its dialect from.
const SAMPLE_BYTES: usize = 64 << 10;

/// The text of a file, and how to parse it.
pub(super) struct DetectedCsv {
    /// UTF-8 from the header on; malformed text is found by the record reader.
    pub(super) bytes: Peeked<Box<dyn Read + Send>>,
    /// The line of the file on which the bytes start.
    pub(super) line: u64,
    /// The end of their first line; none without one in the sample.
    pub(super) line_end: Option<LineEnd>,
    /// The dialect of the parser: the declared one, or that of a rejects file.
    pub(super) dialect: Dialect,
    pub(super) found: FoundDialect,
    /// The encoding, for messages about malformed text.
    pub(super) encoding: ExpectedEncoding,
}

impl DetectedCsv {
    /// Detects what `dialect` leaves open, and skips what precedes the header.
    pub(super) fn open(
        file: &str,
        bytes: impl Read + Send + 'static,
        dialect: &Dialect,
    ) -> Result<Self, SourceError> {
        let failed = |source| SourceError::at_start(file, source);
        let (bytes, compression) = decompressed(bytes).map_err(failed)?;
        let (head, mut bytes) = peek(bytes, SAMPLE_BYTES).map_err(failed)?;

        // A rejects file is written by this tool, whatever dialect the job declares for its CSVs.
        let rejects = rejects_dialect(&head);
        let is_rejects_file = rejects.is_some();
        let dialect = &rejects.unwrap_or_else(|| dialect.clone());
        let (encoding, mark) = encoding_of(&head, dialect.encoding);
        if dialect.encoding.is_none()
            && mark == 0
            && let Some(label) = looks_like_utf16(&head)
        {
            return Err(SourceError::Utf16 { file: file.to_owned(), label });
        }
        let remedy = match (mark, dialect.encoding) {
            _ if mark > 0 => "save the file in the encoding of its byte order mark",
            _ if is_rejects_file => "save the rejects file as UTF-8",
            (_, Some(_)) => "set the file's encoding with --encoding",
            (_, None) => {
                "set the file's encoding with --encoding, such as windows-1252, if no accented letter is right"
            }
        };
        let expected = ExpectedEncoding { name: encoding.name(), remedy };

        bytes.get_mut().0.set_position(mark as u64);
        let trimmed =
            Trimmed::of(decoded(bytes, encoding), dialect.skip_lines, SAMPLE_BYTES).map_err(failed)?;
        let Trimmed { head, bytes, is_whole, line, delimiter: separator, skipped } = trimmed;
        if skipped < dialect.skip_lines || head.is_empty() && skipped > 0 && dialect.columns.is_empty() {
            return Err(SourceError::AllSkipped {
                file: file.to_owned(),
                lines: skipped,
                skip: dialect.skip_lines,
            });
        }
        if let Some(format) = of_text(&head, is_whole) {
            let format = if let Some(outer) = compression { format.inside(outer) } else { format };
            return Err(SourceError::foreign(file.to_owned(), &format));
        }
        if let Some(at) = nul_in_first_line(&head) {
            // Undecoded UTF-16: the position of a Latin letter's NUL tells the byte order.
            let label = if at % 2 == 1 { "utf-16le" } else { "utf-16be" };
            return Err(SourceError::Utf16 { file: file.to_owned(), label });
        }
        let sample = TextSample { text: &head, is_whole };
        let default = (dialect.format == SourceFormat::Text).then_some(b'\t');
        let given = dialect.delimiter.or(separator.filter(|named| dialect.can_use(*named))).or(default);
        let delimiter = given.unwrap_or_else(|| detect_delimiter(sample, dialect));
        if !is_rejects_file && dialect.columns.is_empty() {
            let others = if given.is_some() { Vec::new() } else { usable_candidates(dialect) };
            expect_header(file, sample, line, dialect, delimiter, &others)?;
        }
        Ok(DetectedCsv {
            bytes,
            line,
            line_end: LineEnd::of_first(&head, dialect.quote),
            dialect: dialect.clone(),
            found: FoundDialect { format: dialect.format, delimiter, encoding: encoding.name(), compression },
            encoding: expected,
        })
    }
}

/// Position of a NUL in the header's line; text that is decoded correctly has none there.
fn nul_in_first_line(text: &[u8]) -> Option<usize> {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.iter().position(|byte| *byte == 0)
}

/// The dialect of a rejects file; none if the file is not one.
fn rejects_dialect(head: &[u8]) -> Option<Dialect> {
    let (text, _, _) = UTF_8.decode(head);
    let text = &text.as_bytes()[Preamble::of(text.as_bytes()).length..];
    rejects_delimiter(TextSample { text, is_whole: head.len() < SAMPLE_BYTES }).map(Dialect::of_rejects)
}
