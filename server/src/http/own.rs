//! The server's own pages: health, readiness, version and metrics.

mod exposition;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use kymo_engine::db::Db;
use kymo_engine::metrics::re2::compile_anchored;
use kymo_engine::node::Node;
use kymo_engine::store::StoreStats;

use super::answer::{Answer, ApiError, Reply, json_response};
use super::params::Params;
use super::prom::status::build_info;
use crate::app::App;
use crate::counters::Counters;
use crate::counters::DURATION_BOUNDS;
use crate::governor::Outcome;
use crate::ingest::{LogReason, Reason};
use exposition::Exposition;

pub(crate) async fn healthy() -> &'static str {
    "Prometheus Server is Healthy.\n"
}

pub(crate) async fn ready() -> &'static str {
    "Prometheus Server is Ready.\n"
}

/// Reload and quit over HTTP, which a Prometheus without `--web.enable-lifecycle` refuses in these words.
pub(crate) async fn lifecycle() -> (StatusCode, &'static str) {
    (StatusCode::FORBIDDEN, "Lifecycle API is not enabled.\n")
}

pub(crate) async fn version() -> Response {
    let mut body = String::new();
    super::answer::push_json(&mut body, &build_info());
    json_response(StatusCode::OK, body)
}

/// The server's own metrics in Prometheus' text format.
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    let out = measured(&app);
    let content_type = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
    ([(header::CONTENT_TYPE, content_type)], out.into_text())
}

/// `/api/v1/status/self_metrics`: the same as JSON, those whose names match `metric_name_pattern` as a whole.
pub(crate) async fn self_metrics(State(app): State<Arc<App>>, params: Params) -> Reply {
    let pattern = match params.first("metric_name_pattern") {
        "" => None,
        text => Some(compile_anchored(text).ok_or_else(|| {
            ApiError::parameter(
                "metric_name_pattern",
                format!("invalid regular expression: {text:?}"),
            )
        })?),
    };
    let wanted = |name: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(name));
    Answer::json(&measured(&app).into_json(wanted))
}

fn measured(app: &App) -> Exposition {
    let mut out = Exposition::default();
    write_process(&mut out, app);
    write_requests(&mut out, app);
    write_queries(&mut out, app);
    write_ingest(&mut out, app);
    write_store(&mut out, app);
    out
}

fn write_process(out: &mut Exposition, app: &App) {
    let process = super::process::ProcessStats::read();
    out.family("kymo_build_info", "gauge", "The version of this build.");
    out.sample("kymo_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    out.single(
        "kymo_ready",
        "gauge",
        "1 once the data directory is open.",
        f64::from(u8::from(app.node().is_some())),
    );
    out.single(
        "process_start_time_seconds",
        "gauge",
        "Start time, seconds since 1970.",
        app.started_ms as f64 / 1000.0,
    );
    if let Some(seconds) = process.cpu_seconds {
        out.single(
            "process_cpu_seconds_total",
            "counter",
            "User and system CPU time.",
            seconds,
        );
    }
    if let Some(bytes) = process.resident_bytes {
        out.single(
            "process_resident_memory_bytes",
            "gauge",
            "Resident memory.",
            bytes as f64,
        );
    }
    if let Some(files) = process.open_fds {
        out.single(
            "process_open_fds",
            "gauge",
            "Open file descriptors.",
            files as f64,
        );
    }
}

fn write_requests(out: &mut Exposition, app: &App) {
    let name = "kymo_http_request_duration_seconds";
    out.family(
        name,
        "histogram",
        "Durations of HTTP requests by route and status.",
    );
    for ((path, status), stats) in app.counters.requests.snapshot() {
        let status = status.to_string();
        let labels = [("path", path.as_str()), ("status", status.as_str())];
        out.histogram(name, &labels, &DURATION_BOUNDS, &stats.buckets, stats.seconds);
    }
}

/// Answers that are kept to be given again.
fn write_remembered(out: &mut Exposition, app: &App) {
    let kept = &app.remembered;
    out.single(
        "kymo_query_remembered_bytes",
        "gauge",
        "Memory of answers that are kept to be given again.",
        kept.bytes() as f64,
    );
    let name = "kymo_queries_remembered_total";
    out.family(
        name,
        "counter",
        "Queries answered from kept answers, as a whole or for a part of their steps.",
    );
    for (part, count) in [("whole", &kept.whole), ("partly", &kept.partly)] {
        out.sample(name, &[("part", part)], count.load(Ordering::Relaxed) as f64);
    }
}

