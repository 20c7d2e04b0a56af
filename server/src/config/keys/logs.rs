//! Keys of logs: what Loki's API and OTLP take, and what becomes a label.

use super::Key;
use super::values::{address_or_off, bounded_size, count, list, on_off, on_off_text};
use crate::units::size_text;

pub(super) const KEYS: &[Key] = &[
    Key {
        path: "loki.listen",
        default: "127.0.0.1:3100",
        doc: "`HOST:PORT` of Loki's API at its own paths, which the main listener has too, all below `/loki`; `off` for none.",
        list: false,
        apply: |c, v| address_or_off(v).map(|v| c.logs.listen = v),
        show: |c| c.logs.listen.clone().unwrap_or_else(|| "off".to_owned()),
    },
    Key {
        path: "logs.line_size",
        default: "16MiB",
        doc: "Longest line; an entry over it is refused.",
        list: false,
        apply: |c, v| bounded_size(v, 1, 1 << 28).map(|v| c.logs.line_bytes_max = v),
        show: |c| size_text(c.logs.line_bytes_max),
    },
    Key {
        path: "logs.labels_per_stream",
        default: "64",
        doc: "Most labels of a stream, a `service_name` that was found for it not counted.",
        list: false,
        apply: |c, v| count(v, 1, 10_000).map(|v| c.logs.labels_max = v),
        show: |c| c.logs.labels_max.to_string(),
    },
    Key {
        path: "logs.metadata_size",
        default: "1MiB",
        doc: "Most bytes of an entry's structured metadata, names and values.",
        list: false,
        apply: |c, v| bounded_size(v, 1, 1 << 28).map(|v| c.logs.metadata_bytes_max = v),
        show: |c| size_text(c.logs.metadata_bytes_max),
    },
    Key {
        path: "logs.metadata_count",
        default: "1024",
        doc: "Most names of an entry's structured metadata.",
        list: false,
        apply: |c, v| count(v, 1, 1_000_000).map(|v| c.logs.metadata_names_max = v),
        show: |c| c.logs.metadata_names_max.to_string(),
    },
    Key {
        path: "logs.keep_repeats",
        default: "off",
        doc: "`on`: entries that equal another of their stream in time, line and metadata are kept; `off`: they are there once, as in Loki.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.logs.keep_repeats = v),
        show: |c| on_off_text(c.logs.keep_repeats),
    },
    Key {
        path: "logs.detect_level",
        default: "on",
        doc: "`on`: every entry gets `detected_level` as structured metadata.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.logs.detect_level = v),
        show: |c| on_off_text(c.logs.detect_level),
    },
    Key {
        path: "logs.service_name_from",
        default: "service,app,application,app_name,name,app_kubernetes_io_name,container,container_name,k8s_container_name,component,workload,job,k8s_job_name",
        doc: "Labels of which the first there is becomes `service_name` of a stream without one (`unknown_service` where none is); empty adds none.",
        list: true,
        apply: |c, v| {
            c.logs.service_name_from = list(v);
            Ok(())
        },
        show: |c| c.logs.service_name_from.join(","),
    },
    Key {
        path: "logs.high_cardinality_labels",
        default: "tracking_id,trace_id,span_id,request_id",
        doc: "Labels of streams that become structured metadata of their entries instead, so that each value does not make a stream; empty moves none.",
        list: true,
        apply: |c, v| {
            c.logs.high_cardinality = list(v);
            Ok(())
        },
        show: |c| c.logs.high_cardinality.join(","),
    },
    Key {
        path: "logs.otlp_labels",
        default: "service.name,service.namespace,service.instance.id,deployment.environment,deployment.environment.name,cloud.region,cloud.availability_zone,k8s.cluster.name,k8s.namespace.name,k8s.pod.name,k8s.container.name,container.name,k8s.replicaset.name,k8s.deployment.name,k8s.statefulset.name,k8s.daemonset.name,k8s.cronjob.name,k8s.job.name",
        doc: "Resource attributes of OTLP that become labels of streams; all others are structured metadata.",
        list: true,
        apply: |c, v| {
            c.logs.otlp_labels = list(v);
            Ok(())
        },
        show: |c| c.logs.otlp_labels.join(","),
    },
    Key {
        path: "logs.otlp_record_labels",
        default: "",
        doc: "Attributes of OTLP log records that become labels of streams.",
        list: true,
        apply: |c, v| {
            c.logs.otlp_record_labels = list(v);
            Ok(())
        },
        show: |c| c.logs.otlp_record_labels.join(","),
    },
    Key {
        path: "logs.otlp_drop",
        default: "",
        doc: "Attributes of OTLP logs, of resources, scopes and records alike, that are not kept.",
        list: true,
        apply: |c, v| {
            c.logs.otlp_dropped = list(v);
            Ok(())
        },
        show: |c| c.logs.otlp_dropped.join(","),
    },
    Key {
        path: "logs.severity_text_as_label",
        default: "off",
        doc: "`on`: the text of an OTLP record's severity becomes the label `severity_text`.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.logs.severity_text_as_label = v),
        show: |c| on_off_text(c.logs.severity_text_as_label),
    },
];
