//! Keys of writing: limits, remote write, OTLP.

use super::Key;
use super::values::{
    accepted_messages, address_or_off, bounded_size, count, duration, list, on_off, on_off_text, strategy,
};
use crate::units::{duration_text, size_text};

pub(super) const KEYS: &[Key] = &[
    Key {
        path: "limits.label_name_length",
        default: "1KiB",
        doc: "Longest label name; a series over it is refused.",
        list: false,
        apply: |c, v| bounded_size(v, 1, 1 << 20).map(|v| c.limits.label_name_bytes_max = v),
        show: |c| size_text(c.limits.label_name_bytes_max),
    },
    Key {
        path: "limits.label_value_length",
        default: "64KiB",
        doc: "Longest label value; a series over it is refused.",
        list: false,
        apply: |c, v| bounded_size(v, 1, (16 << 20) - 1).map(|v| c.limits.label_value_bytes_max = v),
        show: |c| size_text(c.limits.label_value_bytes_max),
    },
    Key {
        path: "limits.labels_per_series",
        default: "256",
        doc: "Most labels of one series, `__name__` included.",
        list: false,
        apply: |c, v| count(v, 1, 10_000).map(|v| c.limits.labels_per_series_max = v),
        show: |c| c.limits.labels_per_series_max.to_string(),
    },
    Key {
        path: "limits.active_series",
        default: "10000000",
        doc: "Most active series per tenant; samples of further series are refused.",
        list: false,
        apply: |c, v| count(v, 1, u64::from(u32::MAX)).map(|v| c.limits.series_max = v),
        show: |c| c.limits.series_max.to_string(),
    },
    Key {
        path: "limits.body_size",
        default: "32MiB",
        doc: "Largest decompressed body of a write; above it 413.",
        list: false,
        apply: |c, v| bounded_size(v, 1, 1 << 30).map(|v| c.limits.body_bytes_max = v),
        show: |c| size_text(c.limits.body_bytes_max),
    },
    Key {
        path: "limits.in_flight",
        default: "256MiB",
        doc: "Bytes of all writes in work; above it 503 with `Retry-After`.",
        list: false,
        apply: |c, v| bounded_size(v, 1 << 20, 1 << 40).map(|v| c.limits.in_flight_bytes_max = v),
        show: |c| size_text(c.limits.in_flight_bytes_max),
    },
    Key {
        path: "limits.future",
        default: "10m",
        doc: "How far ahead of the server's clock a sample may be.",
        list: false,
        apply: |c, v| duration(v).map(|v| c.limits.future_ms_max = v),
        show: |c| duration_text(c.limits.future_ms_max),
    },
    Key {
        path: "metrics.high_cardinality_labels",
        default: "tracking_id,trace_id,span_id,request_id",
        doc: "Labels of series that become exemplars of their samples instead, so that each value does not make a series; empty moves none.",
        list: true,
        apply: |c, v| {
            c.moved_labels = list(v);
            Ok(())
        },
        show: |c| c.moved_labels.join(","),
    },
    Key {
        path: "remote_write.accepted_messages",
        default: "prometheus.WriteRequest,io.prometheus.write.v2.Request",
        doc: "Messages of remote write that are taken; others are answered 415.",
        list: true,
        apply: |c, v| accepted_messages(v).map(|v| c.remote_write = v),
        show: |c| c.remote_write.to_string(),
    },
    Key {
        path: "otlp.grpc_listen",
        default: "127.0.0.1:4317",
        doc: "`HOST:PORT` of OTLP over gRPC, which the main listener takes too; `off` for none.",
        list: false,
        apply: |c, v| address_or_off(v).map(|v| c.otlp.grpc_listen = v),
        show: |c| c.otlp.grpc_listen.clone().unwrap_or_else(|| "off".to_owned()),
    },
    Key {
        path: "otlp.http_listen",
        default: "127.0.0.1:4318",
        doc: "`HOST:PORT` of OTLP over HTTP, which the main listener takes too; `off` for none.",
        list: false,
        apply: |c, v| address_or_off(v).map(|v| c.otlp.http_listen = v),
        show: |c| c.otlp.http_listen.clone().unwrap_or_else(|| "off".to_owned()),
    },
    Key {
        path: "otlp.translation_strategy",
        default: "UnderscoreEscapingWithSuffixes",
        doc: "How names are made: `UnderscoreEscapingWithSuffixes`, `NoUTF8EscapingWithSuffixes`, `UnderscoreEscapingWithoutSuffixes` or `NoTranslation`.",
        list: false,
        apply: |c, v| strategy(v).map(|v| c.otlp.strategy = v),
        show: |c| c.otlp.strategy.to_string(),
    },
    Key {
        path: "otlp.promote_resource_attributes",
        default: "",
        doc: "Resource attributes that become labels of every series.",
        list: true,
        apply: |c, v| {
            c.otlp.promoted = list(v);
            Ok(())
        },
        show: |c| c.otlp.promoted.join(","),
    },
    Key {
        path: "otlp.promote_all_resource_attributes",
        default: "off",
        doc: "`on`: all resource attributes become labels, except those of `otlp.ignore_resource_attributes`.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.otlp.promote_all = v),
        show: |c| on_off_text(c.otlp.promote_all),
    },
    Key {
        path: "otlp.ignore_resource_attributes",
        default: "",
        doc: "Resource attributes that never become labels when all others do.",
        list: true,
        apply: |c, v| {
            c.otlp.ignored = list(v);
            Ok(())
        },
        show: |c| c.otlp.ignored.join(","),
    },
    Key {
        path: "otlp.keep_identifying_resource_attributes",
        default: "off",
        doc: "`on`: `target_info` has `service.name`, `service.namespace` and `service.instance.id` beside `job` and `instance`.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.otlp.keep_identifying = v),
        show: |c| on_off_text(c.otlp.keep_identifying),
    },
    Key {
        path: "otlp.convert_histograms_to_nhcb",
        default: "off",
        doc: "`on`: histograms with explicit bounds are stored as native histograms with custom buckets.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.otlp.histograms_to_nhcb = v),
        show: |c| on_off_text(c.otlp.histograms_to_nhcb),
    },
    Key {
        path: "otlp.promote_scope_metadata",
        default: "off",
        doc: "`on`: name, version, schema and attributes of the scope become labels `otel_scope_*` of every series.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.otlp.promote_scope = v),
        show: |c| on_off_text(c.otlp.promote_scope),
    },
    Key {
        path: "otlp.label_name_underscore_sanitization",
        default: "on",
        doc: "`on`: a label that would begin with a single underscore gets `key` before it.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.otlp.sanitize_underscore = v),
        show: |c| on_off_text(c.otlp.sanitize_underscore),
    },
];
