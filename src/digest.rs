//! Short digests, for keys and contents.

use sha2::{Digest as _, Sha256};

/// A digest in the making: a beginning that many digests share is digested once.
#[derive(Clone, Debug, Default)]
pub struct Digester(Sha256);

impl Digester {
    /// With more parts.
    #[must_use]
    pub fn and<'a>(mut self, parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        for part in parts {
            self.0.update((part.len() as u64).to_be_bytes());
            self.0.update(part);
        }
        self
    }

    /// The digest of all parts so far.
    pub fn digest(self) -> Digest {
        let full = self.0.finalize();
        let mut short = [0; 16];
        short.copy_from_slice(&full[..16]);
        Digest(short)
    }
}

/// 128 bits of SHA-256, the stored form of keys and contents.
///
/// Among 10 million rows the chance of one collision is about 1 in 10^25.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Digest(pub [u8; 16]);

impl Digest {
    /// Digests a sequence of byte strings; each is preceded by its length, so that
    /// `["ab", "c"]` and `["a", "bc"]` differ.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Digester::default().and(parts).digest()
    }

    /// 32 lower-case hexadecimal digits.
    pub fn hex(&self) -> String {
        use std::fmt::Write as _;
        self.0.iter().fold(String::with_capacity(32), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}
