//! Names and values of labels, and series: `/loki/api/v1/labels`, `/loki/api/v1/label/{name}/values`, `/loki/api/v1/series`.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use kymo_engine::labels::Labels;

use super::ask::{Shown, ask, matchers};
use super::error::LokiError;
use super::params::range;
use super::{JSON, now};
use crate::app::App;
use crate::http::ApiError;
use crate::http::caller::Caller;
use crate::http::document::Document;
use crate::http::json::{list, object, text};
use crate::http::params::Params;

/// How a list of texts is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Current,
    /// That of the API below `/api/prom`.
    Legacy,
}

pub(super) async fn names(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    texts(&app, caller, &params?, Form::Current, add_names).await
}

pub(super) async fn values(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    texts(&app, caller, &params?, Form::Current, values_of(name)).await
}

/// Adds the names of a stream's labels.
pub(super) fn add_names(labels: &Labels, found: &mut BTreeSet<String>) {
    found.extend(labels.iter().map(|(name, _)| name.to_owned()));
}

/// Adds the value that a stream's label has.
pub(super) fn values_of(name: String) -> impl Fn(&Labels, &mut BTreeSet<String>) + Send + 'static {
    move |labels, found| found.extend(labels.get(&name).map(str::to_owned))
}

/// What streams have, each once, in order.
///
/// # Errors
/// Those of the question.
pub(super) async fn texts(
    app: &Arc<App>,
    caller: Result<Caller, ApiError>,
    params: &Params,
    form: Form,
    of: impl Fn(&Labels, &mut BTreeSet<String>) + Send + 'static,
) -> Result<Response, LokiError> {
    let (start, end) = range(params, now())?;
    let query = params.first("query");
    let wanted = matchers(query)?;
    let shown = Shown {
        kind: "logql_labels",
        text: query,
        times: (start, end, 0),
    };
    let document = ask(app, caller, shown, move |asking, _| {
        let mut found = BTreeSet::new();
        if let Some(asking) = asking {
            let streams = asking.snapshot.streams(&wanted, start, end.saturating_add(1))?;
            streams.iter().for_each(|labels| of(labels, &mut found));
        }
        let mut body = Vec::new();
        object(&mut body, |o| {
            let found = Vec::from_iter(found);
            match form {
                Form::Current => {
                    o.text("status", "success");
                    o.texts("data", &found);
                }
                Form::Legacy => o.texts("values", &found),
            }
        });
        Ok(Document::new(JSON, body))
    });
    Ok(document.await?.into_response())
}

pub(super) async fn series(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    let params = params?;
    let (start, end) = range(&params, now())?;
    let texts: Vec<&str> = params.all("match").chain(params.all("match[]")).collect();
    let mut selectors = texts
        .iter()
        .map(|text| matchers(text))
        .collect::<Result<Vec<_>, _>>()?;
    if selectors.is_empty() {
        selectors.push(Vec::new());
    }
    let shown_text = texts.join(",");
    let shown = Shown {
        kind: "logql_series",
        text: &shown_text,
        times: (start, end, 0),
    };
    let document = ask(&app, caller, shown, move |asking, _| {
        let mut found: Vec<Labels> = Vec::new();
        for selector in &selectors {
            if let Some(asking) = asking {
                found.extend(asking.snapshot.streams(selector, start, end.saturating_add(1))?);
            }
        }
        found.sort_by(|a, b| a.iter().cmp(b.iter()));
        found.dedup();
        let mut body = Vec::new();
        object(&mut body, |o| {
            o.text("status", "success");
            list(o.name("data"), &found, |out, labels| {
                object(out, |o| {
                    for (name, value) in labels.iter() {
                        text(o.any_name(name), value);
                    }
                });
            });
        });
        Ok(Document::new(JSON, body))
    });
    Ok(document.await?.into_response())
}
