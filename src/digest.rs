//! Digests of keys, contents and files: 128 bits of SHA-256.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};

use sha2::{Digest as _, Sha256};

/// An unfinished digest. Clones share the parts so far, so a common prefix is hashed once.
#[derive(Clone, Debug, Default)]
pub struct Digester(Sha256);

impl Digester {
    /// Adds parts, each preceded by its length, so that `["ab", "c"]` and `["a", "bc"]` differ.
    #[must_use]
    pub fn with<'a>(mut self, parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        for part in parts {
            self.0.update((part.len() as u64).to_be_bytes());
            self.0.update(part);
        }
        self
    }

    /// Finishes the digest of all parts so far.
    pub fn digest(self) -> Digest {
        let full = self.0.finalize();
        Digest(std::array::from_fn(|index| full[index]))
    }
}

/// The first 128 bits of a SHA-256 hash.
///
/// For 10 million rows the probability of a collision is about 1 in 10^25.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Digest(pub [u8; 16]);

impl Digest {
    /// The digest of a sequence of byte strings.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Digester::default().with(parts).digest()
    }

    /// The digest of all bytes of a file, from its start.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn of_file(mut file: &File) -> io::Result<Self> {
        file.rewind()?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(Digester(hash).digest()),
                Ok(read) => hash.update(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// 32 lower-case hexadecimal digits.
    pub fn hex(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }

    /// The digest that [`hex`](Self::hex) wrote as `text`.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = digits.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        number.map(|number| Digest(number.to_be_bytes()))
    }
}
