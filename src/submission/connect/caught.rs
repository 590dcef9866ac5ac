//! Panics inside the SDK, which has some for values of the environment and of its files.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use futures_util::FutureExt as _;

/// Awaits work of the SDK; `None` if it panicked. The panic hook has printed where, without the message: it may quote a
/// secret.
///
/// The work is boxed: the SDK's futures are nested so deeply that rustc gives up on the layout of those around them.
pub(super) async fn caught<T>(work: Pin<Box<impl Future<Output = T> + ?Sized>>) -> Option<T> {
    // Unwind safe: what the work has left behind is not used after a panic.
    AssertUnwindSafe(work).catch_unwind().await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_no_result_and_work_that_ends_is() {
        assert_eq!(caught(Box::pin(async { 7 })).await, Some(7));
        assert_eq!(caught(Box::pin(async { panic!("planted") })).await, None::<()>);
    }
}
