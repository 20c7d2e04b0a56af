//! Connections within bounds: at most so many at once, each closed when nothing comes from it for too long.
//! Not for what is spoken on them.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// Prometheus' `--web.max-connections`.
pub(crate) const CONNECTIONS_MAX: usize = 512;

/// Prometheus' `--web.read-timeout`.
const IDLE_MAX: Duration = Duration::from_secs(300);

/// How long to wait after an accept that failed for want of files or memory.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Accepts no more connections than it has slots; further ones wait in the system's queue.
pub(crate) struct BoundedListener {
    listener: TcpListener,
    slots: Arc<Semaphore>,
    idle_max: Duration,
}

impl BoundedListener {
    /// Bounds a listener.
    pub(crate) fn new(listener: TcpListener, connections_max: usize, idle_max: Duration) -> BoundedListener {
        BoundedListener {
            listener,
            slots: Arc::new(Semaphore::new(connections_max)),
            idle_max,
        }
    }
}

/// How long a connection may be silent: longer than a query may take, because who waits for its answer is silent.
pub(crate) fn idle_max(query_timeout_ms: u64) -> Duration {
    IDLE_MAX.max(Duration::from_millis(query_timeout_ms).saturating_mul(2))
}

impl Listener for BoundedListener {
    type Io = BoundedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (BoundedStream, SocketAddr) {
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        let slot = slot.expect("nobody closes the semaphore");
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    // Answers are small and written at once: waiting to fill a packet only delays them.
                    let _ = stream.set_nodelay(true);
                    let stream = BoundedStream {
                        stream,
                        idle: Box::pin(sleep(self.idle_max)),
                        idle_max: self.idle_max,
                        _slot: slot,
                    };
                    return (stream, address);
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(RETRY_PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that holds its slot, and whose reads fail once nothing has come for too long.
pub(crate) struct BoundedStream {
    stream: TcpStream,
    idle: Pin<Box<Sleep>>,
    idle_max: Duration,
    _slot: OwnedSemaphorePermit,
}

impl BoundedStream {
    fn progressed(&mut self) {
        let deadline = Instant::now() + self.idle_max;
        self.idle.as_mut().reset(deadline);
    }
}

impl AsyncRead for BoundedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Ready(read) => {
                self.progressed();
                Poll::Ready(read)
            }
            Poll::Pending => self
                .idle
                .as_mut()
                .poll(cx)
                .map(|()| Err(io::ErrorKind::TimedOut.into())),
        }
    }
}

impl AsyncWrite for BoundedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if written.is_ready() {
            self.progressed();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        if written.is_ready() {
            self.progressed();
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests;
