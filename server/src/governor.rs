//! Who may query when, and with what: the gates and the queue before them, the memory that queries share, the list of those
//! that run, the journal that survives the process, and what past queries cost. Not for evaluating anything.

mod active;
mod journal;
mod outcome;
mod pool;
mod slow;
mod top;

use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use kymo_query::promql::eval::{Account, MemoryPool};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::{Config, QueryLimits};
use crate::counters::Counter;

use active::{Active, Stopped};
pub(crate) use active::{Asked, Running};
use journal::{Journal, Slot};
pub(crate) use outcome::{Cost, Outcome};
pub(crate) use pool::NodeMemory;
use slow::SlowLog;
use top::Top;
pub(crate) use top::{Order, TopRow};

/// What a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Evaluation of an expression, or reading of samples.
    Samples,
    /// Label names, values, series and the like: they must not wait behind evaluations.
    Lookup,
    /// Remote read, whose readers may be slow.
    RemoteRead,
}

/// Why a request did not get through its gate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// The queue has no room.
    #[error("{waiting} queries are waiting already, which is the limit (query.queue_length)")]
    QueueFull {
        /// Those that wait.
        waiting: u64,
    },
    /// Its time passed while it waited.
    #[error("query timed out in query queue")]
    TimedOut,
    /// Somebody ended it while it waited.
    #[error("query was killed while it waited")]
    Killed,
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
}

/// The governor of one server.
pub(crate) struct Governor {
    limits: QueryLimits,
    samples: Gateway,
    lookups: Gateway,
    remote_reads: Gateway,
    memory: Arc<NodeMemory>,
    active: Active,
    journal: OnceLock<Journal>,
    /// What ran when the process before this one ended.
    unfinished: Mutex<Vec<Asked>>,
    top: Top,
    slow: SlowLog,
    /// Queries by outcome.
    pub(crate) outcomes: [Counter; Outcome::COUNT],
    /// Samples decoded for all queries that ended.
    pub(crate) samples_read: Counter,
    /// Queries slower than the slow log's threshold.
    pub(crate) slow_queries: Counter,
}

/// Permits, and how many wait for one.
struct Gateway {
    slots: Arc<Semaphore>,
    waiting: crate::counters::Gauge,
}

impl Gateway {
    fn new(permits: u64) -> Gateway {
        let permits = usize::try_from(permits).unwrap_or(usize::MAX);
        Gateway {
            slots: Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS))),
            waiting: crate::counters::Gauge::default(),
        }
    }
}

/// A query that may run. It is off the lists when this is dropped.
pub(crate) struct Admitted {
    governor: Arc<Governor>,
    pub(crate) running: Arc<Running>,
    slot: Mutex<Option<Slot>>,
    _listed: Listed,
    _permit: OwnedSemaphorePermit,
}

/// Says that nobody waits for the answer any more when it is dropped before [`Waiter::done`].
pub(crate) struct Waiter(Arc<Running>);

impl Waiter {
    /// The answer has come.
    pub(crate) fn done(self) {
        self.0.answered();
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.stop(Stopped::ClientGone);
    }
}

impl Governor {
    /// The governor of a configuration.
    pub(crate) fn new(config: &Config) -> Governor {
        let limits = &config.query;
        let total = limits.memory_total.bytes();
        Governor {
            samples: Gateway::new(limits.concurrency),
            lookups: Gateway::new(limits.concurrency),
            remote_reads: Gateway::new(config.remote_read.concurrency),
            memory: Arc::new(NodeMemory::new(total)),
            active: Active::default(),
            journal: OnceLock::new(),
            unfinished: Mutex::default(),
            top: Top::default(),
            slow: SlowLog::new(limits),
            outcomes: Default::default(),
            samples_read: Counter::default(),
            slow_queries: Counter::default(),
            limits: limits.clone(),
        }
    }

    /// Opens the journal in the data directory and says by name what ran when the last process ended. A journal that cannot be
    /// read or written is done without.
    pub(crate) fn open_journal(&self, dir: &Path) {
        let gates = [&self.samples, &self.lookups, &self.remote_reads];
        let slots = gates.iter().map(|gate| gate.slots.available_permits()).sum();
        match Journal::open(&dir.join(journal::FILE), slots) {
            Ok((journal, unfinished)) => {
                for asked in &unfinished {
                    tracing::warn!(
                        query = asked.text,
                        kind = asked.kind,
                        start = asked.start,
                        end = asked.end,
                        step = asked.step,
                        tenant = asked.tenant,
                        remote = asked.remote,
                        "this query was running when the process ended"
                    );
                }
                *self.unfinished.lock() = unfinished;
                // Only the first opening counts, and there is one.
                let _ = self.journal.set(journal);
            }
            Err(error) => tracing::warn!(%error, "the journal of active queries cannot be used"),
        }
    }

