//! Tests of the log: what is acknowledged comes back, what is recycled does not, and damage is told from a torn tail.

use std::sync::mpsc;

use proptest::prelude::*;

use super::recovery::{Keep, LogRecovery};
use super::*;
use crate::storage::{Crash, Fault, FaultKind, FaultyStorage, MemoryStorage};

type Found = Vec<(Seq, u32, Vec<u8>)>;

fn owner() -> Owner {
    Owner {
        tenant: "t".into(),
        signal: 9,
    }
}

fn small() -> LogOptions {
    LogOptions {
        segment_bytes: 2048,
        ..LogOptions::default()
    }
}

fn open(storage: &MemoryStorage) -> (Log, LogRecovery, Found) {
    open_in(Arc::new(storage.clone())).unwrap()
}

fn open_in(storage: Arc<dyn Storage>) -> Result<(Log, LogRecovery, Found)> {
    let mut found = Vec::new();
    let (log, recovery) = Log::open(storage, "wal", small(), Arc::default(), 0, &mut |r| {
        found.push((r.seq, r.head_generation, r.bytes.to_vec()));
        Ok(Keep::Needed)
    })?;
    Ok((log, recovery, found))
}

/// Appends and commits one record, returning its place when it was acknowledged.
fn put(log: &Log, bytes: &[u8]) -> Result<Seq> {
    let (tx, rx) = mpsc::channel();
    log.append(
        &owner(),
        1,
        bytes.to_vec(),
        Box::new(move |r| tx.send(r).unwrap()),
    )?;
    log.commit();
    rx.recv().unwrap()
}

#[test]
fn acknowledged_records_survive_a_power_cut_in_order() {
    let storage = MemoryStorage::new();
    let (log, _, _) = open(&storage);
    let mut expected = Vec::new();
    for i in 0..200u32 {
        let bytes = i.to_le_bytes().repeat(1 + i as usize % 40);
        expected.push((put(&log, &bytes).unwrap(), 1, bytes));
    }
    let after = storage.crash(Crash::DropUnsynced);
    let (log, recovery, found) = open(&after);
    assert_eq!(found, expected);
    assert_eq!(recovery.damages, []);
    assert_eq!(put(&log, b"next").unwrap(), 201);
    let (_, recovery, found) = open(&after);
    assert_eq!(found.len(), 201);
    assert_eq!(recovery.damages, []);
}

#[test]
fn large_batches_are_compressed_and_come_back() {
    let storage = MemoryStorage::new();
    let (log, _, _) = open(&storage);
    let bytes = b"abcdefgh".repeat(40_000);
    put(&log, &bytes).unwrap();
    assert!(log.stats().bytes.load(Ordering::Relaxed) < 10_000);
    assert_eq!(open(&storage).2, [(1, 1, bytes)]);
}

#[test]
fn released_segments_are_reused_and_their_records_never_come_back() {
    let storage = MemoryStorage::new();
    let (log, _, _) = open(&storage);
    for round in 0..20u64 {
        for _ in 0..20 {
            put(&log, &[7; 300]).unwrap();
        }
        log.flushed(&owner(), log.newest_seq());
        assert!(storage.list("wal").unwrap().len() <= 4, "round {round}");
    }
    let last = put(&log, b"the only one needed").unwrap();
    let after = storage.crash(Crash::KeepUnsynced);
    let (_, recovery, found) = open(&after);
    assert_eq!(found, [(last, 1, b"the only one needed".to_vec())]);
    assert_eq!(recovery.damages, []);
}

#[test]
fn a_restart_with_spare_segments_alone_reuses_no_generation() {
    let storage = MemoryStorage::new();
    let (log, _, _) = open(&storage);
    for _ in 0..5 {
        put(&log, &[7; 300]).unwrap();
    }
    log.flushed(&owner(), log.newest_seq());
    let after = storage.crash(Crash::KeepUnsynced);
    let (log, _, found) = open(&after);
    assert_eq!(found, []);
    put(&log, b"short, with old frames behind it").unwrap();
    let (_, recovery, found) = open(&after);
    assert_eq!(found.len(), 1, "old records came back");
    assert_eq!(recovery.damages, []);
}

#[test]
fn a_crash_after_a_release_never_looks_like_missing_frames() {
    for seed in 0..200 {
        let storage = MemoryStorage::new();
        let (log, _, _) = open(&storage);
        for _ in 0..40 {
            put(&log, &[7; 300]).unwrap();
        }
        log.flushed(&owner(), 35);
        let (_, recovery, _) = open(&storage.crash(Crash::Torn(seed)));
        assert_eq!(recovery.damages, [], "seed {seed}");
    }
}

#[test]
fn a_segment_stays_while_one_owner_needs_it() {
    let storage = MemoryStorage::new();
    let (log, _, _) = open(&storage);
    let lagging = Owner {
        tenant: "t".into(),
        signal: 2,
    };
    log.append(&lagging, 1, b"old but needed".to_vec(), Box::new(|_| ()))
        .unwrap();
    for _ in 0..50 {
        put(&log, &[1; 300]).unwrap();
    }
    log.flushed(&owner(), log.newest_seq());
    let (_, _, found) = open(&storage.crash(Crash::KeepUnsynced));
    assert_eq!(found[0], (1, 1, b"old but needed".to_vec()));
    log.flushed(&lagging, 1);
    assert_eq!(open(&storage.crash(Crash::KeepUnsynced)).2, []);
}

