//! Columns of whole traces: what a question about many traces is computed over. Rows are spans; those of a trace are
//! contiguous and ascend by start and id. Where they come from (head, block, several parts joined, owned traces) is behind
//! `Source` and makes no difference to the answers.

pub(in crate::traces) mod columns;
pub mod each;
pub(in crate::traces) mod extent;
pub(in crate::traces) mod group;
pub(in crate::traces) mod head;
pub(crate) mod memory;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

pub use each::EachTrace;
use each::{GroupBytes, Kept};
use extent::Extent;

use super::TraceId;
use super::model::{SpanId, Trace};
use super::value::Value;
use crate::error::Result;

/// Code of a row that has no value.
pub const ABSENT: u32 = u32::MAX;
/// Instead of a parent's row: the span names no parent.
pub const NO_PARENT: u32 = u32::MAX;
/// Instead of a parent's row: the parent is not among the trace's spans.
pub const ORPHAN: u32 = u32::MAX - 1;

/// Whose attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AttributeScope {
    /// The resource's.
    Resource,
    /// The span's.
    Span,
    /// An event's.
    Event,
    /// A link's.
    Link,
    /// The instrumentation scope's.
    Instrumentation,
}

/// Something a span has, once, several times or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// An attribute.
    Attribute {
        /// Whose.
        scope: AttributeScope,
        /// Name.
        key: Arc<str>,
    },
    /// Name of the span.
    Name,
    /// OTLP number of the kind, an integer.
    Kind,
    /// OTLP number of the status, an integer.
    Status,
    /// Text of the status; absent when empty.
    StatusMessage,
    /// W3C trace state; absent when empty.
    TraceState,
    /// Name of the instrumentation scope.
    ScopeName,
    /// Version of the instrumentation scope.
    ScopeVersion,
    /// End less start in nanoseconds.
    Duration,
    /// Names of the events.
    EventName,
    /// Times of the events since the start of the span, in nanoseconds.
    EventTime,
    /// Trace ids of the links, bytes.
    LinkTraceId,
    /// Span ids of the links, bytes.
    LinkSpanId,
}

/// The values of a field for every row.
#[derive(Debug, Clone)]
pub enum Column {
    /// No row has it.
    Absent,
    /// Each row by a code: the place among `values`, or [`ABSENT`]. Values may repeat, and `None` among them is absent too.
    /// Columns that depend on the same things of a span share their codes (`Arc::ptr_eq`).
    Coded {
        /// A code a row.
        codes: Arc<[u32]>,
        /// What the codes stand for.
        values: Arc<[Option<Value>]>,
    },
    /// Whole numbers.
    Ints {
        /// A number a row, of no meaning where absent.
        values: Arc<[i64]>,
        /// Which rows have it; `None` when all have.
        present: Option<Arc<[bool]>>,
    },
    /// Numbers.
    Doubles {
        /// A number a row, of no meaning where absent.
        values: Arc<[f64]>,
        /// Which rows have it; `None` when all have.
        present: Option<Arc<[bool]>>,
    },
    /// Several values a row: those of events and links.
    Many {
        /// For each row, and one beyond the last, the place of its first value.
        firsts: Arc<[u32]>,
        /// The values.
        inner: Box<Column>,
    },
}

/// One trace of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: TraceId,
    /// Its rows.
    pub rows: Range<u32>,
    /// Start of the earliest span in nanoseconds since 1970.
    pub start: i64,
    /// Start of the span that begins last.
    pub last_start: i64,
    /// End of the last span.
    pub end: i64,
    /// The first row that names no parent.
    pub root: Option<u32>,
}

