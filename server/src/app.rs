//! What every request handler shares: the configuration, the node once it is open, counters and the gates.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use kymo_engine::db::Db;
use kymo_engine::node::Node;
use tokio::sync::Semaphore;

use crate::clock::now_ms;
use crate::config::Config;
use crate::counters::Counters;
use crate::deletes::Deletes;
use crate::generate::Generator;
use crate::governor::Governor;
use crate::ingest::{Rates, Stated};
use crate::pool::Pool;
use crate::remember::Remembered;

/// The tenant of everything while tenancy is off.
pub const DEFAULT_TENANT: &str = "default";

/// The state of one server.
pub struct App {
    /// The effective configuration.
    pub config: Config,
    /// The server's own counters.
    pub counters: Counters,
    /// When the process started, milliseconds since 1970.
    pub started_ms: i64,
    /// Who may query when, and with what.
    pub(crate) governor: Arc<Governor>,
    /// Answers that may be given again.
    pub(crate) remembered: Remembered,
    /// One permit per KiB of decompressed writes in work.
    pub in_flight: Semaphore,
    /// The threads that queries share beside their own.
    pub pool: Pool,
    /// Those who listen to notices.
    pub(crate) listeners: Arc<AtomicUsize>,
    /// Those who follow log lines.
    pub(crate) tails: Arc<AtomicUsize>,
    /// Metadata that OTLP senders stated lately.
    pub(crate) stated: Stated,
    /// Metrics made of spans.
    pub(crate) generator: Generator,
    /// How much of logs was written lately.
    pub(crate) log_rates: Rates,
    /// Requests to delete log lines.
    pub(crate) deletes: Deletes,
    node: OnceLock<Arc<Node>>,
    stopping: AtomicBool,
}

impl App {
    /// The state before the node is open.
    pub fn new(config: Config) -> App {
        let permits = |n: u64| {
            usize::try_from(n)
                .unwrap_or(usize::MAX)
                .min(Semaphore::MAX_PERMITS)
        };
        App {
            governor: Arc::new(Governor::new(&config)),
            remembered: Remembered::new(config.query.remember_bytes),
            in_flight: Semaphore::new(permits(config.limits.in_flight_bytes_max >> 10)),
            generator: Generator::new(&config.generate),
            config,
            counters: Counters::default(),
            pool: Pool::for_this_machine(),
            started_ms: now_ms(),
            listeners: Arc::default(),
            tails: Arc::default(),
            stated: Stated::default(),
            log_rates: Rates::default(),
            deletes: Deletes::default(),
            node: OnceLock::new(),
            stopping: AtomicBool::new(false),
        }
    }

    /// The node, `None` until it is open.
    pub fn node(&self) -> Option<&Arc<Node>> {
        self.node.get()
    }

    /// Says that the node is open: requests are answered from now on.
    pub fn ready(&self, node: Arc<Node>) {
        let first = self.node.set(node).is_ok();
        assert!(first, "a server opens one node");
    }

    /// Says that the server stops: it is not ready any more.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// True from [`App::stop`] on.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// The stores of a tenant to read from, `None` when nothing was ever written to it.
    pub fn reading(&self, tenant: &str) -> Option<Arc<Db>> {
        self.node()?.existing_tenant(tenant)
    }
}
