//! A store in memory for LogQL test scripts: the engine's own, so that a script tests log, head, blocks and what narrows a
//! search as well. Not for scripts of other languages (see [`super::StoreLoader`]).

use std::sync::Arc;

use kymo_engine::labels::Labels;
use kymo_engine::logs::{BatchBuilder, NO_SET, Scan};
use kymo_engine::node::Node;
use kymo_query::logql::eval::store::Part;
use kymo_query::logqltest::{Entry, Loader};

use super::{Layout, open};
use crate::app::DEFAULT_TENANT;

/// Writes that the entries of a `load` are spread over.
const WRITES: usize = 3;

/// Loads the entries of a script into a node in memory, in several writes.
pub struct LogStoreLoader {
    node: Arc<Node>,
    layout: Layout,
}

impl LogStoreLoader {
    /// An empty store.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn new(layout: Layout) -> kymo_engine::Result<LogStoreLoader> {
        Ok(LogStoreLoader {
            node: open()?,
            layout,
        })
    }

    fn try_load(&self, entries: &[Entry]) -> kymo_engine::Result<()> {
        for entries in entries.chunks(entries.len().div_ceil(WRITES).max(1)) {
            let mut builder = BatchBuilder::default();
            for entry in entries {
                let stream = builder.stream(Labels::from_pairs(entry.labels.iter().map(|(n, v)| (n, v))));
                let pairs = entry.metadata.iter().map(|(n, v)| (n.as_str(), v.as_str()));
                let set = builder.set(NO_SET, pairs);
                builder.push(stream, entry.time, set, entry.line.as_bytes());
            }
            let db = self.node.tenant(DEFAULT_TENANT)?;
            let ticket = db.logs.append(self.node.log(), Arc::new(builder.build()))?;
            self.node.log().commit();
            ticket.wait()?;
            if self.layout != Layout::Head {
                self.node.flush()?;
            }
        }
        if self.layout == Layout::Merged {
            self.node.compact()?;
        }
        Ok(())
    }
}

impl Loader for LogStoreLoader {
    fn clear(&mut self) -> Result<(), String> {
        self.node = open().map_err(|e| e.to_string())?;
        Ok(())
    }

    fn load(&mut self, entries: Vec<Entry>) -> Result<(), String> {
        self.try_load(&entries).map_err(|e| e.to_string())
    }

    fn parts(&self, scan: &Scan) -> kymo_engine::Result<Vec<Part<'_>>> {
        let Some(db) = self.node.existing_tenant(DEFAULT_TENANT) else {
            return Ok(Vec::new());
        };
        let parts = db.logs.snapshot().scan(scan)?;
        Ok(parts.into_iter().map(Part::of).collect())
    }
}

#[cfg(test)]
mod tests;
