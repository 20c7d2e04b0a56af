//! The cache of decompressed, verified bytes of blocks and of what is made of them, bounded by weight and shared by every store
//! of a node.

use std::any::Any;
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

/// What was made of bytes, and about how many it takes itself.
#[derive(Clone)]
struct Made {
    what: Arc<dyn Any + Send + Sync>,
    bytes: u64,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Made> for ByBytes {
    fn weight(&self, _: &Key, made: &Made) -> u64 {
        made.bytes + 64
    }
}

/// A bounded cache of block bytes, and one of what is made of them.
pub struct BlockCache {
    bytes: Cache<Key, Arc<[u8]>, ByLength>,
    made: Cache<Key, Made, ByBytes>,
}

impl BlockCache {
    /// A cache of at most `capacity_bytes` for bytes, and of as many for what is made of them.
    pub fn new(capacity_bytes: u64) -> BlockCache {
        let items = (capacity_bytes / (32 << 10)).clamp(64, 1 << 20) as usize;
        BlockCache {
            bytes: Cache::with_weighter(items, capacity_bytes, ByLength),
            made: Cache::with_weighter(items, capacity_bytes, ByBytes),
        }
    }

    /// The bytes under `key`, read by `read` when absent; concurrent callers read once.
    pub fn get_or_read(&self, key: Key, read: impl FnOnce() -> Result<Arc<[u8]>>) -> Result<Arc<[u8]>> {
        self.bytes.get_or_insert_with(&key, read)
    }

    /// What was made under `key`, made by `make` when absent, which tells about how many bytes it takes. One key is of one type.
    pub fn get_or_make<T: Any + Send + Sync>(
        &self,
        key: Key,
        make: impl Fn() -> Result<(T, usize)>,
    ) -> Result<Arc<T>> {
        let made = self.made.get_or_insert_with(&key, || {
            let (what, bytes) = make()?;
            Ok::<_, crate::Error>(Made {
                what: Arc::new(what),
                bytes: bytes as u64,
            })
        })?;
        match made.what.downcast::<T>() {
            Ok(what) => Ok(what),
            Err(_) => Ok(Arc::new(make()?.0)),
        }
    }

    /// Bytes held now.
    pub fn weight(&self) -> u64 {
        self.bytes.weight() + self.made.weight()
    }
}
