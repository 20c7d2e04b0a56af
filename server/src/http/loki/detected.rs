//! What Logs Drilldown asks to begin with: `/loki/api/v1/detected_labels` and `/loki/api/v1/drilldown-limits`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::JSON;
use super::ask::{OfStreams, ask};
use super::error::LokiError;
use super::status::API_VERSION;
use crate::app::App;
use crate::http::ApiError;
use crate::http::caller::Caller;
use crate::http::document::Document;
use crate::http::json::{list, object};
use crate::http::params::Params;

/// Labels that are told although all their values are ids or numbers.
const ALWAYS: [&str; 4] = ["cluster", "namespace", "instance", "pod"];

pub(super) async fn labels(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    let params = params?;
    let OfStreams { wanted, times, shown } = OfStreams::read("logql_detected_labels", &params)?;
    let document = ask(&app, caller, shown, move |asking, _| {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        if let Some(asking) = asking {
            for labels in asking
                .snapshot
                .streams(&wanted, times.0, times.1.saturating_add(1))?
            {
                for (name, value) in labels.iter() {
                    found.entry(name.to_owned()).or_default().insert(value.to_owned());
                }
            }
        }
        found.retain(|name, values| {
            ALWAYS.contains(&name.as_str()) || !values.iter().all(|value| is_id(value))
        });
        let mut body = Vec::new();
        object(&mut body, |o| {
            list(o.name("detectedLabels"), &found, |out, (name, values)| {
                object(out, |o| {
                    o.text("label", name);
                    o.integer("cardinality", i64::try_from(values.len()).unwrap_or(i64::MAX));
                });
            });
        });
        Ok(Document::new(JSON, body))
    });
    Ok(document.await?.into_response())
}

/// True for numbers and UUIDs.
fn is_id(value: &str) -> bool {
    let is_uuid = value.len() == 36
        && value.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        });
    is_uuid || value.parse::<f64>().is_ok()
}

pub(super) async fn limits(State(app): State<Arc<App>>) -> Response {
    let config = &app.config;
    let mut body = Vec::new();
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    object(&mut body, |o| {
        o.object("limits", |o| {
            o.name("discover_log_levels")
                .extend_from_slice(config.logs.detect_level.to_string().as_bytes());
            o.texts_even_none("discover_service_name", &config.logs.service_name_from);
            o.integer("max_line_size", count(config.logs.line_bytes_max));
            o.text(
                "query_timeout",
                &crate::units::duration_text(config.query.timeout_ms),
            );
            o.text(
                "retention_period",
                &crate::units::duration_text(config.retention.time_ms),
            );
            o.name("volume_enabled").extend_from_slice(b"true");
        });
        o.name("pattern_ingester_enabled").extend_from_slice(b"true");
        o.text("version", API_VERSION);
    });
    ([(header::CONTENT_TYPE, JSON)], body).into_response()
}
