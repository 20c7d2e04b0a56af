//! Bounds of connections: a slot is free again when its connection goes, and silence ends a connection.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

async fn bound(connections_max: usize, idle_max: Duration) -> (BoundedListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (BoundedListener::new(listener, connections_max, idle_max), address)
}

#[tokio::test]
async fn a_connection_over_the_bound_waits_for_a_slot() {
    let (mut listener, address) = bound(1, Duration::from_secs(60)).await;
    let _first = TcpStream::connect(address).await.unwrap();
    let (held, _) = listener.accept().await;
    let mut second = TcpStream::connect(address).await.unwrap();
    second.write_all(b"x").await.unwrap();
    assert_eq!(listener.slots.available_permits(), 0);
    let waiting = listener.accept();
    tokio::pin!(waiting);
    assert!(std::future::poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx).is_pending())).await);
    drop(held);
    let (mut accepted, _) = waiting.await;
    let mut byte = [0];
    accepted.read_exact(&mut byte).await.unwrap();
    assert_eq!(&byte, b"x");
}

#[tokio::test]
async fn silence_ends_a_connection() {
    let (mut listener, address) = bound(1, Duration::from_millis(20)).await;
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"x").await.unwrap();
    let (mut accepted, _) = listener.accept().await;
    let mut byte = [0];
    accepted.read_exact(&mut byte).await.unwrap();
    let error = accepted.read_exact(&mut byte).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}
