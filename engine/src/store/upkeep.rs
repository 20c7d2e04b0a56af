//! The background work of a store: seal and flush heads, drop blocks past retention, merge blocks. Called with the time
//! by whoever owns the clock. Flushes and merges exclude their own kind only, so a long merge never lets a head grow.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::snapshot::concerning;
use super::{Block, Head, Store, block_path, open_block};
use crate::block::writer::Written;
use crate::block::{BlockMeta, BlockWriter, Level, Temperature};
use crate::compaction::{self, COLD, Merge};
use crate::error::{Error, Result};
use crate::log::{Log, Seq};
use crate::manifest::Edit;
use crate::retention::{self, RetentionOptions};
use crate::signal::{MergeInput, Signal};

/// Merges of as many blocks as one takes that may be put off.
const MERGE_PUT_OFF_MAX: usize = 2;

/// What one round of upkeep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// Heads flushed.
    pub flushed_heads: u64,
    /// Blocks written by flushes.
    pub flushed_blocks: u64,
    /// Merges done.
    pub merges: u64,
    /// Blocks dropped by retention.
    pub dropped_blocks: u64,
}

impl Upkeep {
    /// Adds another round.
    pub fn add(&mut self, other: Upkeep) {
        self.flushed_heads += other.flushed_heads;
        self.flushed_blocks += other.flushed_blocks;
        self.merges += other.merges;
        self.dropped_blocks += other.dropped_blocks;
    }
}

/// Where a new block comes from.
struct Origin {
    day: i64,
    level: Level,
    min_seq: Seq,
    max_seq: Seq,
    temperature: Temperature,
}

impl<S: Signal> Store<S> {
    /// Flushes the head if it is due, and what an earlier flush left.
    ///
    /// # Errors
    /// The first error; what was done before it stays done.
    pub fn flush_due(&self, log: &Log, now_ms: i64) -> Result<Upkeep> {
        let _one_at_a_time = self.flushing.lock();
        let mut done = Upkeep::default();
        if self.flush_is_due(log, now_ms) {
            self.seal(log);
        }
        self.flush_sealed(log, &mut done)?;
        Ok(done)
    }

    /// Drops blocks past retention and does at most one merge. Flushes go on meanwhile; while they are behind, merges are put
    /// off, which makes them larger, until there are many blocks.
    ///
    /// # Errors
    /// The first error; what was done before it stays done.
    pub fn merge_due(&self, now_ms: i64) -> Result<Upkeep> {
        let _one_at_a_time = self.merging.lock();
        let mut done = Upkeep::default();
        self.drop_expired(now_ms, &self.options.retention, &mut done)?;
        let today = S::day_of(now_ms.saturating_mul(S::UNITS_PER_MS));
        let (blocks, options) = (self.blocks(), &self.options.compaction);
        let can_wait =
            blocks.iter().filter(|b| b.level == 0).count() < MERGE_PUT_OFF_MAX * options.inputs_max;
        let planned = match can_wait && self.behind() > 1.0 {
            true => None,
            false => compaction::plan(&blocks, today, &self.coming_days(), options),
        };
        if let Some(merge) = planned.filter(|merge| self.has_room_for(merge)) {
            self.merge(&merge)?;
            done.merges += 1;
        }
        self.forget_spent()?;
        Ok(done)
    }

    /// Flushes whatever the heads hold.
    pub fn flush(&self, log: &Log) -> Result<Upkeep> {
        let _one_at_a_time = self.flushing.lock();
        let mut done = Upkeep::default();
        self.seal(log);
        self.flush_sealed(log, &mut done)?;
        Ok(done)
    }

    /// Merges until every day is one block, as far as sizes allow.
    pub fn compact(&self) -> Result<Upkeep> {
        let _one_at_a_time = self.merging.lock();
        let mut done = Upkeep::default();
        while let Some(merge) = compaction::plan_full(&self.blocks(), &self.options.compaction) {
            self.merge(&merge)?;
            done.merges += 1;
        }
        Ok(done)
    }

    /// Drops blocks past retention, or past what `retention` says instead of the settings.
    pub fn retain(&self, now_ms: i64, retention: Option<RetentionOptions>) -> Result<Upkeep> {
        let _one_at_a_time = self.merging.lock();
        let mut done = Upkeep::default();
        self.drop_expired(now_ms, &retention.unwrap_or(self.options.retention), &mut done)?;
        Ok(done)
    }

