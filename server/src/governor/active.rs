//! The queries that run or wait for their turn, and how each can be ended from outside. Not for those that ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kymo_query::promql::eval::{Account, BudgetExceeded};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::clock::now_ms;

/// What was asked, as lists and logs show it. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// The endpoint's kind of question: `query`, `query_range`, `series`, ...
    pub(crate) kind: String,
    /// The query, or the selectors.
    pub(crate) text: String,
    /// First step, or the earliest time.
    pub(crate) start: i64,
    /// Last step, or the latest time.
    pub(crate) end: i64,
    /// Milliseconds between steps, 0 without steps.
    pub(crate) step: i64,
    /// Whose data.
    pub(crate) tenant: String,
    /// Who asks.
    pub(crate) remote: String,
    /// When it came.
    pub(crate) received_ms: i64,
}

/// Why a query must end before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    ClientGone = 1,
    Killed = 2,
}

/// One query that runs or waits.
pub(crate) struct Running {
    /// Its number in this process.
    pub(crate) id: u64,
    /// What was asked.
    pub(crate) asked: Asked,
    /// What it holds.
    pub(crate) account: Arc<Account>,
    since: Instant,
    deadline: Option<Instant>,
    /// Microseconds spent waiting, once it runs.
    waited: AtomicU64,
    began: AtomicBool,
    answered: AtomicBool,
    stopped: AtomicU8,
    stop: Notify,
}

impl Running {
    /// Its turn has come.
    pub(super) fn begins(&self) {
        let waited = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.waited.store(waited, Ordering::Relaxed);
        self.began.store(true, Ordering::Relaxed);
    }

    /// Ends it at its next look at the clock.
    pub(super) fn stop(&self, why: Stopped) {
        if self.answered.load(Ordering::Relaxed) {
            return;
        }
        self.stopped.fetch_max(why as u8, Ordering::Relaxed);
        self.stop.notify_waiters();
        // Who has not begun to wait yet finds it at once.
        self.stop.notify_one();
    }

    pub(super) fn answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// True when it was ended by a call of the API.
    pub(crate) fn is_killed(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) == Stopped::Killed as u8
    }

    /// Resolves when it is ended from outside.
    pub(crate) async fn killed(&self) {
        while self.stopped.load(Ordering::Relaxed) == 0 {
            self.stop.notified().await;
        }
    }

    /// Why it must end now, if it must.
    pub(crate) fn check(&self) -> Option<BudgetExceeded> {
        if self.stopped.load(Ordering::Relaxed) != 0 {
            Some(BudgetExceeded::Canceled)
        } else if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            Some(BudgetExceeded::Timeout)
        } else {
            None
        }
    }

    /// How much of its time is left.
    pub(crate) fn left(&self) -> Duration {
        self.deadline.map_or(Duration::MAX, |deadline| {
            deadline.saturating_duration_since(Instant::now())
        })
    }

    /// True once its turn has come.
    pub(crate) fn began(&self) -> bool {
        self.began.load(Ordering::Relaxed)
    }

    /// How long it waited for its turn.
    pub(crate) fn waited(&self) -> Duration {
        Duration::from_micros(self.waited.load(Ordering::Relaxed))
    }

    /// How long ago it came.
    pub(crate) fn age(&self) -> Duration {
        self.since.elapsed()
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Active {
    next: AtomicU64,
    all: Mutex<BTreeMap<u64, Arc<Running>>>,
}

impl Active {
    pub(super) fn add(&self, mut asked: Asked, account: Account, timeout: Duration) -> Arc<Running> {
        asked.received_ms = now_ms();
        let since = Instant::now();
        let running = Arc::new(Running {
            id: self.next.fetch_add(1, Ordering::Relaxed) + 1,
            asked,
            account: Arc::new(account),
            since,
            deadline: since.checked_add(timeout),
            waited: AtomicU64::new(0),
            began: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            stopped: AtomicU8::new(0),
            stop: Notify::new(),
        });
        self.all.lock().insert(running.id, Arc::clone(&running));
        running
    }

    pub(super) fn remove(&self, id: u64) {
        self.all.lock().remove(&id);
    }

    pub(super) fn find(&self, id: u64) -> Option<Arc<Running>> {
        self.all.lock().get(&id).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Running>> {
        self.all.lock().values().cloned().collect()
    }
}
