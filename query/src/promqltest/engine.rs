//! Series in the real engine on storage in memory, so that scripts exercise the log, the head and blocks.

use std::sync::Arc;

use kymo_engine::db::Db;
use kymo_engine::labels::Labels;
use kymo_engine::metrics::{Input, Metrics, Samples, Selection, SeriesData, WriteBatch};
use kymo_engine::node::{Node, NodeOptions};
use kymo_engine::storage::MemoryStorage;
use kymo_engine::store::Snapshot;

use super::Loader;
use crate::promql::eval::Source;

impl Source for Snapshot<Metrics> {
    fn select(&self, selections: &[Selection]) -> kymo_engine::Result<Vec<Vec<SeriesData>>> {
        Snapshot::select(self, selections)
    }
}

/// Where the samples lie when they are queried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// In the head.
    Head,
    /// Flushed to a block after every load.
    Blocks,
    /// As `Blocks`, and merged.
    Merged,
}

/// A node of its own with one tenant.
pub struct EngineLoader {
    layout: Layout,
    node: Arc<Node>,
    db: Arc<Db>,
}

const TENANT: &str = "test";

fn open() -> kymo_engine::Result<(Arc<Node>, Arc<Db>)> {
    let mut options = NodeOptions {
        reserve_bytes: 0,
        free_bytes_min: 0,
        ..NodeOptions::default()
    };
    options.log.segment_bytes = 1 << 20;
    let (node, _) = Node::open(Arc::new(MemoryStorage::new()), options)?;
    let db = node.tenant(TENANT)?;
    Ok((node, db))
}

impl EngineLoader {
    /// An empty node.
    ///
    /// # Errors
    /// Those of opening a node.
    pub fn new(layout: Layout) -> kymo_engine::Result<EngineLoader> {
        let (node, db) = open()?;
        Ok(EngineLoader { layout, node, db })
    }

    fn write(&self, labels: &Labels, samples: &Samples) -> kymo_engine::Result<()> {
        let mut batch = WriteBatch::default();
        batch.push_series(
            labels.iter(),
            samples
                .timestamps
                .iter()
                .copied()
                .zip(samples.values.iter().copied()),
        );
        let input = Input {
            batch: &batch,
            series_max: u64::MAX,
            received_ms: 0,
        };
        let ticket = self.db.metrics.append(self.node.log(), &input)?;
        self.node.log().commit();
        ticket.wait()?;
        if self.layout != Layout::Head {
            self.node.flush()?;
        }
        if self.layout == Layout::Merged {
            self.node.compact()?;
        }
        Ok(())
    }
}

impl Loader for EngineLoader {
    fn clear(&mut self) -> Result<(), String> {
        (self.node, self.db) = open().map_err(|e| e.to_string())?;
        Ok(())
    }

    fn load(&mut self, labels: &Labels, samples: &Samples) -> Result<(), String> {
        self.write(labels, samples).map_err(|e| e.to_string())
    }

    fn source(&self) -> Box<dyn Source + '_> {
        Box::new(self.db.metrics.snapshot())
    }
}
