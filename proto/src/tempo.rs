//! Messages of Tempo's query API (`tempopb`, Apache-2.0): requests of its streaming gRPC decoded, and answers as plain structs
//! that encode themselves. Their JSON is the server's to write. Not for traces, which are OTLP's own messages.

mod encode;
mod request;

use std::sync::Arc;

pub use request::{QueryInstant, QueryRange, Search, SearchTagValues, SearchTags};

/// A value of an attribute or label.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text.
    String(String),
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A double.
    Double(f64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    Array(Vec<Value>),
    /// Named values.
    KvList(Vec<(String, Value)>),
}

/// Named values.
pub type Attributes = Vec<(String, Value)>;

/// `SearchResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SearchResponse {
    /// What was found.
    pub traces: Vec<TraceMetadata>,
    /// What it took.
    pub metrics: SearchMetrics,
}

/// `TraceSearchMetadata`: one trace that was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TraceMetadata {
    /// Id in hex.
    pub trace_id: String,
    /// Service of the root span.
    pub root_service_name: String,
    /// Name of the root span.
    pub root_trace_name: String,
    /// Start, nanoseconds since 1970.
    pub start_nanos: u64,
    /// Length in milliseconds.
    pub duration_ms: u32,
    /// Sets of spans that match.
    pub span_sets: Vec<SpanSet>,
    /// Spans and errors by service, sorted by service.
    pub service_stats: Vec<(String, ServiceStats)>,
}

/// Counts of the spans of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServiceStats {
    /// Spans.
    pub spans: u32,
    /// Those with the status error.
    pub errors: u32,
}

/// `SpanSet`: spans of one trace that match together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SpanSet {
    /// Some of the spans.
    pub spans: Vec<Span>,
    /// How many there are.
    pub matched: u32,
    /// What holds for all of them.
    pub attributes: Attributes,
}

/// `Span`: one that matches.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Span {
    /// Id in hex.
    pub span_id: String,
    /// Name, where it was asked for.
    pub name: String,
    /// Start, nanoseconds since 1970.
    pub start_nanos: u64,
    /// Length in nanoseconds.
    pub duration_nanos: u64,
    /// What was asked for.
    pub attributes: Attributes,
}

/// `SearchMetrics`: what a query took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SearchMetrics {
    /// Traces looked at.
    pub inspected_traces: u32,
    /// Bytes read.
    pub inspected_bytes: u64,
    /// Blocks there are.
    pub total_blocks: u32,
    /// Parts of the work that are done.
    pub completed_jobs: u32,
    /// Parts of the work.
    pub total_jobs: u32,
    /// Bytes of the blocks.
    pub total_block_bytes: u64,
    /// Spans looked at.
    pub inspected_spans: u64,
}

/// `MetadataMetrics`: what a question for names or values took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MetadataMetrics {
    /// Bytes read.
    pub inspected_bytes: u64,
    /// Parts of the work.
    pub total_jobs: u32,
    /// Parts of the work that are done.
    pub completed_jobs: u32,
    /// Blocks there are.
    pub total_blocks: u32,
    /// Bytes of the blocks.
    pub total_block_bytes: u64,
}

/// `SearchTagsResponse`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagNames {
    /// Names.
    pub names: Vec<String>,
    /// What it took.
    pub metrics: MetadataMetrics,
}

/// `SearchTagsV2Response`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopedTagNames {
    /// Scopes with their names.
    pub scopes: Vec<(String, Vec<String>)>,
    /// What it took.
    pub metrics: MetadataMetrics,
}

/// `SearchTagValuesResponse`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagValues {
    /// Values as text.
    pub values: Vec<String>,
    /// What it took.
    pub metrics: MetadataMetrics,
}

/// `SearchTagValuesV2Response`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TypedTagValues {
    /// Types and values.
    pub values: Vec<(&'static str, Arc<str>)>,
    /// What it took.
    pub metrics: MetadataMetrics,
}

/// `QueryRangeResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RangeResponse {
    /// Series.
    pub series: Vec<TimeSeries>,
    /// What it took.
    pub metrics: SearchMetrics,
    /// Why this is not all, where it is not.
    pub partial: Option<String>,
}

/// `TimeSeries`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TimeSeries {
    /// Labels.
    pub labels: Attributes,
    /// Milliseconds since 1970 and values.
    pub samples: Vec<(i64, f64)>,
    /// Exemplars.
    pub exemplars: Vec<Exemplar>,
}

/// `Exemplar`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exemplar {
    /// Labels.
    pub labels: Attributes,
    /// Value.
    pub value: f64,
    /// Milliseconds since 1970.
    pub timestamp_ms: i64,
}

/// `QueryInstantResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InstantResponse {
    /// Labels and value of each series.
    pub series: Vec<(Attributes, f64)>,
    /// What it took.
    pub metrics: SearchMetrics,
    /// Why this is not all, where it is not.
    pub partial: Option<String>,
}

#[cfg(test)]
mod tests;
