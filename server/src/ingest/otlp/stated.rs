//! Which metadata was stated a short while ago, so that a sender that states it with every export costs little.

use std::collections::HashMap;

use parking_lot::Mutex;

/// How long a statement need not be repeated, in milliseconds.
const FRESH_MS: i64 = 600_000;

/// Statements kept; beyond them all are forgotten and made again.
const STATEMENTS_MAX: usize = 200_000;

/// Statements by their hash, and when each was passed on last.
#[derive(Debug, Default)]
pub(crate) struct Stated(Mutex<HashMap<u128, i64>>);

impl Stated {
    /// True when a statement is to be passed on at `now_ms`, which is noted.
    pub(super) fn is_due(&self, statement: u128, now_ms: i64) -> bool {
        let mut all = self.0.lock();
        if let Some(at) = all.get_mut(&statement) {
            let due = now_ms.saturating_sub(*at) >= FRESH_MS;
            if due {
                *at = now_ms;
            }
            return due;
        }
        if all.len() >= STATEMENTS_MAX {
            all.clear();
        }
        all.insert(statement, now_ms);
        true
    }

    /// Forgets all statements, so that they are made again.
    pub(crate) fn forget(&self) {
        self.0.lock().clear();
    }
}
