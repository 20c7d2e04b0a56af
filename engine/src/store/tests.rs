//! Tests of the life cycle on the smallest signal: nothing acknowledged is lost between log, head, blocks and merges,
//! whatever call fails and wherever the power goes.

use std::collections::BTreeMap;

use super::toy::{Rows, Toy, left};
use super::upkeep::Upkeep;
use super::*;
use crate::log::LogOptions;
use crate::storage::{Crash, Fault, FaultKind, FaultyStorage, MemoryStorage};

const DAY: i64 = 86_400_000;

struct Life {
    log: Log,
    store: Store<Toy>,
}

fn options() -> StoreOptions {
    let compaction = CompactionOptions {
        fan_in: 3,
        ..CompactionOptions::default()
    };
    StoreOptions {
        flush_rows: 8,
        compaction,
        ..StoreOptions::default()
    }
}

impl Life {
    fn open(storage: Arc<dyn Storage>, options: StoreOptions) -> Result<(Life, Vec<LostBlock>)> {
        let health = Arc::new(Health::default());
        let cache = Arc::new(BlockCache::new(1 << 20));
        let shared = Shared {
            storage: storage.clone(),
            health: health.clone(),
            cache,
            full: Arc::default(),
        };
        let (store, lost) = Store::open(shared, "d", &Arc::from("t"), options)?;
        let log_options = LogOptions {
            segment_bytes: 300,
            ..LogOptions::default()
        };
        let floor = store.flushed();
        let (log, _) = Log::open(storage, "wal", log_options, health, floor, &mut |r| {
            store.replay(r)
        })?;
        Ok((Life { log, store }, lost))
    }

    fn new(storage: &MemoryStorage) -> Life {
        Life::open(Arc::new(storage.clone()), options()).unwrap().0
    }

    fn put(&self, time: i64, value: i64) -> Result<()> {
        let ticket = self.store.append(&self.log, (time, value))?;
        self.log.commit();
        ticket.wait()
    }

    fn rows(&self) -> Rows {
        let snapshot = self.store.snapshot();
        rows_of(&snapshot)
    }
}

fn rows_of(snapshot: &Snapshot<Toy>) -> Rows {
    let mut rows = Rows::new();
    for block in snapshot.blocks_between(i64::MIN, i64::MAX) {
        rows.extend(left(block.file(), &snapshot.tombstones_of(block)).unwrap());
    }
    for head in &snapshot.heads {
        rows.extend(head.state.lock().iter());
    }
    rows
}

fn block_files(storage: &MemoryStorage) -> usize {
    storage.list("d/toy/blocks").unwrap().len()
}

#[test]
fn a_flush_moves_rows_to_a_block_per_day_and_frees_the_log() {
    let storage = MemoryStorage::new();
    let life = Life::new(&storage);
    for i in 0..60 {
        life.put(i * DAY / 20, i).unwrap();
    }
    let before = life.rows();
    let done = life.store.flush(&life.log).unwrap();
    assert_eq!((done.flushed_heads, done.flushed_blocks), (1, 3));
    assert_eq!(life.rows(), before);
    assert_eq!(before.len(), 60);
    let days: Vec<i64> = life.store.blocks().iter().map(|b| b.day).collect();
    assert_eq!(days, [0, 1, 2]);
    assert!(
        life.store
            .blocks()
            .iter()
            .all(|b| b.min_time / DAY == b.max_time / DAY)
    );
    let reopened = Life::new(&storage.crash(Crash::DropUnsynced));
    assert_eq!(reopened.rows(), before);
    assert_eq!(reopened.store.stats().head.rows, 0, "nothing was replayed twice");
}

#[test]
fn no_record_falls_between_a_flushed_head_and_a_released_segment() {
    let storage = MemoryStorage::new();
    let life = Life::new(&storage);
    for i in 0..10 {
        life.put(i, i).unwrap();
    }
    life.store.seal(&life.log);
    // In the new head, but in a segment the old head shares.
    life.put(100, 1).unwrap();
    // Queued and not yet committed when the flush begins.
    let queued = life.store.append(&life.log, (101, 1)).unwrap();
    life.store.flush(&life.log).unwrap();
    queued.wait().unwrap();
    life.put(102, 1).unwrap();
    let expected = life.rows();
    assert_eq!(expected.len(), 13);
    assert_eq!(Life::new(&storage.crash(Crash::DropUnsynced)).rows(), expected);
}