/// Where a table's columns come from. Each is asked for once.
pub(crate) trait Source: Send + Sync {
    fn rows(&self) -> usize;
    fn trace_count(&self) -> usize;
    /// Ids and rows of the traces in the order of the rows.
    fn trace_rows(&self) -> Result<Vec<(TraceId, Range<u32>)>>;
    /// The traces, where they are known without reading the spans.
    fn runs(&self) -> Result<Option<Vec<Run>>> {
        Ok(None)
    }
    /// The same bit by bit, where that is less work.
    fn each_trace(&self) -> Result<Option<GroupBytes<'_>>> {
        Ok(None)
    }
    fn starts(&self) -> Result<Vec<i64>>;
    /// Starts of one trace's spans, by its number in the table, where they are had cheaper than those of all.
    fn starts_of(&self, _trace: usize) -> Result<Option<Vec<i64>>> {
        Ok(None)
    }
    fn durations(&self) -> Result<Vec<i64>>;
    fn span_ids(&self) -> Result<Vec<SpanId>>;
    /// Id of one span, where it is had cheaper than those of all.
    fn span_id(&self, _row: usize) -> Result<Option<SpanId>> {
        Ok(None)
    }
    fn parent_ids(&self) -> Result<Vec<SpanId>>;
    /// Rows of the parents, [`NO_PARENT`] or [`ORPHAN`].
    fn parents(&self) -> Result<Vec<u32>>;
    fn column(&self, field: &Field) -> Result<Column>;
    /// The codes of a column that occur and how often, ascending, where that is told without counting.
    fn code_counts(&self, _codes: &[u32]) -> Option<&[(u32, u32)]> {
        None
    }
    /// The trace with those rows, whole.
    fn trace(&self, id: TraceId, rows: Range<u32>) -> Result<Trace>;
}

/// Whole traces as columns.
pub struct Table {
    source: Box<dyn Source>,
    trace_rows: OnceLock<Vec<(TraceId, Range<u32>)>>,
    runs: OnceLock<Vec<Run>>,
    starts: OnceLock<Vec<i64>>,
    durations: OnceLock<Vec<i64>>,
    span_ids: OnceLock<Vec<SpanId>>,
    parent_ids: OnceLock<Vec<SpanId>>,
    parents: OnceLock<Vec<u32>>,
}

impl Table {
    /// A table of owned traces, for tests and scripts.
    pub fn of_traces(traces: Vec<Trace>) -> Table {
        Table::over(Box::new(memory::OwnedTraces::new(traces)))
    }

    pub(crate) fn over(source: Box<dyn Source>) -> Table {
        Table {
            source,
            trace_rows: OnceLock::new(),
            runs: OnceLock::new(),
            starts: OnceLock::new(),
            durations: OnceLock::new(),
            span_ids: OnceLock::new(),
            parent_ids: OnceLock::new(),
            parents: OnceLock::new(),
        }
    }

    /// Number of spans.
    pub fn rows(&self) -> usize {
        self.source.rows()
    }

    /// Number of traces.
    pub fn trace_count(&self) -> usize {
        self.source.trace_count()
    }

    /// Ids and rows of the traces, in the order of the rows: what [`Table::traces`] tells without reading the spans.
    ///
    /// # Errors
    /// What reading a block can bring.
    pub fn trace_rows(&self) -> Result<&[(TraceId, Range<u32>)]> {
        once(&self.trace_rows, || self.source.trace_rows())
    }

    /// The traces in the order of their rows.
    ///
    /// # Errors
    /// As for all columns, what reading a block can bring.
    pub fn traces(&self) -> Result<&[Run]> {
        once(&self.runs, || {
            if let Some(runs) = self.source.runs()? {
                return Ok(runs);
            }
            let (starts, durations, parents) = (self.starts()?, self.durations()?, self.parents()?);
            let traces = self.trace_rows()?.iter().cloned();
            let run = |(id, rows): (TraceId, Range<u32>)| {
                let at = rows.start as usize..rows.end as usize;
                let is_root = |n: usize| parents[at.start + n] == NO_PARENT;
                let extent = Extent::of(&starts[at.clone()], |n| durations[at.start + n], is_root);
                extent.run(id, rows)
            };
            Ok(traces.map(run).collect())
        })
    }

