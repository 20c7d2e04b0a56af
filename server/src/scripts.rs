//! A store in memory for test scripts: the engine's own, so that a script tests log, head and blocks as well.

use std::sync::Arc;

use kymo_engine::labels::Labels;
use kymo_engine::log::LogOptions;
use kymo_engine::metrics::{
    Estimate, Input, Metrics, Selection, SeriesData, SeriesRows, SeriesSet, WriteBatch,
};
use kymo_engine::node::{Node, NodeOptions};
use kymo_engine::storage::MemoryStorage;
use kymo_engine::store::{Snapshot, StoreOptions};
use kymo_query::promql::eval::Source;
use kymo_query::promqltest::Loader;

use crate::app::DEFAULT_TENANT;

mod logs;
mod traces;

pub use logs::LogStoreLoader;
pub use traces::TraceStoreLoader;

/// Where what was loaded lies when a query asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// In the head.
    Head,
    /// In blocks, one more per write.
    Blocks,
    /// In merged blocks.
    Merged,
}

/// Loads the series of a script into a node in memory.
pub struct StoreLoader {
    node: Arc<Node>,
    layout: Layout,
}

impl StoreLoader {
    /// An empty store.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn new(layout: Layout) -> kymo_engine::Result<StoreLoader> {
        Ok(StoreLoader {
            node: open()?,
            layout,
        })
    }

    fn try_load(&self, labels: &Labels, rows: &SeriesRows) -> Result<(), kymo_engine::Error> {
        let mut batch = WriteBatch::default();
        batch.push_series(labels.iter(), []);
        let floats = rows.floats.timestamps.iter().zip(&rows.floats.values);
        for (i, (time, value)) in floats.enumerate() {
            batch.push_sample(rows.starts.get(i).copied().unwrap_or(0), *time, *value);
        }
        for write in &rows.histograms {
            batch.push_histogram(write.start, write.time, write.histogram.clone());
        }
        let input = Input {
            batch: &batch,
            labels: &batch,
            series_max: u64::MAX,
            received_ms: 0,
        };
        let db = self.node.tenant(DEFAULT_TENANT)?;
        let ticket = db.metrics.append(self.node.log(), &input)?;
        self.node.log().commit();
        let applied = ticket.wait()?;
        if let Some(conflict) = applied.conflicts.first() {
            return Err(kymo_engine::Error::Invalid {
                what: "duplicate sample for timestamp",
                value: format!("{labels:?} at {} ms", conflict.timestamp),
            });
        }
        match self.layout {
            Layout::Head => {}
            Layout::Blocks => drop(self.node.flush()?),
            Layout::Merged => {
                self.node.flush()?;
                self.node.compact()?;
            }
        }
        Ok(())
    }
}

impl Loader for StoreLoader {
    fn clear(&mut self) -> Result<(), String> {
        self.node = open().map_err(|e| e.to_string())?;
        Ok(())
    }

    fn load(&mut self, labels: &Labels, rows: &SeriesRows) -> Result<(), String> {
        self.try_load(labels, rows).map_err(|e| e.to_string())
    }

    fn source(&self) -> Box<dyn Source + '_> {
        let db = self.node.existing_tenant(DEFAULT_TENANT);
        Box::new(SnapshotSource(db.map(|db| db.metrics.snapshot())))
    }
}

/// A tenant's snapshot as a source of queries, or nothing for a tenant that has no data.
pub(crate) struct SnapshotSource(pub(crate) Option<Snapshot<Metrics>>);

impl Source for SnapshotSource {
    fn select(&self, selections: &[Selection]) -> kymo_engine::Result<Vec<Vec<SeriesData>>> {
        match &self.0 {
            Some(snapshot) => snapshot.select(selections),
            None => Ok(selections.iter().map(|_| Vec::new()).collect()),
        }
    }

    fn scan(&self, selections: &[Selection], histogram_lookback: i64) -> kymo_engine::Result<Vec<SeriesSet>> {
        match &self.0 {
            Some(snapshot) => snapshot.scan(selections, histogram_lookback),
            None => {
                let nothing = |s: &Selection| SeriesSet::from_series(Vec::new(), s.min_time, s.max_time);
                Ok(selections.iter().map(nothing).collect())
            }
        }
    }

    fn series_bound(&self) -> u64 {
        self.0.as_ref().map_or(0, Snapshot::series_bound)
    }

    fn estimate(&self, selection: &Selection, samples: bool) -> kymo_engine::Result<Option<Estimate>> {
        let Some(snapshot) = &self.0 else {
            return Ok(Some(Estimate::default()));
        };
        let estimate = match samples {
            true => snapshot.estimate(selection),
            false => snapshot.estimate_series(&selection.matchers, selection.min_time, selection.max_time),
        };
        estimate.map(Some)
    }
}

fn open() -> kymo_engine::Result<Arc<Node>> {
    let options = NodeOptions {
        log: LogOptions {
            segment_bytes: 1 << 20,
            spare_segments: 0,
            ..LogOptions::default()
        },
        store: StoreOptions::default(),
        traces: StoreOptions::for_traces(),
        logs: StoreOptions::for_logs(),
        cache_bytes: 16 << 20,
        reserve_bytes: 0,
        free_bytes_min: 0,
    };
    Node::open(Arc::new(MemoryStorage::new()), options).map(|(node, _)| node)
}
