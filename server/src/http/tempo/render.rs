//! Tempo's answers as JSON: protobuf's own mapping of `tempopb`, so strictly that Grafana's decoder, which refuses unknown
//! members, takes it.

use kymo_proto::tempo::{
    Attributes, Exemplar, InstantResponse, MetadataMetrics, RangeResponse, ScopedTagNames, SearchMetrics,
    SearchResponse, Span, SpanSet, TagNames, TagValues, TimeSeries, TraceMetadata, TypedTagValues, Value,
};

use crate::http::json::{Object, base64, double, list, object, text};

/// An answer in both forms.
pub(crate) trait Message {
    /// The protobuf form.
    fn protobuf(&self) -> Vec<u8>;

    /// Writes the members of the JSON form.
    fn members(&self, o: &mut Object<'_>);

    /// The JSON form.
    fn json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        object(&mut out, |o| self.members(o));
        out
    }
}

impl Message for SearchResponse {
    fn protobuf(&self) -> Vec<u8> {
        self.encode()
    }

    fn members(&self, o: &mut Object<'_>) {
        list(o.name("traces"), &self.traces, |out, trace| {
            object(out, |o| push_trace(o, trace));
        });
        search_metrics(o, &self.metrics);
    }
}

fn push_trace(o: &mut Object<'_>, trace: &TraceMetadata) {
    o.text("traceID", &trace.trace_id);
    o.text("rootServiceName", &trace.root_service_name);
    o.text("rootTraceName", &trace.root_trace_name);
    o.long("startTimeUnixNano", trace.start_nanos);
    o.number("durationMs", trace.duration_ms);
    if let Some(first) = trace.span_sets.first() {
        o.object("spanSet", |o| push_span_set(o, first));
    }
    o.list("spanSets", &trace.span_sets, |out, set| {
        object(out, |o| push_span_set(o, set));
    });
    if !trace.service_stats.is_empty() {
        o.object("serviceStats", |o| {
            for (service, stats) in &trace.service_stats {
                object(o.any_name(service), |o| {
                    o.number("spanCount", stats.spans);
                    o.number("errorCount", stats.errors);
                });
            }
        });
    }
}

fn push_span_set(o: &mut Object<'_>, set: &SpanSet) {
    o.list("spans", &set.spans, |out, span| {
        object(out, |o| push_span(o, span))
    });
    o.number("matched", set.matched);
    attributes(o, "attributes", &set.attributes);
}

fn push_span(o: &mut Object<'_>, span: &Span) {
    o.text("spanID", &span.span_id);
    o.text("name", &span.name);
    o.long("startTimeUnixNano", span.start_nanos);
    o.long("durationNanos", span.duration_nanos);
    attributes(o, "attributes", &span.attributes);
}

fn search_metrics(o: &mut Object<'_>, metrics: &SearchMetrics) {
    o.object("metrics", |o| {
        o.number("inspectedTraces", metrics.inspected_traces);
        o.long("inspectedBytes", metrics.inspected_bytes);
        o.number("totalBlocks", metrics.total_blocks);
        o.number("completedJobs", metrics.completed_jobs);
        o.number("totalJobs", metrics.total_jobs);
        o.long("totalBlockBytes", metrics.total_block_bytes);
        o.long("inspectedSpans", metrics.inspected_spans);
    });
}

fn metadata_metrics(o: &mut Object<'_>, metrics: &MetadataMetrics) {
    o.object("metrics", |o| {
        o.long("inspectedBytes", metrics.inspected_bytes);
        o.number("totalJobs", metrics.total_jobs);
        o.number("completedJobs", metrics.completed_jobs);
        o.number("totalBlocks", metrics.total_blocks);
        o.long("totalBlockBytes", metrics.total_block_bytes);
    });
}

impl Message for TagNames {
    fn protobuf(&self) -> Vec<u8> {
        self.encode()
    }

    fn members(&self, o: &mut Object<'_>) {
        list(o.name("tagNames"), &self.names, |out, name| text(out, name));
        metadata_metrics(o, &self.metrics);
    }
}