    /// The traces in the order of their rows, for what asks little of each.
    ///
    /// # Errors
    /// As for [`Table::traces`].
    pub fn each_trace(&self) -> Result<EachTrace<'_>> {
        if self.runs.get().is_none()
            && let Some(group) = self.source.each_trace()?
        {
            return Ok(EachTrace(Kept::Group(group)));
        }
        Ok(EachTrace(Kept::Runs(self.traces()?)))
    }

    /// Starts in nanoseconds since 1970.
    pub fn starts(&self) -> Result<&[i64]> {
        once(&self.starts, || self.source.starts())
    }

    /// Starts of the spans of a trace by its place among [`Table::traces`]; less work than [`Table::starts`] for a few traces.
    pub fn starts_of(&self, trace: usize) -> Result<Cow<'_, [i64]>> {
        if self.starts.get().is_none()
            && let Some(starts) = self.source.starts_of(trace)?
        {
            return Ok(Cow::Owned(starts));
        }
        let (starts, rows) = (self.starts()?, &self.trace_rows()?[trace].1);
        Ok(Cow::Borrowed(&starts[rows.start as usize..rows.end as usize]))
    }

    /// Ends less starts in nanoseconds.
    pub fn durations(&self) -> Result<&[i64]> {
        once(&self.durations, || self.source.durations())
    }

    /// Ids of the spans.
    pub fn span_ids(&self) -> Result<&[SpanId]> {
        once(&self.span_ids, || self.source.span_ids())
    }

    /// Id of the span of a row; less work than [`Table::span_ids`] for a few rows.
    pub fn span_id(&self, row: usize) -> Result<SpanId> {
        if self.span_ids.get().is_none()
            && let Some(id) = self.source.span_id(row)?
        {
            return Ok(id);
        }
        Ok(self.span_ids()?[row])
    }

    /// Ids of the parents, zeros for none.
    pub fn parent_ids(&self) -> Result<&[SpanId]> {
        once(&self.parent_ids, || self.source.parent_ids())
    }

    /// Rows of the parents, [`NO_PARENT`] or [`ORPHAN`].
    pub fn parents(&self) -> Result<&[u32]> {
        once(&self.parents, || self.source.parents())
    }

    /// The values of a field. A span with several attributes of one name has the first.
    pub fn column(&self, field: &Field) -> Result<Column> {
        self.source.column(field)
    }

    /// Which codes of a column of this table occur and how often, where that is told without counting them.
    pub fn code_counts(&self, codes: &[u32]) -> Option<&[(u32, u32)]> {
        self.source.code_counts(codes)
    }

    /// A whole trace by its place among [`Table::traces`].
    pub fn trace(&self, run: usize) -> Result<Option<Trace>> {
        match self.traces()?.get(run) {
            Some(run) => self.source.trace(run.id, run.rows.clone()).map(Some),
            None => Ok(None),
        }
    }
}

/// The rows of the parents of one trace's spans, given by id, parent's id and kind in the order of the rows, of which
/// `from` is the first. Of several spans with one id (the two sides of a call in Zipkin's manner) a server's parent is the
/// other one, and everybody else's is the server's.
pub(crate) fn resolve_parents(spans: &[(SpanId, SpanId, i32)], from: u32) -> Vec<u32> {
    const NONE: SpanId = [0; 8];
    let mut rows: Vec<u32> = (0..spans.len() as u32).collect();
    let key = |row: u32| spans[row as usize].0;
    rows.sort_by_key(|row| (key(*row), *row));
    let with_id = |id: SpanId| {
        let first = rows.partition_point(|row| key(*row) < id);
        let same = rows[first..].iter().take_while(move |row| key(**row) == id);
        same.copied()
    };
    let parent_of = |row: u32| {
        let (id, parent, kind) = spans[row as usize];
        if kind == SERVER
            && let Some(client) = with_id(id).find(|other| spans[*other as usize].2 == CLIENT)
        {
            return from + client;
        }
        if parent == NONE {
            return NO_PARENT;
        }
        let mut others = with_id(parent).filter(|other| *other != row);
        let Some(first) = others.next() else { return ORPHAN };
        let server = std::iter::once(first)
            .chain(others)
            .find(|o| spans[*o as usize].2 == SERVER);
        from + server.unwrap_or(first)
    };
    (0..spans.len() as u32).map(parent_of).collect()
}

/// OTLP kinds.
const SERVER: i32 = 2;
const CLIENT: i32 = 3;

/// What was computed before, or is now. Two threads may compute it at once; both get the same.
fn once<T>(cell: &OnceLock<Vec<T>>, compute: impl FnOnce() -> Result<Vec<T>>) -> Result<&[T]> {
    if let Some(values) = cell.get() {
        return Ok(values);
    }
    let values = compute()?;
    Ok(cell.get_or_init(|| values))
}
