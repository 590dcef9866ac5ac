//! Conversion of any encoding to UTF-8.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};

/// The output for a malformed sequence. No UTF-8 text has this byte, so the csv crate reports the field that holds it,
/// as it reports malformed UTF-8.
const MALFORMED: u8 = 0xFF;

/// Bytes to look at for UTF-16 without a byte order mark.
const UTF16_SAMPLE: usize = 64;

/// The encoding of a stream that starts with `head`, and the length of its byte order mark. The mark overrides the
/// `given` encoding (WHATWG Encoding Standard, "decode").
pub(super) fn encoding_of(head: &[u8], given: Option<&'static Encoding>) -> (&'static Encoding, usize) {
    Encoding::for_bom(head).unwrap_or((given.unwrap_or(UTF_8), 0))
}

/// The label of UTF-16 if every other byte of `head` is NUL, as in Latin text.
pub(super) fn looks_like_utf16(head: &[u8]) -> Option<&'static str> {
    let units = head[..head.len().min(UTF16_SAMPLE)].chunks_exact(2);
    if units.len() < 2 {
        None
    } else if units.clone().all(|unit| unit[0] != 0 && unit[1] == 0) {
        Some("utf-16le")
    } else if units.clone().all(|unit| unit[0] == 0 && unit[1] != 0) {
        Some("utf-16be")
    } else {
        None
    }
}

/// Decodes a stream to UTF-8, with [`MALFORMED`] for malformed sequences. UTF-8 passes unchanged and unchecked.
pub(super) fn decoded(
    bytes: impl Read + Send + 'static,
    encoding: &'static Encoding,
) -> Box<dyn Read + Send> {
    if encoding == UTF_8 {
        return Box::new(bytes);
    }
    Box::new(DecodingReader {
        inner: bytes,
        // The caller has skipped the mark.
        decoder: Some(encoding.new_decoder_without_bom_handling()),
        input: Buffer::new(1 << 14),
        at_end: false,
        // The decoder makes no progress with less room than one character takes.
        output: Buffer::new(1 << 16),
    })
}

struct DecodingReader<R> {
    inner: R,
    /// None after the end.
    decoder: Option<Decoder>,
    input: Buffer,
    /// Whether the end of the bytes was read.
    at_end: bool,
    /// Decoded text that the caller has not read.
    output: Buffer,
}

/// A buffer with unread bytes from `start` to `end`.
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    fn new(size: usize) -> Self {
        Buffer { bytes: vec![0; size], start: 0, end: 0 }
    }

    fn is_empty(&self) -> bool {
        self.start == self.end
    }
}

impl<R: Read> DecodingReader<R> {
    /// Decodes the next input into the output, which is empty.
    fn decode(&mut self) -> io::Result<()> {
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        if self.input.is_empty() && !self.at_end {
            // No state changes if this fails, so an interrupted read can be repeated.
            let count = self.inner.read(&mut self.input.bytes)?;
            self.at_end = count == 0;
            (self.input.start, self.input.end) = (0, count);
        }
        let input = &self.input.bytes[self.input.start..self.input.end];
        // One byte of room is for MALFORMED.
        let (room, last) = (self.output.bytes.len() - 1, self.at_end);
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(input, &mut self.output.bytes[..room], last);
        self.input.start += read;
        (self.output.start, self.output.end) = (0, written);
        match result {
            DecoderResult::InputEmpty if last => self.decoder = None,
            DecoderResult::InputEmpty | DecoderResult::OutputFull => {}
            DecoderResult::Malformed(_, _) => {
                self.output.bytes[written] = MALFORMED;
                self.output.end += 1;
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for DecodingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.output.is_empty() && self.decoder.is_some() {
            self.decode()?;
        }
        let mut text = &self.output.bytes[self.output.start..self.output.end];
        let count = text.read(buffer)?;
        self.output.start += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, SHIFT_JIS, UTF_16BE, UTF_16LE, WINDOWS_1252};

    use super::*;
    use crate::source::testing::ChunkedReader;

    fn read(bytes: &[u8], encoding: &'static Encoding, chunk: usize, room: usize) -> Vec<u8> {
        let mut reader = decoded(ChunkedReader::new(bytes.to_vec(), vec![chunk]), encoding);
        let (mut text, mut buffer) = (Vec::new(), vec![0; room]);
        loop {
            match reader.read(&mut buffer).unwrap() {
                0 => return text,
                count => text.extend_from_slice(&buffer[..count]),
            }
        }
    }

    #[test]
    fn a_byte_order_mark_overrides_the_given_encoding() {
        assert_eq!(encoding_of(b"\xEF\xBB\xBFa", Some(WINDOWS_1252)), (UTF_8, 3));
        assert_eq!(encoding_of(b"\xFF\xFEa\0", None), (UTF_16LE, 2));
        assert_eq!(encoding_of(b"\xFE\xFF\0a", None), (UTF_16BE, 2));
        assert_eq!(encoding_of(b"\xFE", Some(WINDOWS_1252)), (WINDOWS_1252, 0));
    }

    #[test]
    fn utf16_is_detected_without_a_byte_order_mark() {
        assert_eq!(looks_like_utf16(b"i\0d\0,\0"), Some("utf-16le"));
        assert_eq!(looks_like_utf16(b"\0i\0d\0"), Some("utf-16be"));
        for text in [&b""[..], b"a\0", b"id,x\n", b"\0\0\0\0", b"i\0d\0,x"] {
            assert_eq!(looks_like_utf16(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_malformed_sequence_becomes_one_byte_that_utf8_does_not_have() {
        for (bytes, encoding, text) in [
            // Half a unit at the end, and half a pair.
            (&b"a\0b"[..], UTF_16LE, &b"a\xFF"[..]),
            (b"a\0\x3D\xD8", UTF_16LE, b"a\xFF"),
            (b"\x3D\xD8a\0", UTF_16LE, b"\xFFa"),
            (b"\x82", SHIFT_JIS, b"\xFF"),
            // The delimiter after the first half of a character stays one.
            (b"\x82,a", SHIFT_JIS, b"\xFF,a"),
        ] {
            for (chunk, room) in [(1, 1), (1, 100), (2, 3), (100, 100)] {
                assert_eq!(read(bytes, encoding, chunk, room), text, "{bytes:?}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn the_output_does_not_depend_on_the_size_of_reads(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
            which in 0..5_usize,
            chunk in 1..9_usize,
            room in 1..9_usize,
        ) {
            let encoding = [UTF_16LE, UTF_16BE, SHIFT_JIS, BIG5, WINDOWS_1252][which];
            let whole = read(&bytes, encoding, bytes.len().max(1), 1000);
            proptest::prop_assert_eq!(&read(&bytes, encoding, chunk, room), &whole);
            let (text, malformed) = encoding.decode_without_bom_handling(&bytes);
            proptest::prop_assert_eq!(malformed, whole.contains(&MALFORMED));
            if !malformed {
                proptest::prop_assert_eq!(text.as_bytes(), whole);
            }
        }
    }
}