#[test]
fn a_flipped_bit_in_the_middle_is_reported_and_costs_one_frame() {
    let storage = MemoryStorage::new();
    let (log, _, _) = open(&storage);
    for i in 0..5u8 {
        put(&log, &[i; 100]).unwrap();
    }
    storage
        .flip_bit("wal/0000000000000001.wal", 8 * (segment::HEADER_LEN + 200))
        .unwrap();
    let (_, recovery, found) = open(&storage);
    assert_eq!(found.iter().map(|f| f.0).collect::<Vec<_>>(), [1, 3, 4, 5]);
    assert_eq!(recovery.damages.len(), 1);
    assert_eq!(recovery.damages[0].frames_lost, 1);
}

#[test]
fn a_damaged_segment_header_loses_nothing_else() {
    let storage = MemoryStorage::new();
    let (log, _, _) = open(&storage);
    for i in 0..40u8 {
        put(&log, &[i; 100]).unwrap();
    }
    storage.flip_bit("wal/0000000000000002.wal", 77).unwrap();
    let (_, recovery, found) = open(&storage);
    assert_eq!(found.len(), 40);
    assert_eq!(recovery.damages.len(), 1);
    assert_eq!(recovery.damages[0].what, "not a segment header");
}

#[test]
fn a_missing_segment_is_reported() {
    let storage = MemoryStorage::new();
    let (log, _, _) = open(&storage);
    for i in 0..40u8 {
        put(&log, &[i; 100]).unwrap();
    }
    storage.delete("wal/0000000000000002.wal").unwrap();
    let (_, recovery, found) = open(&storage);
    assert!(found.len() < 40);
    assert_eq!(recovery.damages[0].frames_lost + found.len() as u64, 40);
}

#[test]
fn a_failed_sync_poisons_and_a_full_disk_does_not() {
    let memory = MemoryStorage::new();
    let storage = FaultyStorage::new(Arc::new(memory.clone()), None);
    let (log, _, _) = open_in(Arc::new(storage.clone())).unwrap();
    put(&log, b"one").unwrap();
    storage.arm(Fault {
        at: 0,
        kind: FaultKind::DiskFull,
    });
    assert!(put(&log, b"no room").unwrap_err().is_disk_full());
    assert!(matches!(put(&log, b"refused"), Err(Error::DiskFull)));
    storage.heal();
    log.health.space_is_back();
    put(&log, b"two").unwrap();
    storage.arm(Fault {
        at: storage.calls() + 1,
        kind: FaultKind::Fail,
    });
    assert!(put(&log, b"sync fails").is_err());
    assert!(matches!(put(&log, b"refused"), Err(Error::Poisoned { .. })));
    let found = open(&memory.crash(Crash::DropUnsynced)).2;
    assert_eq!(
        found.iter().map(|f| f.2.as_slice()).collect::<Vec<_>>(),
        [b"one", b"two"]
    );
}

#[test]
fn a_full_queue_refuses() {
    let options = LogOptions {
        queue_bytes_max: 100,
        ..small()
    };
    let storage = Arc::new(MemoryStorage::new());
    let (log, _) = Log::open(storage, "wal", options, Arc::default(), 0, &mut |_| {
        Ok(Keep::Needed)
    })
    .unwrap();
    log.append(&owner(), 1, vec![0; 90], Box::new(|_| ())).unwrap();
    let refused = log.append(&owner(), 1, vec![0; 20], Box::new(|_| ()));
    assert!(matches!(
        refused,
        Err(Error::Overloaded {
            queued_bytes: 110,
            limit_bytes: 100
        })
    ));
    log.commit();
    log.append(&owner(), 1, vec![0; 20], Box::new(|_| ())).unwrap();
    log.close();
    assert!(matches!(
        log.append(&owner(), 1, vec![], Box::new(|_| ())),
        Err(Error::Closed)
    ));
}

#[test]
fn places_start_above_what_blocks_hold() {
    let storage = Arc::new(MemoryStorage::new());
    let (log, _) = Log::open(storage, "wal", small(), Arc::default(), 500, &mut |_| {
        Ok(Keep::Needed)
    })
    .unwrap();
    assert_eq!(put(&log, b"x").unwrap(), 501);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever survives of unsynced sectors: all that was acknowledged is there, in order, and no invented record.
    #[test]
    fn torn_writes_never_cost_an_acknowledged_record(
        sizes in prop::collection::vec(1usize..900, 1..40), fail_at in 0u64..200, seed in any::<u64>(),
    ) {
        let memory = MemoryStorage::new();
        let fault = Fault { at: fail_at, kind: FaultKind::PowerCut };
        let storage = FaultyStorage::new(Arc::new(memory.clone()), Some(fault));
        let mut acked = Vec::new();
        if let Ok((log, _, _)) = open_in(Arc::new(storage)) {
            for (i, size) in sizes.iter().enumerate() {
                let bytes = vec![i as u8; *size];
                if let Ok(seq) = put(&log, &bytes) {
                    acked.push((seq, 1, bytes));
                }
            }
        }
        let (_, recovery, found) = open(&memory.crash(Crash::Torn(seed)));
        prop_assert!(found.starts_with(&acked), "{:?} of {:?}", found.len(), acked.len());
        prop_assert!(found.len() <= sizes.len());
        prop_assert_eq!(recovery.damages, []);
    }

    #[test]
    fn arbitrary_segment_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let storage = MemoryStorage::new();
        let file = storage.create("wal/0000000000000001.wal").unwrap();
        file.write_at(0, &bytes).unwrap();
        let (_, _, found) = open(&storage);
        prop_assert_eq!(found, []);
    }
}
