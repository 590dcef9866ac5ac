//! A request's body, read up to its limit.

use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::refusal::{Code, Refusal};

/// The longest body the sandbox takes, in bytes. The service documents none; all members of an
/// operation at their limits stay well below it.
const LIMIT: usize = 1024 * 1024;

/// How many bytes beyond the limit are read and thrown away. Closing on a client that still sends
/// would reset the connection, and the client would never see the 413.
const PATIENCE: usize = 16 * 1024 * 1024;

/// Reads the body. The inner error is the answer to a body that is too long.
///
/// # Errors
///
/// The outer error: the client went away while sending.
pub(super) async fn read(mut body: Incoming) -> Result<Result<Vec<u8>, Refusal>, hyper::Error> {
    let mut kept = Vec::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        seen = seen.saturating_add(data.len());
        if seen <= LIMIT {
            kept.extend_from_slice(&data);
        } else {
            kept = Vec::new();
            if seen > LIMIT + PATIENCE {
                break;
            }
        }
    }
    if seen > LIMIT {
        let message = format!("the body is longer than {LIMIT} bytes");
        return Ok(Err(Refusal::new(Code::TooLarge, message)));
    }
    Ok(Ok(kept))
}
