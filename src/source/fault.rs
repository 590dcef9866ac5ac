//! What the layers below a CSV reader tell through an I/O error.

use std::io;

use super::SourceError;
use super::decompress::{Damaged, Foreign};
use super::lines::TooLong;

/// What an I/O error holds that one of this room's own readers put there. `after` is the last line that
/// was read, `line` that of the record in hand.
pub(super) fn own_fault(error: &io::Error, file: &str, after: u64, line: u64) -> Option<SourceError> {
    let (inner, file) = (error.get_ref()?, file.to_owned());
    if inner.is::<TooLong>() {
        return Some(SourceError::TooLong { file, line });
    }
    if let Some(Foreign(what)) = inner.downcast_ref() {
        return Some(SourceError::Foreign { file, what });
    }
    let damaged: &Damaged = inner.downcast_ref()?;
    Some(SourceError::Damaged { file, line: after, reason: damaged.to_string() })
}
