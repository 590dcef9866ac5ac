//! From a file's bytes to text whose dialect is known.

use std::io::{self, Read};
use std::path::PathBuf;

use encoding_rs::{Encoding, UTF_8};

use super::SourceError;
use super::decode::{decoded, encoding_of, looks_like_utf16};
use super::decompress::decompressed;
use super::dialect::{Dialect, FoundDialect};
use super::fault::own_fault;
use super::peek::{Whole, peek};
use super::sniff::{Sample, delimiter, rejects_delimiter, separator_line};

/// How much of a file is looked at to find out how it is written.
const SAMPLE: usize = 64 << 10;

/// A byte order mark in UTF-8.
const MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// A file's text, and how to read it.
pub(super) struct Text {
    /// UTF-8, or what is to be found not to be.
    pub(super) bytes: Whole<Box<dyn Read + Send>>,
    /// The line on which the bytes start.
    pub(super) line: u64,
    pub(super) parser: csv::ReaderBuilder,
    /// What the parser goes by.
    pub(super) dialect: Dialect,
    pub(super) found: FoundDialect,
    /// What to say of bytes that are no text.
    pub(super) problem: String,
}

impl Text {
    /// The text of `bytes`, read up to its header.
    pub(super) fn open(
        file: &str,
        bytes: impl Read + Send + 'static,
        dialect: &Dialect,
    ) -> Result<Self, SourceError> {
        let failed = |source: io::Error| match own_fault(&source, file, 0, 1) {
            Some(fault) => fault,
            None => SourceError::Open { path: PathBuf::from(file), source },
        };
        let (bytes, compression) = decompressed(bytes).map_err(failed)?;
        let (head, mut bytes) = peek(bytes, SAMPLE).map_err(failed)?;

        // A rejects file is this tool's own, however the job's other files are written.
        let rejects = own_dialect(&head);
        let is_rejects_file = rejects.is_some();
        let dialect = &rejects.unwrap_or_else(|| dialect.clone());
        let (encoding, mark) = encoding_of(&head, dialect.encoding);
        if dialect.encoding.is_none()
            && mark == 0
            && let Some(label) = looks_like_utf16(&head)
        {
            return Err(SourceError::Utf16 { file: file.to_owned(), label });
        }
        let problem = match (mark, dialect.encoding) {
            _ if mark > 0 => format!("{}, which its byte order mark says it is", not_valid(encoding)),
            _ if is_rejects_file => "not UTF-8; save the rejects file as UTF-8".into(),
            (_, Some(_)) => format!("{}; name the file's encoding with --encoding", not_valid(encoding)),
            (_, None) => {
                "not UTF-8; name the file's encoding with --encoding, for example windows-1252".into()
            }
        };

        bytes.get_mut().0.set_position(mark as u64);
        let (head, mut bytes) = peek(decoded(bytes, encoding), SAMPLE).map_err(failed)?;
        let front = front(&head);
        bytes.get_mut().0.set_position(front.length as u64);
        let text = &head[front.length..];
        if let Some(at) = nul_in_first_line(text) {
            // In what is not decoded as UTF-16, a Latin letter's second byte tells which of the two it is.
            let label = if at % 2 == 1 { "utf-16le" } else { "utf-16be" };
            return Err(SourceError::Utf16 { file: file.to_owned(), label });
        }
        let sample = Sample { text, is_whole: head.len() < SAMPLE };
        let named = front.delimiter.filter(|named| dialect.allows(*named));
        let delimiter = dialect.delimiter.or(named).unwrap_or_else(|| delimiter(sample, dialect));
        Ok(Text {
            bytes,
            line: if front.delimiter.is_some() { 2 } else { 1 },
            parser: dialect.parser(delimiter),
            dialect: dialect.clone(),
            found: FoundDialect { delimiter, encoding: encoding.name(), compression },
            problem,
        })
    }
}

/// Where the header has a NUL, which no header has.
fn nul_in_first_line(text: &[u8]) -> Option<usize> {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.iter().position(|byte| *byte == 0)
}

fn not_valid(encoding: &'static Encoding) -> String {
    if encoding == UTF_8 { "not UTF-8".into() } else { format!("not valid {}", encoding.name()) }
}

/// What stands before the header and is no part of it.
struct Front {
    length: usize,
    /// What Excel's line names.
    delimiter: Option<u8>,
}

/// Exports that were joined or saved twice have a second byte order mark; the csv crate would take it off
/// unless it is cut in two.
fn front(text: &[u8]) -> Front {
    let marks = text.chunks_exact(MARK.len()).take_while(|chunk| *chunk == MARK).count() * MARK.len();
    match separator_line(&text[marks..]) {
        Some((delimiter, length)) => Front { length: marks + length, delimiter: Some(delimiter) },
        None => Front { length: marks, delimiter: None },
    }
}

/// The dialect of a rejects file, none if this is not one.
fn own_dialect(head: &[u8]) -> Option<Dialect> {
    let (text, _, _) = UTF_8.decode(head);
    let text = &text.as_bytes()[front(text.as_bytes()).length..];
    rejects_delimiter(Sample { text, is_whole: head.len() < SAMPLE }).map(Dialect::own)
}
