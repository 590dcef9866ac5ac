//! The request as this project sees it, and the service's rules for it. Pure: no I/O, no SDK.

mod contact;
mod fit;
pub mod limits;
mod members;
mod operation;
mod redact;
mod rendered;
mod validate;
mod violation;
mod weight;

pub use contact::{Attachment, ContactRequest, Named, Reference, SegmentValue, Text, UserInfo};
pub use fit::{Cut, fit};
pub use limits::Limit;
pub use members::{Member, Shape};
pub use operation::Operation;
pub use rendered::Rendered;
pub use validate::validate;
pub use violation::Violation;
