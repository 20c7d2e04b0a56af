//! The data of one tenant: a store for each signal, and the work that is done on all of them.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::log::recovery::{Keep, Replayed};
use crate::log::{Log, Seq};
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::node::NodeOptions;
use crate::retention::RetentionOptions;
use crate::signal::Signal;
use crate::store::{LostBlock, Shared, Store, Upkeep};
use crate::traces::Traces;

/// The stores of a tenant.
pub struct Db {
    /// Metrics.
    pub metrics: Store<Metrics>,
    /// Traces.
    pub traces: Store<Traces>,
    /// Logs.
    pub logs: Store<Logs>,
}

impl Db {
    /// Opens the stores below `dir`.
    pub(crate) fn open(
        shared: &Shared,
        dir: &str,
        tenant: &Arc<str>,
        options: &NodeOptions,
    ) -> Result<(Db, Vec<LostBlock>)> {
        let (metrics, mut lost) = Store::open(shared.clone(), dir, tenant, options.store.clone())?;
        let (traces, lost_traces) = Store::open(shared.clone(), dir, tenant, options.traces.clone())?;
        lost.extend(lost_traces);
        let (logs, lost_logs) = Store::open(shared.clone(), dir, tenant, options.logs.clone())?;
        lost.extend(lost_logs);
        let db = Db {
            metrics,
            traces,
            logs,
        };
        Ok((db, lost))
    }

    /// Applies a record found in the log to the store of its signal; none when the signal is not known.
    pub(crate) fn replay(&self, record: Replayed<'_>) -> Option<Result<Keep>> {
        match record.owner.signal {
            Metrics::ID => Some(self.metrics.replay(record)),
            Traces::ID => Some(self.traces.replay(record)),
            Logs::ID => Some(self.logs.replay(record)),
            _ => None,
        }
    }

    /// The newest place in the log whose record is in a block.
    pub(crate) fn flushed(&self) -> Seq {
        let flushed = self.metrics.flushed().max(self.traces.flushed());
        flushed.max(self.logs.flushed())
    }

    /// Bytes of the records that are in no block yet.
    pub(crate) fn unflushed_bytes(&self) -> u64 {
        self.metrics.unflushed_bytes() + self.traces.unflushed_bytes() + self.logs.unflushed_bytes()
    }

    pub(crate) fn flush_due(&self, log: &Log, now_ms: i64) -> Result<Upkeep> {
        all([
            self.metrics.flush_due(log, now_ms),
            self.traces.flush_due(log, now_ms),
            self.logs.flush_due(log, now_ms),
        ])
    }

    pub(crate) fn merge_due(&self, now_ms: i64) -> Result<Upkeep> {
        all([
            self.metrics.merge_due(now_ms),
            self.traces.merge_due(now_ms),
            self.logs.merge_due(now_ms),
        ])
    }

    pub(crate) fn flush(&self, log: &Log) -> Result<Upkeep> {
        all([
            self.metrics.flush(log),
            self.traces.flush(log),
            self.logs.flush(log),
        ])
    }

    pub(crate) fn compact(&self) -> Result<Upkeep> {
        all([self.metrics.compact(), self.traces.compact(), self.logs.compact()])
    }

    pub(crate) fn retain(&self, now_ms: i64, retention: Option<RetentionOptions>) -> Result<Upkeep> {
        all([
            self.metrics.retain(now_ms, retention),
            self.traces.retain(now_ms, retention),
            self.logs.retain(now_ms, retention),
        ])
    }

    pub(crate) fn verify(&self) -> Vec<Error> {
        let mut errors = self.metrics.verify();
        errors.extend(self.traces.verify());
        errors.extend(self.logs.verify());
        errors
    }

    pub(crate) fn copy_blocks(&self, dir: &str) -> Result<()> {
        self.metrics.copy_blocks(dir)?;
        self.traces.copy_blocks(dir)?;
        self.logs.copy_blocks(dir)?;
        Ok(())
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

/// What the stores did. One that fails does not keep the others from their work.
fn all(each: [Result<Upkeep>; 3]) -> Result<Upkeep> {
    let mut done = Upkeep::default();
    for of_store in each {
        done.add(of_store?);
    }
    Ok(done)
}
