//! Streams and volumes are those of the entries, from head and blocks alike.

use std::collections::BTreeMap;

use crate::labels::Labels;
use crate::logs::tests::write;
use crate::logs::{BatchBuilder, Buckets, NO_SET};
use crate::metrics::matcher::Matcher;
use crate::node::Node;
use crate::storage::MemoryStorage;
use crate::traces::tests::open;

const DAY: i64 = 86_400_000_000_000;

fn streams(node: &Node, matchers: &[Matcher], from: i64, until: i64) -> Vec<String> {
    let snapshot = node.tenant("t").unwrap().logs.snapshot();
    let found = snapshot.streams(matchers, from, until).unwrap();
    found
        .iter()
        .map(|labels| labels.value("app").to_owned())
        .collect()
}

fn volumes(node: &Node, from: i64, until: i64) -> BTreeMap<String, (u64, u64)> {
    let snapshot = node.tenant("t").unwrap().logs.snapshot();
    let mut all: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut add = |labels: &Labels, _: usize, volume: super::Volume| {
        assert!(volume.times.0 >= from && volume.times.1 < until);
        let of = all.entry(labels.value("app").to_owned()).or_default();
        *of = (of.0 + volume.entries, of.1 + volume.bytes);
    };
    let buckets = Buckets::one(from, until);
    snapshot.volumes(&[], buckets, &mut add).unwrap();
    all
}

/// Entries of each stream by stretch.
fn by_step(node: &Node, buckets: Buckets) -> BTreeMap<(String, usize), u64> {
    let snapshot = node.tenant("t").unwrap().logs.snapshot();
    let mut all = BTreeMap::new();
    let mut add = |labels: &Labels, bucket: usize, volume: super::Volume| {
        *all.entry((labels.value("app").to_owned(), bucket)).or_default() += volume.entries;
    };
    snapshot.volumes(&[], buckets, &mut add).unwrap();
    all
}

#[test]
fn streams_and_volumes_are_those_of_the_entries_wherever_they_lie() {
    let storage = MemoryStorage::default();
    let node = open(&storage);
    let mut builder = BatchBuilder::default();
    let [a, b] = ["a", "b"].map(|app| builder.stream(Labels::from_pairs([("app", app)])));
    for second in 0..100 {
        let time = DAY + second * 1_000_000_000;
        builder.push(a, time, NO_SET, b"ten bytes!");
        if second < 50 {
            builder.push(b, time, NO_SET, format!("{second:05}").as_bytes());
        }
    }
    write(&node, builder.build());
    let check = |node: &Node| {
        let (from, until) = (DAY + 20_000_000_000, DAY + 60_000_000_000);
        let found = volumes(node, from, until);
        assert_eq!(found["a"], (40, 400));
        assert_eq!(found["b"], (30, 150));
        assert_eq!(streams(node, &[], from, until), ["a", "b"]);
        assert_eq!(streams(node, &[], until, 2 * DAY), ["a"]);
        assert_eq!(streams(node, &[Matcher::equal("app", "b")], 0, 2 * DAY), ["b"]);
        assert_eq!(streams(node, &[], 0, DAY), [""; 0]);
        assert!(volumes(node, until, until).is_empty());
        let buckets = Buckets {
            from,
            until,
            step: Some(15_000_000_000),
        };
        let expected = [
            (("a", 0), 15),
            (("a", 1), 15),
            (("a", 2), 10),
            (("b", 0), 15),
            (("b", 1), 15),
        ];
        let expected = expected.map(|((app, bucket), n)| ((app.to_owned(), bucket), n));
        assert_eq!(by_step(node, buckets), BTreeMap::from(expected));
    };
    check(&node);
    node.tenant("t").unwrap().logs.flush(node.log()).unwrap();
    check(&node);
}
