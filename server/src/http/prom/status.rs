//! `/api/v1/status/*` that describe the server rather than its data.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::clock::now_ms;
use crate::config::keys;
use crate::http::answer::{Answer, Reply};
use crate::http::process::ProcessStats;
use crate::units::{duration_text, size_text};

/// The version of the Prometheus API that is spoken: clients choose features by it, so it is Prometheus' and not ours.
const API_VERSION: &str = "3.14.0";

/// `/api/v1/status/buildinfo`. It has no `features` and no `application`: with them Grafana takes a server for Mimir.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BuildInfo {
    version: &'static str,
    revision: &'static str,
    branch: &'static str,
    build_user: &'static str,
    build_date: &'static str,
    go_version: &'static str,
}

/// The build's description.
pub(crate) fn build_info() -> BuildInfo {
    BuildInfo {
        version: API_VERSION,
        revision: concat!("kymo-", env!("CARGO_PKG_VERSION")),
        branch: "",
        build_user: "",
        build_date: "",
        go_version: "",
    }
}

/// The routes of this module that need the open node.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/api/v1/status/buildinfo",
            get(async || Answer::json(&build_info())),
        )
        .route("/api/v1/status/runtimeinfo", get(runtime_info))
        .route("/api/v1/status/flags", get(flags))
        .route("/api/v1/status/config", get(config))
}

/// `/api/v1/status/walreplay`: the log is read before the server is ready, and its progress is all or nothing.
pub(crate) async fn walreplay(State(app): State<Arc<App>>) -> Reply {
    let current = u8::from(app.node().is_some());
    Answer::json(&json!({"min": 0, "max": 1, "current": current}))
}

async fn config(State(app): State<Arc<App>>) -> Reply {
    Answer::json(&json!({"yaml": app.config.to_yaml()}))
}

/// The settings under the names of Prometheus' flags where one exists, then all keys under their own.
async fn flags(State(app): State<Arc<App>>) -> Reply {
    let known = [
        ("web.listen-address", "listen"),
        ("storage.tsdb.path", "data_dir"),
        ("storage.tsdb.retention.time", "retention.time"),
        ("storage.tsdb.retention.size", "retention.size"),
        ("query.timeout", "query.timeout"),
        ("query.max-samples", "query.max_samples"),
        ("query.max-concurrency", "query.concurrency"),
        ("query.lookback-delta", "query.lookback"),
        ("web.external-url", "web.external_url"),
        ("web.route-prefix", "web.route_prefix"),
        ("web.cors.origin", "web.cors_origin"),
    ];
    let own: BTreeMap<&str, String> = keys::all()
        .map(|key| (key.path, (key.show)(&app.config)))
        .collect();
    let mut all: BTreeMap<&str, String> = own.clone();
    for (flag, path) in known {
        all.insert(flag, own[path].clone());
    }
    all.insert("web.enable-remote-write-receiver", "true".to_owned());
    Answer::json(&all)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RuntimeInfo {
    start_time: String,
    #[serde(rename = "CWD")]
    cwd: String,
    hostname: String,
    server_time: String,
    reload_config_success: bool,
    last_config_time: String,
    corruption_count: u64,
    /// Prometheus counts goroutines; threads are what this server has.
    goroutine_count: u64,
    #[serde(rename = "GOMAXPROCS")]
    go_max_procs: usize,
    #[serde(rename = "GOMEMLIMIT")]
    go_mem_limit: u64,
    #[serde(rename = "GOGC")]
    go_gc: &'static str,
    #[serde(rename = "GODEBUG")]
    go_debug: &'static str,
    storage_retention: String,
}

async fn runtime_info(State(app): State<Arc<App>>) -> Reply {
    let started = rfc3339(app.started_ms);
    Answer::json(&RuntimeInfo {
        start_time: started.clone(),
        cwd: std::env::current_dir().map_or_else(|_| String::new(), |dir| dir.display().to_string()),
        hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        server_time: rfc3339(now_ms()),
        reload_config_success: true,
        last_config_time: started,
        corruption_count: 0,
        goroutine_count: ProcessStats::read().threads.unwrap_or(0),
        go_max_procs: std::thread::available_parallelism().map_or(1, usize::from),
        go_mem_limit: 0,
        go_gc: "",
        go_debug: "",
        storage_retention: retention_text(&app),
    })
}

fn retention_text(app: &App) -> String {
    let retention = app.config.retention;
    let mut parts = Vec::new();
    if retention.time_ms > 0 {
        parts.push(duration_text(retention.time_ms));
    }
    if retention.size_bytes > 0 {
        parts.push(size_text(retention.size_bytes));
    }
    parts.join(" or ")
}

/// A time as Go's RFC3339Nano writes it.
pub(crate) fn rfc3339(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis)
        .map_or_else(|_| "0001-01-01T00:00:00Z".to_owned(), |time| time.to_string())
}
