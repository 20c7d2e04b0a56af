//! Rules and alerts over log lines, of which there are none: what Grafana reads is answered as by a Loki without rules, and what
//! would make one is refused.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};

use super::JSON;
use super::error::LokiError;
use crate::app::App;
use crate::http::ApiError;
use crate::http::params::Params;
use crate::http::tenant::Tenant;

pub(super) fn routes() -> Router<Arc<App>> {
    let mut router = Router::new()
        .route("/prometheus/api/v1/rules", get(listed))
        .route("/prometheus/api/v1/alerts", get(alerts));
    for base in ["/loki/api/v1/rules", "/api/prom/rules"] {
        router = router
            .route(base, get(none))
            .route(
                &format!("{base}/{{namespace}}"),
                get(none).merge(post(refused)).merge(delete(no_namespace)),
            )
            .route(
                &format!("{base}/{{namespace}}/{{group}}"),
                get(no_group).merge(delete(no_group)),
            );
    }
    router
}

fn missing(text: &str) -> LokiError {
    LokiError {
        status: StatusCode::NOT_FOUND,
        text: text.to_owned(),
    }
}

async fn none(tenant: Result<Tenant, ApiError>) -> Result<(), LokiError> {
    tenant?;
    Err(missing("no rule groups found"))
}

async fn no_namespace(tenant: Result<Tenant, ApiError>, Path(_): Path<String>) -> Result<(), LokiError> {
    tenant?;
    Err(missing("group namespace does not exist"))
}

async fn no_group(tenant: Result<Tenant, ApiError>) -> Result<(), LokiError> {
    tenant?;
    Err(missing("group does not exist"))
}

async fn refused(tenant: Result<Tenant, ApiError>) -> Result<(), LokiError> {
    tenant?;
    Err(LokiError {
        status: StatusCode::NOT_IMPLEMENTED,
        text: "rules over log lines are not supported".to_owned(),
    })
}

fn success(data: &str) -> Response {
    let body = format!("{{\"status\":\"success\",\"data\":{data},\"errorType\":\"\",\"error\":\"\"}}");
    ([(header::CONTENT_TYPE, JSON)], body).into_response()
}

async fn listed(
    tenant: Result<Tenant, ApiError>,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    tenant?;
    let params = params?;
    let kind = params.first("type").to_lowercase();
    if !matches!(kind.as_str(), "" | "alert" | "record") {
        let text = format!("not supported value {kind:?}");
        let body =
            serde_json::json!({"status": "error", "data": null, "errorType": "bad_data", "error": text});
        let content_type = [(header::CONTENT_TYPE, JSON)];
        return Ok((StatusCode::BAD_REQUEST, content_type, body.to_string()).into_response());
    }
    Ok(success("{\"groups\":[]}"))
}

async fn alerts(tenant: Result<Tenant, ApiError>) -> Result<Response, LokiError> {
    tenant?;
    Ok(success("{\"alerts\":[]}"))
}
