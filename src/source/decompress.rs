//! Compressed files are read as what they hold.

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use thiserror::Error;

use super::peek::peek;

const GZIP: &[u8] = &[0x1F, 0x8B];
const ZSTD: &[u8] = &[0x28, 0xB5, 0x2F, 0xFD];

/// A compressed file that is cut off or not what its checksums say. Inside an [`io::Error`].
#[derive(Debug, Error)]
#[error("{compression}: {reason}; make or fetch the file again{}", remedy(.compression))]
pub(super) struct Damaged {
    pub(super) compression: &'static str,
    pub(super) reason: io::Error,
}

/// What a sound file may need besides.
fn remedy(compression: &str) -> &'static str {
    if compression == "zstd" { ", without --long" } else { "" }
}

/// A file of another kind. Inside an [`io::Error`].
#[derive(Debug, Error)]
#[error("{0}")]
pub(super) struct Foreign(pub(super) &'static str);

/// Longer than any of the marks below.
const HEAD: usize = 8;

/// What files begin with that people take for a CSV.
const FOREIGN: [(&[u8], &str); 9] = [
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"\xD0\xCF\x11\xE0", "an old Excel workbook"),
    (b"BZh", "compressed with bzip2"),
    (b"\xFD7zXZ", "compressed with xz"),
    (b"7z\xBC\xAF", "a 7z archive"),
    (b"\x89PNG", "a picture"),
    (b"%PDF", "a PDF"),
    (b"\xFF\xFE\0\0", "text in UTF-32"),
    (b"\0\0\xFE\xFF", "text in UTF-32"),
];

fn refuse_foreign(head: &[u8]) -> io::Result<()> {
    match FOREIGN.into_iter().find(|(mark, _)| head.starts_with(mark)) {
        Some((_, what)) => Err(io::Error::other(Foreign(what))),
        None => Ok(()),
    }
}

/// What is compressed is a CSV, and not compressed a second time.
fn refuse_nested(bytes: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let (head, bytes) = peek(bytes, HEAD)?;
    refuse_foreign(&head)?;
    if head.starts_with(GZIP) || head.starts_with(ZSTD) {
        return Err(io::Error::other(Foreign("compressed twice")));
    }
    Ok(Box::new(bytes))
}

/// The stream, decompressed if its first bytes say that it is gzip or zstd, and which of the two it is.
/// A file's name says nothing: standard input has none.
pub(super) fn decompressed(
    bytes: impl Read + Send + 'static,
) -> io::Result<(Box<dyn Read + Send>, Option<&'static str>)> {
    let (head, bytes) = peek(bytes, HEAD)?;
    refuse_foreign(&head)?;
    let bytes = BufReader::with_capacity(1 << 16, bytes);
    Ok(if head.starts_with(GZIP) {
        let compression = "gzip";
        (refuse_nested(Checked { inner: MultiGzDecoder::new(bytes), compression })?, Some(compression))
    } else if head.starts_with(ZSTD) || is_skippable(&head) {
        let compression = "zstd";
        (
            refuse_nested(Checked { inner: zstd::Decoder::with_buffer(bytes)?, compression })?,
            Some(compression),
        )
    } else {
        (Box::new(bytes), None)
    })
}

/// Whether a zstd stream starts with a frame of something else, as those of pzstd do.
fn is_skippable(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..])
}

/// Tells damage from a stream that cannot be read, for which the system has a number.
struct Checked<R> {
    inner: R,
    compression: &'static str,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|reason| match reason.raw_os_error() {
            Some(_) => reason,
            None => io::Error::other(Damaged { compression: self.compression, reason }),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(text).unwrap();
        writer.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        let mut writer = zstd::Encoder::new(Vec::new(), 1).unwrap();
        writer.include_checksum(true).unwrap();
        writer.write_all(text).unwrap();
        writer.finish().unwrap()
    }

    fn read(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        decompressed(io::Cursor::new(bytes))?.0.read_to_end(&mut text)?;
        Ok(text)
    }

    #[test]
    fn several_members_or_frames_are_one_text() {
        assert_eq!(read([gzip(b"a,"), gzip(b""), gzip(b"b\n")].concat()).unwrap(), b"a,b\n");
        let skippable = b"\x51\x2A\x4D\x18\x03\0\0\0xyz";
        assert_eq!(
            read([skippable, zstd(b"a,").as_slice(), skippable, &zstd(b"b\n")].concat()).unwrap(),
            b"a,b\n"
        );
    }

    #[test]
    fn anything_else_passes_through() {
        for text in [&b""[..], b"a", b"\x28\xB5", b"a,b\n1,2\n"] {
            assert_eq!(read(text.to_vec()).unwrap(), text);
        }
    }

    #[test]
    fn a_file_that_is_cut_off_anywhere_is_an_error() {
        for (first, second) in [(gzip(b"a,b\n"), gzip(b"1,2\n")), (zstd(b"a,b\n"), zstd(b"1,2\n"))] {
            let magic = if first[0] == GZIP[0] { 2 } else { 4 };
            let whole = [first.as_slice(), &second].concat();
            for length in (magic..whole.len()).filter(|length| *length != first.len()) {
                let error = read(whole[..length].to_vec()).unwrap_err();
                assert!(error.get_ref().is_some_and(|inner| inner.is::<Damaged>()), "{length}: {error}");
            }
        }
    }

    #[test]
    fn a_changed_byte_or_bytes_after_the_end_are_an_error() {
        for mut whole in [gzip(b"some text"), zstd(b"some text")] {
            assert!(read([whole.as_slice(), b"garbage"].concat()).is_err());
            let last = whole.len() - 1;
            whole[last] ^= 1;
            assert!(read(whole).is_err());
        }
    }
}
