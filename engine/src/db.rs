//! The data of one tenant: a store for each signal.

use std::sync::Arc;

use crate::error::Result;
use crate::metrics::Metrics;
use crate::store::{LostBlock, Shared, Store, StoreOptions};

/// The stores of a tenant.
pub struct Db {
    /// Metrics.
    pub metrics: Store<Metrics>,
}

impl Db {
    /// Opens the stores below `dir`.
    pub(crate) fn open(
        shared: &Shared,
        dir: &str,
        tenant: &Arc<str>,
        options: &StoreOptions,
    ) -> Result<(Db, Vec<LostBlock>)> {
        let (metrics, lost) = Store::open(shared.clone(), dir, tenant, options.clone())?;
        Ok((Db { metrics }, lost))
    }

    /// Samples of the log whose series no record defines.
    pub(crate) fn orphaned_samples(&self) -> u64 {
        self.metrics
            .snapshot()
            .heads
            .iter()
            .map(|head| head.state.orphans())
            .sum()
    }
}