    /// UTC days of rows that are in no block yet.
    fn coming_days(&self) -> Vec<i64> {
        let view = self.view.read();
        let heads = view.sealed.iter().chain([&view.open]);
        heads.flat_map(|head| S::days(&head.state)).collect()
    }

    fn flush_is_due(&self, log: &Log, now_ms: i64) -> bool {
        let head = self.view.read().open.clone();
        if head.records.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let first_seen = head.seen_at_ms.fetch_max(now_ms, Ordering::Relaxed);
        if first_seen != i64::MIN {
            // Later looks must not move the moment it was first seen.
            head.seen_at_ms.store(first_seen, Ordering::Relaxed);
        }
        let age = now_ms.saturating_sub(if first_seen == i64::MIN {
            now_ms
        } else {
            first_seen
        });
        age >= self.options.flush_age_ms
            || head.record_bytes.load(Ordering::Relaxed) >= self.options.flush_record_bytes
            || S::head_rows(&head.state) >= self.options.flush_rows
            || log.segments_since(head.first_seq.load(Ordering::Relaxed)) >= self.options.flush_lag_segments
    }

    /// Begins a new head; the old one gets no more records once those queued are applied.
    pub(super) fn seal(&self, log: &Log) {
        let _no_resolving = self.gate.write();
        let mut view = self.view.write();
        if view.open.records.load(Ordering::Relaxed) == 0 {
            return;
        }
        view.open.through.fetch_max(log.newest_seq(), Ordering::Relaxed);
        let fresh = Head::new(view.open.generation + 1, Some(&view.open.state));
        let sealed = std::mem::replace(&mut view.open, fresh);
        view.sealed.push(sealed);
    }

    pub(super) fn flush_sealed(&self, log: &Log, done: &mut Upkeep) -> Result<()> {
        loop {
            let Some(head) = self.view.read().sealed.first().cloned() else {
                return Ok(());
            };
            let through = head.through.load(Ordering::Relaxed);
            log.commit_through(through);
            let blocks = self.write_head(&head, through)?;
            done.flushed_heads += 1;
            done.flushed_blocks += blocks.len() as u64;
            let edit = Edit {
                add: blocks.iter().map(|b| b.meta().clone()).collect(),
                remove: Vec::new(),
                flushed: Some(through),
                head_generation: Some(head.generation + 1),
                ..Edit::default()
            };
            self.publish(&edit, blocks, Some(&head))?;
            log.flushed(&self.owner, through);
        }
    }

    fn write_head(&self, head: &Head<S>, through: Seq) -> Result<Vec<Arc<Block<S>>>> {
        let mut blocks = Vec::new();
        head.written.begin(S::head_rows(&head.state));
        for day in S::days(&head.state) {
            let min_seq = head.first_seq.load(Ordering::Relaxed).min(through);
            let origin = Origin {
                day,
                level: 0,
                min_seq,
                max_seq: through,
                temperature: Temperature::Young,
            };
            match self.write_block(&origin, |writer| {
                writer.tell(&head.written);
                S::flush(&head.state, day, writer)
            }) {
                Ok(block) => blocks.push(block),
                Err(e) => {
                    discard(&blocks);
                    return Err(e);
                }
            }
        }
        Ok(blocks)
    }

    fn write_block(
        &self,
        origin: &Origin,
        fill: impl FnOnce(&mut BlockWriter) -> Result<Written>,
    ) -> Result<Arc<Block<S>>> {
        let storage = self.shared.storage.as_ref();
        let id = self.manifest.lock().allocate_block();
        let path = block_path(&self.dir, id);
        let meta = BlockMeta {
            id,
            level: origin.level,
            day: origin.day,
            min_time: 0,
            max_time: 0,
            min_seq: origin.min_seq,
            max_seq: origin.max_seq,
            rows: 0,
            groups: 0,
            bytes: 0,
        };
        let written = (|| {
            let mut writer =
                BlockWriter::create(storage, &path, self.options.zstd_level, origin.temperature)?;
            let written = fill(&mut writer)?;
            writer.finish(storage, meta, written)?;
            open_block(&self.shared, &path)
        })();
        written.inspect_err(|e: &Error| {
            self.shared.health.write_failed(e);
            storage.delete(&path).ok();
        })
    }

