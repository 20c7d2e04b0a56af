//! Keys of reading: queries, remote read, search.

use std::path::PathBuf;

use super::Key;
use super::values::{address_or_off, bounded_size, count, duration, labels, list, memory, positive_duration};
use crate::units::{duration_text, size_text};

pub(super) const KEYS: &[Key] = &[
    Key {
        path: "tempo.listen",
        default: "127.0.0.1:3200",
        doc: "`HOST:PORT` of Tempo's API at its own paths, which the main listener has under `/tempo`; `off` for none.",
        list: false,
        apply: |c, v| address_or_off(v).map(|v| c.tempo_listen = v),
        show: |c| c.tempo_listen.clone().unwrap_or_else(|| "off".to_owned()),
    },
    Key {
        path: "jaeger.listen",
        default: "127.0.0.1:16686",
        doc: "`HOST:PORT` of Jaeger's query API at its own paths, which the main listener has under `/jaeger`; `off` for none.",
        list: false,
        apply: |c, v| address_or_off(v).map(|v| c.jaeger_listen = v),
        show: |c| c.jaeger_listen.clone().unwrap_or_else(|| "off".to_owned()),
    },
    Key {
        path: "track.ids",
        default: "tracking_id,request_id,user.id",
        doc: "Names of log fields and span attributes whose values `/api/v1/track/ID` finds, beside ids of traces and whatever looks like a UUID or 16 and more hexadecimal digits.",
        list: true,
        apply: |c, v| {
            c.track_ids = list(v);
            Ok(())
        },
        show: |c| c.track_ids.join(","),
    },
    Key {
        path: "query.timeout",
        default: "2m",
        doc: "Longest time of one query; a request may ask for less.",
        list: false,
        apply: |c, v| positive_duration(v).map(|v| c.query.timeout_ms = v),
        show: |c| duration_text(c.query.timeout_ms),
    },
    Key {
        path: "query.max_samples",
        default: "50000000",
        doc: "Most samples one query may hold in memory.",
        list: false,
        apply: |c, v| count(v, 1, u64::MAX >> 1).map(|v| c.query.samples_max = v),
        show: |c| c.query.samples_max.to_string(),
    },
    Key {
        path: "query.memory_max",
        default: "2GiB",
        doc: "Most memory one query may hold: what it selected, results of its expressions, its answer.",
        list: false,
        apply: |c, v| bounded_size(v, 1 << 20, 1 << 50).map(|v| c.query.memory_max = v),
        show: |c| size_text(c.query.memory_max),
    },
    Key {
        path: "query.memory_total",
        default: "auto",
        doc: "Most memory all queries may hold together; `auto` is half of what the machine or its container has.",
        list: false,
        apply: |c, v| memory(v).map(|v| c.query.memory_total = v),
        show: |c| c.query.memory_total.to_string(),
    },
    Key {
        path: "query.remember",
        default: "64MiB",
        doc: "Memory for answers that are given again as long as nothing they depend on is written to; `0` keeps none.",
        list: false,
        apply: |c, v| bounded_size(v, 0, 1 << 50).map(|v| c.query.remember_bytes = v),
        show: |c| size_text(c.query.remember_bytes),
    },
    Key {
        path: "query.concurrency",
        default: "20",
        doc: "Queries evaluated at the same time; more wait within their timeout.",
        list: false,
        apply: |c, v| count(v, 1, 400).map(|v| c.query.concurrency = v),
        show: |c| c.query.concurrency.to_string(),
    },
    Key {
        path: "query.queue_length",
        default: "1000",
        doc: "Most queries that wait for their turn; further ones are answered 503 with `Retry-After`.",
        list: false,
        apply: |c, v| count(v, 0, 1_000_000).map(|v| c.query.queue_length = v),
        show: |c| c.query.queue_length.to_string(),
    },
    Key {
        path: "query.queue_timeout",
        default: "0s",
        doc: "Longest time a query waits for its turn; `0s` is as long as it may take in all.",
        list: false,
        apply: |c, v| duration(v).map(|v| c.query.queue_timeout_ms = v),
        show: |c| duration_text(c.query.queue_timeout_ms),
    },
    Key {
        path: "query.lookback",
        default: "5m",
        doc: "How far an instant selector looks back for a sample.",
        list: false,
        apply: |c, v| positive_duration(v).map(|v| c.query.lookback_ms = v),
        show: |c| duration_text(c.query.lookback_ms),
    },
    Key {
        path: "query.log_slow",
        default: "5s",
        doc: "Queries that take as long are logged; `0s` logs every query where `query.log_file` is set, and none elsewhere.",
        list: false,
        apply: |c, v| duration(v).map(|v| c.query.log_slow_ms = v),
        show: |c| duration_text(c.query.log_slow_ms),
    },
    Key {
        path: "query.log_file",
        default: "",
        doc: "File of slow queries as JSON lines; empty logs them with everything else.",
        list: false,
        apply: |c, v| {
            c.query.log_file = (!v.is_empty()).then(|| PathBuf::from(v));
            Ok(())
        },
        show: |c| {
            c.query
                .log_file
                .as_ref()
                .map_or_else(String::new, |f| f.display().to_string())
        },
    },
    Key {
        path: "remote_read.max_samples",
        default: "50000000",
        doc: "Most samples of a remote-read query that is answered in one message; streams have no such limit.",
        list: false,
        apply: |c, v| count(v, 1, u64::MAX >> 1).map(|v| c.remote_read.samples_max = v),
        show: |c| c.remote_read.samples_max.to_string(),
    },
    Key {
        path: "remote_read.concurrency",
        default: "10",
        doc: "Remote reads in work at the same time; more wait.",
        list: false,
        apply: |c, v| count(v, 1, 400).map(|v| c.remote_read.concurrency = v),
        show: |c| c.remote_read.concurrency.to_string(),
    },
    Key {
        path: "remote_read.frame_size",
        default: "1MiB",
        doc: "About how large a frame of streamed chunks is.",
        list: false,
        apply: |c, v| bounded_size(v, 1 << 10, 64 << 20).map(|v| c.remote_read.frame_bytes = v),
        show: |c| size_text(c.remote_read.frame_bytes),
    },
    Key {
        path: "external_labels",
        default: "",
        doc: "Labels `NAME=VALUE` that federation and remote read add to every series; a map in the file.",
        list: true,
        apply: |c, v| labels(v).map(|v| c.external_labels = v),
        show: |c| {
            let pairs = c
                .external_labels
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>().join(",")
        },
    },
];