#[test]
fn heads_are_rebuilt_as_they_were_sealed() {
    let storage = MemoryStorage::new();
    let life = Life::new(&storage);
    life.put(1, 1).unwrap();
    life.store.seal(&life.log);
    life.put(1, 2).unwrap();
    let reopened = Life::new(&storage.crash(Crash::DropUnsynced));
    assert_eq!(reopened.store.stats().heads, 2);
    assert_eq!(reopened.store.flush(&reopened.log).unwrap().flushed_heads, 2);
    assert_eq!(reopened.rows(), BTreeMap::from([(1, 2)]));
    reopened.store.compact().unwrap();
    assert_eq!(
        reopened.rows(),
        BTreeMap::from([(1, 2)]),
        "the later write wins in a merge"
    );
}

#[test]
fn flushes_are_due_by_rows_and_by_age() {
    let life = Life::new(&MemoryStorage::new());
    life.put(0, 0).unwrap();
    assert_eq!(life.store.flush_due(&life.log, 1000).unwrap().flushed_heads, 0);
    assert_eq!(
        life.store.flush_due(&life.log, 7_200_999).unwrap().flushed_heads,
        0
    );
    assert_eq!(
        life.store.flush_due(&life.log, 7_201_000).unwrap().flushed_heads,
        1
    );
    for i in 0..8 {
        life.put(i, 0).unwrap();
    }
    assert_eq!(
        life.store.flush_due(&life.log, 7_201_001).unwrap().flushed_heads,
        1
    );
    assert_eq!(
        life.store.flush_due(&life.log, i64::MAX).unwrap().flushed_heads,
        0,
        "nothing to flush"
    );
}

#[test]
fn a_small_head_that_holds_up_the_log_is_flushed() {
    let storage = MemoryStorage::new();
    let options = StoreOptions {
        flush_lag_segments: 3,
        ..options()
    };
    let life = Life::open(Arc::new(storage.clone()), options).unwrap().0;
    life.put(1, 1).unwrap();
    let busy = Owner {
        tenant: Arc::from("other"),
        signal: 9,
    };
    for expected in [0, 1] {
        assert_eq!(
            life.store.flush_due(&life.log, 0).unwrap().flushed_heads,
            expected
        );
        for _ in 0..8 {
            life.log.append(&busy, 1, vec![0; 300], Box::new(|_| ())).unwrap();
            life.log.commit();
        }
        life.log.flushed(&busy, life.log.newest_seq());
    }
    assert_eq!(
        storage
            .list("wal")
            .unwrap()
            .iter()
            .filter(|n| n.ends_with(".wal"))
            .count(),
        0
    );
    assert_eq!(life.rows(), BTreeMap::from([(1, 1)]));
}

#[test]
fn a_head_that_cannot_be_flushed_refuses_before_it_outgrows_memory() {
    let options = StoreOptions {
        flush_record_bytes: 50,
        ..options()
    };
    let life = Life::open(Arc::new(MemoryStorage::new()), options).unwrap().0;
    let refused = (0..1000).find_map(|i| life.put(i, i).err());
    assert!(
        matches!(refused, Some(Error::Overloaded { limit_bytes: 200, .. })),
        "{refused:?}"
    );
    life.store.flush_due(&life.log, 0).unwrap();
    life.put(-1, 0).unwrap();
}

#[test]
fn merges_keep_rows_and_a_snapshot_outlives_its_blocks() {
    let storage = MemoryStorage::new();
    let life = Life::new(&storage);
    for round in 0..3 {
        for i in 0..8 {
            life.put(i * 3 + round, i).unwrap();
        }
        life.store.flush(&life.log).unwrap();
    }
    let before = life.rows();
    let snapshot = life.store.snapshot();
    assert_eq!(life.store.merge_due(0).unwrap().merges, 1);
    let blocks = life.store.blocks();
    assert_eq!((blocks.len(), blocks[0].level, blocks[0].rows), (1, 1, 24));
    assert_eq!(block_files(&storage), 4, "the snapshot holds the inputs");
    assert_eq!(rows_of(&snapshot), before);
    drop(snapshot);
    assert_eq!(block_files(&storage), 1);
    assert_eq!(life.rows(), before);
}

#[test]
fn flushes_are_behind_by_what_they_have_not_written() {
    let life = Life::new(&MemoryStorage::new());
    assert!(life.store.behind().abs() < 1e-9);
    (0..4).for_each(|i| life.put(i, i).unwrap());
    let of_four = life.store.behind();
    assert!(of_four > 0.0);
    life.store.seal(&life.log);
    (4..6).for_each(|i| life.put(i, i).unwrap());
    let is = |share: f64| {
        let behind = life.store.behind();
        assert!(
            (behind / of_four - share).abs() < 1e-6,
            "{} is not {share}",
            behind / of_four
        );
    };
    is(1.5);
    let sealed = life.store.view.read().sealed[0].clone();
    sealed.written.begin(4);
    is(1.5);
    // Two of the four rows are taken and one of them is encoded.
    sealed.written.half_done(2);
    sealed.written.half_done(1);
    is(0.5 + 5.0 / 8.0);
    sealed.written.half_done(100);
    is(0.5);
    life.store
        .flush_sealed(&life.log, &mut Upkeep::default())
        .unwrap();
    is(0.5);
    life.store.flush(&life.log).unwrap();
    is(0.0);
}