impl Message for ScopedTagNames {
    fn protobuf(&self) -> Vec<u8> {
        self.encode()
    }

    fn members(&self, o: &mut Object<'_>) {
        list(o.name("scopes"), &self.scopes, |out, (scope, names)| {
            object(out, |o| {
                o.text("name", scope);
                o.texts("tags", names);
            });
        });
        metadata_metrics(o, &self.metrics);
    }
}

impl Message for TagValues {
    fn protobuf(&self) -> Vec<u8> {
        self.encode()
    }

    fn members(&self, o: &mut Object<'_>) {
        list(o.name("tagValues"), &self.values, |out, value| text(out, value));
        metadata_metrics(o, &self.metrics);
    }
}

impl Message for TypedTagValues {
    fn protobuf(&self) -> Vec<u8> {
        self.encode()
    }

    fn members(&self, o: &mut Object<'_>) {
        list(o.name("tagValues"), &self.values, |out, (kind, value)| {
            object(out, |o| {
                o.text("type", kind);
                o.text_even_empty("value", value);
            });
        });
        metadata_metrics(o, &self.metrics);
    }
}

impl Message for RangeResponse {
    fn protobuf(&self) -> Vec<u8> {
        self.encode()
    }

    fn members(&self, o: &mut Object<'_>) {
        list(o.name("series"), &self.series, |out, series| {
            object(out, |o| push_series(o, series));
        });
        search_metrics(o, &self.metrics);
        partial(o, self.partial.as_deref());
    }
}

fn push_series(o: &mut Object<'_>, series: &TimeSeries) {
    attributes(o, "labels", &series.labels);
    o.list("samples", &series.samples, |out, (timestamp, value)| {
        object(out, |o| {
            o.long("timestampMs", *timestamp);
            push_value(o, *value);
        });
    });
    o.list("exemplars", &series.exemplars, |out, exemplar| {
        object(out, |o| push_exemplar(o, exemplar));
    });
}

fn push_exemplar(o: &mut Object<'_>, exemplar: &Exemplar) {
    attributes(o, "labels", &exemplar.labels);
    push_value(o, exemplar.value);
    o.long("timestampMs", exemplar.timestamp_ms);
}

fn push_value(o: &mut Object<'_>, value: f64) {
    if value != 0.0 {
        double(o.name("value"), value);
    }
}

impl Message for InstantResponse {
    fn protobuf(&self) -> Vec<u8> {
        self.encode()
    }

    fn members(&self, o: &mut Object<'_>) {
        list(o.name("series"), &self.series, |out, (labels, value)| {
            object(out, |o| {
                attributes(o, "labels", labels);
                push_value(o, *value);
            });
        });
        search_metrics(o, &self.metrics);
        partial(o, self.partial.as_deref());
    }
}

fn partial(o: &mut Object<'_>, message: Option<&str>) {
    if let Some(message) = message {
        o.text("status", "PARTIAL");
        o.text("message", message);
    }
}

fn attributes(o: &mut Object<'_>, name: &str, attributes: &Attributes) {
    o.list(name, attributes, |out, (key, value)| push_pair(out, key, value));
}

fn push_pair(out: &mut Vec<u8>, key: &str, value: &Value) {
    object(out, |o| {
        o.text("key", key);
        any_value(o.name("value"), value);
    });
}

fn any_value(out: &mut Vec<u8>, value: &Value) {
    object(out, |o| match value {
        Value::String(value) => o.text_even_empty("stringValue", value),
        Value::Bool(value) => o
            .name("boolValue")
            .extend_from_slice(value.to_string().as_bytes()),
        Value::Int(value) => o.text("intValue", &value.to_string()),
        Value::Double(value) => double(o.name("doubleValue"), *value),
        Value::Bytes(value) => base64(o.name("bytesValue"), value),
        Value::Array(values) => o.object("arrayValue", |o| {
            list(o.name("values"), values, any_value);
        }),
        Value::KvList(pairs) => o.object("kvlistValue", |o| {
            list(o.name("values"), pairs, |out, (key, value)| {
                push_pair(out, key, value)
            });
        }),
    });
}
