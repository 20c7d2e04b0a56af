//! Lets the thread that flushes heads sleep until one is full, so that a fast writer does not fill several before the
//! next look at the clock. Not for anything that must happen: who sleeps wakes up after a while all the same.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Says that there is something to flush. A word said while nobody waits is kept for who waits next.
#[derive(Debug, Default)]
pub struct Wake {
    told: Mutex<bool>,
    heard: Condvar,
}

impl Wake {
    /// Wakes who waits, or who waits next.
    pub fn tell(&self) {
        *self.told.lock() = true;
        self.heard.notify_all();
    }

    /// Waits until told, `at_most` so long; whether it was.
    pub fn wait(&self, at_most: Duration) -> bool {
        let mut told = self.told.lock();
        if !*told {
            self.heard.wait_for(&mut told, at_most);
        }
        std::mem::take(&mut told)
    }
}
