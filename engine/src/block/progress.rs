//! How far the writing of a head's blocks is, for who waits for it. Not for blocks that nobody waits for, such as those of merges.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the rows of a head that are written. Each is told of twice: when it is taken and when it is encoded.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    halves: AtomicU64,
    rows: AtomicU64,
}

impl Progress {
    /// Begins with none of so many rows.
    pub(crate) fn begin(&self, rows: u64) {
        self.halves.store(0, Ordering::Relaxed);
        self.rows.store(rows, Ordering::Relaxed);
    }

    /// Half of what is to do for some rows is done.
    #[inline]
    pub(crate) fn half_done(&self, rows: u64) {
        self.halves.fetch_add(rows, Ordering::Relaxed);
    }

    /// The share that is done, from 0 to 1; 0 before it begins.
    pub(crate) fn share(&self) -> f64 {
        let halves = 2 * self.rows.load(Ordering::Relaxed);
        let done = self.halves.load(Ordering::Relaxed).min(halves);
        if halves == 0 {
            return 0.0;
        }
        done as f64 / halves as f64
    }
}