#[test]
fn merges_are_put_off_while_flushes_are_behind_until_there_are_many_blocks() {
    let options = StoreOptions {
        flush_record_bytes: 1,
        compaction: CompactionOptions {
            fan_in: 3,
            inputs_max: 3,
            ..CompactionOptions::default()
        },
        ..options()
    };
    let life = Life::open(Arc::new(MemoryStorage::new()), options).unwrap().0;
    let add_block = |n: i64| {
        life.put(n, n).unwrap();
        life.store.flush(&life.log).unwrap();
    };
    (0..3).for_each(add_block);
    life.put(100, 0).unwrap();
    assert_eq!(life.store.merge_due(0).unwrap().merges, 0);
    life.store.flush(&life.log).unwrap();
    assert_eq!(life.store.merge_due(0).unwrap().merges, 1);
    (10..16).for_each(add_block);
    life.put(101, 0).unwrap();
    assert_eq!(life.store.merge_due(0).unwrap().merges, 1);
}

#[test]
fn a_deletion_hides_what_was_written_before_it_and_nothing_later() {
    let storage = MemoryStorage::new();
    let life = Life::new(&storage);
    for i in 0..20 {
        life.put(i * 10, i).unwrap();
    }
    life.store.flush(&life.log).unwrap();
    life.put(200, 20).unwrap();
    life.store.delete(&life.log, 50, 205, vec![Vec::new()]).unwrap();
    let expected = |life: &Life| {
        assert_eq!(
            life.rows().keys().copied().collect::<Vec<_>>(),
            [0, 10, 20, 30, 40]
        )
    };
    expected(&life);
    expected(&Life::new(&storage.crash(Crash::DropUnsynced)));
    life.put(100, 7).unwrap();
    life.store.compact().unwrap();
    assert_eq!(life.rows().get(&100), Some(&7), "written after the deletion");
    assert_eq!(life.rows().len(), 6);
    assert_eq!(life.store.tombstones().len(), 1);
    life.store.merge_due(0).unwrap();
    assert_eq!(life.store.tombstones(), [], "the merge left nothing to hide");
    assert_eq!(life.store.clean().unwrap(), 0);
    let reopened = Life::new(&storage.crash(Crash::DropUnsynced));
    assert_eq!(reopened.rows(), life.rows());
}

#[test]
fn cleaning_takes_deleted_rows_out_of_the_blocks() {
    let storage = MemoryStorage::new();
    let life = Life::new(&storage);
    for i in 0..8 {
        life.put(i, i).unwrap();
    }
    life.store.delete(&life.log, 2, 5, vec![Vec::new()]).unwrap();
    assert_eq!(life.store.blocks()[0].rows, 8);
    assert_eq!(life.store.clean().unwrap(), 1);
    assert_eq!(life.store.blocks()[0].rows, 4);
    assert_eq!(life.rows().into_keys().collect::<Vec<_>>(), [0, 1, 6, 7]);
    assert_eq!(life.store.tombstones(), []);
}

#[test]
fn a_copy_of_the_blocks_is_a_store() {
    let storage = MemoryStorage::new();
    let life = Life::new(&storage);
    for i in 0..8 {
        life.put(i * DAY, i).unwrap();
    }
    life.store.delete(&life.log, 0, DAY, vec![Vec::new()]).unwrap();
    assert_eq!(life.store.copy_blocks("copy/t").unwrap(), 8);
    let shared = Shared {
        storage: Arc::new(storage.crash(Crash::DropUnsynced)),
        health: Arc::new(Health::default()),
        cache: Arc::new(BlockCache::new(1 << 20)),
        full: Arc::default(),
    };
    let (copy, lost) = Store::<Toy>::open(shared, "copy/t", &Arc::from("t"), options()).unwrap();
    assert_eq!(lost, []);
    assert_eq!(rows_of(&copy.snapshot()), life.rows());
    assert_eq!(life.rows().len(), 6);
}

