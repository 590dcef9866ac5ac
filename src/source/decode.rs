//! Bytes of any encoding to UTF-8.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};

/// What stands for a malformed sequence: no UTF-8 text has this byte, so the check of the record that
/// holds it finds it, as it finds malformed UTF-8, and names line and column.
const MALFORMED: u8 = 0xFF;

/// How many bytes are looked at to see UTF-16.
const GUESSED_FROM: usize = 64;

/// The encoding of a stream that starts with `head`, and the length of its byte order mark, which beats
/// what was `given`, as WHATWG's decode has it.
pub(super) fn encoding_of(head: &[u8], given: Option<&'static Encoding>) -> (&'static Encoding, usize) {
    Encoding::for_bom(head).unwrap_or((given.unwrap_or(UTF_8), 0))
}

/// The label of the UTF-16 that `head` looks like: every other byte is NUL, as in Latin text.
pub(super) fn looks_like_utf16(head: &[u8]) -> Option<&'static str> {
    let units = head[..head.len().min(GUESSED_FROM)].chunks_exact(2);
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

/// The stream as UTF-8, with [`MALFORMED`] where it is no text. UTF-8 itself passes untouched.
pub(super) fn decoded(
    bytes: impl Read + Send + 'static,
    encoding: &'static Encoding,
) -> Box<dyn Read + Send> {
    if encoding == UTF_8 {
        return Box::new(bytes);
    }
    Box::new(Decoding {
        inner: bytes,
        // The mark is off already.
        decoder: Some(encoding.new_decoder_without_bom_handling()),
        input: Buffer::new(1 << 14),
        at_end: false,
        // Longer than any one character, or the decoder would not get on.
        output: Buffer::new(1 << 16),
    })
}

struct Decoding<R> {
    inner: R,
    /// None once everything is decoded.
    decoder: Option<Decoder>,
    input: Buffer,
    /// Whether the bytes have come to their end.
    at_end: bool,
    /// Text that the caller's buffer had no room for yet.
    output: Buffer,
}

/// Bytes between two readers.
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

impl<R: Read> Decoding<R> {
    /// Fills the empty output from the input.
    fn decode(&mut self) -> io::Result<()> {
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        if self.input.is_empty() && !self.at_end {
            // Nothing changes if this fails, so a read that was interrupted can be done again.
            let count = self.inner.read(&mut self.input.bytes)?;
            self.at_end = count == 0;
            (self.input.start, self.input.end) = (0, count);
        }
        let input = &self.input.bytes[self.input.start..self.input.end];
        // One byte stays for a malformed sequence.
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

impl<R: Read> Read for Decoding<R> {
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
    use crate::source::testing::Slowly;

    fn read(bytes: &[u8], encoding: &'static Encoding, chunk: usize, room: usize) -> Vec<u8> {
        let mut reader = decoded(Slowly::new(bytes.to_vec(), vec![chunk]), encoding);
        let (mut text, mut buffer) = (Vec::new(), vec![0; room]);
        loop {
            match reader.read(&mut buffer).unwrap() {
                0 => return text,
                count => text.extend_from_slice(&buffer[..count]),
            }
        }
    }

    #[test]
    fn a_byte_order_mark_beats_the_given_encoding() {
        assert_eq!(encoding_of(b"\xEF\xBB\xBFa", Some(WINDOWS_1252)), (UTF_8, 3));
        assert_eq!(encoding_of(b"\xFF\xFEa\0", None), (UTF_16LE, 2));
        assert_eq!(encoding_of(b"\xFE\xFF\0a", None), (UTF_16BE, 2));
        assert_eq!(encoding_of(b"\xFE", Some(WINDOWS_1252)), (WINDOWS_1252, 0));
    }

    #[test]
    fn utf16_is_seen_without_a_mark() {
        assert_eq!(looks_like_utf16(b"i\0d\0,\0"), Some("utf-16le"));
        assert_eq!(looks_like_utf16(b"\0i\0d\0"), Some("utf-16be"));
        for text in [&b""[..], b"a\0", b"id,x\n", b"\0\0\0\0", b"i\0d\0,x"] {
            assert_eq!(looks_like_utf16(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_text_becomes_one_byte_that_is_no_utf8() {
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
        fn neither_chunks_nor_room_make_a_difference(
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
