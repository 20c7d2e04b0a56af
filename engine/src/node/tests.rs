//! Tests of the node: metrics through the whole life, and every crash on the way.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::metrics::deletion::encode_matchers;
use crate::metrics::{Applied, Input, MatchOp, Matcher, Samples, Selection, WriteBatch};
use crate::storage::{Crash, Fault, FaultKind, FaultyStorage, MemoryStorage};

pub(crate) fn options() -> NodeOptions {
    let mut options = NodeOptions {
        reserve_bytes: 4096,
        ..NodeOptions::default()
    };
    options.log.segment_bytes = 16 << 10;
    options
}

fn open(storage: &MemoryStorage) -> (Arc<Node>, Recovery) {
    Node::open(Arc::new(storage.clone()), options()).unwrap()
}

fn write(node: &Node, batch: &WriteBatch<'_>) -> Result<Applied> {
    let input = Input {
        batch,
        labels: batch,
        series_max: u64::MAX,
        received_ms: 0,
    };
    let ticket = node.tenant("t")?.metrics.append(node.log(), &input)?;
    node.log().commit();
    ticket.wait()
}

fn up(instance: &str, samples: &[(i64, f64)]) -> WriteBatch<'static> {
    let mut batch = WriteBatch::default();
    let instance: &'static str = instance.to_owned().leak();
    batch.push_series(
        [("__name__", "up"), ("instance", instance)],
        samples.iter().copied(),
    );
    batch
}

fn read(node: &Node, matchers: &[Matcher]) -> Vec<(String, Vec<(i64, f64)>)> {
    let selection = Selection {
        matchers: matchers.to_vec(),
        min_time: i64::MIN,
        max_time: i64::MAX,
    };
    let snapshot = node.tenant("t").unwrap().metrics.snapshot();
    let series = snapshot.select(&[selection]).unwrap().remove(0);
    let mut out = Vec::new();
    for one in series {
        let mut samples = Samples::default();
        one.read(i64::MIN, i64::MAX, &mut samples).unwrap();
        let rows = samples.timestamps.into_iter().zip(samples.values).collect();
        out.push((one.labels().value("instance").to_owned(), rows));
    }
    out
}

fn name_up() -> [Matcher; 1] {
    [Matcher::equal("__name__", "up")]
}

#[test]
fn written_is_readable_at_once_after_a_restart_and_from_blocks() {
    let storage = MemoryStorage::new();
    let (node, _) = open(&storage);
    assert_eq!(
        write(&node, &up("b", &[(1000, 1.0), (2000, 0.0)]))
            .unwrap()
            .stored,
        2
    );
    write(&node, &up("a", &[(1000, 5.0)])).unwrap();
    let expected = vec![
        ("a".to_owned(), vec![(1000, 5.0)]),
        ("b".to_owned(), vec![(1000, 1.0), (2000, 0.0)]),
    ];
    assert_eq!(read(&node, &name_up()), expected);
    drop(node);
    let (node, recovery) = open(&storage.crash(Crash::DropUnsynced));
    assert_eq!(recovery.replayed_records, 2);
    assert_eq!(read(&node, &name_up()), expected);
    assert_eq!(node.flush().unwrap().flushed_blocks, 1);
    assert_eq!(read(&node, &name_up()), expected);
    write(&node, &up("b", &[(3000, 7.0)])).unwrap();
    node.flush().unwrap();
    node.compact().unwrap();
    assert_eq!(node.tenant("t").unwrap().metrics.blocks().len(), 1);
    assert_eq!(
        read(&node, &name_up())[1].1,
        [(1000, 1.0), (2000, 0.0), (3000, 7.0)]
    );
    let not_a = [Matcher::new("instance", MatchOp::NotRegex, "a|z").unwrap()];
    assert_eq!(read(&node, &not_a).len(), 1);
}

#[test]
fn duplicates_are_no_ops_and_conflicts_are_refused_the_same_way_at_replay() {
    let storage = MemoryStorage::new();
    let (node, _) = open(&storage);
    write(&node, &up("a", &[(1000, 1.0), (2000, 2.0)])).unwrap();
    let again = write(&node, &up("a", &[(1000, 1.0), (2000, 9.0), (1500, 3.0)])).unwrap();
    assert_eq!((again.stored, again.duplicates, again.conflicts.len()), (1, 1, 1));
    assert_eq!(again.conflicts[0].timestamp, 2000);
    let expected = read(&node, &name_up());
    assert_eq!(expected[0].1, [(1000, 1.0), (1500, 3.0), (2000, 2.0)]);
    let (node, _) = open(&storage.crash(Crash::KeepUnsynced));
    assert_eq!(read(&node, &name_up()), expected);
}

#[test]
fn the_later_write_wins_against_a_block_and_after_a_merge() {
    let storage = MemoryStorage::new();
    let (node, _) = open(&storage);
    write(&node, &up("a", &[(1000, 1.0), (2000, 2.0)])).unwrap();
    node.flush().unwrap();
    write(&node, &up("a", &[(2000, 9.0)])).unwrap();
    let expected = vec![("a".to_owned(), vec![(1000, 1.0), (2000, 9.0)])];
    assert_eq!(read(&node, &name_up()), expected);
    node.flush().unwrap();
    assert_eq!(read(&node, &name_up()), expected);
    node.compact().unwrap();
    assert_eq!(read(&node, &name_up()), expected);
}