#[test]
fn retention_drops_old_days() {
    let storage = MemoryStorage::new();
    let retention = RetentionOptions {
        age_ms: Some(2 * DAY),
        bytes: None,
    };
    let life = Life::open(
        Arc::new(storage.clone()),
        StoreOptions {
            retention,
            ..options()
        },
    )
    .unwrap()
    .0;
    for day in 0..5 {
        life.put(day * DAY, day).unwrap();
    }
    life.store.flush(&life.log).unwrap();
    assert_eq!(life.store.retain(4 * DAY, None).unwrap().dropped_blocks, 2);
    assert_eq!(
        life.rows().keys().copied().collect::<Vec<_>>(),
        [2 * DAY, 3 * DAY, 4 * DAY]
    );
    assert_eq!(block_files(&storage), 3);
    assert_eq!(Life::new(&storage.crash(Crash::DropUnsynced)).rows().len(), 3);
}

#[test]
fn a_damaged_block_is_set_aside_and_the_others_serve() {
    let storage = MemoryStorage::new();
    let life = Life::new(&storage);
    for day in 0..3 {
        life.put(day * DAY, day).unwrap();
    }
    life.store.flush(&life.log).unwrap();
    let bytes = life.store.blocks()[1].bytes;
    storage
        .flip_bit("d/toy/blocks/0000000000000002.blk", 8 * (bytes - 40))
        .unwrap();
    let (life, lost) = Life::open(Arc::new(storage.clone()), options()).unwrap();
    assert_eq!(lost.len(), 1);
    assert_eq!(life.rows().into_values().collect::<Vec<_>>(), [0, 2]);
    assert_eq!(storage.list("d/toy/quarantine").unwrap().len(), 1);
    assert_eq!(
        Life::open(Arc::new(storage), options()).unwrap().1,
        [],
        "reported once"
    );
}

/// A fixed course of every operation there is. What a deletion took must be gone; what one that failed was to take may be
/// there or not.
fn course(life: &Life, acked: &mut Rows, tried: &mut Rows) {
    for step in 0..40i64 {
        let (time, value) = (step * DAY / 16, step);
        tried.insert(time, value);
        if life.put(time, value).is_ok() {
            acked.insert(time, value);
        }
        match step % 10 {
            3 => drop(life.store.flush(&life.log)),
            6 => {
                drop(life.store.flush_due(&life.log, step * DAY / 16));
                drop(life.store.merge_due(step * DAY / 16));
            }
            5 => {
                let gone = (step - 1) * DAY / 16;
                acked.remove(&gone);
                if life.store.delete(&life.log, gone, gone, vec![Vec::new()]).is_ok() {
                    tried.remove(&gone);
                }
            }
            8 => drop(life.store.clean()),
            9 => drop(life.store.compact()),
            _ => {}
        }
    }
}

fn calls_of_the_course() -> u64 {
    let storage = FaultyStorage::new(Arc::new(MemoryStorage::new()), None);
    let life = Life::open(Arc::new(storage.clone()), options()).unwrap().0;
    course(&life, &mut Rows::new(), &mut Rows::new());
    storage.calls()
}

fn check(found: &Rows, acked: &Rows, tried: &Rows, at: &str) {
    for (time, value) in acked {
        assert_eq!(
            found.get(time),
            Some(value),
            "acknowledged and missing: {time} {at}"
        );
    }
    for (time, value) in found {
        assert_eq!(tried.get(time), Some(value), "never written: {time} {at}");
    }
}

/// P1, P4 and P5: whichever call fails, what was acknowledged is readable at once, after the fault is gone, and after a
/// power cut; and the store goes on working.
#[test]
fn whatever_call_fails_nothing_acknowledged_is_lost() {
    let calls = calls_of_the_course();
    for kind in [
        FaultKind::Fail,
        FaultKind::Tear,
        FaultKind::PowerCut,
        FaultKind::DiskFull,
    ] {
        for at in 0..calls {
            let memory = MemoryStorage::new();
            let storage = FaultyStorage::new(Arc::new(memory.clone()), Some(Fault { at, kind }));
            let (mut acked, mut tried) = (Rows::new(), Rows::new());
            let context = format!("{kind:?} at call {at} of {calls}");
            if let Ok((life, _)) = Life::open(Arc::new(storage.clone()), options()) {
                course(&life, &mut acked, &mut tried);
                storage.heal();
                check(&life.rows(), &acked, &tried, &context);
            }
            for crash in [Crash::DropUnsynced, Crash::Torn(at), Crash::KeepUnsynced] {
                let (mut acked, mut tried) = (acked.clone(), tried.clone());
                let after = memory.crash(crash);
                let life = Life::new(&after);
                check(&life.rows(), &acked, &tried, &format!("{context}, {crash:?}"));
                life.put(-1, 7).unwrap();
                life.store.flush(&life.log).unwrap();
                life.store.compact().unwrap();
                acked.insert(-1, 7);
                tried.insert(-1, 7);
                check(
                    &life.rows(),
                    &acked,
                    &tried,
                    &format!("{context}, {crash:?}, going on"),
                );
            }
        }
    }
}
