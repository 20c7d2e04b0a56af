//! What is sent while a search goes on, and in which order.

use kymo_engine::traces::{Resource, Scope, Span, Table, Trace};
use kymo_proto::wire::Reader;
use kymo_query::promql::eval::Budget;
use kymo_query::traceql::grid::Grid;
use kymo_query::traceql::metrics_watched;
use kymo_query::traceql::options::{MetricsOptions, Part};

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

/// Times of the samples of a message of series, in milliseconds.
fn times(message: &[u8]) -> Vec<i64> {
    fn inner(message: &[u8], path: &[u32], found: &mut Vec<i64>) {
        let mut reader = Reader::new(message);
        while let Some(field) = reader.next_field().unwrap() {
            match path {
                [number] if field.number == *number => found.push(field.varint().unwrap() as i64),
                [number, rest @ ..] if field.number == *number => {
                    inner(field.bytes().unwrap(), rest, found);
                }
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    inner(message, &[1, 2, 2], &mut found);
    found
}

/// A trace of one span that starts at this second.
fn part(second: i64) -> Part<'static> {
    let span = Span {
        start: second * 1_000_000_000,
        ..Span::default()
    };
    let trace = Trace {
        id: [1; 16],
        resources: vec![Resource::default()],
        scopes: vec![Scope::default()],
        spans: vec![span],
    };
    Part {
        newest_start: second * 1_000_000_000,
        last_start: second * 1_000_000_000,
        load: Box::new(move || Ok(Some(Table::of_traces(vec![trace.clone()])))),
    }
}

#[test]
fn samples_are_sent_when_they_are_certain_the_latest_first_and_once() {
    let query = kymo_query::traceql::parse("{ } | count_over_time()").unwrap();
    let seconds = |n: i64| n * 1_000_000_000;
    let grid = Grid::range(seconds(10), seconds(50), seconds(10)).unwrap();
    let options = MetricsOptions {
        grid,
        exemplars: 0,
        max_series: 0,
        attribute_names: &|| Ok(Vec::new()),
    };
    let parts = [part(25), part(45), part(44), part(5)];
    let sent = |every: Duration| {
        let (mut early, mut received) = EarlySeries::new(every, grid.steps());
        let mut watch = |progress: &SeriesProgress<'_>| early.take(progress, SearchMetrics::default());
        metrics_watched(&parts, &query, &options, &Budget::default(), &mut watch).unwrap();
        let mut messages = Vec::new();
        while let Ok(message) = received.try_recv() {
            messages.push(times(&message));
        }
        messages
    };
    let expected: [&[i64]; 3] = [&[40_000, 50_000], &[20_000, 30_000], &[10_000]];
    assert_eq!(sent(Duration::ZERO), expected);
    assert_eq!(sent(Duration::from_secs(3600)), [[0i64; 0]; 0]);
}
