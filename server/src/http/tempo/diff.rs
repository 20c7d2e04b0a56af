//! `POST /api/v2/traces/diff`: what differs between two traces, as a patch span by span, as a summary, or as both. An
//! experiment of Tempo's, whose documents these are. Not for how spans are matched.

mod matching;
mod patch;
mod side;
mod summary;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kymo_engine::traces::TraceId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::TempoError;
use super::params::{not_before, trace_id};
use crate::app::App;
use crate::governor::Gate;
use crate::http::ApiError;
use crate::http::caller::Caller;
use crate::http::document::Document;
use crate::http::prom::governed::governed;
use crate::spans::Asking;
use matching::Matching;
use side::Side;

/// Bytes of a patch that a composed answer carries.
const PATCH_BYTES_MAX: usize = 64 << 10;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    base: AskedTrace,
    #[serde(default)]
    compare: AskedTrace,
    #[serde(default)]
    format: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedTrace {
    #[serde(rename = "traceId", alias = "traceID", default)]
    trace_id: String,
    #[serde(default)]
    start: Option<i64>,
    #[serde(default)]
    end: Option<i64>,
}

/// Which document is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Patch,
    Summary,
    Composed,
}

impl Format {
    fn of(text: &str) -> Result<Format, TempoError> {
        match text {
            "" | patch::VERSION => Ok(Format::Patch),
            summary::VERSION => Ok(Format::Summary),
            COMPOSED => Ok(Format::Composed),
            other => Err(TempoError::bad(format!(
                "invalid format: {other:?} is none of {}, {}, {COMPOSED}",
                patch::VERSION,
                summary::VERSION
            ))),
        }
    }
}

const COMPOSED: &str = "trace-summary-v0-composed";

impl AskedTrace {
    /// The id. A range is checked and not needed.
    fn id(&self, side: &str) -> Result<TraceId, TempoError> {
        if self.trace_id.is_empty() {
            return Err(TempoError::bad(format!("{side}.traceId is required")));
        }
        let bad = |cause: TempoError| TempoError::bad(format!("invalid {side}.start: {}", cause.text));
        match (self.start, self.end) {
            (None, None) => {}
            (Some(start), Some(end)) if start < end => {}
            (start, end) => return Err(bad(not_before(start.unwrap_or(0), end.unwrap_or(0)))),
        }
        trace_id(&self.trace_id).map_err(|cause| TempoError::bad(format!("invalid {side}.traceId: {cause}")))
    }
}

pub(super) async fn diff(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    body: Bytes,
) -> Result<Response, TempoError> {
    let caller = caller?;
    let asked: Asked = serde_json::from_slice(&body)
        .map_err(|cause| TempoError::bad(format!("invalid request body: {cause}")))?;
    let format = Format::of(&asked.format)?;
    let ids = [
        ("base", asked.base.id("base")?),
        ("compare", asked.compare.id("compare")?),
    ];
    let name = format!("{} {}", asked.base.trace_id, asked.compare.trace_id);
    let shown = caller.asks("trace diff", &name, (0, 0, 0));
    let timeout = Duration::from_millis(app.config.query.timeout_ms);
    let db = app.reading(&caller.tenant);
    let with = Arc::clone(&app);
    let document = governed(&app, Gate::Lookup, shown, timeout, move |admitted, _| {
        let asking = db.as_ref().map(|db| Asking::now(db, &with, &admitted.running));
        let mut sides = Vec::new();
        for (side, id) in &ids {
            let trace = match &asking {
                Some(asking) => asking.trace(id)?,
                None => None,
            };
            match trace {
                Some(trace) => sides.push(Side::of(trace)?),
                None => return Ok(not_found(side)),
            }
        }
        let [base, compare] = &sides[..] else {
            return Ok(not_found("compare"));
        };
        let answer = answer(base, compare, format);
        Ok(Document::json(answer.to_string().into_bytes()))
    });
    Ok(document.await?.into_response())
}

fn not_found(side: &str) -> Document {
    let text = format!("{side} trace not found").into_bytes();
    let mut document = Document::new("text/plain; charset=utf-8", text);
    document.status = StatusCode::NOT_FOUND;
    document
}

fn answer(base: &Side, compare: &Side, format: Format) -> Value {
    let matching = Matching::of(base, compare);
    let patch = || patch::document(base, compare, &matching);
    let summary = || summary::document(base, compare, &matching);
    match format {
        Format::Patch => patch(),
        Format::Summary => summary(),
        Format::Composed => composed(summary(), patch()),
    }
}

/// Both, the patch whole or not at all.
fn composed(summary: Value, patch: Value) -> Value {
    let bytes = patch.to_string().len();
    if bytes <= PATCH_BYTES_MAX {
        json!({"version": COMPOSED, "summary": summary, "patch": patch})
    } else {
        let omitted = json!({"bytes": bytes, "reason": "over_budget"});
        json!({"version": COMPOSED, "summary": summary, "patchOmitted": omitted})
    }
}

#[cfg(test)]
mod tests;
