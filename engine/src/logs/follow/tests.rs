//! What a snapshot and a follower tell together is what was written, each entry once, whatever is flushed meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::tests::write;
use super::super::{Batch, BatchBuilder, Following, NO_SET, Scan, StreamRows};
use crate::labels::Labels;
use crate::metrics::matcher::{MatchOp, Matcher};
use crate::node::Node;
use crate::storage::MemoryStorage;
use crate::traces::tests::open;

fn batch(app: &str, lines: &[(i64, &str)]) -> Batch {
    let mut builder = BatchBuilder::default();
    let stream = builder.stream(Labels::from_sorted([("app", app)]));
    for (time, line) in lines {
        builder.push(stream, *time, NO_SET, line.as_bytes());
    }
    builder.build()
}

fn follow(node: &Node, bytes_max: usize, wake: Box<dyn Fn() + Send + Sync>) -> Following {
    let matchers = vec![Matcher::new("app", MatchOp::Regex, "a|b").unwrap()];
    node.tenant("t").unwrap().logs.follow(matchers, bytes_max, wake)
}

fn lines(streams: &[StreamRows]) -> Vec<String> {
    let of = |stream: &StreamRows| {
        let app = stream.labels.get("app").unwrap_or_default().to_owned();
        let rows = &stream.rows;
        let line = |row| {
            format!(
                "{app} {} {}",
                rows.times()[row],
                String::from_utf8_lossy(rows.line(row))
            )
        };
        (0..rows.len()).map(line).collect::<Vec<_>>()
    };
    streams.iter().flat_map(of).collect()
}

fn before(following: &Following) -> Vec<String> {
    let scan = Scan {
        from: i64::MIN,
        until: i64::MAX,
        applied: Some(following.applied),
        ..Scan::default()
    };
    let parts = following.snapshot.scan(&scan).unwrap();
    let streams: Vec<StreamRows> = parts.iter().flat_map(|part| part.load().unwrap()).collect();
    let mut all = lines(&streams);
    all.sort();
    all
}

#[test]
fn nothing_is_missing_and_nothing_is_twice() {
    let node = open(&MemoryStorage::default());
    write(&node, batch("a", &[(1, "one")]));
    node.flush().unwrap();
    write(&node, batch("a", &[(2, "two")]));
    let woken = Arc::new(AtomicU64::new(0));
    let counted = woken.clone();
    let mut following = follow(
        &node,
        1 << 20,
        Box::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        }),
    );
    // Of one batch of the open head, which the snapshot holds too.
    write(&node, batch("a", &[(3, "three"), (-5, "late")]));
    assert_eq!(before(&following), ["a 1 one", "a 2 two"]);
    node.flush().unwrap();
    write(&node, batch("b", &[(4, "four")]));
    write(&node, batch("c", &[(4, "of another stream")]));
    assert_eq!(before(&following), ["a 1 one", "a 2 two"], "the snapshot stays");
    let (taken, missed) = following.follower.take();
    assert_eq!(lines(&taken), ["a -5 late", "a 3 three", "b 4 four"]);
    assert_eq!((missed.entries, woken.load(Ordering::Relaxed)), (0, 2));
    write(&node, batch("a", &[(3, "three"), (3, "3")]));
    assert_eq!(lines(&following.follower.take().0), ["a 3 3"], "sent again");
}

#[test]
fn what_has_no_room_is_told() {
    let node = open(&MemoryStorage::default());
    let mut following = follow(&node, 1, Box::new(|| {}));
    write(&node, batch("a", &[(1, "one")]));
    let many: Vec<(i64, &str)> = (0..1500).map(|n| (n, "more")).collect();
    write(&node, batch("b", &many));
    let (taken, missed) = following.follower.take();
    assert_eq!(lines(&taken), ["a 1 one"]);
    assert_eq!((missed.entries, missed.first.len()), (1500, 1000));
    assert_eq!(missed.first[1], (1, Labels::from_sorted([("app", "b")])));
    write(&node, batch("b", &[(9, "nine")]));
    let (taken, missed) = following.follower.take();
    assert_eq!((lines(&taken), missed.entries), (vec!["b 9 nine".to_owned()], 0));
    drop(following);
    write(&node, batch("b", &[(10, "nobody follows")]));
}
