//! Messages of a query that goes on: what is certain is sent now and then, the rest when the query is done.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_core::Stream;
use kymo_proto::tempo::{RangeResponse, SearchMetrics, SearchResponse, TraceMetadata};
use kymo_query::traceql::{EvalError, SeriesProgress};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tonic::Status;

use super::super::series::time_series;
use super::{Packets, TempoError, shared_out};

/// Sends what is certain, not too often.
pub(super) struct Early {
    /// What it holds is part of the answer, whose size is bounded.
    sender: UnboundedSender<Vec<u8>>,
    every: Duration,
    last: Instant,
    waiting: Vec<TraceMetadata>,
    sent: Sent,
}

/// How many traces were sent early.
#[derive(Debug, Clone, Default)]
pub(super) struct Sent(Arc<AtomicUsize>);

impl Sent {
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

impl Early {
    /// A sender of messages that are at least so far apart, and where they arrive.
    pub(super) fn new(every: Duration) -> (Early, UnboundedReceiver<Vec<u8>>) {
        let (sender, receiver) = unbounded_channel();
        let early = Early {
            sender,
            every,
            last: Instant::now(),
            waiting: Vec::new(),
            sent: Sent::default(),
        };
        (early, receiver)
    }

    /// How many traces were sent, also later.
    pub(super) fn sent(&self) -> Sent {
        self.sent.clone()
    }

    /// Takes what became certain, and sends what waits when it is time.
    pub(super) fn take(&mut self, certain: SearchResponse) {
        self.waiting.extend(certain.traces);
        if self.last.elapsed() < self.every || self.waiting.is_empty() {
            return;
        }
        let traces = std::mem::take(&mut self.waiting);
        self.sent.0.fetch_add(traces.len(), Ordering::Release);
        let metrics = certain.metrics;
        let message = |traces| SearchResponse { traces, metrics };
        for packet in shared_out(traces, message, SearchResponse::encode) {
            // Nobody receives any more: the search is about to be canceled.
            let _ = self.sender.send(packet);
        }
        self.last = Instant::now();
    }
}

/// Sends samples that are certain, not too often.
pub(super) struct EarlySeries {
    /// What it holds is part of the answer, whose size is bounded.
    sender: UnboundedSender<Vec<u8>>,
    every: Duration,
    last: Instant,
    /// The samples from this step on were sent.
    sent_from: usize,
}

impl EarlySeries {
    /// A sender of messages that are at least so far apart, for so many steps, and where they arrive.
    pub(super) fn new(every: Duration, steps: usize) -> (EarlySeries, UnboundedReceiver<Vec<u8>>) {
        let (sender, receiver) = unbounded_channel();
        let early = EarlySeries {
            sender,
            every,
            last: Instant::now(),
            sent_from: steps,
        };
        (early, receiver)
    }

    /// Sends the samples that became certain when it is time.
    ///
    /// # Errors
    /// Those of evaluation.
    pub(super) fn take(
        &mut self,
        progress: &SeriesProgress<'_>,
        metrics: SearchMetrics,
    ) -> Result<(), EvalError> {
        let certain = progress.certain_from..self.sent_from;
        if self.last.elapsed() < self.every || certain.is_empty() {
            return Ok(());
        }
        let series = progress.series(certain)?;
        self.sent_from = progress.certain_from;
        self.last = Instant::now();
        if series.is_empty() {
            return Ok(());
        }
        let message = |series| RangeResponse {
            series,
            metrics,
            partial: None,
        };
        let series = series.into_iter().map(time_series).collect();
        for packet in shared_out(series, message, RangeResponse::encode) {
            // Nobody receives any more: the query is about to be canceled.
            let _ = self.sender.send(packet);
        }
        Ok(())
    }
}

type Work = Pin<Box<dyn Future<Output = Result<Packets, TempoError>> + Send>>;

/// The messages of an answer that may still be worked on. Dropping it ends the work.
pub(super) struct Streamed {
    work: Option<Work>,
    received: Option<UnboundedReceiver<Vec<u8>>>,
    first: Option<Vec<u8>>,
    rest: Packets,
}

impl From<Packets> for Streamed {
    fn from(rest: Packets) -> Streamed {
        Streamed {
            work: None,
            received: None,
            first: None,
            rest,
        }
    }
}

impl Streamed {
    pub(super) fn new(work: Work, received: UnboundedReceiver<Vec<u8>>) -> Streamed {
        Streamed {
            work: Some(work),
            received: Some(received),
            ..Streamed::from(Packets::of(Vec::new()))
        }
    }

    /// Waits for the first message or the end of the work, so that what fails at once is no stream.
    ///
    /// # Errors
    /// Those of the work.
    pub(super) async fn begun(mut self) -> Result<Streamed, TempoError> {
        poll_fn(|cx| match self.next(cx) {
            Poll::Ready(Ok(first)) => {
                self.first = first;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        })
        .await?;
        Ok(self)
    }

    /// The next message; early ones go before those of the end.
    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Vec<u8>>, TempoError>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Ok(Some(first)));
        }
        loop {
            if let Some(received) = &mut self.received {
                match received.poll_recv(cx) {
                    Poll::Ready(Some(message)) => return Poll::Ready(Ok(Some(message))),
                    Poll::Ready(None) => self.received = None,
                    Poll::Pending if self.work.is_none() => return Poll::Pending,
                    Poll::Pending => {}
                }
            }
            match &mut self.work {
                Some(work) => match work.as_mut().poll(cx) {
                    Poll::Ready(done) => {
                        self.work = None;
                        self.rest = match done {
                            Ok(rest) => rest,
                            Err(error) => return Poll::Ready(Err(error)),
                        };
                    }
                    Poll::Pending => return Poll::Pending,
                },
                None => return Poll::Ready(Ok(self.rest.packets.next())),
            }
        }
    }
}

impl Stream for Streamed {
    type Item = Result<Vec<u8>, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.next(cx).map(|next| match next {
            Ok(message) => message.map(Ok),
            Err(error) => Some(Err(error.to_grpc())),
        })
    }
}

#[cfg(test)]
mod tests;
