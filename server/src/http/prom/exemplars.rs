//! `query_exemplars`: the exemplars of the series that an expression selects.

use std::sync::Arc;

use axum::extract::State;
use kymo_engine::labels::Labels;
use kymo_engine::metrics::{Exemplar, Selection};
use kymo_query::promql::selectors;

use super::labels::{Lookup, ask};
use super::render::push_metric;
use super::syntax::parsed;
use crate::app::App;
use crate::go_float::{push_seconds, push_value};
use crate::http::answer::{Answer, ApiError, Reply};
use crate::http::caller::Caller;
use crate::http::params::Params;
use crate::http::time::time_param;

/// `/api/v1/query_exemplars`. An expression without selectors has no data at all, which goes out as 204.
pub(crate) async fn query(State(app): State<Arc<App>>, caller: Caller, params: Params) -> Reply {
    let min_time = time_param(&params, "start", i64::MIN)?;
    let max_time = time_param(&params, "end", i64::MAX)?;
    if max_time < min_time {
        return Err(ApiError::bad_data(
            "end timestamp must not be before start timestamp",
        ));
    }
    let expr = parsed(&app, &params)?;
    let selections: Vec<Selection> = selectors(&expr)
        .into_iter()
        .map(|selector| Selection {
            matchers: selector.matchers.clone(),
            min_time,
            max_time,
        })
        .collect();
    if selections.is_empty() {
        return Ok(Answer::default());
    }
    let lookup = Lookup {
        kind: "query_exemplars",
        text: params.first("query").to_owned(),
        times: (min_time, max_time),
        empty: "[]",
    };
    ask(&app, &caller, lookup, move |snapshot, _| {
        Ok(Answer::raw(render(&snapshot.exemplars(&selections)?)))
    })
    .await
}

/// Series and their exemplars as JSON.
pub(crate) fn render(found: &[(Labels, Vec<Exemplar>)]) -> String {
    let mut out = String::from("[");
    for (i, (labels, exemplars)) in found.iter().enumerate() {
        out.push_str(if i > 0 {
            ",{\"seriesLabels\":"
        } else {
            "{\"seriesLabels\":"
        });
        push_metric(&mut out, labels);
        out.push_str(",\"exemplars\":[");
        for (i, exemplar) in exemplars.iter().enumerate() {
            out.push_str(if i > 0 { ",{\"labels\":" } else { "{\"labels\":" });
            push_metric(&mut out, &exemplar.labels);
            out.push_str(",\"value\":\"");
            push_value(&mut out, exemplar.value);
            out.push_str("\",\"timestamp\":");
            push_seconds(&mut out, exemplar.time);
            out.push('}');
        }
        out.push_str("]}");
    }
    out.push(']');
    out
}
