//! The cache of decompressed, verified bytes of blocks, bounded by weight and shared by every store of a node.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::error::Result;

/// Names a run of bytes: block, section, page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// Number of the opened block, unique in the process.
    pub block: u64,
    /// Kind of the section.
    pub section: u16,
    /// Page within a paged section, [`u32::MAX`] for a whole section.
    pub page: u32,
}

#[derive(Clone)]
struct ByLength;

impl Weighter<Key, Arc<[u8]>> for ByLength {
    fn weight(&self, _: &Key, bytes: &Arc<[u8]>) -> u64 {
        bytes.len() as u64 + 64
    }
}

/// A bounded cache of block bytes.
pub struct BlockCache {
    bytes: Cache<Key, Arc<[u8]>, ByLength>,
}

impl BlockCache {
    /// A cache of at most `capacity_bytes`.
    pub fn new(capacity_bytes: u64) -> BlockCache {
        let items = (capacity_bytes / (32 << 10)).clamp(64, 1 << 20) as usize;
        BlockCache {
            bytes: Cache::with_weighter(items, capacity_bytes, ByLength),
        }
    }

    /// The bytes under `key`, read by `read` when absent; concurrent callers read once.
    pub fn get_or_read(&self, key: Key, read: impl FnOnce() -> Result<Arc<[u8]>>) -> Result<Arc<[u8]>> {
        self.bytes.get_or_insert_with(&key, read)
    }

    /// Bytes held now.
    pub fn weight(&self) -> u64 {
        self.bytes.weight()
    }
}
