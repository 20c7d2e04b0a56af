//! `/api/v1/rules` and `/api/v1/alerts` of a server without rules: parameters are checked as Prometheus checks them, and
//! nothing is found.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use serde_json::json;

use super::labels::selector;
use crate::app::App;
use crate::http::answer::{Answer, ApiError, Reply};
use crate::http::params::Params;

/// The routes of this module.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/api/v1/rules", get(rules)).route(
        "/api/v1/alerts",
        get(async || Answer::json(&json!({"alerts": []}))),
    )
}

async fn rules(params: Params) -> Reply {
    let kind = params.first("type").to_lowercase();
    if !matches!(kind.as_str(), "" | "alert" | "record") {
        return Err(ApiError::parameter(
            "type",
            format!("not supported value {kind:?}"),
        ));
    }
    for text in params.all("match[]") {
        selector(text)?;
    }
    let excluded = params.first("exclude_alerts").to_lowercase();
    if !matches!(excluded.as_str(), "" | "1" | "t" | "true" | "0" | "f" | "false") {
        let cause = format!(
            "error converting exclude_alerts: strconv.ParseBool: parsing {excluded:?}: invalid syntax"
        );
        return Err(ApiError::parameter("exclude_alerts", cause));
    }
    let (limit, token) = (params.first("group_limit"), params.first("group_next_token"));
    if limit.is_empty() && !token.is_empty() {
        let cause = "group_limit needs to be present in order to paginate over the groups";
        return Err(ApiError::parameter("group_next_token", cause));
    }
    if !limit.is_empty() {
        let number: i32 = limit.parse().map_err(|_| {
            let cause = format!(
                "group_limit needs to be a valid number: strconv.ParseInt: parsing {limit:?}: invalid syntax"
            );
            ApiError::parameter("group_limit", cause)
        })?;
        if number <= 0 {
            return Err(ApiError::parameter(
                "group_limit",
                "group_limit needs to be greater than 0",
            ));
        }
    }
    if !token.is_empty() {
        let cause = format!("invalid group_next_token '{token}'. were rule groups changed?");
        return Err(ApiError::parameter("group_next_token", cause));
    }
    Answer::json(&json!({"groups": []}))
}
