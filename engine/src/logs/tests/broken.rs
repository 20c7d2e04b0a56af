//! What acknowledged lines survive: a failure, a torn write or a power cut at any call to the storage; and flipped bits, which
//! are reported and never answered with. And headers that lie although their checksum holds.

use std::sync::Arc;

use super::everything;
use crate::error::Error;
use crate::labels::Labels;
use crate::logs::block::header::GroupHeader;
use crate::logs::{Batch, BatchBuilder, NO_SET};
use crate::node::{Node, NodeOptions};
use crate::storage::{Crash, Fault, FaultKind, FaultyStorage, MemoryStorage, Storage};

fn options() -> NodeOptions {
    let mut options = NodeOptions {
        reserve_bytes: 0,
        free_bytes_min: 0,
        ..NodeOptions::default()
    };
    options.log.segment_bytes = 16 << 10;
    options
}

fn line(round: u8, n: u8) -> Vec<u8> {
    match n % 3 {
        0 => format!("{{\"round\":{round},\"id\":\"{n:032x}\"}}").into_bytes(),
        1 => format!("round={round} took={n}ms").into_bytes(),
        _ => vec![round, n, 0xff],
    }
}

fn batch(round: u8) -> Batch {
    let mut b = BatchBuilder::default();
    for n in 0..6u8 {
        let stream = b.stream(Labels::from_pairs([("app", ["a", "b"][usize::from(n % 2)])]));
        let set = b.set(NO_SET, [("n", format!("{n}").as_str())]);
        b.push(
            stream,
            i64::from(round) * 1_000 + i64::from(n),
            set,
            &line(round, n),
        );
    }
    b.build()
}

fn append(node: &Node, round: u8) -> Result<(), Error> {
    let tenant = node.tenant("t")?;
    let ticket = tenant.logs.append(node.log(), Arc::new(batch(round)))?;
    node.log().commit();
    ticket.wait().map(|_| ())
}

/// Writes, flushes and merges; which rounds were acknowledged.
fn life(storage: Arc<dyn Storage>) -> Vec<u8> {
    let Ok((node, _)) = Node::open(storage, options()) else {
        return Vec::new();
    };
    let mut acked = Vec::new();
    for round in 0..6u8 {
        if append(&node, round).is_ok() {
            acked.push(round);
        }
        if round % 2 == 1 {
            node.flush().ok();
        }
        if round == 4 {
            node.compact().ok();
        }
    }
    acked
}

/// All that a node answers, or the error that it reports.
fn answers(node: &Node) -> Result<Vec<(i64, Vec<u8>, String)>, Error> {
    let mut all = Vec::new();
    let Some(db) = node.existing_tenant("t") else {
        return Ok(all);
    };
    for part in db.logs.snapshot().scan(&everything())? {
        for stream in part.load()? {
            for (row, time) in stream.rows.times().iter().enumerate() {
                let metadata = format!(
                    "{:?} {:?}",
                    stream.labels,
                    stream.rows.metadata(row).collect::<Vec<_>>()
                );
                all.push((*time, stream.rows.line(row).to_vec(), metadata));
            }
        }
    }
    all.sort();
    Ok(all)
}

#[track_caller]
fn check(storage: &MemoryStorage, acked: &[u8], context: &str) {
    let (node, _) = Node::open(Arc::new(storage.clone()), options()).unwrap();
    for merged in [false, true] {
        if merged {
            node.flush().unwrap();
            node.compact().unwrap();
        }
        let found = answers(&node).unwrap();
        for round in acked {
            for n in 0..6 {
                let wanted = (i64::from(*round) * 1_000 + i64::from(n), line(*round, n));
                let there = found
                    .iter()
                    .filter(|e| (e.0, &e.1) == (wanted.0, &wanted.1))
                    .count();
                assert_eq!(there, 1, "{context}: round {round}, line {n}, merged {merged}");
            }
        }
    }
}

#[test]
fn acknowledged_lines_survive_any_failure() {
    let calls = {
        let storage = Arc::new(FaultyStorage::new(Arc::new(MemoryStorage::new()), None));
        assert_eq!(life(storage.clone()), [0, 1, 2, 3, 4, 5]);
        storage.calls()
    };
    for at in 0..calls {
        for kind in [FaultKind::Fail, FaultKind::Tear, FaultKind::PowerCut] {
            let memory = MemoryStorage::new();
            let fault = Fault { at, kind };
            let acked = life(Arc::new(FaultyStorage::new(
                Arc::new(memory.clone()),
                Some(fault),
            )));
            for crash in [Crash::DropUnsynced, Crash::Torn(at)] {
                let context = format!("{kind:?} at call {at}, {crash:?}");
                check(&memory.crash(crash), &acked, &context);
            }
        }
    }
}

#[test]
fn flipped_bits_are_reported_and_never_answered_with() {
    let memory = MemoryStorage::new();
    life(Arc::new(memory.clone()));
    let (node, _) = Node::open(Arc::new(memory.clone()), options()).unwrap();
    node.flush().unwrap();
    node.compact().unwrap();
    let right = answers(&node).unwrap();
    drop(node);
    let dir = "tenants/t/logs/blocks";
    let path = format!("{dir}/{}", memory.list(dir).unwrap()[0]);
    let bits = memory.open(&path).unwrap().len().unwrap() * 8;
    for bit in (0..bits).step_by(7) {
        let broken = memory.crash(Crash::KeepUnsynced);
        broken.flip_bit(&path, bit).unwrap();
        let (node, recovery) = match Node::open(Arc::new(broken), options()) {
            Err(Error::UnsupportedVersion { .. }) => continue,
            opened => opened.unwrap(),
        };
        if !recovery.lost_blocks.is_empty() {
            continue;
        }
        match answers(&node) {
            Ok(found) => assert!(found == right, "bit {bit}"),
            Err(e) => assert!(matches!(e, Error::Corrupt { .. }), "bit {bit}: {e}"),
        }
    }
}

#[test]
fn headers_that_lie_are_refused_or_read_without_panic() {
    let storage = MemoryStorage::new();
    life(Arc::new(storage.clone()));
    let (node, _) = Node::open(Arc::new(storage), options()).unwrap();
    node.compact().unwrap();
    let snapshot = node.tenant("t").unwrap().logs.snapshot();
    let bytes = snapshot.blocks[0].file().page(202, 0).unwrap();
    assert!(GroupHeader::decode(&bytes).is_ok());
    for at in 0..bytes.len() {
        assert!(GroupHeader::decode(&bytes[..at]).is_err());
        for byte in [0, 1, 2, 0x7f, 0x80, 0xff] {
            let mut damaged = bytes.to_vec();
            damaged[at] = byte;
            GroupHeader::decode(&damaged).ok();
        }
    }
}
