//! The HTTP transport of the SDK's clients.
//!
//! - `connector`: routes each request, directly or through a proxy, with TLS where it has it.
//! - `tunnel`: why a proxy did not connect.
//! - `answer`: which answers are accepted, and how long they may be.
//!
//! Imports `trust`, `headers` and `error_chain` of its parent.

mod answer;
mod connector;
mod tunnel;

pub(super) use answer::{AnswerTooLong, is_page};
pub(super) use connector::{Pooling, with_tls, without_tls};
