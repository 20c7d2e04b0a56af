//! The threads that queries share beside their own: at most one for each further core, whoever asks. A query that finds none
//! free works alone, so nothing ever waits for a thread. Not for requests, which the async runtime carries.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rayon_core::{ThreadPool, ThreadPoolBuilder};

/// Threads that may be lent. They wait for work between queries, as to start one takes longer than many a query.
#[derive(Debug)]
pub struct Pool {
    free: AtomicUsize,
    /// `None` where there is no further core, or no thread could be started.
    threads: Option<ThreadPool>,
}

impl Pool {
    /// A pool that makes use of all cores, each query's own thread counted.
    pub fn for_this_machine() -> Pool {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Pool::of(cores - 1)
    }

    fn of(count: usize) -> Pool {
        let threads = match count {
            0 => None,
            count => ThreadPoolBuilder::new()
                .num_threads(count)
                .thread_name(|_| "query".to_owned())
                .build()
                .ok(),
        };
        Pool {
            free: AtomicUsize::new(if threads.is_some() { count } else { 0 }),
            threads,
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
        match &self.threads {
            Some(threads) if lent > 0 => threads.in_place_scope(|scope| {
                for _ in 0..lent {
                    scope.spawn(|_| work());
                }
                work();
            }),
            _ => work(),
        }
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
