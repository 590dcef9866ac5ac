//! The body of `GET /_sandbox/contacts`: a JSON array that is made while it is sent, so that a
//! list of any length costs one piece's memory.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};

use super::service::Service;

/// The contacts there were when the request came, as a JSON array in the order of creation.
pub(super) struct Contacts {
    service: Arc<Service>,
    next: usize,
    end: usize,
    done: bool,
}

impl Contacts {
    pub(super) fn of(service: Arc<Service>) -> Contacts {
        // Contacts are only ever added: the first `end` of them stay what they are.
        let end = service.contact_count();
        Contacts { service, next: 0, end, done: false }
    }
}

impl Body for Contacts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.done {
            return Poll::Ready(None);
        }
        let (documents, next) = self.service.contact_documents(self.next, self.end);
        let opening = if self.next == 0 { "[" } else { ",\n" };
        let mut piece = String::with_capacity(documents.len() + 4);
        piece.push_str(opening);
        piece.push_str(&documents);
        self.next = next;
        if next >= self.end {
            piece.push_str("]\n");
            self.done = true;
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.done
    }
}
