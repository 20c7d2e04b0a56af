//! The engine's options as the configuration says them.

use kymo_engine::log::SyncPolicy;
use kymo_engine::node::NodeOptions;

use crate::config::{Config, WalSync};

/// The options of the node.
pub(crate) fn node_options(config: &Config) -> NodeOptions {
    let mut options = NodeOptions::default();
    options.log.sync = match config.wal_sync {
        WalSync::Always => SyncPolicy::Always,
        WalSync::Interval => SyncPolicy::Interval,
        WalSync::Off => SyncPolicy::Off,
    };
    options.store.retention.age_ms = positive(config.retention.time_ms).and_then(|ms| i64::try_from(ms).ok());
    options.store.retention.bytes = positive(config.retention.size_bytes);
    options.traces.retention = options.store.retention;
    options
}

fn positive(n: u64) -> Option<u64> {
    (n > 0).then_some(n)
}
