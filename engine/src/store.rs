//! The life of one signal of one tenant: append to the log, apply to the head, flush the head to blocks, merge blocks,
//! drop blocks. Written once for all signals; what is special about a signal comes through [`Signal`].
//!
//! [`snapshot`] is the read side, [`upkeep`] the background work.

pub mod deletes;
pub mod snapshot;
pub mod upkeep;

pub use snapshot::{Block, Snapshot};
pub use upkeep::Upkeep;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::block::progress::Progress;
use crate::block::{BlockFile, BlockMeta};
use crate::cache::BlockCache;
use crate::compaction::CompactionOptions;
use crate::error::{Error, Result};
use crate::health::Health;
use crate::log::recovery::{Keep, Replayed};
use crate::log::{Log, Owner, Seq};
use crate::manifest::{Edit, Manifest};
use crate::retention::RetentionOptions;
use crate::signal::{HeadSize, Signal};
use crate::storage::{Storage, parent};
use crate::ticket::{Ticket, ticket};
use crate::tombstone::Tombstone;
use crate::wake::Wake;

/// When a store flushes, merges and drops.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// A head with more rows is flushed.
    pub flush_rows: u64,
    /// A head whose records take more bytes before compression is flushed.
    pub flush_record_bytes: u64,
    /// A head whose first record is older is flushed.
    pub flush_age_ms: i64,
    /// A head that keeps so many closed segments of the log from being released is flushed, however small it is.
    pub flush_lag_segments: usize,
    /// Merging.
    pub compaction: CompactionOptions,
    /// Dropping.
    pub retention: RetentionOptions,
    /// Free bytes a merge leaves untouched.
    pub merge_spares_bytes: u64,
    /// zstd level of blocks.
    pub zstd_level: i32,
}

impl Default for StoreOptions {
    fn default() -> StoreOptions {
        StoreOptions {
            flush_rows: 8_000_000,
            flush_record_bytes: 160 << 20,
            flush_age_ms: 2 * 3_600_000,
            flush_lag_segments: 32,
            compaction: CompactionOptions::default(),
            retention: RetentionOptions::default(),
            merge_spares_bytes: 64 << 20,
            zstd_level: 1,
        }
    }
}

impl StoreOptions {
    /// The defaults of stores of traces: a span takes more memory in a head than a sample.
    pub fn for_traces() -> StoreOptions {
        StoreOptions {
            flush_rows: 400_000,
            flush_record_bytes: 96 << 20,
            ..StoreOptions::default()
        }
    }
}

impl StoreOptions {
    /// The defaults of stores of logs: a head keeps the lines as they are.
    pub fn for_logs() -> StoreOptions {
        StoreOptions {
            flush_rows: 1_000_000,
            flush_record_bytes: 32 << 20,
            // A merge holds all ids of what it writes.
            compaction: CompactionOptions {
                bytes_max: 512 << 20,
                ..CompactionOptions::default()
            },
            ..StoreOptions::default()
        }
    }
}

/// How many times its flush size a head may reach while an earlier flush is still running.
pub const HEAD_GROWTH_MAX: u64 = 4;

/// What every store of a node shares.
#[derive(Clone)]
pub struct Shared {
    /// The data directory.
    pub storage: Arc<dyn Storage>,
    /// Whether writes are accepted.
    pub health: Arc<Health>,
    /// Bytes of blocks.
    pub cache: Arc<BlockCache>,
    /// Told when a head is full.
    pub full: Arc<Wake>,
}

/// One signal of one tenant.
pub struct Store<S: Signal> {
    shared: Shared,
    dir: String,
    owner: Owner,
    options: StoreOptions,
    /// Held shared from resolving a record to queueing it and exclusively while heads change, so that every record is
    /// applied to the head it was resolved against.
    gate: RwLock<()>,
    view: RwLock<View<S>>,
    /// How often rows were taken away: by deletion or by retention.
    removals: AtomicU64,
    manifest: Mutex<Manifest>,
    /// One flush at a time.
    flushing: Mutex<()>,
    /// One merge or drop at a time.
    merging: Mutex<()>,
}

/// What a snapshot copies.
struct View<S: Signal> {
    open: Arc<Head<S>>,
    sealed: Vec<Arc<Head<S>>>,
    blocks: Arc<Vec<Arc<Block<S>>>>,
    tombstones: Arc<Vec<Tombstone>>,
}

/// A head with its place in the log.
pub(crate) struct Head<S: Signal> {
    generation: u32,
    pub(crate) state: S::Head,
    records: AtomicU64,
    record_bytes: AtomicU64,
    /// Its last record, known once it is sealed.
    through: AtomicU64,
    first_seq: AtomicU64,
    /// When maintenance first saw records in it, [`i64::MIN`] before.
    seen_at_ms: AtomicI64,
    /// How far its flush is.
    written: Arc<Progress>,
}

