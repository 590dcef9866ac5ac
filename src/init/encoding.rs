//! Which encoding a file that is not UTF-8 most likely has.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;

/// Bytes that are looked at.
const LOOKED_AT: u64 = 4 << 20;

/// The encoding that browsers would take it for.
///
/// # Errors
/// The file cannot be read.
pub fn guess_encoding(file: &Path) -> io::Result<&'static Encoding> {
    let mut bytes = Vec::new();
    File::open(file)?.take(LOOKED_AT).read_to_end(&mut bytes)?;
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(&bytes, true);
    Ok(detector.guess(None, Utf8Detection::Deny))
}
