//! What a summary span says of those it stands for.

use std::sync::Arc;

use kymo_engine::traces::{Attribute, Span, Value};

/// Upper bounds in seconds of the durations that are counted.
const BOUNDS: [f64; 8] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];

/// Figures of spans that one stands for.
#[derive(Debug, Clone, Default)]
pub(super) struct Summary {
    spans: i64,
    start: i64,
    end: i64,
    /// Durations in nanoseconds.
    shortest: i64,
    longest: i64,
    total: i64,
    counts: [i64; BOUNDS.len() + 1],
    level: usize,
}

impl Summary {
    /// Of spans at a level above the lowest.
    pub(super) fn of<'s>(spans: impl Iterator<Item = &'s Span>, level: usize) -> Summary {
        let mut all = Summary {
            level,
            ..Summary::default()
        };
        for span in spans {
            let length = duration(span);
            let mut counts = [0; BOUNDS.len() + 1];
            counts[BOUNDS.partition_point(|bound| *bound < length as f64 / 1e9)] = 1;
            all.merge(&Summary {
                spans: 1,
                start: span.start,
                end: span.end,
                shortest: length,
                longest: length,
                total: length,
                counts,
                level,
            });
        }
        all
    }

    /// Adds what another stands for.
    pub(super) fn merge(&mut self, other: &Summary) {
        if self.spans == 0 {
            *self = other.clone();
            return;
        }
        self.spans += other.spans;
        self.start = self.start.min(other.start);
        self.end = self.end.max(other.end);
        self.shortest = self.shortest.min(other.shortest);
        self.longest = self.longest.max(other.longest);
        self.total = self.total.saturating_add(other.total);
        self.counts
            .iter_mut()
            .zip(other.counts)
            .for_each(|(a, b)| *a += b);
    }
}

/// Makes a span the summary: it reaches from the first start to the last end.
pub(super) fn push(span: &mut Span, summary: &Summary) {
    (span.start, span.end) = (summary.start, summary.end);
    let list = |values: Vec<Value>| Value::Array(values.into());
    let bounds = BOUNDS.map(Value::Double).to_vec();
    let counts = summary.counts.map(Value::Int).to_vec();
    let level = i64::try_from(summary.level).unwrap_or(i64::MAX);
    let stated = [
        ("is_summary", Value::Bool(true)),
        ("span_count", Value::Int(summary.spans)),
        ("duration_min_ns", Value::Int(summary.shortest)),
        ("duration_max_ns", Value::Int(summary.longest)),
        (
            "duration_avg_ns",
            Value::Int(summary.total / summary.spans.max(1)),
        ),
        ("duration_total_ns", Value::Int(summary.total)),
        ("aggregation_level", Value::Int(level)),
        ("histogram_bucket_bounds_s", list(bounds)),
        ("histogram_bucket_counts", list(counts)),
    ];
    span.attributes.retain(|a| !a.key.starts_with("aggregation."));
    span.attributes.extend(stated.map(|(name, value)| Attribute {
        key: Arc::from(format!("aggregation.{name}")),
        value,
    }));
}

/// The length of a span in nanoseconds, 0 when it ends before it starts.
pub(super) fn duration(span: &Span) -> i64 {
    span.end.saturating_sub(span.start).max(0)
}
