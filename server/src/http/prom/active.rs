//! `status/active_queries` and `status/top_queries`: what runs now and how to end it, and what queries cost lately.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::app::App;
use crate::governor::{Asked, Order, Running, TopRow};
use crate::http::answer::{Answer, ApiError, ErrorType, Reply};
use crate::http::caller::Caller;
use crate::http::params::Params;
use crate::http::prom::status::rfc3339;
use crate::http::time::parse_duration;

/// Rows of each list, and how far back they look, unless a request says otherwise: VictoriaMetrics' defaults.
const ROWS: usize = 20;
const AGE: Duration = Duration::from_secs(600);
const ROWS_MAX: usize = 1000;

/// The routes of this module.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/status/active_queries", get(list).delete(kill))
        .route("/api/v1/status/active_queries/kill", post(kill))
        .route("/api/v1/status/top_queries", get(top))
}

async fn list(State(app): State<Arc<App>>, caller: Caller) -> Reply {
    let visible = |asked: &Asked| caller.sees().is_none_or(|tenant| tenant == asked.tenant);
    let active: Vec<Value> = app
        .governor
        .active()
        .iter()
        .filter(|running| visible(&running.asked))
        .map(|running| active_row(running))
        .collect();
    let unfinished: Vec<Value> = app
        .governor
        .unfinished()
        .iter()
        .filter(|asked| visible(asked))
        .map(asked_row)
        .collect();
    let memory = app.governor.memory();
    Answer::json(&json!({
        "active": active,
        "unfinished": unfinished,
        "memoryBytes": memory.taken(),
        "memoryLimitBytes": memory.limit(),
    }))
}

fn asked_row(asked: &Asked) -> Value {
    json!({
        "kind": asked.kind,
        "query": asked.text,
        "start": time(asked.start),
        "end": time(asked.end),
        "stepSeconds": asked.step as f64 / 1000.0,
        "tenant": asked.tenant,
        "remoteAddr": asked.remote,
        "receivedAt": rfc3339(asked.received_ms),
    })
}

/// Seconds since 1970 as clients send them, null for a bound that is none.
fn time(millis: i64) -> Value {
    match millis {
        i64::MIN | i64::MAX => Value::Null,
        _ => json!(millis as f64 / 1000.0),
    }
}

fn active_row(running: &Running) -> Value {
    let mut row = asked_row(&running.asked);
    row["id"] = json!(running.id.to_string());
    row["state"] = json!(if running.began() { "running" } else { "queued" });
    row["durationSeconds"] = json!(running.age().as_secs_f64());
    row["queuedSeconds"] = json!(match running.began() {
        true => running.waited().as_secs_f64(),
        false => running.age().as_secs_f64(),
    });
    row["memoryBytes"] = json!(running.account.held());
    row["memoryPeakBytes"] = json!(running.account.peak());
    row["samplesRead"] = json!(running.account.samples_read());
    row
}

/// Ends the query of `id`. It answers its own client with an error that says so.
async fn kill(State(app): State<Arc<App>>, caller: Caller, params: Params) -> Reply {
    if !app.config.web.admin_api {
        return Err(ApiError::new(ErrorType::Unavailable, "admin APIs disabled"));
    }
    let text = params.first("id");
    let id = text
        .parse()
        .map_err(|_| ApiError::parameter("id", format!("cannot parse {text:?} to the id of a query")))?;
    match app.governor.kill(id, caller.sees()) {
        Some(killed) => Answer::json(&json!({"killed": active_row(&killed)})),
        None => Err(ApiError::new(
            ErrorType::NotFound,
            format!("no query {id} is active"),
        )),
    }
}

async fn top(State(app): State<Arc<App>>, caller: Caller, params: Params) -> Reply {
    let n = match params.first("topN") {
        "" => ROWS,
        text => text
            .parse::<usize>()
            .map_err(|_| ApiError::parameter("topN", format!("cannot parse {text:?} to a number")))?
            .min(ROWS_MAX),
    };
    let age = match params.first("maxLifetime") {
        "" => AGE,
        text => {
            let millis = parse_duration(text).map_err(|cause| ApiError::parameter("maxLifetime", cause))?;
            Duration::from_millis(u64::try_from(millis).unwrap_or(0))
        }
    };
    let list = |order: Order| -> Vec<Value> {
        let rows = app.governor.top(order, age, caller.sees(), n);
        rows.iter().map(top_row).collect()
    };
    Answer::json(&json!({
        "topN": n,
        "maxLifetimeSeconds": age.as_secs_f64(),
        "topByCount": list(Order::Count),
        "topBySumDuration": list(Order::SumDuration),
        "topByAvgDuration": list(Order::AvgDuration),
        "topByPeakMemory": list(Order::PeakMemory),
        "topBySamplesRead": list(Order::SamplesRead),
    }))
}

fn top_row(row: &TopRow) -> Value {
    json!({
        "query": row.query,
        "tenant": row.tenant,
        "timeRangeSeconds": row.range_seconds,
        "count": row.count,
        "sumDurationSeconds": row.seconds,
        "avgDurationSeconds": row.average_seconds(),
        "peakMemoryBytes": row.peak_bytes,
        "samplesRead": row.samples_read,
    })
}
