//! A promise of a result: what an append returns before its batch is durable. Awaitable by any async runtime and by a
//! blocked thread, so that the engine needs no runtime of its own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::{Condvar, Mutex};

use crate::error::{Error, Result};

/// The result of an append, there once the batch is durable and applied.
#[derive(Debug)]
pub struct Ticket<T> {
    slot: Arc<Slot<T>>,
}

/// The side that fulfils a [`Ticket`]. Dropped without a result, it fulfils it with [`Error::Closed`].
#[derive(Debug)]
pub struct Completer<T> {
    slot: Arc<Slot<T>>,
}

#[derive(Debug)]
struct Slot<T> {
    state: Mutex<State<T>>,
    done: Condvar,
}

#[derive(Debug)]
struct State<T> {
    result: Option<Result<T>>,
    waker: Option<Waker>,
}

/// A ticket and the side that fulfils it.
pub fn ticket<T>() -> (Completer<T>, Ticket<T>) {
    let state = Mutex::new(State {
        result: None,
        waker: None,
    });
    let slot = Arc::new(Slot {
        state,
        done: Condvar::new(),
    });
    (Completer { slot: slot.clone() }, Ticket { slot })
}

impl<T> Ticket<T> {
    /// Blocks until the result is there. Not for async code, which awaits the ticket.
    pub fn wait(self) -> Result<T> {
        let mut state = self.slot.state.lock();
        loop {
            match state.result.take() {
                Some(result) => return result,
                None => self.slot.done.wait(&mut state),
            }
        }
    }
}

impl<T> Future for Ticket<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let mut state = self.slot.state.lock();
        match state.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<T> Completer<T> {
    /// Fulfils the ticket.
    pub fn complete(self, result: Result<T>) {
        self.slot.fulfil(result);
    }
}

impl<T> Slot<T> {
    fn fulfil(&self, result: Result<T>) {
        let mut state = self.state.lock();
        state.result = Some(result);
        let waker = state.waker.take();
        drop(state);
        self.done.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Drop for Completer<T> {
    fn drop(&mut self) {
        // After `complete` the ticket may already have taken the result, so only a sole missing one is filled in:
        // a completed slot is never waited on again.
        let missing = self.slot.state.lock().result.is_none();
        if missing {
            self.slot.fulfil(Err(Error::Closed));
        }
    }
}

#[cfg(test)]
mod tests;
