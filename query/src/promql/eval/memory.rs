//! The memory account of one query: every byte that it holds, taken in coarse steps from a pool that all queries share.
//! Worker threads of the query use it as well. Not for what other work of a server may hold.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes by which an account grows: a query of a few series takes from the pool once.
const STEP: usize = 256 << 10;

/// Bytes an account keeps beyond what it holds before it gives them back.
const SPARE: usize = 8 * STEP;

/// The memory that all queries share.
pub trait MemoryPool: Send + Sync {
    /// Takes bytes, or says what is in the way.
    ///
    /// # Errors
    /// [`PoolEmpty`] when there are not so many left.
    fn take(&self, bytes: usize) -> Result<(), PoolEmpty>;

    /// Gives taken bytes back.
    fn give_back(&self, bytes: usize);
}

/// A pool that has not what it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolEmpty {
    /// Bytes it has in all.
    pub limit: usize,
    /// Bytes that are taken.
    pub taken: usize,
}

/// The limit of memory a query ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutOfMemory {
    /// That of the query itself.
    #[error("query processing would take {asked} bytes of memory, the limit of one query is {limit} bytes")]
    Query {
        /// The limit, in bytes.
        limit: usize,
        /// Bytes it would hold.
        asked: usize,
    },
    /// That of all queries together.
    #[error(
        "query processing would take {asked} bytes of memory while all queries hold {taken}, the limit of all queries together is {limit} bytes"
    )]
    Node {
        /// The limit, in bytes.
        limit: usize,
        /// Bytes taken by all queries, this one included.
        taken: usize,
        /// Bytes this query would hold.
        asked: usize,
    },
}

/// What one query holds. It gives everything back when it is dropped.
pub struct Account {
    limit: usize,
    pool: Option<Arc<dyn MemoryPool>>,
    held: AtomicUsize,
    peak: AtomicUsize,
    /// Bytes taken from the pool, never below `held` for long.
    taken: AtomicUsize,
    growing: Mutex<()>,
    samples_read: AtomicU64,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.held(), self.limit)
    }
}

impl Default for Account {
    /// An account without limits.
    fn default() -> Account {
        Account::new(usize::MAX, None)
    }
}

impl Account {
    /// An account of at most `limit` bytes, taken from `pool`.
    pub fn new(limit: usize, pool: Option<Arc<dyn MemoryPool>>) -> Account {
        Account {
            limit,
            pool,
            held: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            taken: AtomicUsize::new(0),
            growing: Mutex::new(()),
            samples_read: AtomicU64::new(0),
        }
    }

    /// Takes account of bytes that are about to be allocated.
    ///
    /// # Errors
    /// The limit that is in the way; nothing is held then.
    pub fn reserve(&self, bytes: usize) -> Result<(), OutOfMemory> {
        let before = self.held.fetch_add(bytes, Ordering::Relaxed);
        let held = before.saturating_add(bytes);
        if held > self.limit {
            self.held.fetch_sub(bytes, Ordering::Relaxed);
            return Err(OutOfMemory::Query {
                limit: self.limit,
                asked: held,
            });
        }
        if held > self.taken.load(Ordering::Relaxed)
            && let Err(empty) = self.grow()
        {
            self.held.fetch_sub(bytes, Ordering::Relaxed);
            return Err(OutOfMemory::Node {
                limit: empty.limit,
                taken: empty.taken,
                asked: held,
            });
        }
        self.peak.fetch_max(held, Ordering::Relaxed);
        Ok(())
    }

    /// Takes what is missing from the pool, in whole steps where it has them.
    fn grow(&self) -> Result<(), PoolEmpty> {
        let Some(pool) = &self.pool else {
            return Ok(());
        };
        let _growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let (held, taken) = (
            self.held.load(Ordering::Relaxed),
            self.taken.load(Ordering::Relaxed),
        );
        let Some(missing) = held.checked_sub(taken).filter(|missing| *missing > 0) else {
            return Ok(());
        };
        let wanted = missing.next_multiple_of(STEP);
        let got = match pool.take(wanted) {
            Ok(()) => wanted,
            Err(_) => pool.take(missing).map(|()| missing)?,
        };
        self.taken.fetch_add(got, Ordering::Relaxed);
        Ok(())
    }

    /// Gives reserved bytes back.
    pub fn release(&self, bytes: usize) {
        let before = self.held.fetch_sub(bytes, Ordering::Relaxed);
        debug_assert!(before >= bytes, "released more than was reserved");
        let held = before.saturating_sub(bytes);
        if self.taken.load(Ordering::Relaxed).saturating_sub(held) > 2 * SPARE {
            self.shrink();
        }
    }

    fn shrink(&self) {
        let Some(pool) = &self.pool else { return };
        let _growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let held = self.held.load(Ordering::Relaxed);
        let spare = self.taken.load(Ordering::Relaxed).saturating_sub(held);
        if let Some(surplus) = spare.checked_sub(SPARE) {
            self.taken.fetch_sub(surplus, Ordering::Relaxed);
            pool.give_back(surplus);
        }
    }

    /// Forgets everything held but these bytes: the query is done and its answer is left.
    pub fn keep(&self, bytes: usize) {
        let Some(pool) = &self.pool else {
            self.held.store(bytes, Ordering::Relaxed);
            return;
        };
        let _growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        self.held.store(bytes, Ordering::Relaxed);
        let surplus = self.taken.load(Ordering::Relaxed).saturating_sub(bytes);
        self.taken.fetch_sub(surplus, Ordering::Relaxed);
        pool.give_back(surplus);
    }

    /// Counts samples decoded from the store.
    pub fn count_read(&self, samples: u64) {
        self.samples_read.fetch_add(samples, Ordering::Relaxed);
    }

    /// Most bytes it may hold.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes held now.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Most bytes held at once so far.
    pub fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    /// Samples decoded from the store so far.
    pub fn samples_read(&self) -> u64 {
        self.samples_read.load(Ordering::Relaxed)
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if let Some(pool) = &self.pool {
            pool.give_back(*self.taken.get_mut());
        }
    }
}

#[cfg(test)]
mod tests;
