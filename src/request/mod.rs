//! The request as this project sees it, and the service's rules for it. Pure: no I/O, no SDK.

mod contact;
mod limits;
mod members;
mod operation;
mod validate;

pub use contact::{ContactRequest, Reference, SegmentValue, UserInfo};
pub use limits::*;
pub use members::{Member, Shape, members};
pub use operation::Operation;
pub use validate::{Violation, validate};