impl<S: Signal> Head<S> {
    fn new(generation: u32, previous: Option<&S::Head>) -> Arc<Head<S>> {
        Arc::new(Head {
            generation,
            state: S::new_head(previous),
            records: AtomicU64::new(0),
            record_bytes: AtomicU64::new(0),
            through: AtomicU64::new(0),
            first_seq: AtomicU64::new(0),
            seen_at_ms: AtomicI64::new(i64::MIN),
            written: Arc::default(),
        })
    }

    /// Counts a record; what the head's records take now.
    fn note_record(&self, seq: Seq, bytes: usize) -> u64 {
        if self.records.fetch_add(1, Ordering::Relaxed) == 0 {
            self.first_seq.store(seq, Ordering::Relaxed);
        }
        self.through.fetch_max(seq, Ordering::Relaxed);
        self.record_bytes.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64
    }

    /// Bytes of its records, those left out of which its flush has written the rows.
    fn unwritten_bytes(&self) -> f64 {
        self.record_bytes.load(Ordering::Relaxed) as f64 * (1.0 - self.written.share())
    }
}

/// A block that had to be taken out of service at opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostBlock {
    /// Its file.
    pub path: String,
    /// Why.
    pub cause: String,
    /// Samples, spans or entries it held.
    pub rows: u64,
}

/// Counts and sizes of a store.
#[derive(Debug, Clone, Default)]
pub struct StoreStats {
    /// What the heads hold.
    pub head: HeadSize,
    /// Number of heads: one, and those being flushed.
    pub heads: usize,
    /// Number of blocks.
    pub blocks: usize,
    /// Bytes of all blocks.
    pub block_bytes: u64,
    /// Samples, spans or entries in blocks, duplicates across blocks counted twice.
    pub block_rows: u64,
}

impl<S: Signal> Store<S> {
    /// Opens the store of `tenant` below `dir`: manifest and blocks; records come through [`Store::replay`].
    ///
    /// # Errors
    /// I/O errors and an unreadable manifest. A block that cannot be opened is moved to `quarantine/` and reported.
    pub fn open(
        shared: Shared,
        dir: &str,
        tenant: &Arc<str>,
        options: StoreOptions,
    ) -> Result<(Store<S>, Vec<LostBlock>)> {
        let dir = format!("{dir}/{}", S::NAME);
        let mut manifest = Manifest::open(shared.storage.clone(), &dir)?;
        let blocks_dir = format!("{dir}/blocks");
        shared.storage.make_dir(&blocks_dir)?;
        let mut lost = Vec::new();
        let mut blocks = Vec::new();
        for meta in manifest.live().blocks.values() {
            match open_block::<S>(&shared, &block_path(&dir, meta.id)) {
                Ok(block) => blocks.push(block),
                Err(e @ Error::UnsupportedVersion { .. }) => return Err(e),
                Err(e) => lost.push((meta.clone(), e.to_string())),
            }
        }
        let lost = quarantine(&shared, &dir, &mut manifest, lost)?;
        for name in shared.storage.list(&blocks_dir)? {
            let live = file_number(&name).is_some_and(|id| manifest.live().blocks.contains_key(&id));
            if !live {
                shared.storage.delete(&format!("{blocks_dir}/{name}"))?;
            }
        }
        blocks.sort_by_key(|b: &Arc<Block<S>>| (b.meta().max_seq, b.meta().id));
        let open = Head::new(manifest.live().head_generation.max(1), None);
        let view = View {
            open,
            sealed: Vec::new(),
            blocks: Arc::new(blocks),
            tombstones: Arc::new(manifest.live().tombstones.values().cloned().collect()),
        };
        let owner = Owner {
            tenant: tenant.clone(),
            signal: S::ID,
        };
        let store = Store {
            shared,
            dir,
            owner,
            options,
            gate: RwLock::new(()),
            view: RwLock::new(view),
            removals: AtomicU64::new(0),
            manifest: Mutex::new(manifest),
            flushing: Mutex::new(()),
            merging: Mutex::new(()),
        };
        Ok((store, lost))
    }

    /// The place up to which the log's records are in blocks.
    pub fn flushed(&self) -> Seq {
        self.manifest.lock().live().flushed
    }

    /// Applies a record found in the log, in log order, before the store is written to.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the record does not decode.
    pub fn replay(&self, record: Replayed<'_>) -> Result<Keep> {
        if record.seq <= self.flushed() {
            return Ok(Keep::Flushed);
        }
        let mut view = self.view.write();
        if record.head_generation != view.open.generation {
            let sealed = std::mem::replace(&mut view.open, Head::new(record.head_generation, None));
            if sealed.records.load(Ordering::Relaxed) > 0 {
                view.sealed.push(sealed);
            }
        }
        let head = view.open.clone();
        drop(view);
        let decoded = S::decode(record.bytes).map_err(|malformed| Error::Corrupt {
            file: "wal".into(),
            offset: record.seq,
            what: malformed.0,
        })?;
        head.note_record(record.seq, record.bytes.len());
        S::apply(&head.state, decoded);
        Ok(Keep::Needed)
    }

