//! `admin/tsdb/*`: deleting series, taking what is deleted out of the blocks, and snapshots.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use kymo_engine::metrics::deletion::encode_matchers;
use serde_json::json;

use super::labels::Question;
use crate::app::App;
use crate::clock::now_ms;
use crate::http::admin::work;
use crate::http::answer::{Answer, ApiError, ErrorType, Reply};
use crate::http::params::Params;
use crate::http::tenant::Tenant;

/// The routes of this module.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/admin/tsdb/delete_series", post(delete).put(delete))
        .route("/api/v1/admin/tsdb/clean_tombstones", post(clean).put(clean))
        .route("/api/v1/admin/tsdb/snapshot", post(snapshot).put(snapshot))
}

/// Refuses in the words of a Prometheus without `--web.enable-admin-api`.
fn check_enabled(app: &App) -> Result<(), ApiError> {
    match app.config.web.admin_api {
        true => Ok(()),
        false => Err(ApiError::new(ErrorType::Unavailable, "admin APIs disabled")),
    }
}

/// Deletes the samples between `start` and `end` of the series that pass any `match[]`.
async fn delete(State(app): State<Arc<App>>, Tenant(tenant): Tenant, params: Params) -> Reply {
    check_enabled(&app)?;
    let question = Question::parse(&params)?;
    if question.selectors.is_empty() {
        return Err(ApiError::bad_data("no match[] parameter provided"));
    }
    if question.max_time < question.min_time {
        return Err(ApiError::bad_data("end timestamp must not be before start time"));
    }
    work(&app, move |node| {
        let what = question.selectors.iter().map(|s| encode_matchers(s)).collect();
        match node.existing_tenant(&tenant) {
            Some(db) => db
                .metrics
                .delete(node.log(), question.min_time, question.max_time, what),
            None => Ok(()),
        }?;
        Ok(serde_json::Value::Null)
    })
    .await?;
    Ok(Answer::default())
}

async fn clean(State(app): State<Arc<App>>, Tenant(tenant): Tenant) -> Reply {
    check_enabled(&app)?;
    work(&app, move |node| {
        if let Some(db) = node.existing_tenant(&tenant) {
            db.metrics.clean()?;
        }
        Ok(serde_json::Value::Null)
    })
    .await?;
    Ok(Answer::default())
}

/// Makes a snapshot below `snapshots/` in the data directory and answers its name. With `skip_head=true` only of what is
/// in blocks.
async fn snapshot(State(app): State<Arc<App>>, params: Params) -> Reply {
    check_enabled(&app)?;
    let skip_head = match params.first("skip_head") {
        "" => false,
        text => text
            .parse::<bool>()
            .map_err(|_| ApiError::bad_data("unable to parse boolean 'skip_head' argument"))?,
    };
    let name = snapshot_name(now_ms());
    let overriding = Arc::clone(&app);
    work(&app, move |node| {
        node.snapshot(&name, !skip_head)?;
        let dir = overriding.config.data_dir.join("snapshots").join(&name);
        let copied = overriding.generator.overrides.copy_to(&dir);
        copied.map_err(|e| kymo_engine::Error::io("copy overrides to", &dir, &e))?;
        let copied = overriding.deletes.copy_to(&dir);
        copied.map_err(|e| kymo_engine::Error::io("copy delete requests to", &dir, &e))?;
        Ok(json!({"name": name}))
    })
    .await
}

/// Prometheus' form: the UTC time and sixteen random hex digits.
fn snapshot_name(now_ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default();
    let random = RandomState::new().hash_one(now_ms);
    format!("{}-{random:016x}", time.strftime("%Y%m%dT%H%M%SZ"))
}
