//! The beginning of an input, for guesses.

use std::io::Read as _;

use super::decompress::decompressed;
use super::error::SourceError;
use super::input::Input;

/// The first bytes of an input, at most `most`, decompressed and not decoded.
///
/// # Errors
/// The input cannot be opened or decompressed, or has another format.
pub fn first_bytes(input: &Input, most: u64) -> Result<Vec<u8>, SourceError> {
    let failed = |source| SourceError::at_start(&input.to_string(), source);
    let (bytes, _) = decompressed(input.open()?.0).map_err(failed)?;
    let mut start = Vec::new();
    bytes.take(most).read_to_end(&mut start).map_err(failed)?;
    Ok(start)
}
