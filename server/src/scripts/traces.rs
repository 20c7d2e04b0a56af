//! A store in memory for TraceQL test scripts: the engine's own, so that a script tests log, head, blocks and pruning as well.
//! Not for scripts of PromQL (see [`super::StoreLoader`]).

use std::sync::Arc;

use kymo_engine::node::Node;
use kymo_engine::traces::{Astride, BatchBuilder, Scan, ScanBy, Trace};
use kymo_query::traceql::ast::Body;
use kymo_query::traceql::options::Part;
use kymo_query::traceql::{Query, need};
use kymo_query::traceqltest::{Loader, Visit};

use super::{Layout, open};
use crate::app::DEFAULT_TENANT;

/// Batches that the spans of each trace are spread over.
const BATCHES: usize = 3;

/// Loads the traces of a script into a node in memory, each in several writes.
pub struct TraceStoreLoader {
    node: Arc<Node>,
    layout: Layout,
}

impl TraceStoreLoader {
    /// An empty store.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn new(layout: Layout) -> kymo_engine::Result<TraceStoreLoader> {
        Ok(TraceStoreLoader {
            node: open()?,
            layout,
        })
    }

    fn try_load(&self, traces: &[Trace]) -> kymo_engine::Result<()> {
        for batch in 0..BATCHES {
            let mut builder = BatchBuilder::new();
            for trace in traces {
                let spans = trace.spans.iter().enumerate();
                for (_, span) in spans.filter(|(number, _)| number % BATCHES == batch) {
                    builder.push(trace, span);
                }
            }
            if builder.span_count() == 0 {
                continue;
            }
            let db = self.node.tenant(DEFAULT_TENANT)?;
            let ticket = db.traces.append(self.node.log(), Arc::new(builder.finish()))?;
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

    fn try_parts(
        &self,
        query: &Query,
        times: Option<(i64, i64)>,
        visit: &mut Visit<'_>,
    ) -> kymo_engine::Result<()> {
        let Some(db) = self.node.existing_tenant(DEFAULT_TENANT) else {
            visit(&[], &[]);
            return Ok(());
        };
        let snapshot = db.traces.snapshot();
        let parts = snapshot.scan(&Scan {
            times,
            by: match query.body {
                Body::Search(_) => ScanBy::Overlap,
                Body::Metrics(_) => ScanBy::SpanStart,
            },
            need: need(query),
        })?;
        let names = snapshot.attribute_names(times, Astride::Told)?;
        let parts: Vec<Part<'_>> = parts.iter().map(Part::of).collect();
        visit(&parts, &names);
        Ok(())
    }
}

impl Loader for TraceStoreLoader {
    fn clear(&mut self) -> Result<(), String> {
        self.node = open().map_err(|e| e.to_string())?;
        Ok(())
    }

    fn load(&mut self, traces: Vec<Trace>) -> Result<(), String> {
        self.try_load(&traces).map_err(|e| e.to_string())
    }

    fn with_parts(
        &self,
        query: &Query,
        times: Option<(i64, i64)>,
        visit: &mut Visit<'_>,
    ) -> Result<(), String> {
        self.try_parts(query, times, visit).map_err(|e| e.to_string())
    }
}
