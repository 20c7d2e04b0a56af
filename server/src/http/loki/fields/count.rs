//! How many different values there are: exact up to a number, then estimated from the smallest hashes. The answer depends on the
//! values alone, not on their order or how often they come.

use std::collections::BTreeSet;

use xxhash_rust::xxh3::xxh3_64;

/// Different values that are counted exactly. Beyond, the error is about 1 / sqrt of it.
const EXACT_MAX: usize = 1 << 14;

/// Bytes that a hash takes.
const HASH_BYTES: usize = 16;

/// Different values.
#[derive(Debug, Default)]
pub(super) struct Distinct {
    smallest: BTreeSet<u64>,
    has_more: bool,
}

impl Distinct {
    /// Adds a value; how many bytes of memory that took.
    pub(super) fn add(&mut self, value: &[u8]) -> usize {
        let hash = xxh3_64(value);
        let is_full = self.smallest.len() == EXACT_MAX;
        if is_full && self.smallest.last().is_some_and(|last| hash > *last) {
            self.has_more = true;
            return 0;
        }
        if !self.smallest.insert(hash) {
            return 0;
        }
        if is_full {
            self.smallest.pop_last();
            self.has_more = true;
            return 0;
        }
        HASH_BYTES
    }

    /// How many there are.
    pub(super) fn count(&self) -> i64 {
        let known = self.smallest.len();
        let exact = i64::try_from(known).unwrap_or(i64::MAX);
        match self.smallest.last() {
            Some(last) if self.has_more => {
                let share = *last as f64 / u64::MAX as f64;
                ((known - 1) as f64 / share).round() as i64
            }
            _ => exact,
        }
    }
}
