//! The front of a stream, looked at without losing it.

use std::io::{self, Read};

/// A stream that gives again what was looked at.
pub(super) type Whole<R> = io::Chain<io::Cursor<Vec<u8>>, R>;

/// The first `count` bytes, fewer only if there are no more, and the whole stream.
pub(super) fn peek<R: Read>(mut bytes: R, count: usize) -> io::Result<(Vec<u8>, Whole<R>)> {
    let mut head = Vec::with_capacity(count);
    bytes.by_ref().take(count as u64).read_to_end(&mut head)?;
    Ok((head.clone(), io::Cursor::new(head).chain(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_looked_at_is_read_again() {
        for count in [0, 2, 3, 9] {
            let (head, mut whole) = peek("abc".as_bytes(), count).unwrap();
            assert_eq!(head, &b"abc"[..count.min(3)]);
            assert_eq!(io::read_to_string(&mut whole).unwrap(), "abc");
        }
    }
}