    /// Waits for a turn, at most `timeout`; what it waited counts.
    ///
    /// # Errors
    /// [`Refused`], counted.
    pub(crate) async fn admit(
        self: &Arc<Self>,
        gate: Gate,
        asked: Asked,
        timeout: Duration,
    ) -> Result<(Admitted, Waiter), Refused> {
        let pool: Arc<dyn MemoryPool> = self.memory.clone();
        let limit = usize::try_from(self.limits.memory_max).unwrap_or(usize::MAX);
        let account = Account::new(limit, Some(pool));
        let running = self.active.add(asked, account, timeout);
        let listed = Listed {
            governor: Arc::clone(self),
            id: running.id,
        };
        let waiter = Waiter(Arc::clone(&running));
        match self.wait(gate, &running, timeout).await {
            Ok(permit) => {
                running.begins();
                let admitted = Admitted {
                    governor: Arc::clone(self),
                    running,
                    slot: Mutex::new(None),
                    _listed: listed,
                    _permit: permit,
                };
                Ok((admitted, waiter))
            }
            Err(refused) => {
                self.outcomes[Outcome::of_refused(&refused) as usize].add(1);
                Err(refused)
            }
        }
    }

    async fn wait(
        &self,
        gate: Gate,
        running: &Running,
        timeout: Duration,
    ) -> Result<OwnedSemaphorePermit, Refused> {
        let gateway = match gate {
            Gate::Samples => &self.samples,
            Gate::Lookup => &self.lookups,
            Gate::RemoteRead => &self.remote_reads,
        };
        if let Ok(permit) = Arc::clone(&gateway.slots).try_acquire_owned() {
            return Ok(permit);
        }
        let waiting = gateway.waiting.get();
        if waiting >= self.limits.queue_length {
            return Err(Refused::QueueFull { waiting });
        }
        let _waiting = gateway.waiting.enter();
        let patience = match self.limits.queue_timeout_ms {
            0 => timeout,
            ms => timeout.min(Duration::from_millis(ms)),
        };
        tokio::select! {
            permit = Arc::clone(&gateway.slots).acquire_owned() => permit.map_err(|_| Refused::Stopping),
            () = tokio::time::sleep(patience) => Err(Refused::TimedOut),
            () = running.killed() => Err(Refused::Killed),
        }
    }

    /// The queries that run or wait, oldest first.
    pub(crate) fn active(&self) -> Vec<Arc<Running>> {
        self.active.all()
    }

    /// What ran when the process before this one ended.
    pub(crate) fn unfinished(&self) -> Vec<Asked> {
        self.unfinished.lock().clone()
    }

    /// Ends a query of the tenant, if there is one of this id.
    pub(crate) fn kill(&self, id: u64, tenant: Option<&str>) -> Option<Arc<Running>> {
        let found = self.active.find(id)?;
        if tenant.is_some_and(|tenant| tenant != found.asked.tenant) {
            return None;
        }
        found.stop(Stopped::Killed);
        Some(found)
    }

    /// Takes account of a query that was answered without being evaluated.
    pub(crate) fn answered(&self, asked: &Asked, took: Duration) {
        let cost = Cost {
            took,
            ..Cost::default()
        };
        self.outcomes[Outcome::Success as usize].add(1);
        self.top.add(asked, &cost, Instant::now());
    }

    /// The costliest queries by an order, of those that ended within `age`.
    pub(crate) fn top(&self, order: Order, age: Duration, tenant: Option<&str>, n: usize) -> Vec<TopRow> {
        self.top.rows(order, age, tenant, n)
    }

    /// The memory of all queries.
    pub(crate) fn memory(&self) -> &NodeMemory {
        &self.memory
    }

    /// Queries that wait before their gate.
    pub(crate) fn waiting(&self) -> u64 {
        [&self.samples, &self.lookups, &self.remote_reads]
            .iter()
            .map(|gate| gate.waiting.get())
            .sum()
    }
}

/// Keeps a query on the list of active ones while it lives.
struct Listed {
    governor: Arc<Governor>,
    id: u64,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.governor.active.remove(self.id);
    }
}

impl Admitted {
    /// Names the query in the journal; blocks for a short write.
    pub(crate) fn journal(&self) {
        if let Some(journal) = self.governor.journal.get() {
            *self.slot.lock() = journal.begin(&self.running.asked);
        }
    }

    /// Takes account of how the query ended: counters, top queries and the slow log.
    pub(crate) fn ended(&self, outcome: Outcome, cost: &Cost) {
        let governor = &self.governor;
        governor.outcomes[outcome as usize].add(1);
        governor.samples_read.add(cost.samples_read);
        governor.top.add(&self.running.asked, cost, Instant::now());
        if governor.slow.is_slow(cost.took) {
            governor.slow_queries.add(1);
            governor.slow.write(&self.running, outcome, cost);
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if let (Some(journal), Some(slot)) = (self.governor.journal.get(), self.slot.get_mut().take()) {
            journal.end(slot);
        }
    }
}

#[cfg(test)]
mod tests;
