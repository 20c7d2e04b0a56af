//! `query_exemplars`. Exemplars are not stored, so every well-formed question has the empty answer.

use std::sync::Arc;

use axum::extract::State;
use kymo_query::promql::selectors;
use serde_json::json;

use super::syntax::parsed;
use crate::app::App;
use crate::http::answer::{Answer, ApiError, Reply};
use crate::http::params::Params;
use crate::http::time::time_param;

/// `/api/v1/query_exemplars`. An expression without selectors has no data at all, which goes out as 204.
pub(crate) async fn query(State(app): State<Arc<App>>, params: Params) -> Reply {
    let start = time_param(&params, "start", i64::MIN)?;
    let end = time_param(&params, "end", i64::MAX)?;
    if end < start {
        return Err(ApiError::bad_data(
            "end timestamp must not be before start timestamp",
        ));
    }
    if selectors(&parsed(&app, &params)?).is_empty() {
        return Ok(Answer::default());
    }
    Answer::json(&json!([]))
}
