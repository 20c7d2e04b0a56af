//! What a query is asked over. Not for its limits of memory and time, which are the budget's.

use kymo_engine::traces::{AttributeScope, ScanPart, Table};

use super::grid::Grid;

/// A part of the store: traces that are whole in it.
pub struct Part<'a> {
    /// No trace in it starts later, in nanoseconds since 1970.
    pub newest_start: i64,
    /// No span in it starts later.
    pub last_start: i64,
    /// Reads its columns; `None` when nothing in it can matter.
    pub load: Box<dyn Fn() -> kymo_engine::Result<Option<Table>> + Send + Sync + 'a>,
}

/// How a search is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchOptions {
    /// Most traces to answer.
    pub limit: usize,
    /// Most spans to answer per spanset; 0 for all.
    pub spans_per_spanset: usize,
    /// Traces must overlap these times, in nanoseconds since 1970, both inclusive.
    pub times: Option<(i64, i64)>,
}

/// How a metrics query is asked.
pub struct MetricsOptions<'a> {
    /// Its steps.
    pub grid: Grid,
    /// Most exemplars to answer; the query's own hint may ask for fewer.
    pub exemplars: usize,
    /// Most series to answer; 0 for all.
    pub max_series: usize,
    /// The names of attributes there are, which only `compare()` asks for.
    pub attribute_names:
        &'a (dyn Fn() -> kymo_engine::Result<Vec<(AttributeScope, std::sync::Arc<str>)>> + Sync),
}

impl<'a> Part<'a> {
    /// A part of a snapshot's scan.
    pub fn of(part: &'a ScanPart) -> Part<'a> {
        Part {
            newest_start: part.newest_start,
            last_start: part.last_start,
            load: Box::new(|| part.load()),
        }
    }
}
