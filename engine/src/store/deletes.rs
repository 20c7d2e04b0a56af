//! Deletion: a tombstone hides rows at once; cleaning rewrites the blocks without them. And the copy of a store's blocks
//! that a snapshot of the node is made of.

use std::sync::Arc;

use super::{Block, Store, block_path};
use crate::block::BlockMeta;
use crate::compaction::Merge;
use crate::error::Result;
use crate::log::Log;
use crate::manifest::{Edit, Manifest};
use crate::signal::Signal;
use crate::tombstone::Tombstone;

impl<S: Signal> Store<S> {
    /// Hides the rows that each of `what` names, in the signal's own encoding, between the times, both inclusive, in the
    /// signal's unit. Only rows written before the call are concerned: heads are flushed first, so that what is hidden is
    /// told from what comes later by its place in the log.
    ///
    /// # Errors
    /// Those of a flush and of the manifest; then nothing is hidden.
    pub fn delete(&self, log: &Log, min_time: i64, max_time: i64, what: Vec<Vec<u8>>) -> Result<()> {
        self.shared.health.check_writable()?;
        let _one_at_a_time = self.flushing.lock();
        self.seal(log);
        self.flush_sealed(log, &mut super::Upkeep::default())?;
        let mut bury = Vec::with_capacity(what.len());
        for what in what {
            let mut manifest = self.manifest.lock();
            bury.push(Tombstone {
                id: manifest.allocate_block(),
                seq: manifest.live().flushed,
                min_time,
                max_time,
                what,
            });
        }
        let edit = Edit {
            bury,
            ..Edit::default()
        };
        self.publish(&edit, Vec::new(), None)
    }

    /// Rewrites the blocks that tombstones concern without the rows they hide, then forgets the tombstones.
    ///
    /// # Errors
    /// The first error; blocks rewritten before it stay so, and all tombstones stay.
    pub fn clean(&self) -> Result<u64> {
        let tombstones = self.view.read().tombstones.clone();
        let all: Vec<u64> = tombstones.iter().map(|t| t.id).collect();
        self.clean_of(&all, &mut |_, _| {})
    }

    /// The same for some tombstones; `told` is called with how many blocks are rewritten and how many will be.
    ///
    /// # Errors
    /// The first error; blocks rewritten before it stay so, and all tombstones stay.
    pub fn clean_of(&self, ids: &[u64], told: &mut dyn FnMut(u64, u64)) -> Result<u64> {
        let _one_at_a_time = self.merging.lock();
        let tombstones = self.view.read().tombstones.clone();
        let meant: Vec<&Tombstone> = tombstones.iter().filter(|t| ids.contains(&t.id)).collect();
        let concerned = |meta: &BlockMeta| meant.iter().any(|t| t.concerns(meta));
        let blocks: Vec<BlockMeta> = self.blocks().into_iter().filter(|b| concerned(b)).collect();
        for (n, block) in blocks.iter().enumerate() {
            told(n as u64, blocks.len() as u64);
            self.merge(&Merge {
                inputs: vec![block.id],
                day: block.day,
                level: block.level,
            })?;
        }
        self.forget(meant.iter().map(|t| t.id).collect())?;
        Ok(blocks.len() as u64)
    }

    /// Takes deletions back: rows they hide that no merge has left out yet are there again.
    ///
    /// # Errors
    /// Those of the manifest; then they are in force.
    pub fn take_back(&self, ids: &[u64]) -> Result<()> {
        self.shared.health.check_writable()?;
        // A merge or a cleaning in work may be about to leave the rows out.
        let _no_merge = self.merging.lock();
        self.forget(ids.to_vec())
    }

    fn forget(&self, forget: Vec<u64>) -> Result<()> {
        if forget.is_empty() {
            return Ok(());
        }
        let edit = Edit {
            forget,
            ..Edit::default()
        };
        self.publish(&edit, Vec::new(), None)
    }

    /// Forgets the tombstones that concern no block any more: merges and retention took what they hid. No block they
    /// concern can come, because what they concern was flushed before they were made.
    pub(super) fn forget_spent(&self) -> Result<()> {
        let (tombstones, blocks) = {
            let view = self.view.read();
            (view.tombstones.clone(), view.blocks.clone())
        };
        let spent = |t: &&Tombstone| !blocks.iter().any(|b| t.concerns(b.meta()));
        self.forget(tombstones.iter().filter(spent).map(|t| t.id).collect())
    }

    /// The tombstones in force.
    pub fn tombstones(&self) -> Vec<Tombstone> {
        self.view.read().tombstones.to_vec()
    }

    /// Puts links to the live blocks and a manifest that names them below `dir`, as the store of a data directory.
    ///
    /// # Errors
    /// I/O errors; what was put there stays.
    pub fn copy_blocks(&self, dir: &str) -> Result<u64> {
        // The manifest's lock keeps blocks and tombstones of one moment together; the handles keep the files.
        let (live, blocks): (_, Vec<Arc<Block<S>>>) = {
            let manifest = self.manifest.lock();
            (manifest.live().clone(), self.view.read().blocks.to_vec())
        };
        let storage = &self.shared.storage;
        let dir = format!("{dir}/{}", S::NAME);
        storage.make_dir(&format!("{dir}/blocks"))?;
        let mut edit = Edit {
            flushed: Some(live.flushed),
            head_generation: Some(live.head_generation),
            bury: live.tombstones.into_values().collect(),
            ..Edit::default()
        };
        for block in &blocks {
            let meta = block.meta();
            storage.link(block.file().path(), &block_path(&dir, meta.id))?;
            edit.add.push(meta.clone());
        }
        storage.sync_dir(&format!("{dir}/blocks"))?;
        Manifest::open(storage.clone(), &dir)?.commit(&edit)?;
        Ok(blocks.len() as u64)
    }
}
