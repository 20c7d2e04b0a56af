//! Spans of one write, self-contained: rows and the vocabulary they name things by. It is also what the log keeps, so a
//! head is a pure function of batches.

mod builder;
mod codec;
mod owned;
mod view;
pub(in crate::traces) use codec::{put_vocabulary, vocabulary};

pub use builder::{BatchBuilder, Part, SpanFields};
pub use view::{BatchSpan, SharedFields};

use super::TraceId;
use super::vocabulary::Vocabulary;

/// Spans of one write.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    pub(super) vocabulary: Vocabulary,
    pub(super) traces: Vec<TraceId>,
    pub(super) spans: Spans,
    pub(super) events: Events,
    pub(super) links: Links,
    /// Bytes of the spans' messages as they came; not in the log.
    pub(super) sizes: Vec<u32>,
}

/// Rows of spans as columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Spans {
    pub(super) class: Vec<u32>,
    /// Number of the trace in the batch.
    pub(super) trace: Vec<u32>,
    pub(super) id: Vec<u64>,
    pub(super) parent: Vec<u64>,
    pub(super) start: Vec<i64>,
    pub(super) duration: Vec<i64>,
    /// Cells of all rows, one row's behind the other's.
    pub(super) cells: Vec<u32>,
}

/// Rows of events, in the order of their spans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Events {
    pub(super) class: Vec<u32>,
    /// Since the start of the span.
    pub(super) time: Vec<i64>,
    pub(super) cells: Vec<u32>,
}

/// Rows of links, in the order of their spans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Links {
    pub(super) class: Vec<u32>,
    pub(super) trace_id: Vec<TraceId>,
    pub(super) span_id: Vec<u64>,
    pub(super) cells: Vec<u32>,
}

impl Batch {
    /// Number of spans.
    pub fn len(&self) -> usize {
        self.spans.class.len()
    }

    /// True without spans.
    pub fn is_empty(&self) -> bool {
        self.spans.class.is_empty()
    }

    /// The earliest start and the latest, in nanoseconds since 1970.
    pub fn times(&self) -> Option<(i64, i64)> {
        let starts = &self.spans.start;
        Some((*starts.iter().min()?, *starts.iter().max()?))
    }
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Spans that are new.
    pub spans: u32,
    /// Spans that were there already, by trace id, span id, kind and start.
    pub duplicates: u32,
    /// Places in the batch of those that were there already.
    pub duplicate_rows: Vec<u32>,
}

#[cfg(test)]
pub(super) mod tests;
