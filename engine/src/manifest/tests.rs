//! Tests of the manifest: every edit whole or not at all.

use super::*;
use crate::storage::{Crash, Fault, FaultKind, FaultyStorage, MemoryStorage};

fn block(id: u64) -> BlockMeta {
    BlockMeta {
        id,
        level: 0,
        day: 1,
        min_time: -1,
        max_time: i64::MAX,
        min_seq: 1,
        max_seq: id,
        rows: 3,
        groups: 1,
        bytes: 100,
    }
}

fn add(id: u64) -> Edit {
    Edit {
        add: vec![block(id)],
        flushed: Some(id),
        head_generation: Some(id as u32),
        ..Edit::default()
    }
}

#[test]
fn edits_come_back_after_reopening() {
    let storage = Arc::new(MemoryStorage::new());
    let mut manifest = Manifest::open(storage.clone(), "m").unwrap();
    let first = manifest.allocate_block();
    manifest.commit(&add(first)).unwrap();
    let second = manifest.allocate_block();
    manifest.commit(&add(second)).unwrap();
    manifest
        .commit(&Edit {
            remove: vec![first],
            ..Edit::default()
        })
        .unwrap();
    let live = manifest.live().clone();
    assert_eq!(live.blocks.keys().copied().collect::<Vec<_>>(), [second]);
    for _ in 0..3 {
        let manifest = Manifest::open(storage.clone(), "m").unwrap();
        assert_eq!(manifest.live(), &live);
        assert_eq!(storage.list("m").unwrap().len(), 1);
    }
}

#[test]
fn it_is_rewritten_before_it_grows_without_bound() {
    let storage = Arc::new(MemoryStorage::new());
    let mut manifest = Manifest::open(storage.clone(), "m").unwrap();
    for id in 1..30_000 {
        let remove = if id > 3 { vec![id - 3] } else { Vec::new() };
        manifest.commit(&Edit { remove, ..add(id) }).unwrap();
    }
    let live = manifest.live().clone();
    let name = storage.list("m").unwrap().remove(0);
    assert!(storage.open(&format!("m/{name}")).unwrap().len().unwrap() < 2 * REWRITE_FROM_BYTES);
    assert_eq!(Manifest::open(storage, "m").unwrap().live(), &live);
}

#[test]
fn a_crash_at_any_call_leaves_a_whole_state() {
    for at in 0..60 {
        for seed in 0..8 {
            let memory = MemoryStorage::new();
            let fault = Fault {
                at,
                kind: FaultKind::PowerCut,
            };
            let storage = Arc::new(FaultyStorage::new(Arc::new(memory.clone()), Some(fault)));
            let mut acked = 0;
            if let Ok(mut manifest) = Manifest::open(storage, "m") {
                for id in 1..20 {
                    if manifest.commit(&add(id)).is_err() {
                        break;
                    }
                    acked = id;
                }
            }
            let after = Manifest::open(Arc::new(memory.crash(Crash::Torn(seed))), "m").unwrap();
            let live = after.live();
            assert!(
                live.flushed == acked || live.flushed == acked + 1,
                "at {at} seed {seed}: {live:?}"
            );
            assert_eq!(live.blocks.len() as u64, live.flushed);
        }
    }
}

#[test]
fn damage_before_the_last_edit_is_an_error() {
    let storage = Arc::new(MemoryStorage::new());
    let mut manifest = Manifest::open(storage.clone(), "m").unwrap();
    manifest.commit(&add(1)).unwrap();
    manifest.commit(&add(2)).unwrap();
    storage.flip_bit("m/manifest-00000001", 8 * 45).unwrap();
    let refused = Manifest::open(storage, "m").err().unwrap();
    assert!(matches!(refused, Error::Corrupt { .. }), "{refused}");
}
