//! Traces of a script in plain memory, in as many parts as wanted: the reference for real stores.
//! Not for pruning, which is the stores'.

use std::collections::BTreeSet;
use std::sync::Arc;

use kymo_engine::traces::{Attribute, AttributeScope, Table, Trace};

use super::{Loader, Visit};
use crate::traceql::Query;
use crate::traceql::options::Part;

/// Holds traces and answers with tables of them.
pub struct MemoryLoader {
    traces: Vec<Trace>,
    per_part: usize,
}

impl MemoryLoader {
    /// An empty store with so many traces in a part.
    pub fn new(per_part: usize) -> MemoryLoader {
        MemoryLoader {
            traces: Vec::new(),
            per_part: per_part.max(1),
        }
    }

    fn names(&self) -> Vec<(AttributeScope, Arc<str>)> {
        let mut names = BTreeSet::new();
        let mut add = |scope, list: &[Attribute]| {
            names.extend(list.iter().map(|a| (scope, a.key.clone())));
        };
        for trace in &self.traces {
            trace
                .resources
                .iter()
                .for_each(|r| add(AttributeScope::Resource, &r.attributes));
            trace
                .scopes
                .iter()
                .for_each(|s| add(AttributeScope::Instrumentation, &s.attributes));
            for span in &trace.spans {
                add(AttributeScope::Span, &span.attributes);
                span.events
                    .iter()
                    .for_each(|e| add(AttributeScope::Event, &e.attributes));
                span.links
                    .iter()
                    .for_each(|l| add(AttributeScope::Link, &l.attributes));
            }
        }
        names.into_iter().collect()
    }
}

impl Loader for MemoryLoader {
    fn clear(&mut self) -> Result<(), String> {
        self.traces.clear();
        Ok(())
    }

    fn load(&mut self, traces: Vec<Trace>) -> Result<(), String> {
        self.traces.extend(traces);
        Ok(())
    }

    fn with_parts(&self, _: &Query, _: Option<(i64, i64)>, visit: &mut Visit<'_>) -> Result<(), String> {
        let starts = |trace: &Trace| trace.spans.iter().map(|s| s.start).min();
        let all = |trace: &Trace| trace.spans.iter().map(|s| s.start).collect::<Vec<_>>();
        let part = |traces: &'_ [Trace]| Part {
            newest_start: traces.iter().filter_map(starts).max().unwrap_or(0),
            last_start: traces.iter().flat_map(all).max().unwrap_or(0),
            load: {
                let traces = traces.to_vec();
                Box::new(move || Ok(Some(Table::of_traces(traces.clone()))))
            },
        };
        let parts: Vec<Part<'_>> = self.traces.chunks(self.per_part).map(part).collect();
        visit(&parts, &self.names());
        Ok(())
    }
}