#[test]
fn deleted_series_vanish_from_every_question_at_once() {
    let storage = MemoryStorage::new();
    let (node, _) = open(&storage);
    let minute = |n: i64| n * 60_000;
    for instance in ["a", "b"] {
        let samples: Vec<(i64, f64)> = (0..50).map(|i| (minute(i), i as f64)).collect();
        write(&node, &up(instance, &samples)).unwrap();
    }
    let db = node.tenant("t").unwrap();
    let delete = |instance: &str, from, to| {
        let what = encode_matchers(&[Matcher::equal("instance", instance)]);
        db.metrics.delete(node.log(), from, to, vec![what]).unwrap();
    };
    let instances = || {
        let snapshot = db.metrics.snapshot();
        let values = snapshot
            .label_values("instance", &[], i64::MIN, i64::MAX)
            .unwrap();
        let series = snapshot.series(&[&name_up()], i64::MIN, i64::MAX).unwrap();
        assert_eq!(values.len(), series.len());
        assert_eq!(read(&node, &name_up()).len(), series.len());
        values
    };
    delete("a", minute(10), minute(19));
    delete("b", minute(20), i64::MAX);
    assert_eq!(instances(), ["a", "b"]);
    let count = |i: usize| read(&node, &name_up())[i].1.len();
    assert_eq!((count(0), count(1)), (40, 20));
    // Together two deletions leave nothing, though neither covers the chunk.
    delete("b", minute(0), minute(19));
    assert_eq!(instances(), ["a"]);
    write(&node, &up("b", &[(minute(5), 5.0)])).unwrap();
    assert_eq!(
        (instances().len(), count(1)),
        (2, 1),
        "written after the deletion"
    );
    let before = read(&node, &name_up());
    drop(db);
    drop(node);
    let (node, _) = open(&storage);
    assert_eq!(read(&node, &name_up()), before);
    let db = node.tenant("t").unwrap();
    db.metrics.clean().unwrap();
    assert_eq!(read(&node, &name_up()), before);
    assert_eq!(db.metrics.blocks().iter().map(|b| b.rows).sum::<u64>(), 40);
}

#[test]
fn a_snapshot_is_a_data_directory() {
    let root = tempfile::tempdir().unwrap();
    let storage = Arc::new(crate::storage::LocalStorage::open(root.path()).unwrap());
    let (node, _) = Node::open(storage, options()).unwrap();
    write(&node, &up("a", &[(1000, 1.0)])).unwrap();
    node.snapshot("before", true).unwrap();
    write(&node, &up("a", &[(2000, 2.0)])).unwrap();
    node.flush().unwrap();
    node.compact().unwrap();
    assert!(node.snapshot("../out", true).is_err());
    let copy = Arc::new(crate::storage::LocalStorage::open(root.path().join("snapshots/before")).unwrap());
    let (copy, recovery) = Node::open(copy, options()).unwrap();
    assert!(recovery.lost_blocks.is_empty() && copy.verify().is_empty());
    assert_eq!(read(&copy, &name_up()), [("a".to_owned(), vec![(1000, 1.0)])]);
}

#[test]
fn a_newer_data_directory_is_refused() {
    let storage = MemoryStorage::new();
    let newer = DATA_VERSION + 1;
    write_atomically(&storage, VERSION_FILE, format!("kymo data {newer}\n").as_bytes()).unwrap();
    match Node::open(Arc::new(storage), options()).err().unwrap() {
        Error::UnsupportedVersion { found, supported, .. } => {
            assert_eq!((found, supported), (newer, DATA_VERSION));
        }
        other => panic!("{other}"),
    }
}

#[test]
fn tenants_are_apart_and_their_names_checked() {
    let (node, _) = open(&MemoryStorage::new());
    write(&node, &up("a", &[(1000, 1.0)])).unwrap();
    let other = node.tenant("other").unwrap();
    assert!(
        other
            .metrics
            .snapshot()
            .label_names(&[], 0, 9999)
            .unwrap()
            .is_empty()
    );
    for bad in ["", ".", "..", "a/b", "a b", &"x".repeat(151)] {
        assert!(matches!(node.tenant(bad), Err(Error::Invalid { .. })), "{bad:?}");
    }
}

