//! Decompression of gzip and zstd, detected by the first bytes, and refusal of other formats.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

use super::error::StreamError;
use super::foreign::{FORMAT_BYTES, ForeignFormat, of_bytes};

const GZIP: &[u8] = &[0x1F, 0x8B];
const ZSTD: &[u8] = &[0x28, 0xB5, 0x2F, 0xFD];

/// A stream whose first bytes were peeked at.
pub(super) type Peeked<R> = io::Chain<io::Cursor<Vec<u8>>, R>;

/// Returns the first `count` bytes, or fewer if the stream is shorter, and a stream that still begins with them.
pub(super) fn peek<R: Read>(mut bytes: R, count: usize) -> io::Result<(Vec<u8>, Peeked<R>)> {
    let mut head = Vec::with_capacity(count);
    bytes.by_ref().take(count as u64).read_to_end(&mut head)?;
    Ok((head.clone(), io::Cursor::new(head).chain(bytes)))
}

/// Refuses compressed data that is compressed a second time or is no CSV.
fn refuse_nested(
    bytes: impl Read + Send + 'static,
    compression: &'static str,
) -> io::Result<Box<dyn Read + Send>> {
    let (head, bytes) = peek(bytes, FORMAT_BYTES)?;
    let twice = [(GZIP, "gzip"), (ZSTD, "zstd")].into_iter().find(|(magic, _)| head.starts_with(magic));
    let found = twice
        .map(|(_, inner)| ForeignFormat::named(format!("compressed with {inner}")))
        .or_else(|| of_bytes(&head));
    match found {
        Some(format) => Err(StreamError::Foreign(format.inside(compression)).into()),
        None => Ok(Box::new(bytes)),
    }
}

/// Decompresses a stream whose first bytes are those of gzip or zstd, and returns which of them. The file's name is
/// ignored: standard input has none.
pub(super) fn decompressed(
    bytes: impl Read + Send + 'static,
) -> io::Result<(Box<dyn Read + Send>, Option<&'static str>)> {
    let (head, bytes) = peek(bytes, FORMAT_BYTES)?;
    if let Some(format) = of_bytes(&head) {
        return Err(StreamError::Foreign(format).into());
    }
    let bytes = BufReader::with_capacity(1 << 16, bytes);
    let (inner, compression): (Box<dyn Read + Send>, _) = if head.starts_with(GZIP) {
        (Box::new(GzipMembers { member: Some(GzDecoder::new(bytes)) }), "gzip")
    } else if head.starts_with(ZSTD) || is_skippable_frame(&head) {
        (Box::new(zstd::Decoder::with_buffer(bytes)?), "zstd")
    } else {
        return Ok((Box::new(bytes), None));
    };
    Ok((refuse_nested(DecompressingReader { inner, compression }, compression)?, Some(compression)))
}

/// Whether the bytes start a skippable zstd frame, as the output of pzstd does (RFC 8878, 3.1.2).
fn is_skippable_frame(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..])
}

/// The members of a gzip file as one text. Zeros after a member are padding, to the size of a tape's or a disk's blocks:
/// GNU gzip and Python ignore them too, which flate2's `MultiGzDecoder` does not.
struct GzipMembers<R> {
    /// None after the end.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let has_more = skip_zeros(member.get_mut())?;
            self.member =
                self.member.take().filter(|_| has_more).map(|last| GzDecoder::new(last.into_inner()));
        }
        Ok(0)
    }
}

/// Skips zeros, and returns whether any other byte follows.
fn skip_zeros(bytes: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let next = bytes.fill_buf()?;
        let zeros = next.iter().take_while(|byte| **byte == 0).count();
        let (is_end, has_more) = (next.is_empty(), zeros < next.len());
        bytes.consume(zeros);
        if is_end || has_more {
            return Ok(has_more);
        }
    }
}

/// Marks a decoder's errors as damage. An error of the system, which has a number, is one of reading the file.
struct DecompressingReader<R> {
    inner: R,
    compression: &'static str,
}

impl<R: Read> Read for DecompressingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|reason| match reason.raw_os_error() {
            Some(_) => reason,
            None => StreamError::Damaged { compression: self.compression, reason }.into(),
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
    fn a_stream_still_begins_with_the_peeked_bytes() {
        for count in [0, 2, 3, 9] {
            let (head, whole) = peek("abc".as_bytes(), count).unwrap();
            assert_eq!(head, &b"abc"[..count.min(3)]);
            assert_eq!(io::read_to_string(whole).unwrap(), "abc");
        }
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
    fn zeros_after_a_gzip_member_are_padding() {
        let zeros = vec![0; 100_000];
        for padding in [&zeros[..1], &zeros] {
            assert_eq!(read([gzip(b"a,").as_slice(), padding].concat()).unwrap(), b"a,");
            let more = [gzip(b"a,").as_slice(), padding, &gzip(b"b\n"), padding].concat();
            assert_eq!(read(more).unwrap(), b"a,b\n");
            assert!(read([gzip(b"a,").as_slice(), padding, b"x"].concat()).is_err());
            // The zstd tool refuses them: "unsupported format".
            assert!(read([zstd(b"a,").as_slice(), padding].concat()).is_err());
        }
    }

    #[test]
    fn anything_else_passes_through() {
        for text in [&b""[..], b"a", b"\x28\xB5", b"a,b\n1,2\n"] {
            assert_eq!(read(text.to_vec()).unwrap(), text);
        }
    }

    #[test]
    fn a_file_that_is_truncated_anywhere_is_an_error() {
        for (first, second) in [(gzip(b"a,b\n"), gzip(b"1,2\n")), (zstd(b"a,b\n"), zstd(b"1,2\n"))] {
            let magic = if first[0] == GZIP[0] { 2 } else { 4 };
            let whole = [first.as_slice(), &second].concat();
            for length in (magic..whole.len()).filter(|length| *length != first.len()) {
                let error = read(whole[..length].to_vec()).unwrap_err();
                assert!(error.get_ref().is_some_and(|inner| inner.is::<StreamError>()), "{length}: {error}");
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
