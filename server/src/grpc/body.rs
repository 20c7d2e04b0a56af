//! A request body that takes room in memory for what has arrived of it: gRPC does not say a message's length ahead.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use http_body::Frame;
use parking_lot::Mutex;
use tonic::Status;

use super::export::status;
use crate::ingest::Reserved;

/// Room that grows with a body.
pub(super) type Room = Arc<Mutex<Option<Reserved>>>;

/// A body whose bytes are counted.
pub(super) struct Metered {
    inner: Body,
    arrived: usize,
    room: Room,
}

impl Metered {
    /// Counts the bytes of `inner` into `room`.
    pub(super) fn new(inner: Body, room: Room) -> Metered {
        Metered {
            inner,
            arrived: 0,
            room,
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), Status> {
        self.arrived += bytes;
        match &mut *self.room.lock() {
            Some(room) => room.grow(self.arrived).map_err(|fault| status(&fault)),
            None => Ok(()),
        }
    }
}

impl HttpBody for Metered {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = std::task::ready!(Pin::new(&mut self.inner).poll_frame(cx));
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                Some(self.count(bytes).map(|()| frame))
            }
            Some(Err(error)) => Some(Err(Status::unknown(error.to_string()))),
            None => None,
        })
    }
}
