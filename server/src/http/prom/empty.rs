//! Endpoints about things this server does not have: scrape targets, rules, alerts. They answer what a Prometheus
//! without any answers, because dashboards ask for them and expect the shape.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};

use crate::app::App;
use crate::http::answer::{Answer, Reply};

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
        ("/api/v1/rules", json!({"groups": []})),
        ("/api/v1/alerts", json!({"alerts": []})),
        ("/api/v1/notifications", json!([])),
    ];
    let mut router = Router::new();
    for (path, data) in answers {
        router = router.route(path, get(move || always(data.clone())));
    }
    router
}

async fn always(data: Value) -> Reply {
    Answer::json(&data)
}
