//! How long writers wait, and what becomes of a write whose sender does not.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use kymo_engine::node::{Node, NodeOptions};
use kymo_engine::storage::MemoryStorage;
use kymo_engine::store::StoreOptions;

use super::*;
use crate::app::App;
use crate::clock::now_ms;
use crate::config::Config;
use crate::ingest::{LogFormat, Reserved, write_logs};

#[test]
fn writes_take_longer_the_more_there_is_to_flush() {
    let times: Vec<u128> = [0.0, 0.9, 1.0, 1.125, 1.25, 1.5, 2.0, 3.0, 4.0]
        .into_iter()
        .map(|behind| time_of(behind, 1 << 20).as_millis())
        .collect();
    assert_eq!(times, [0, 0, 0, 5, 10, 20, 40, 280, 1720]);
    assert_eq!(time_of(4.0, 64 << 20), LONGEST);
    assert_eq!(time_of(1.5, 1 << 16), Duration::from_micros(1250));
}

#[tokio::test]
async fn a_sender_that_goes_away_while_it_waits_is_counted_and_gives_its_room_back() {
    let app = Arc::new(App::new(Config::default()));
    // Whatever is written is far more than is flushed at once, and nobody flushes.
    let logs = StoreOptions {
        flush_record_bytes: 1,
        ..StoreOptions::for_logs()
    };
    let options = NodeOptions {
        logs,
        ..NodeOptions::default()
    };
    let (node, _) = Node::open(Arc::new(MemoryStorage::new()), options).unwrap();
    app.ready(Arc::clone(&node));
    let commits = {
        let node = Arc::clone(&node);
        std::thread::spawn(move || node.run_commits())
    };
    let permits = app.in_flight.available_permits();
    let room = Reserved::bytes(&app, 1 << 20).ok().unwrap();
    let line = format!(
        r#"{{"streams":[{{"stream":{{"a":"b"}},"values":[["{}000000","one"]]}}]}}"#,
        now_ms()
    );
    let open = move |_: &mut Reserved| Ok(Bytes::from(line));
    let mut write = Box::pin(write_logs(
        &app,
        "t".to_owned(),
        LogFormat::PushJson,
        (room, 1 << 20),
        open,
    ));
    poll_fn(|cx| match write.as_mut().poll(cx) {
        Poll::Ready(_) => panic!("it does not wait"),
        Poll::Pending if app.counters.log_entries_stored.get() == 1 => Poll::Ready(()),
        Poll::Pending => Poll::Pending,
    })
    .await;
    drop(write);
    assert_eq!(app.in_flight.available_permits(), permits);
    assert_eq!(node.tenant("t").unwrap().logs.stats().head.rows, 1);
    node.close();
    commits.join().unwrap();
}