/// The gates, memory and ends of queries.
fn write_queries(out: &mut Exposition, app: &App) {
    let governor = &app.governor;
    let active = governor.active().len() as u64;
    let waiting = governor.waiting();
    let memory = governor.memory();
    let gauges = [
        ("kymo_queries_active", "Queries that run or wait.", active),
        (
            "kymo_queries_running",
            "Queries that run.",
            active.saturating_sub(waiting),
        ),
        (
            "kymo_queries_waiting",
            "Queries that wait for their turn.",
            waiting,
        ),
        (
            "kymo_query_memory_bytes",
            "Memory that queries hold.",
            memory.taken() as u64,
        ),
        (
            "kymo_query_memory_peak_bytes",
            "Most memory that queries held at once.",
            memory.peak() as u64,
        ),
        (
            "kymo_query_memory_limit_bytes",
            "Memory that queries may hold together.",
            memory.limit() as u64,
        ),
    ];
    for (name, help, value) in gauges {
        out.single(name, "gauge", help, value as f64);
    }
    let counters = [
        (
            "kymo_query_memory_refused_total",
            "Times that queries asked for memory and there was none left.",
            memory.refused(),
        ),
        (
            "kymo_query_samples_read_total",
            "Samples decoded for queries.",
            governor.samples_read.get(),
        ),
        (
            "kymo_queries_slow_total",
            "Queries that took as long as query.log_slow.",
            governor.slow_queries.get(),
        ),
    ];
    for (name, help, value) in counters {
        out.single(name, "counter", help, value as f64);
    }
    write_remembered(out, app);
    let name = "kymo_queries_total";
    out.family(name, "counter", "Queries by how they ended.");
    for (outcome, counter) in Outcome::ALL.iter().zip(&governor.outcomes) {
        out.sample(name, &[("outcome", outcome.as_str())], counter.get() as f64);
    }
}

fn write_ingest(out: &mut Exposition, app: &App) {
    let counters = &app.counters;
    let plain = [
        (
            "kymo_ingest_samples_total",
            "Samples stored.",
            &counters.samples_stored,
        ),
        (
            "kymo_ingest_duplicate_samples_total",
            "Samples that were already there.",
            &counters.samples_duplicate,
        ),
        (
            "kymo_ingest_histograms_total",
            "Native histograms stored.",
            &counters.histograms_stored,
        ),
        (
            "kymo_ingest_duplicate_histograms_total",
            "Native histograms that were already there.",
            &counters.histograms_duplicate,
        ),
        (
            "kymo_ingest_exemplars_total",
            "Exemplars stored.",
            &counters.exemplars_stored,
        ),
        ("kymo_ingest_spans_total", "Spans stored.", &counters.spans_stored),
        (
            "kymo_ingest_duplicate_spans_total",
            "Spans that were already there.",
            &counters.spans_duplicate,
        ),
        (
            "kymo_span_metrics_expired_edges_total",
            "Sides of calls between services whose other side never came.",
            &counters.edges_expired,
        ),
        (
            "kymo_span_metrics_dropped_edges_total",
            "Sides of calls that were not kept because too many waited.",
            &counters.edges_dropped,
        ),
        (
            "kymo_ingest_log_entries_total",
            "Log entries stored, those that were there already included.",
            &counters.log_entries_stored,
        ),
        (
            "kymo_ingest_rejected_log_bytes_total",
            "Bytes of the lines of refused log entries.",
            &counters.log_bytes_rejected,
        ),
        (
            "kymo_ingest_moved_log_labels_total",
            "Labels of streams that became structured metadata.",
            &counters.log_labels_moved,
        ),
        (
            "kymo_ingest_deferred_requests_total",
            "Writes answered 503.",
            &counters.writes_deferred,
        ),
    ];
    for (name, help, counter) in plain {
        out.single(name, "counter", help, counter.get() as f64);
    }
    write_moved(out, counters);
    write_rejected(out, counters);
    write_rejected_logs(out, counters);
}

/// What became of high-cardinality labels of series.
fn write_moved(out: &mut Exposition, counters: &Counters) {
    let name = "kymo_ingest_merged_samples_total";
    let help = "Samples of series that became one with others, at a time at which it has another sample.";
    out.single(name, "counter", help, counters.samples_merged.get() as f64);
    let families = [
        (
            "kymo_ingest_moved_metric_labels_total",
            "High-cardinality labels of series that became exemplars, by name.",
        ),
        (
            "kymo_ingest_dropped_metric_labels_total",
            "High-cardinality labels of series for which an exemplar has no room, by name.",
        ),
    ];
    let all = counters.metric_labels_moved.get();
    for (i, (name, help)) in families.into_iter().enumerate() {
        out.family(name, "counter", help);
        for (label, counts) in &all {
            out.sample(name, &[("label", label)], counts[i] as f64);
        }
    }
}