#[test]
fn a_full_disk_refuses_writes_and_ends_by_itself() {
    let memory = MemoryStorage::new();
    let storage = FaultyStorage::new(Arc::new(memory.clone()), None);
    let node = Node::open(Arc::new(storage.clone()), options()).unwrap().0;
    write(&node, &up("a", &[(1000, 1.0)])).unwrap();
    storage.arm(Fault {
        at: 0,
        kind: FaultKind::DiskFull,
    });
    assert!(write(&node, &up("a", &[(2000, 1.0)])).is_err());
    assert_eq!(node.state(), State::DiskFull);
    assert!(matches!(
        write(&node, &up("a", &[(2500, 1.0)])),
        Err(Error::DiskFull)
    ));
    assert_eq!(read(&node, &name_up())[0].1, [(1000, 1.0)], "reads go on");
    node.maintain(0).unwrap();
    assert!(
        !memory.exists(RESERVE_FILE),
        "the reserve is given to flushes and merges"
    );
    assert_eq!(node.state(), State::DiskFull);
    storage.heal();
    node.maintain(0).unwrap();
    assert_eq!(node.state(), State::Writable);
    assert!(memory.exists(RESERVE_FILE));
    write(&node, &up("a", &[(3000, 1.0)])).unwrap();
    let after = open(&memory.crash(Crash::DropUnsynced)).0;
    assert_eq!(read(&after, &name_up())[0].1, [(1000, 1.0), (3000, 1.0)]);
}

#[test]
fn after_a_failed_sync_reads_go_on_and_writes_wait_for_a_restart() {
    let memory = MemoryStorage::new();
    let storage = FaultyStorage::new(Arc::new(memory.clone()), None);
    let node = Node::open(Arc::new(storage.clone()), options()).unwrap().0;
    write(&node, &up("a", &[(1000, 1.0)])).unwrap();
    storage.arm(Fault {
        at: storage.calls() + 1,
        kind: FaultKind::Fail,
    });
    assert!(write(&node, &up("a", &[(2000, 1.0)])).is_err());
    assert!(matches!(node.state(), State::Poisoned { .. }));
    assert!(matches!(
        write(&node, &up("a", &[(3000, 1.0)])),
        Err(Error::Poisoned { .. })
    ));
    assert_eq!(read(&node, &name_up())[0].1, [(1000, 1.0)]);
    node.maintain(0).unwrap();
    assert!(
        matches!(node.state(), State::Poisoned { .. }),
        "it does not end by itself"
    );
    let after = open(&memory.crash(Crash::DropUnsynced)).0;
    write(&after, &up("a", &[(3000, 1.0)])).unwrap();
    assert_eq!(read(&after, &name_up())[0].1, [(1000, 1.0), (3000, 1.0)]);
}

/// Writers, commits, flushes, merges and readers at once, until enough merges took part: every acknowledged sample is
/// seen by the next read and is there in the end, in memory and after a restart.
#[test]
fn everything_at_once_loses_nothing() {
    const MERGES: u64 = 5;
    let storage = MemoryStorage::new();
    let mut options = options();
    options.store.flush_rows = 20;
    options.store.compaction.fan_in = 2;
    let node = Node::open(Arc::new(storage.clone()), options).unwrap().0;
    let merges = AtomicU64::new(0);
    let (node, merges) = (&node, &merges);
    let written: Vec<usize> = std::thread::scope(|scope| {
        scope.spawn(|| node.run_commits());
        let writers = ["a", "b", "c"].map(|instance| {
            scope.spawn(move || {
                let mut count = 0;
                while merges.load(Ordering::Relaxed) < MERGES {
                    append_and_wait(node, instance, count);
                    count += 1;
                    let seen = read(node, &[Matcher::equal("instance", instance)]);
                    assert_eq!(seen[0].1.len(), count, "{instance}: written is readable");
                }
                count
            })
        });
        scope.spawn(move || {
            while merges.load(Ordering::Relaxed) < MERGES {
                node.maintain(0).unwrap();
                let done = node.merge_due(100_000 * 86_400_000).unwrap();
                merges.fetch_add(done.merges, Ordering::Relaxed);
            }
        });
        let written = writers.map(|w| w.join().unwrap()).to_vec();
        node.close();
        written
    });
    let expected = read(node, &name_up());
    assert_eq!(
        expected.iter().map(|(_, rows)| rows.len()).collect::<Vec<_>>(),
        written
    );
    let after = open(&storage.crash(Crash::DropUnsynced)).0;
    assert_eq!(read(&after, &name_up()), expected);
}

fn append_and_wait(node: &Node, instance: &str, i: usize) {
    let batch = up(instance, &[(i as i64 * 1000, i as f64)]);
    let input = Input {
        batch: &batch,
        labels: &batch,
        series_max: u64::MAX,
        received_ms: 0,
    };
    let store = &node.tenant("t").unwrap().metrics;
    store.append(node.log(), &input).unwrap().wait().unwrap();
}

#[test]
fn a_full_head_is_told_at_once() {
    let storage = MemoryStorage::new();
    let mut settings = options();
    settings.store.flush_record_bytes = 400;
    let node = Node::open(Arc::new(storage.clone()), settings).unwrap().0;
    let mut rounds = Vec::new();
    for i in 0..100 {
        write(&node, &up("a", &[(i, 1.0)])).unwrap();
        if node.wait_until_full(Duration::ZERO) {
            rounds.push((i, node.maintain(i).unwrap().flushed_heads));
        }
    }
    assert!(rounds.len() > 2, "{rounds:?}");
    assert!(rounds.iter().all(|&(_, flushed)| flushed == 1), "{rounds:?}");
    node.wake();
    assert!(node.wait_until_full(Duration::MAX));
    assert!(!node.wait_until_full(Duration::ZERO));
}
