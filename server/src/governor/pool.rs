//! The memory that the queries of a node share. Not for what one query holds (see `Account`).

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use kymo_query::promql::eval::{MemoryPool, PoolEmpty};

/// Bytes that queries may take together.
#[derive(Debug)]
pub(crate) struct NodeMemory {
    limit: usize,
    taken: AtomicUsize,
    peak: AtomicUsize,
    refused: AtomicU64,
}

impl NodeMemory {
    /// A pool of so many bytes.
    pub(super) fn new(limit: u64) -> NodeMemory {
        NodeMemory {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            taken: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// All bytes.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes taken now.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Most bytes taken at once.
    pub(crate) fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    /// Times there was not enough.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

impl MemoryPool for NodeMemory {
    fn take(&self, bytes: usize) -> Result<(), PoolEmpty> {
        let grant = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= self.limit);
        match self
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, grant)
        {
            Ok(before) => {
                self.peak.fetch_max(before + bytes, Ordering::Relaxed);
                Ok(())
            }
            Err(taken) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(PoolEmpty {
                    limit: self.limit,
                    taken,
                })
            }
        }
    }

    fn give_back(&self, bytes: usize) {
        self.taken.fetch_sub(bytes, Ordering::Relaxed);
    }
}
