//! `labels`, `label/<name>/values` and `series`: what is there, by matchers and time.

use std::sync::Arc;

use axum::extract::{Path, State};
use kymo_engine::metrics::{Matcher, Metrics};
use kymo_engine::store::Snapshot;
use kymo_query::promql::parse_selector;

use super::render::push_metric;
use crate::app::App;
use crate::http::answer::{Answer, ApiError, ErrorType, Reply, push_json};
use crate::http::params::Params;
use crate::http::tenant::Tenant;
use crate::http::time::time_param;

/// The warning of an answer that `limit` cut.
pub(crate) const TRUNCATED: &str = "results truncated due to limit";

/// What endpoints with `match[]`, `start` and `end` ask for.
pub(crate) struct Question {
    /// One set of matchers per `match[]`; none stands for everything.
    pub(crate) selectors: Vec<Vec<Matcher>>,
    pub(crate) min_time: i64,
    pub(crate) max_time: i64,
    limit: Option<usize>,
}

impl Question {
    pub(crate) fn parse(params: &Params) -> Result<Question, ApiError> {
        let limit = params.limit()?;
        let min_time = time_param(params, "start", i64::MIN)?;
        let max_time = time_param(params, "end", i64::MAX)?;
        let mut selectors = Vec::new();
        for text in params.all("match[]") {
            selectors.push(selector(text)?);
        }
        Ok(Question {
            selectors,
            min_time,
            max_time,
            limit,
        })
    }

    pub(crate) fn sets(&self) -> Vec<&[Matcher]> {
        self.selectors.iter().map(Vec::as_slice).collect()
    }
}

/// `/api/v1/labels`.
pub(crate) async fn names(State(app): State<Arc<App>>, tenant: Tenant, params: Params) -> Reply {
    let question = Question::parse(&params)?;
    ask(&app, &tenant, "[]", move |snapshot| {
        let found = snapshot.label_names(&question.sets(), question.min_time, question.max_time)?;
        Ok(texts(found, question.limit))
    })
    .await
}

/// `/api/v1/label/<name>/values`.
pub(crate) async fn values(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    tenant: Tenant,
    params: Params,
) -> Reply {
    let name = unescape(&name);
    if name.is_empty() {
        return Err(ApiError::bad_data(format!("invalid label name: {name:?}")));
    }
    let question = Question::parse(&params)?;
    ask(&app, &tenant, "[]", move |snapshot| {
        let found = snapshot.label_values(&name, &question.sets(), question.min_time, question.max_time)?;
        Ok(texts(found, question.limit))
    })
    .await
}

/// `/api/v1/series`.
pub(crate) async fn series(State(app): State<Arc<App>>, tenant: Tenant, params: Params) -> Reply {
    if params.all("match[]").next().is_none() {
        return Err(ApiError::bad_data("no match[] parameter provided"));
    }
    let question = Question::parse(&params)?;
    ask(&app, &tenant, "[]", move |snapshot| {
        let found = snapshot.series(&question.sets(), question.min_time, question.max_time)?;
        let limit = question.limit.unwrap_or(usize::MAX);
        let mut data = String::from("[");
        for (i, labels) in found.iter().take(limit).enumerate() {
            if i > 0 {
                data.push(',');
            }
            push_metric(&mut data, labels);
        }
        data.push(']');
        Ok(cut(Answer::raw(data), found.len() > limit))
    })
    .await
}

/// Reads a `match[]`, which must not select everything.
pub(crate) fn selector(text: &str) -> Result<Vec<Matcher>, ApiError> {
    let matchers = parse_selector(text).map_err(|e| ApiError::parameter("match[]", e))?;
    if matchers.iter().all(Matcher::matches_empty) {
        let cause = "match[] must contain at least one non-empty matcher";
        return Err(ApiError::parameter("match[]", cause));
    }
    Ok(matchers)
}

/// Runs a question over a snapshot of the tenant away from the threads that serve connections; `empty` is the answer
/// of a tenant that has nothing.
pub(crate) async fn ask(
    app: &Arc<App>,
    Tenant(tenant): &Tenant,
    empty: &str,
    question: impl FnOnce(&Snapshot<Metrics>) -> Reply + Send + 'static,
) -> Reply {
    let Some(db) = app.reading(tenant) else {
        return Ok(Answer::raw(empty.to_owned()));
    };
    tokio::task::spawn_blocking(move || question(&db.metrics.snapshot()))
        .await
        .unwrap_or_else(|panic| Err(ApiError::new(ErrorType::Internal, panic.to_string())))
}

fn texts(mut found: Vec<String>, limit: Option<usize>) -> Answer {
    let limit = limit.unwrap_or(usize::MAX);
    let truncated = found.len() > limit;
    found.truncate(limit);
    let mut data = String::new();
    push_json(&mut data, &found);
    cut(Answer::raw(data), truncated)
}

fn cut(mut answer: Answer, truncated: bool) -> Answer {
    if truncated {
        answer.warnings.push(TRUNCATED.to_owned());
    }
    answer
}

/// Undoes the `U__` escaping of label names in paths (Prometheus `model.UnescapeName`): `__` is `_`, `_<hex>_` the code
/// point. A name that is not escaped rightly is taken as it is.
fn unescape(name: &str) -> String {
    let Some(escaped) = name.strip_prefix("U__") else {
        return name.to_owned();
    };
    let mut out = String::new();
    let mut rest = escaped;
    while let Some(at) = rest.find('_') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('_') {
            out.push('_');
            rest = after;
            continue;
        }
        let code = rest.split_once('_').and_then(|(hex, after)| {
            let point = u32::from_str_radix(hex, 16).ok().filter(|_| hex.len() <= 6)?;
            Some((char::from_u32(point)?, after))
        });
        let Some((c, after)) = code else {
            return name.to_owned();
        };
        out.push(c);
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    //! Unescaping of label names.

    use super::unescape;

    #[test]
    fn names_are_unescaped_as_prometheus_does() {
        for (escaped, name) in [
            ("job", "job"),
            ("U__http_2e_status", "http.status"),
            ("U__a__b", "a_b"),
            ("U___1f600_", "\u{1f600}"),
            ("U__a_zz_", "U__a_zz_"),
            ("U__a_", "U__a_"),
        ] {
            assert_eq!(unescape(escaped), name, "{escaped}");
        }
    }
}
