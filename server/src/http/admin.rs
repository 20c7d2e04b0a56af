//! `/api/v1/admin/*`: flush, compaction, and the state of the store as JSON. What `kymo admin` calls.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use kymo_engine::health;
use kymo_engine::node::Node;
use kymo_engine::retention::RetentionOptions;
use serde_json::{Value, json};

use super::answer::{Answer, ApiError, ErrorType, Reply};
use super::params::Params;
use super::prom::status::rfc3339;
use super::tenant::Tenant;
use super::time::parse_time;
use crate::app::App;
use crate::clock::now_ms;
use crate::generate;
use crate::units::{parse_duration_ms, parse_size_bytes};

/// The routes of this module.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/admin/flush", post(flush))
        .route("/api/v1/admin/compact", post(compact))
        .route("/api/v1/admin/retention", post(retention))
        .route("/api/v1/admin/recompute/span-metrics", post(recompute))
        .route("/api/v1/admin/status", get(status))
        .route("/api/v1/admin/blocks", get(blocks))
        .route("/api/v1/admin/verify", get(verify))
}

async fn flush(State(app): State<Arc<App>>) -> Reply {
    work(&app, |node| {
        node.flush()?;
        Ok(json!({}))
    })
    .await
}

/// Merges what can be merged. Without `wait=true` it answers at once and goes on in the background.
async fn compact(State(app): State<Arc<App>>, params: Params) -> Reply {
    let merged = work(&app, |node| {
        node.compact()?;
        Ok(json!({}))
    });
    if matches!(params.first("wait"), "true" | "1") {
        return merged.await;
    }
    tokio::spawn(async move {
        if let Err(error) = merged.await {
            tracing::error!(error = error.text, "compaction failed");
        }
    });
    Answer::json(&json!({}))
}

/// Drops the blocks that are past retention now. `older_than` and `size` stand for the settings, both when one is given.
async fn retention(State(app): State<Arc<App>>, params: Params) -> Reply {
    let bad = |name: &str, text: &str| ApiError::parameter(name, format!("cannot parse {text:?}"));
    let (age, size) = (params.first("older_than"), params.first("size"));
    let asked = if age.is_empty() && size.is_empty() {
        None
    } else {
        let age_ms = parse_duration_ms(if age.is_empty() { "0s" } else { age })
            .ok_or_else(|| bad("older_than", age))?;
        let bytes =
            parse_size_bytes(if size.is_empty() { "0" } else { size }).ok_or_else(|| bad("size", size))?;
        Some(RetentionOptions {
            age_ms: i64::try_from(age_ms).ok().filter(|ms| *ms > 0),
            bytes: Some(bytes).filter(|n| *n > 0),
        })
    };
    work(&app, move |node| {
        let done = node.retain(now_ms(), asked)?;
        Ok(json!({"droppedBlocks": done.dropped_blocks}))
    })
    .await
}

/// Counts the stored spans that ended from `from` on again, and replaces the metrics made of them.
async fn recompute(State(app): State<Arc<App>>, Tenant(tenant): Tenant, params: Params) -> Reply {
    let time = |name: &str| -> Result<Option<i64>, ApiError> {
        match params.first(name) {
            "" => Ok(None),
            text => parse_time(text)
                .map(Some)
                .map_err(|what| ApiError::parameter(name, what)),
        }
    };
    let (from, to) = (time("from")?, time("to")?);
    let from = from.ok_or_else(|| ApiError::parameter("from", "is missing".to_owned()))?;
    if to.is_some_and(|to| to < from) {
        return Err(ApiError::parameter("to", "is before from".to_owned()));
    }
    let generating = Arc::clone(&app);
    work(&app, move |node| {
        let done = generate::recompute(&generating.generator, node, &tenant, from, now_ms())?;
        Ok(json!({"spans": done.spans, "until": rfc3339(done.until_ms)}))
    })
    .await
}

async fn status(State(app): State<Arc<App>>) -> Reply {
    work(&app, |node| {
        let mut tenants = Vec::new();
        for (name, db) in node.tenants() {
            let (stats, traces) = (db.metrics.stats(), db.traces.stats());
            tenants.push(json!({
                "tenant": &*name,
                "headSeries": stats.head.groups,
                "headSamples": stats.head.rows,
                "headBytes": stats.head.bytes,
                "blocks": stats.blocks,
                "blockBytes": stats.block_bytes,
                "blockSamples": stats.block_rows,
                "headTraces": traces.head.groups,
                "headSpans": traces.head.rows,
                "headTraceBytes": traces.head.bytes,
                "traceBlocks": traces.blocks,
                "traceBlockBytes": traces.block_bytes,
                "blockSpans": traces.block_rows,
            }));
        }
        Ok(json!({"state": state_text(&node.state()), "tenants": tenants}))
    })
    .await
}

async fn blocks(State(app): State<Arc<App>>) -> Reply {
    work(&app, |node| {
        let (mut blocks, mut traces) = (Vec::new(), Vec::new());
        for (tenant, db) in node.tenants() {
            for meta in db.metrics.blocks() {
                blocks.push(json!({
                    "tenant": &*tenant,
                    "id": meta.id,
                    "level": meta.level,
                    "minTime": rfc3339(meta.min_time),
                    "maxTime": rfc3339(meta.max_time),
                    "series": meta.groups,
                    "samples": meta.rows,
                    "bytes": meta.bytes,
                }));
            }
            for meta in db.traces.blocks() {
                traces.push(json!({
                    "tenant": &*tenant,
                    "id": meta.id,
                    "level": meta.level,
                    "minTime": rfc3339(meta.min_time.div_euclid(1_000_000)),
                    "maxTime": rfc3339(meta.max_time.div_euclid(1_000_000)),
                    "traces": meta.groups,
                    "spans": meta.rows,
                    "bytes": meta.bytes,
                }));
            }
        }
        Ok(json!({"blocks": blocks, "traceBlocks": traces}))
    })
    .await
}

async fn verify(State(app): State<Arc<App>>) -> Reply {
    work(&app, |node| {
        let (mut checked, mut errors) = (0, Vec::new());
        for (tenant, db) in node.tenants() {
            checked += db.metrics.blocks().len() + db.traces.blocks().len();
            let damages = db.metrics.verify().into_iter().chain(db.traces.verify());
            errors.extend(damages.map(|e| format!("{tenant}: {e}")));
        }
        Ok(json!({"checked": checked, "errors": errors}))
    })
    .await
}

fn state_text(state: &health::State) -> String {
    match state {
        health::State::Writable => "writable".to_owned(),
        health::State::DiskFull => "disk full: writes are refused until space is back".to_owned(),
        health::State::Poisoned { path, cause } => {
            format!(
                "poisoned: writes are refused until a restart ({}: {cause})",
                path.display()
            )
        }
    }
}

/// Runs blocking work away from the threads that serve connections.
pub(crate) fn work(
    app: &Arc<App>,
    task: impl FnOnce(&Node) -> Result<Value, kymo_engine::Error> + Send + 'static,
) -> impl Future<Output = Reply> + Send + 'static {
    let app = Arc::clone(app);
    async move {
        let done = tokio::task::spawn_blocking(move || {
            let node = app.node().ok_or(kymo_engine::Error::Closed)?;
            task(node)
        });
        match done.await {
            Ok(Ok(data)) => Answer::json(&data),
            Ok(Err(error)) => Err(error.into()),
            Err(panic) => Err(ApiError::new(ErrorType::Internal, panic.to_string())),
        }
    }
}
