//! The protobuf form of the answers.

use super::{
    Attributes, InstantResponse, MetadataMetrics, RangeResponse, ScopedTagNames, SearchMetrics,
    SearchResponse, Span, SpanSet, TagNames, TagValues, TimeSeries, TraceMetadata, TypedTagValues, Value,
};
use crate::wire::{put_bytes, put_double, put_fixed64, put_integer, put_message, put_varint};

/// `PartialStatus.PARTIAL`.
const PARTIAL: u64 = 1;

impl SearchResponse {
    /// The protobuf form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for trace in &self.traces {
            put_message(&mut out, 1, |out| trace.put(out));
        }
        put_message(&mut out, 2, |out| self.metrics.put(out));
        out
    }
}

impl TraceMetadata {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(out, 1, &self.trace_id);
        put_text(out, 2, &self.root_service_name);
        put_text(out, 3, &self.root_trace_name);
        put_integer(out, 4, self.start_nanos);
        put_integer(out, 5, self.duration_ms.into());
        if let Some(first) = self.span_sets.first() {
            put_message(out, 6, |out| first.put(out));
        }
        for set in &self.span_sets {
            put_message(out, 7, |out| set.put(out));
        }
        for (service, stats) in &self.service_stats {
            put_message(out, 8, |out| {
                put_text(out, 1, service);
                put_message(out, 2, |out| {
                    put_integer(out, 1, stats.spans.into());
                    put_integer(out, 2, stats.errors.into());
                });
            });
        }
    }
}

impl SpanSet {
    fn put(&self, out: &mut Vec<u8>) {
        for span in &self.spans {
            put_message(out, 1, |out| span.put(out));
        }
        put_integer(out, 2, self.matched.into());
        put_attributes(out, 3, &self.attributes);
    }
}

impl Span {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(out, 1, &self.span_id);
        put_text(out, 2, &self.name);
        put_integer(out, 3, self.start_nanos);
        put_integer(out, 4, self.duration_nanos);
        put_attributes(out, 5, &self.attributes);
    }
}

impl SearchMetrics {
    fn put(&self, out: &mut Vec<u8>) {
        put_integer(out, 1, self.inspected_traces.into());
        put_integer(out, 2, self.inspected_bytes);
        put_integer(out, 3, self.total_blocks.into());
        put_integer(out, 4, self.completed_jobs.into());
        put_integer(out, 5, self.total_jobs.into());
        put_integer(out, 6, self.total_block_bytes);
        put_integer(out, 7, self.inspected_spans);
    }
}

impl MetadataMetrics {
    fn put(&self, out: &mut Vec<u8>) {
        put_integer(out, 1, self.inspected_bytes);
        put_integer(out, 2, self.total_jobs.into());
        put_integer(out, 3, self.completed_jobs.into());
        put_integer(out, 4, self.total_blocks.into());
        put_integer(out, 5, self.total_block_bytes);
    }
}

impl TagNames {
    /// The protobuf form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for name in &self.names {
            put_bytes(&mut out, 1, name.as_bytes());
        }
        put_message(&mut out, 2, |out| self.metrics.put(out));
        out
    }
}

impl ScopedTagNames {
    /// The protobuf form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (scope, names) in &self.scopes {
            put_message(&mut out, 1, |out| {
                put_text(out, 1, scope);
                for name in names {
                    put_bytes(out, 2, name.as_bytes());
                }
            });
        }
        put_message(&mut out, 2, |out| self.metrics.put(out));
        out
    }
}

impl TagValues {
    /// The protobuf form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for value in &self.values {
            put_bytes(&mut out, 1, value.as_bytes());
        }
        put_message(&mut out, 2, |out| self.metrics.put(out));
        out
    }
}

impl TypedTagValues {
    /// The protobuf form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (kind, value) in &self.values {
            put_message(&mut out, 1, |out| {
                put_text(out, 1, kind);
                put_text(out, 2, value);
            });
        }
        put_message(&mut out, 2, |out| self.metrics.put(out));
        out
    }
}

impl RangeResponse {
    /// The protobuf form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for series in &self.series {
            put_message(&mut out, 1, |out| series.put(out));
        }
        put_end(&mut out, &self.metrics, self.partial.as_deref());
        out
    }
}

impl InstantResponse {
    /// The protobuf form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (labels, value) in &self.series {
            put_message(&mut out, 1, |out| {
                put_attributes(out, 1, labels);
                put_double(out, 2, *value);
            });
        }
        put_end(&mut out, &self.metrics, self.partial.as_deref());
        out
    }
}

fn put_end(out: &mut Vec<u8>, metrics: &SearchMetrics, partial: Option<&str>) {
    put_message(out, 2, |out| metrics.put(out));
    if let Some(message) = partial {
        put_integer(out, 3, PARTIAL);
        put_text(out, 4, message);
    }
}

impl TimeSeries {
    fn put(&self, out: &mut Vec<u8>) {
        put_attributes(out, 1, &self.labels);
        for (timestamp, value) in &self.samples {
            put_message(out, 2, |out| {
                put_double(out, 1, *value);
                put_integer(out, 2, timestamp.cast_unsigned());
            });
        }
        for exemplar in &self.exemplars {
            put_message(out, 4, |out| {
                put_attributes(out, 1, &exemplar.labels);
                put_double(out, 2, exemplar.value);
                put_integer(out, 3, exemplar.timestamp_ms.cast_unsigned());
            });
        }
    }
}

fn put_text(out: &mut Vec<u8>, field: u32, text: &str) {
    if !text.is_empty() {
        put_bytes(out, field, text.as_bytes());
    }
}

fn put_attributes(out: &mut Vec<u8>, field: u32, attributes: &Attributes) {
    for (key, value) in attributes {
        put_message(out, field, |out| put_pair(out, key, value));
    }
}

fn put_pair(out: &mut Vec<u8>, key: &str, value: &Value) {
    put_text(out, 1, key);
    put_message(out, 2, |out| value.put(out));
}

impl Value {
    /// Appends the fields of an `AnyValue`: the one that is set is there even at its default.
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Value::String(text) => put_bytes(out, 1, text.as_bytes()),
            Value::Bool(value) => out.extend_from_slice(&[0x10, u8::from(*value)]),
            Value::Int(value) => {
                out.push(0x18);
                put_varint(out, value.cast_unsigned());
            }
            Value::Double(value) => put_fixed64(out, 4, value.to_bits()),
            Value::Array(values) => put_message(out, 5, |out| {
                for value in values {
                    put_message(out, 1, |out| value.put(out));
                }
            }),
            Value::KvList(pairs) => put_message(out, 6, |out| {
                for (key, value) in pairs {
                    put_message(out, 1, |out| put_pair(out, key, value));
                }
            }),
            Value::Bytes(bytes) => put_bytes(out, 7, bytes),
        }
    }
}
