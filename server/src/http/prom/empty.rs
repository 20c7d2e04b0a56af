//! Endpoints about things this server does not have: scrape targets and alertmanagers. They answer what a Prometheus
//! without any answers, because dashboards ask for them and expect the shape.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};

use crate::app::App;
use crate::http::answer::{Answer, ApiError, ErrorType, Reply};
use crate::http::params::Params;

/// The routes of this module.
pub(crate) fn routes() -> Router<Arc<App>> {
    let answers = [
        (
            "/api/v1/targets",
            json!({"activeTargets": [], "droppedTargets": [], "droppedTargetCounts": {}}),
        ),
        ("/api/v1/targets/metadata", json!([])),
        ("/api/v1/scrape_pools", json!({"scrapePools": []})),
        (
            "/api/v1/alertmanagers",
            json!({"activeAlertmanagers": [], "droppedAlertmanagers": []}),
        ),
    ];
    let mut router = Router::new();
    for (path, data) in answers {
        router = router.route(path, get(move || always(data.clone())));
    }
    router
        .route("/api/v1/scrape_pools/config", get(no_pool))
        .route("/api/v1/targets/relabel_steps", get(no_pool))
}

async fn always(data: Value) -> Reply {
    Answer::json(&data)
}

/// Questions about one scrape pool: there is none.
async fn no_pool(params: Params) -> Reply {
    match params.first("scrapePool") {
        "" => Err(ApiError::bad_data("no scrapePool parameter provided")),
        pool => Err(ApiError::new(
            ErrorType::NotFound,
            format!("scrape pool {pool:?} not found"),
        )),
    }
}
