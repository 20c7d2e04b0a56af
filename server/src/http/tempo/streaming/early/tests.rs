//! What is sent while a search goes on, and in which order.

use kymo_proto::wire::Reader;

use super::*;

fn certain(ids: &[&str]) -> SearchResponse {
    let trace = |id: &&str| TraceMetadata {
        trace_id: (*id).to_owned(),
        ..TraceMetadata::default()
    };
    SearchResponse {
        traces: ids.iter().map(trace).collect(),
        ..SearchResponse::default()
    }
}

/// Traces in a message.
fn count(message: &[u8]) -> usize {
    let mut reader = Reader::new(message);
    let mut n = 0;
    while let Some(field) = reader.next_field().unwrap() {
        n += usize::from(field.number == 1);
    }
    n
}

#[test]
fn what_is_certain_is_sent_when_it_is_time() {
    let (mut early, mut received) = Early::new(Duration::ZERO);
    let sent = early.sent();
    early.take(certain(&[]));
    assert!(received.try_recv().is_err());
    early.take(certain(&["1", "2"]));
    assert_eq!((count(&received.try_recv().unwrap()), sent.count()), (2, 2));
    let (mut early, mut received) = Early::new(Duration::from_secs(3600));
    early.take(certain(&["1"]));
    assert!(received.try_recv().is_err() && early.sent().count() == 0);
}

async fn next(streamed: &mut Streamed) -> Option<Result<Vec<u8>, Status>> {
    poll_fn(|cx| Pin::new(&mut *streamed).poll_next(cx)).await
}

#[tokio::test]
async fn early_messages_go_before_the_rest_while_the_work_goes_on() {
    let (mut early, received) = Early::new(Duration::ZERO);
    let (finish, finished) = tokio::sync::oneshot::channel::<()>();
    early.take(certain(&["1"]));
    let work = async move {
        let _ = finished.await;
        early.take(certain(&["2", "3"]));
        drop(early);
        Ok(Packets::of(vec![certain(&["4", "5", "6"]).encode()]))
    };
    let mut streamed = Streamed::new(Box::pin(work), received)
        .begun()
        .await
        .ok()
        .unwrap();
    assert_eq!(count(&next(&mut streamed).await.unwrap().unwrap()), 1);
    finish.send(()).unwrap();
    for expected in [2, 3] {
        assert_eq!(count(&next(&mut streamed).await.unwrap().unwrap()), expected);
    }
    assert!(next(&mut streamed).await.is_none());
}

#[tokio::test]
async fn what_fails_at_once_is_no_stream_and_later_it_ends_one() {
    let (early, received) = Early::new(Duration::ZERO);
    drop(early);
    let failing = async { Err(TempoError::bad("no")) };
    let failed = Streamed::new(Box::pin(failing), received).begun().await;
    assert_eq!(failed.err().unwrap().text, "no");
    let (mut early, received) = Early::new(Duration::ZERO);
    early.take(certain(&["1"]));
    let failing = async move {
        drop(early);
        Err(TempoError::bad("later"))
    };
    let mut streamed = Streamed::new(Box::pin(failing), received)
        .begun()
        .await
        .ok()
        .unwrap();
    assert_eq!(count(&next(&mut streamed).await.unwrap().unwrap()), 1);
    assert_eq!(next(&mut streamed).await.unwrap().unwrap_err().message(), "later");
}
