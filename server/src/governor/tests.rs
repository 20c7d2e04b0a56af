//! The gates: who gets through at once, who waits, and who is refused.

use super::*;
use crate::config::MemoryTotal;

fn governor(change: impl FnOnce(&mut QueryLimits)) -> Arc<Governor> {
    let mut config = Config::default();
    config.query.concurrency = 1;
    change(&mut config.query);
    Arc::new(Governor::new(&config))
}

fn asked(text: &str) -> Asked {
    Asked {
        kind: "query".to_owned(),
        text: text.to_owned(),
        start: 0,
        end: 0,
        step: 0,
        tenant: "default".to_owned(),
        remote: String::new(),
        received_ms: 0,
    }
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn one_runs_one_waits_and_the_next_finds_the_queue_full() {
    let governor = governor(|limits| limits.queue_length = 1);
    let (first, _waiter) = governor.admit(Gate::Samples, asked("a"), LONG).await.unwrap();
    let second = tokio::spawn({
        let governor = Arc::clone(&governor);
        async move { governor.admit(Gate::Samples, asked("b"), LONG).await.map(drop) }
    });
    while governor.waiting() == 0 {
        tokio::task::yield_now().await;
    }
    let third = governor.admit(Gate::Samples, asked("c"), LONG).await;
    assert_eq!(third.err(), Some(Refused::QueueFull { waiting: 1 }));
    // Lookups have a gate of their own.
    assert!(governor.admit(Gate::Lookup, asked("d"), LONG).await.is_ok());
    drop(first);
    assert_eq!(second.await.unwrap(), Ok(()));
    assert_eq!(governor.active().len(), 0);
}

#[tokio::test]
async fn who_waits_can_be_killed_and_times_out() {
    let governor = governor(|limits| limits.queue_timeout_ms = 20);
    let (_first, _waiter) = governor.admit(Gate::Samples, asked("a"), LONG).await.unwrap();
    let late = governor.admit(Gate::Samples, asked("b"), LONG).await;
    assert_eq!(late.err(), Some(Refused::TimedOut));
    let waiting = governor.admit(Gate::Samples, asked("c"), LONG);
    let kill = async {
        let found = loop {
            match governor.active().into_iter().find(|r| r.asked.text == "c") {
                Some(found) => break found,
                None => tokio::task::yield_now().await,
            }
        };
        assert!(governor.kill(found.id, Some("other")).is_none());
        assert!(governor.kill(found.id, Some("default")).is_some());
    };
    let (killed, ()) = tokio::join!(waiting, kill);
    assert_eq!(killed.err(), Some(Refused::Killed));
    assert_eq!(governor.outcomes[Outcome::Killed as usize].get(), 1);
    assert_eq!(governor.active().len(), 1);
}

#[tokio::test]
async fn queries_share_the_memory_of_the_node() {
    let governor = governor(|limits| {
        limits.concurrency = 2;
        limits.memory_total = MemoryTotal::Bytes(10 << 20);
    });
    let (a, _waiter_a) = governor.admit(Gate::Samples, asked("a"), LONG).await.unwrap();
    let (b, _waiter_b) = governor.admit(Gate::Samples, asked("b"), LONG).await.unwrap();
    a.running.account.reserve(8 << 20).unwrap();
    let refused = b.running.account.reserve(4 << 20).unwrap_err();
    assert!(matches!(
        refused,
        kymo_query::promql::eval::OutOfMemory::Node { .. }
    ));
    a.running.account.keep(1000);
    b.running.account.reserve(4 << 20).unwrap();
    assert_eq!(governor.memory().refused(), 2);
}

#[test]
fn the_costliest_come_first_by_every_order() {
    let top = Top::default();
    let cost = |millis: u64, peak: usize, samples: u64| Cost {
        took: Duration::from_millis(millis),
        peak_bytes: peak,
        samples_read: samples,
        ..Cost::default()
    };
    let now = Instant::now();
    for _ in 0..3 {
        top.add(&asked("often"), &cost(10, 5, 1), now);
    }
    top.add(&asked("slow"), &cost(1000, 1, 2), now);
    top.add(&asked("large"), &cost(1, 1000, 50), now);
    let first = |order| top.rows(order, LONG, None, 1)[0].query.clone();
    assert_eq!(first(Order::Count), "often");
    assert_eq!(first(Order::SumDuration), "slow");
    assert_eq!(first(Order::AvgDuration), "slow");
    assert_eq!(first(Order::PeakMemory), "large");
    assert_eq!(first(Order::SamplesRead), "large");
    assert_eq!(top.rows(Order::Count, LONG, Some("other"), 9), []);
    let rows = top.rows(Order::Count, LONG, Some("default"), 9);
    assert_eq!((rows.len(), rows[0].count), (3, 3));
}
