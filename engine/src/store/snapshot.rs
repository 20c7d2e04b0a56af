//! The read side of a store: an immutable list of heads and blocks that stays valid while flushes and merges go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Head, Store};
use crate::block::{BlockFile, BlockMeta};
use crate::signal::Signal;
use crate::storage::Storage;
use crate::tombstone::Tombstone;

/// A live or formerly live block; its file goes when it is neither live nor in any snapshot.
pub struct Block<S: Signal> {
    file: BlockFile,
    index: S::Index,
    storage: Arc<dyn Storage>,
    obsolete: AtomicBool,
}

impl<S: Signal> Block<S> {
    pub(super) fn new(file: BlockFile, index: S::Index, storage: Arc<dyn Storage>) -> Arc<Block<S>> {
        Arc::new(Block {
            file,
            index,
            storage,
            obsolete: AtomicBool::new(false),
        })
    }

    /// Identity and extent.
    pub fn meta(&self) -> &BlockMeta {
        self.file.meta()
    }

    /// The file.
    pub fn file(&self) -> &BlockFile {
        &self.file
    }

    /// What the signal keeps of it in memory.
    pub fn index(&self) -> &S::Index {
        &self.index
    }

    /// Lets the file go with the last reference.
    pub(super) fn retire(&self) {
        self.obsolete.store(true, Ordering::Release);
    }
}

impl<S: Signal> Drop for Block<S> {
    fn drop(&mut self) {
        if self.obsolete.load(Ordering::Acquire) {
            // The manifest no longer names it; a file that stays is removed at the next opening.
            self.storage.delete(self.file.path()).ok();
        }
    }
}

/// Heads and blocks at one moment. The open head still takes records; each question reads it once, under its lock.
pub struct Snapshot<S: Signal> {
    pub(crate) heads: Vec<Arc<Head<S>>>,
    pub(crate) blocks: Arc<Vec<Arc<Block<S>>>>,
    pub(crate) tombstones: Arc<Vec<Tombstone>>,
}

impl<S: Signal> Clone for Snapshot<S> {
    fn clone(&self) -> Self {
        Snapshot {
            heads: self.heads.clone(),
            blocks: self.blocks.clone(),
            tombstones: self.tombstones.clone(),
        }
    }
}

impl<S: Signal> Snapshot<S> {
    /// The blocks that may hold rows between the two times, in log order.
    pub(crate) fn blocks_between(
        &self,
        min_time: i64,
        max_time: i64,
    ) -> impl Iterator<Item = &Arc<Block<S>>> {
        self.blocks
            .iter()
            .filter(move |b| b.meta().overlaps(min_time, max_time))
    }
}

impl<S: Signal> Snapshot<S> {
    /// The tombstones that may hide rows of a block, by number.
    pub(crate) fn tombstones_of(&self, block: &Block<S>) -> Vec<&Tombstone> {
        concerning(&self.tombstones, block.meta())
    }
}

pub(super) fn concerning<'t>(tombstones: &'t [Tombstone], block: &BlockMeta) -> Vec<&'t Tombstone> {
    tombstones.iter().filter(|t| t.concerns(block)).collect()
}

impl<S: Signal> Store<S> {
    /// The head that takes writes.
    pub(crate) fn open_head(&self) -> Arc<Head<S>> {
        self.view.read().open.clone()
    }

    /// How often rows were taken away by deletion or retention since the store was opened.
    pub fn removals(&self) -> u64 {
        self.removals.load(Ordering::Acquire)
    }

    /// What is applied now.
    pub fn snapshot(&self) -> Snapshot<S> {
        let view = self.view.read();
        let heads = view.sealed.iter().chain([&view.open]).cloned().collect();
        Snapshot {
            heads,
            blocks: view.blocks.clone(),
            tombstones: view.tombstones.clone(),
        }
    }
}
