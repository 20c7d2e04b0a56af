//! The threads that queries share beside their own: at most one for each further core, whoever asks. A query that finds none
//! free works alone, so nothing ever waits for a thread. Not for requests, which the async runtime carries.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Threads that may be lent.
#[derive(Debug)]
pub struct Pool {
    free: AtomicUsize,
}

impl Pool {
    /// A pool that makes use of all cores, each query's own thread counted.
    pub fn for_this_machine() -> Pool {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Pool {
            free: AtomicUsize::new(cores - 1),
        }
    }

    /// Runs tasks `0..n` on this thread and on those that are free, and returns when all are done.
    pub fn run(&self, n: usize, task: &(dyn Fn(usize) + Sync)) {
        let lent = self.borrow(n.saturating_sub(1));
        let _back = GiveBack { pool: self, lent };
        let next = AtomicUsize::new(0);
        let work = || {
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= n {
                    return;
                }
                task(i);
            }
        };
        thread::scope(|scope| {
            for _ in 0..lent {
                let spawned = thread::Builder::new()
                    .name("query".to_owned())
                    .spawn_scoped(scope, work);
                if spawned.is_err() {
                    // Out of threads: the tasks are done by those there are.
                    break;
                }
            }
            work();
        });
    }

    fn borrow(&self, wanted: usize) -> usize {
        let take = |free: usize| Some(free - free.min(wanted));
        match self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(free) => free.min(wanted),
            Err(_) => 0,
        }
    }
}

/// Takes threads back even when a task panics.
struct GiveBack<'p> {
    pool: &'p Pool,
    lent: usize,
}

impl Drop for GiveBack<'_> {
    fn drop(&mut self) {
        self.pool.free.fetch_add(self.lent, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
