//! `/api/v1/metadata`: types, help texts and units that writers sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;

use super::labels::{Lookup, ask};
use crate::app::App;
use crate::http::answer::{Answer, ApiError, Reply};
use crate::http::caller::Caller;
use crate::http::params::Params;

#[derive(Debug, Serialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: &'static str,
    help: String,
    unit: String,
}

/// `/api/v1/metadata`, by `metric`, at most `limit` metrics and `limit_per_metric` entries each.
pub(crate) async fn metadata(State(app): State<Arc<App>>, caller: Caller, params: Params) -> Reply {
    let count = |name: &'static str| limit(&params, name);
    let (limit, per_metric) = (count("limit")?, count("limit_per_metric")?);
    let metric = params.first("metric").to_owned();
    let lookup = Lookup {
        kind: "metadata",
        text: metric.clone(),
        times: (i64::MIN, i64::MAX),
        empty: "{}",
    };
    ask(&app, &caller, lookup, move |snapshot, _| {
        let mut found: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for said in snapshot.metadata()? {
            if metric.is_empty() || said.family == metric {
                found.entry(said.family).or_default().push(Entry {
                    kind: said.kind.as_str(),
                    help: said.help,
                    unit: said.unit,
                });
            }
        }
        for entries in found.values_mut() {
            entries.truncate(per_metric.unwrap_or(usize::MAX));
        }
        let kept: BTreeMap<_, _> = found.into_iter().take(limit.unwrap_or(usize::MAX)).collect();
        Answer::json(&kept)
    })
    .await
}

/// Here, unlike elsewhere, a negative limit is no limit and zero is one.
fn limit(params: &Params, name: &str) -> Result<Option<usize>, ApiError> {
    match params.first(name) {
        "" => Ok(None),
        text => text
            .parse::<i64>()
            .map(|n| usize::try_from(n).ok())
            .map_err(|_| ApiError::bad_data(format!("{name} must be a number"))),
    }
}