    /// A merge can wait; taking the last space for it would stop the writes.
    fn has_room_for(&self, merge: &Merge) -> bool {
        let blocks = self.blocks();
        let inputs = blocks.iter().filter(|b| merge.inputs.contains(&b.id));
        let needed = inputs
            .map(|b| b.bytes)
            .fold(self.options.merge_spares_bytes, u64::saturating_add);
        self.shared.storage.free_bytes().is_ok_and(|free| free > needed)
    }

    pub(super) fn merge(&self, merge: &Merge) -> Result<()> {
        let blocks = self.view.read().blocks.clone();
        let wanted: BTreeSet<u64> = merge.inputs.iter().copied().collect();
        // The view is in log order, and so must the inputs be.
        let inputs: Vec<&Arc<Block<S>>> = blocks.iter().filter(|b| wanted.contains(&b.meta().id)).collect();
        let origin = Origin {
            day: merge.day,
            level: merge.level,
            min_seq: inputs.iter().map(|b| b.meta().min_seq).min().unwrap_or(0),
            max_seq: inputs.iter().map(|b| b.meta().max_seq).max().unwrap_or(0),
            temperature: if merge.level >= COLD {
                Temperature::Cold
            } else {
                Temperature::Settled
            },
        };
        let tombstones = self.view.read().tombstones.clone();
        let parts: Vec<MergeInput<'_, S>> = inputs
            .iter()
            .map(|b| MergeInput {
                file: b.file(),
                index: b.index(),
                tombstones: concerning(&tombstones, b.meta()),
            })
            .collect();
        let merged = self.write_block(&origin, |writer| S::merge(&parts, writer))?;
        let edit = Edit {
            add: vec![merged.meta().clone()],
            remove: merge.inputs.clone(),
            ..Edit::default()
        };
        self.publish(&edit, vec![merged], None)
    }

    fn drop_expired(&self, now_ms: i64, retention: &RetentionOptions, done: &mut Upkeep) -> Result<()> {
        let oldest_kept = retention
            .age_ms
            .map(|age| now_ms.saturating_sub(age).saturating_mul(S::UNITS_PER_MS));
        let remove = retention::expired(&self.blocks(), oldest_kept, retention.bytes);
        if remove.is_empty() {
            return Ok(());
        }
        done.dropped_blocks += remove.len() as u64;
        self.publish(
            &Edit {
                remove,
                ..Edit::default()
            },
            Vec::new(),
            None,
        )
    }

    /// Makes an edit durable, then lets readers see it.
    pub(super) fn publish(
        &self,
        edit: &Edit,
        add: Vec<Arc<Block<S>>>,
        flushed: Option<&Arc<Head<S>>>,
    ) -> Result<()> {
        let committed = self.manifest.lock().commit(edit);
        if let Err(e) = committed {
            self.shared.health.write_failed(&e);
            // After a failed sync the edit may have become durable: its blocks must stay for the next opening.
            if !matches!(e, Error::Io { doing: "sync", .. }) {
                discard(&add);
            }
            return Err(e);
        }
        let live_tombstones = self.manifest.lock().live().tombstones.values().cloned().collect();
        let mut view = self.view.write();
        view.tombstones = Arc::new(live_tombstones);
        let (gone, mut kept): (Vec<_>, Vec<_>) = view
            .blocks
            .iter()
            .cloned()
            .partition(|b| edit.remove.contains(&b.meta().id));
        kept.extend(add);
        kept.sort_by_key(|b| (b.meta().max_seq, b.meta().id));
        view.blocks = Arc::new(kept);
        if let Some(head) = flushed {
            view.sealed.retain(|h| !Arc::ptr_eq(h, head));
        }
        drop(view);
        let lost = !edit.remove.is_empty() && edit.add.is_empty();
        if lost || !edit.bury.is_empty() {
            self.removals.fetch_add(1, Ordering::Release);
        }
        gone.iter().for_each(|b| b.retire());
        Ok(())
    }
}

/// Lets files go that never became live.
fn discard<S: Signal>(blocks: &[Arc<Block<S>>]) {
    blocks.iter().for_each(|b| b.retire());
}