fn write_rejected(out: &mut Exposition, counters: &Counters) {
    for (name, help, of_spans) in [
        (
            "kymo_ingest_rejected_samples_total",
            "Samples refused, by reason.",
            false,
        ),
        (
            "kymo_ingest_rejected_spans_total",
            "Spans refused, by reason.",
            true,
        ),
    ] {
        out.family(name, "counter", help);
        for (reason, counter) in Reason::ALL.iter().zip(&counters.rejected) {
            if reason.is_of_spans() == of_spans {
                out.sample(name, &[("reason", reason.label())], counter.get() as f64);
            }
        }
    }
}

fn write_rejected_logs(out: &mut Exposition, counters: &Counters) {
    let name = "kymo_ingest_rejected_log_entries_total";
    out.family(name, "counter", "Log entries refused, by reason.");
    for (reason, counter) in LogReason::ALL.iter().zip(&counters.log_entries_rejected) {
        out.sample(name, &[("reason", reason.label())], counter.get() as f64);
    }
}

/// The log and the cache, which all tenants share.
fn write_log(out: &mut Exposition, node: &Node) {
    let stats = node.log().stats();
    let counters = [
        (
            "kymo_wal_records_total",
            "Records written to the log.",
            &stats.records,
        ),
        (
            "kymo_wal_frames_total",
            "Frames written to the log, one per commit.",
            &stats.frames,
        ),
        ("kymo_wal_bytes_total", "Bytes written to the log.", &stats.bytes),
        ("kymo_wal_syncs_total", "Syncs of the log.", &stats.syncs),
    ];
    for (name, help, counter) in counters {
        out.single(name, "counter", help, counter.load(Ordering::Relaxed) as f64);
    }
    out.single(
        "kymo_wal_disk_bytes",
        "gauge",
        "Bytes of the log's files.",
        node.log().disk_bytes() as f64,
    );
    out.single(
        "kymo_cache_bytes",
        "gauge",
        "Bytes of blocks in memory.",
        node.cache_bytes() as f64,
    );
}

/// One number of what a store counts.
type ReadStats = fn(&StoreStats) -> u64;

fn write_families(
    out: &mut Exposition,
    families: &[(&'static str, &'static str, ReadStats)],
    node: &Node,
    stats: fn(&Db) -> StoreStats,
) {
    let all: Vec<_> = node
        .tenants()
        .into_iter()
        .map(|(name, db)| (name, stats(&db)))
        .collect();
    for (name, help, read) in families {
        out.family(name, "gauge", help);
        for (tenant, stats) in &all {
            out.sample(name, &[("tenant", tenant)], read(stats) as f64);
        }
    }
}

/// Counts and sizes of the stores, by tenant.
fn write_store(out: &mut Exposition, app: &App) {
    let Some(node) = app.node() else { return };
    let families: [(&str, &str, ReadStats); 6] = [
        ("kymo_head_series", "Series in the heads.", |s| s.head.groups),
        ("kymo_head_samples", "Samples in the heads.", |s| s.head.rows),
        (
            "kymo_head_bytes",
            "Estimated memory of the heads of metrics.",
            |s| s.head.bytes,
        ),
        ("kymo_blocks", "Blocks of metrics.", |s| s.blocks as u64),
        ("kymo_block_bytes", "Bytes of all blocks of metrics.", |s| {
            s.block_bytes
        }),
        ("kymo_block_samples", "Samples in blocks.", |s| s.block_rows),
    ];
    write_families(out, &families, node, |db| db.metrics.stats());
    let families: [(&str, &str, ReadStats); 6] = [
        ("kymo_trace_head_traces", "Traces in the heads.", |s| {
            s.head.groups
        }),
        ("kymo_trace_head_spans", "Spans in the heads.", |s| s.head.rows),
        (
            "kymo_trace_head_bytes",
            "Estimated memory of the heads of traces.",
            |s| s.head.bytes,
        ),
        ("kymo_trace_blocks", "Blocks of traces.", |s| s.blocks as u64),
        ("kymo_trace_block_bytes", "Bytes of all blocks of traces.", |s| {
            s.block_bytes
        }),
        ("kymo_trace_block_spans", "Spans in blocks.", |s| s.block_rows),
    ];
    write_families(out, &families, node, |db| db.traces.stats());
    write_log(out, node);
    let state = node.state();
    let states = [
        ("writable", matches!(state, kymo_engine::health::State::Writable)),
        ("disk_full", matches!(state, kymo_engine::health::State::DiskFull)),
        (
            "poisoned",
            matches!(state, kymo_engine::health::State::Poisoned { .. }),
        ),
    ];
    out.family("kymo_store_state", "gauge", "1 for the state the store is in.");
    for (name, is) in states {
        out.sample("kymo_store_state", &[("state", name)], f64::from(u8::from(is)));
    }
}
