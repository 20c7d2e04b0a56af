//! What queries answer, as plain data. Not for its form on the wire, which is the server's.

use std::sync::Arc;

use kymo_engine::traces::{SpanId, TraceId, Value};

/// What a query looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Traces whose spans were tested.
    pub traces: u64,
    /// Spans that were tested.
    pub spans: u64,
    /// Parts of the store there were.
    pub parts: u64,
    /// Parts whose columns were read.
    pub parts_read: u64,
}

/// What a search answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchAnswer {
    /// Newest first; by duration, longest first, with the hint `order=duration`.
    pub traces: Vec<FoundTrace>,
    /// What was looked at.
    pub stats: Stats,
}

/// How far a search is.
#[derive(Debug, Clone)]
pub struct Progress<'a> {
    /// Traces that became certain since it was told last, in the order of the answer, which begins with all of them.
    pub settled: Vec<&'a FoundTrace>,
    /// Parts of the store that are done.
    pub parts_done: usize,
    /// What was looked at so far.
    pub stats: Stats,
}

/// A trace with the spans that were asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundTrace {
    /// Identity.
    pub id: TraceId,
    /// Service of the root span; `None` while no root has been received, or where it has none.
    pub root_service: Option<Arc<str>>,
    /// Name of the root span; `None` while no root has been received.
    pub root_name: Option<Arc<str>>,
    /// Start of the first span in nanoseconds since 1970.
    pub start: i64,
    /// From there to the end of the last span, in nanoseconds.
    pub duration: i64,
    /// At least one.
    pub spansets: Vec<FoundSpanset>,
    /// The services of the whole trace by name.
    pub services: Vec<ServiceStats>,
}

/// Spans of a trace that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundSpanset {
    /// By start and id, no more than asked for.
    pub spans: Vec<FoundSpan>,
    /// How many there are.
    pub matched: usize,
    /// Values of `by(..)` and of aggregates, under their text.
    pub attributes: Vec<(Arc<str>, Value)>,
}

/// A span with what the query names of it.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundSpan {
    /// Identity.
    pub id: SpanId,
    /// Its name where the query names that.
    pub name: Option<Arc<str>>,
    /// Start in nanoseconds since 1970.
    pub start: i64,
    /// End less start in nanoseconds.
    pub duration: i64,
    /// Attributes that the query names and the span has, in the order of the query, under their keys without scope. Kinds and
    /// statuses are their keywords.
    pub attributes: Vec<(Arc<str>, Value)>,
}

/// A service of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceStats {
    /// Its name.
    pub service: Arc<str>,
    /// Its spans.
    pub spans: u32,
    /// Those with the status `error`.
    pub errors: u32,
}

/// What a metrics query answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricsAnswer {
    /// By number of labels, then by their text.
    pub series: Vec<FoundSeries>,
    /// True when there were more series than asked for.
    pub truncated: bool,
    /// What was looked at.
    pub stats: Stats,
}

/// A time series.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundSeries {
    /// Names and values. Kinds and statuses are their keywords, durations Go's text.
    pub labels: Vec<(Arc<str>, Value)>,
    /// Time in milliseconds since 1970 and value. An instant query has one sample at most.
    pub samples: Vec<(i64, f64)>,
    /// Spans that the series is made of.
    pub exemplars: Vec<Exemplar>,
}

/// One span behind a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// `trace:id`, `span:id` and the labels of the series.
    pub labels: Vec<(Arc<str>, Value)>,
    /// Its value: in seconds for durations; that of the series where the function takes none.
    pub value: f64,
    /// Start of the span in milliseconds since 1970.
    pub time: i64,
}
