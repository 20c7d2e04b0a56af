//! `/api/overrides`: what a tenant sets for its metrics from spans, with optimistic versions in `ETag` and `If-Match` as Tempo
//! has them. Not for what the document means.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::error::TempoError;
use crate::app::App;
use crate::clock::now_ms;
use crate::generate::overrides::{Limits, Refused, Stored};
use crate::http::ApiError;
use crate::http::caller::Caller;
use crate::http::params::Params;

/// A version that nothing has.
const NONE: i64 = -1;

impl From<Refused> for TempoError {
    fn from(refused: Refused) -> TempoError {
        let status = match refused {
            Refused::Version => StatusCode::PRECONDITION_FAILED,
            Refused::Missing => StatusCode::NOT_FOUND,
            Refused::Invalid(_) => StatusCode::BAD_REQUEST,
            Refused::Io(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        TempoError {
            status,
            text: refused.to_string(),
        }
    }
}

pub(super) async fn get(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Result<Response, TempoError> {
    let tenant = caller?.tenant;
    let stored = app.generator.overrides.of(&tenant);
    let version = stored.as_ref().map_or(0, |stored| stored.version);
    match (params?.first("scope"), stored) {
        ("" | "api", None) => Ok(StatusCode::NOT_FOUND.into_response()),
        ("" | "api", Some(stored)) => document(&stored),
        // With what the configuration says.
        ("merged", _) => document(&Stored {
            version,
            limits: Limits::of(&app.generator.settings(&tenant)),
        }),
        (other, _) => Err(TempoError::bad(format!(
            "unknown scope {other:?}: api and merged are known"
        ))),
    }
}

pub(super) async fn post(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, TempoError> {
    let tenant = caller?.tenant;
    let expected = if_match(&headers)?;
    let limits = limits(&body).map_err(TempoError::bad)?;
    let stored = change(app, tenant, move |app, tenant| {
        let base = &app.config.generate;
        let checked = |_: Option<&Limits>| limits.applied_to(base).map(|_| limits.clone());
        let overrides = &app.generator.overrides;
        Ok(Some(overrides.replace(
            tenant,
            Some(expected),
            now_ms(),
            checked,
        )?))
    });
    let stored = stored.await?;
    Ok((etag(stored.map_or(NONE, |s| s.version)), ()).into_response())
}

/// A merge patch (RFC 7396) of what is set.
pub(super) async fn patch(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, TempoError> {
    let tenant = caller?.tenant;
    let expected = match headers.contains_key(header::IF_MATCH) {
        true => Some(if_match(&headers)?),
        false => None,
    };
    let patch: serde_json::Value =
        serde_json::from_slice(&body).map_err(|e| TempoError::bad(e.to_string()))?;
    let stored = change(app, tenant, move |app, tenant| {
        let merged = |known: Option<&Limits>| {
            let mut document = match known {
                Some(known) => serde_json::to_value(known).map_err(|e| e.to_string())?,
                None => serde_json::json!({}),
            };
            merge(&mut document, patch);
            let limits: Limits = serde_json::from_value(document).map_err(|e| e.to_string())?;
            limits.applied_to(&app.config.generate).map(|_| limits)
        };
        let overrides = &app.generator.overrides;
        Ok(Some(overrides.replace(tenant, expected, now_ms(), merged)?))
    });
    match stored.await? {
        Some(stored) => document(&stored),
        None => Ok(StatusCode::NOT_FOUND.into_response()),
    }
}

pub(super) async fn delete(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    headers: HeaderMap,
) -> Result<Response, TempoError> {
    let tenant = caller?.tenant;
    let expected = if_match(&headers)?;
    change(app, tenant, move |app, tenant| {
        app.generator.overrides.delete(tenant, expected).map(|()| None)
    })
    .await?;
    Ok(StatusCode::OK.into_response())
}

/// Stores a change away from the threads that serve connections, and applies it.
async fn change(
    app: Arc<App>,
    tenant: String,
    store: impl FnOnce(&App, &str) -> Result<Option<Stored>, Refused> + Send + 'static,
) -> Result<Option<Stored>, TempoError> {
    let work = move || {
        let stored = store(&app, &tenant)?;
        if let Some(node) = app.node() {
            let applied = app.generator.settings_changed(node, &tenant, now_ms());
            if let Err(error) = applied {
                tracing::warn!(%error, tenant, "metrics of the last spans are not written");
            }
        }
        Ok(stored)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panic) => Err(TempoError {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            text: panic.to_string(),
        }),
    }
}

fn limits(body: &[u8]) -> Result<Limits, String> {
    serde_json::from_slice(body).map_err(|e| e.to_string())
}

/// The version the caller knows; one that was never given matches nothing.
fn if_match(headers: &HeaderMap) -> Result<i64, TempoError> {
    let stated = headers.get(header::IF_MATCH).and_then(|v| v.to_str().ok());
    match stated.map(|text| text.trim().trim_matches('"')) {
        None | Some("") => Err(TempoError {
            status: StatusCode::PRECONDITION_REQUIRED,
            text: "must specify If-Match header".to_owned(),
        }),
        Some(text) => Ok(text.parse().unwrap_or(NONE)),
    }
}

fn etag(version: i64) -> [(header::HeaderName, HeaderValue); 1] {
    [(header::ETAG, HeaderValue::from(version))]
}

fn document(stored: &Stored) -> Result<Response, TempoError> {
    let body = serde_json::to_vec(&stored.limits).map_err(|e| TempoError {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        text: e.to_string(),
    })?;
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((etag(stored.version), json, body).into_response())
}

/// Merges a patch into a document: null takes away, objects are merged, anything else replaces.
fn merge(into: &mut serde_json::Value, patch: serde_json::Value) {
    let serde_json::Value::Object(patch) = patch else {
        *into = patch;
        return;
    };
    if !into.is_object() {
        *into = serde_json::json!({});
    }
    let Some(members) = into.as_object_mut() else {
        return;
    };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(&name);
        } else {
            merge(members.entry(name).or_insert(serde_json::Value::Null), value);
        }
    }
}