    /// Queues `input` for the log. The ticket has the outcome once it is durable and applied.
    ///
    /// # Errors
    /// Those of [`Log::append`] and of the signal's resolution; nothing was queued then.
    pub fn append(&self, log: &Log, input: S::Input<'_>) -> Result<Ticket<S::Applied>> {
        let _resolving = self.gate.read();
        let head = self.view.read().open.clone();
        self.check_room(&head)?;
        let record = S::resolve(&head.state, input)?;
        let bytes = S::encode(&record);
        let len = bytes.len();
        let (completer, ticket) = ticket();
        let target = head.clone();
        let done = move |outcome: Result<Seq>| {
            completer.complete(outcome.map(|_| S::apply(&target.state, record)));
        };
        let seq = log.append(&self.owner, head.generation, bytes, Box::new(done))?;
        let held = head.note_record(seq, len);
        // Said by the record that crosses the line; what follows is flushed with it.
        if held >= self.options.flush_record_bytes && held - (len as u64) < self.options.flush_record_bytes {
            self.shared.full.tell();
        }
        Ok(ticket)
    }

    /// Refuses writes while flushes do not keep up, so that the head stays bounded.
    fn check_room(&self, head: &Head<S>) -> Result<()> {
        let queued_bytes = head.record_bytes.load(Ordering::Relaxed);
        let limit_bytes = self.options.flush_record_bytes.saturating_mul(HEAD_GROWTH_MAX);
        if queued_bytes > limit_bytes {
            return Err(Error::Overloaded {
                queued_bytes,
                limit_bytes,
            });
        }
        Ok(())
    }

    /// How far flushes are behind the writers: bytes of the records that flushes have not written yet, as a share of the size
    /// at which a head is flushed. It grows with what is written and shrinks with what is flushed, little by little; up to 1
    /// there is nothing to flush.
    pub fn behind(&self) -> f64 {
        let view = self.view.read();
        let heads = view.sealed.iter().chain([&view.open]);
        let unwritten: f64 = heads.map(|head| head.unwritten_bytes()).sum();
        unwritten / self.options.flush_record_bytes.max(1) as f64
    }

    /// The metas of the live blocks in log order.
    pub fn blocks(&self) -> Vec<BlockMeta> {
        self.view.read().blocks.iter().map(|b| b.meta().clone()).collect()
    }

    /// Bytes of the records that are in no block yet.
    pub fn unflushed_bytes(&self) -> u64 {
        let view = self.view.read();
        let heads = view.sealed.iter().chain([&view.open]);
        heads.map(|head| head.record_bytes.load(Ordering::Relaxed)).sum()
    }

    /// Counts and sizes.
    pub fn stats(&self) -> StoreStats {
        let view = self.view.read();
        let mut stats = StoreStats {
            heads: 1 + view.sealed.len(),
            ..StoreStats::default()
        };
        for head in view.sealed.iter().chain([&view.open]) {
            let size = S::head_size(&head.state);
            stats.head.rows += size.rows;
            stats.head.groups += size.groups;
            stats.head.bytes += size.bytes;
        }
        for block in view.blocks.iter() {
            stats.blocks += 1;
            stats.block_bytes += block.meta().bytes;
            stats.block_rows += block.meta().rows;
        }
        stats
    }

    /// Verifies every checksum of every block; the errors name the blocks.
    pub fn verify(&self) -> Vec<Error> {
        let blocks = self.view.read().blocks.clone();
        blocks
            .iter()
            .filter_map(|block| block.file().verify().err())
            .collect()
    }
}

fn block_path(dir: &str, id: u64) -> String {
    format!("{dir}/blocks/{id:016}.blk")
}

fn file_number(name: &str) -> Option<u64> {
    name.strip_suffix(".blk")?.parse().ok()
}

fn open_block<S: Signal>(shared: &Shared, path: &str) -> Result<Arc<Block<S>>> {
    let file = BlockFile::open(shared.storage.as_ref(), path, shared.cache.clone())?;
    let index = S::open(&file)?;
    Ok(Block::new(file, index, shared.storage.clone()))
}

/// Moves blocks that cannot be opened out of the way and out of the manifest, so that the others go on serving.
fn quarantine(
    shared: &Shared,
    dir: &str,
    manifest: &mut Manifest,
    lost: Vec<(BlockMeta, String)>,
) -> Result<Vec<LostBlock>> {
    if lost.is_empty() {
        return Ok(Vec::new());
    }
    let target_dir = format!("{dir}/quarantine");
    shared.storage.make_dir(&target_dir)?;
    let mut reports = Vec::new();
    for (meta, cause) in &lost {
        let path = block_path(dir, meta.id);
        if shared.storage.exists(&path) {
            shared
                .storage
                .rename(&path, &format!("{target_dir}/{:016}.blk", meta.id))?;
        }
        reports.push(LostBlock {
            path,
            cause: cause.clone(),
            rows: meta.rows,
        });
    }
    shared.storage.sync_dir(&target_dir)?;
    shared.storage.sync_dir(parent(&block_path(dir, 0)))?;
    let remove = lost.iter().map(|(meta, _)| meta.id).collect();
    manifest.commit(&Edit {
        remove,
        ..Edit::default()
    })?;
    Ok(reports)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod toy;
