//! Answers that are made while they are sent: work on a thread of its own gives parts, the connection takes them, and who is
//! slow slows the work. Not for answers that are small.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame};
use tokio::sync::mpsc;

use super::governed::{book, interruption, refusal};
use crate::app::App;
use crate::governor::{Admitted, Asked, Cost, Gate, Waiter};
use crate::http::answer::ApiError;

/// Parts that may lie between the work and the connection.
const PARTS_WAITING: usize = 4;

/// Takes the parts of an answer.
pub(crate) struct Sender<'a> {
    admitted: &'a Admitted,
    parts: &'a mpsc::Sender<Result<Bytes, ApiError>>,
}

impl Sender<'_> {
    /// Sends a part; blocks while the client does not take it.
    ///
    /// # Errors
    /// That nobody wants more, or that the query was ended.
    pub(crate) fn send(&self, part: Vec<u8>) -> Result<(), ApiError> {
        let running = &self.admitted.running;
        if running.check().is_some() || self.parts.blocking_send(Ok(part.into())).is_err() {
            return Err(interruption(running));
        }
        Ok(())
    }
}

/// Runs `work` when its turn has come. What it fails with before the first part is the answer; later it cuts the answer off.
pub(crate) async fn streamed(
    app: &Arc<App>,
    gate: Gate,
    asked: Asked,
    timeout: Duration,
    work: impl FnOnce(&Admitted, &Sender<'_>) -> Result<(), ApiError> + Send + 'static,
) -> Result<Body, ApiError> {
    let (admitted, waiter) = app
        .governor
        .admit(gate, asked, timeout)
        .await
        .map_err(|refused| refusal(&refused))?;
    let (parts, mut taken) = mpsc::channel(PARTS_WAITING);
    tokio::task::spawn_blocking(move || {
        admitted.journal();
        let sender = Sender {
            admitted: &admitted,
            parts: &parts,
        };
        let done = match admitted.running.check() {
            Some(_) => Err(interruption(&admitted.running)),
            None => work(&admitted, &sender),
        };
        admitted.running.account.keep(0);
        book(&admitted, Cost::default(), done.as_ref().err());
        if let Err(error) = done {
            // Nobody may be there to hear it.
            let _ = parts.blocking_send(Err(error));
        }
    });
    let first = match taken.recv().await {
        Some(Err(error)) => return Err(error),
        Some(Ok(first)) => Some(first),
        None => None,
    };
    let waiter = Some(waiter);
    Ok(Body::new(Stream { first, taken, waiter }))
}

struct Stream {
    first: Option<Bytes>,
    taken: mpsc::Receiver<Result<Bytes, ApiError>>,
    /// Ends the work when the connection goes away.
    waiter: Option<Waiter>,
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        self.taken.poll_recv(cx).map(|part| match part {
            Some(Ok(part)) => Some(Ok(Frame::data(part))),
            Some(Err(error)) => Some(Err(io::Error::other(error.text))),
            None => {
                if let Some(waiter) = self.waiter.take() {
                    waiter.done();
                }
                None
            }
        })
    }
}
