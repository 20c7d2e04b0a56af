//! Paths of Tempo that belong to parts Kymo does not have: rings, schedulers, cost attribution. Each answers 404 and says why.
//! Not for what there is (see `status`).

use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;

use crate::app::App;

/// Paths, and why nothing is there.
const ABSENT: [(&str, &str); 11] = [
    ("/distributor/ring", ONE_PROCESS),
    ("/live-store/ring", ONE_PROCESS),
    ("/partition-ring", ONE_PROCESS),
    ("/memberlist", ONE_PROCESS),
    ("/live-store/prepare-downscale", ONE_PROCESS),
    ("/live-store/prepare-partition-downscale", ONE_PROCESS),
    ("/status/backendscheduler", NO_SCHEDULER),
    ("/usage_metrics", NO_COSTS),
    ("/api/mcp", "the Model Context Protocol is not served"),
    ("/debug/pprof/", NO_PROFILES),
    ("/debug/pprof/{*rest}", NO_PROFILES),
];

const ONE_PROCESS: &str = "one process does everything: there is no ring and nothing to scale down";
const NO_PROFILES: &str = "profiles of the process are not served";
const NO_SCHEDULER: &str = "there is no backend scheduler: the process merges and drops blocks itself, /api/v1/status/tsdb/blocks on the main port lists them";
const NO_COSTS: &str =
    "bytes are not counted by attribute: there is no cost attribution, /metrics has what is counted";

pub(super) fn routes() -> Router<Arc<App>> {
    ABSENT.into_iter().fold(Router::new(), |routes, (path, why)| {
        routes.route(path, any(move || std::future::ready(absent(why))))
    })
}

fn absent(why: &str) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (StatusCode::NOT_FOUND, headers, format!("{why}\n")).into_response()
}
