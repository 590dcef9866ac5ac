//! The request for one row, as neutral types, and the service's documented rules for it.
//!
//! The mapping builds a [`ContactRequest`] from rendered templates, [`truncate_texts`] shortens its free texts where
//! the job says so, and `validate` lists the rules that it breaks. A request that passes `validate` is one that
//! the service should accept. Limits are numbers from the API reference, each with its source in [`limits`].
//!
//! Nothing here does I/O or names the AWS SDK. Names, descriptions and values are personal data: `Debug` output and
//! violations hold sizes and paths, never values. Imports nothing of the crate.

mod contact;
mod escapes;
pub mod limits;
mod operation;
mod redact;
mod rendered;
mod sensitive;
mod truncate;
mod validate;

pub use contact::{Attachment, ContactRequest, OrderedMap, Reference, SegmentValue, Text, UserInfo};
pub use limits::{Limit, Violation};
pub use operation::{Member, Operation, Shape};
pub use redact::REDACTED_CHARS;
pub use rendered::Rendered;
pub use truncate::truncate_texts;
pub use validate::validate;
