//! `labels`, `label/<name>/values` and `series`: what is there, by matchers and time.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use kymo_engine::metrics::{Matcher, Metrics};
use kymo_engine::store::Snapshot;
use kymo_query::promql::eval::Account;
use kymo_query::promql::parse_selector;

use super::governed::{Held, governed, out_of_memory};
use super::render::push_metric;
use crate::app::App;
use crate::governor::Gate;
use crate::http::answer::{Answer, ApiError, Reply, push_json};
use crate::http::caller::Caller;
use crate::http::params::Params;
use crate::http::time::time_param;

/// Bytes that a label set usually takes in a list of series.
const SERIES_BYTES: usize = 320;

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
        let question = Question::between(params, min_time, max_time)?;
        Ok(Question { limit, ..question })
    }

    /// What `match[]` asks for between two times.
    pub(crate) fn between(params: &Params, min_time: i64, max_time: i64) -> Result<Question, ApiError> {
        let mut selectors = Vec::new();
        for text in params.all("match[]") {
            selectors.push(selector(text)?);
        }
        Ok(Question {
            selectors,
            min_time,
            max_time,
            limit: None,
        })
    }

    pub(crate) fn sets(&self) -> Vec<&[Matcher]> {
        self.selectors.iter().map(Vec::as_slice).collect()
    }
}

/// `/api/v1/labels`.
pub(crate) async fn names(State(app): State<Arc<App>>, caller: Caller, params: Params) -> Reply {
    let question = Question::parse(&params)?;
    ask(
        &app,
        &caller,
        Lookup::of("labels", &params, &question),
        move |snapshot, _| {
            let found = snapshot.label_names(&question.sets(), question.min_time, question.max_time)?;
            Ok(texts(found, question.limit))
        },
    )
    .await
}

/// `/api/v1/label/<name>/values`.
pub(crate) async fn values(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    caller: Caller,
    params: Params,
) -> Reply {
    let name = unescape(&name);
    if name.is_empty() {
        return Err(ApiError::bad_data(format!("invalid label name: {name:?}")));
    }
    let question = Question::parse(&params)?;
    ask(
        &app,
        &caller,
        Lookup::of("label_values", &params, &question),
        move |snapshot, _| {
            let found =
                snapshot.label_values(&name, &question.sets(), question.min_time, question.max_time)?;
            Ok(texts(found, question.limit))
        },
    )
    .await
}

/// `/api/v1/series`.
pub(crate) async fn series(State(app): State<Arc<App>>, caller: Caller, params: Params) -> Reply {
    if params.all("match[]").next().is_none() {
        return Err(ApiError::bad_data("no match[] parameter provided"));
    }
    let question = Question::parse(&params)?;
    ask(
        &app,
        &caller,
        Lookup::of("series", &params, &question),
        move |snapshot, account| {
            let times = (question.min_time, question.max_time);
            reserve_series(snapshot, account, &question.sets(), times)?;
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
        },
    )
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

/// What a lookup is, as lists of queries show it.
pub(crate) struct Lookup<'q> {
    /// The endpoint.
    pub(crate) kind: &'static str,
    /// The selectors as they came.
    pub(crate) text: String,
    /// The earliest and the latest time.
    pub(crate) times: (i64, i64),
    /// The answer of a tenant that has nothing.
    pub(crate) empty: &'q str,
}

impl Lookup<'_> {
    /// A lookup of an endpoint with `match[]`.
    pub(crate) fn of(kind: &'static str, params: &Params, question: &Question) -> Lookup<'static> {
        Lookup {
            kind,
            text: params.all("match[]").collect::<Vec<_>>().join(" or "),
            times: (question.min_time, question.max_time),
            empty: "[]",
        }
    }
}

/// Runs a question over a snapshot of the tenant when its turn has come. What it is going to hold it reserves from the
/// account, as far as it knows.
pub(crate) async fn ask(
    app: &Arc<App>,
    caller: &Caller,
    lookup: Lookup<'_>,
    question: impl FnOnce(&Snapshot<Metrics>, &Account) -> Reply + Send + 'static,
) -> Reply {
    let Some(db) = app.reading(&caller.tenant) else {
        return Ok(Answer::raw(lookup.empty.to_owned()));
    };
    let (min_time, max_time) = lookup.times;
    let asked = caller.asks(lookup.kind, &lookup.text, (min_time, max_time, 0));
    let timeout = Duration::from_millis(app.config.query.timeout_ms);
    governed(app, Gate::Lookup, asked, timeout, move |admitted, _| {
        let account = &admitted.running.account;
        let answer = question(&db.metrics.snapshot(), account)?;
        account.reserve(Held::bytes(&answer)).map_err(out_of_memory)?;
        Ok(answer)
    })
    .await
}

/// Reserves what the label sets of the series of these selectors take. With few series it is not worth counting them.
pub(crate) fn reserve_series(
    snapshot: &Snapshot<Metrics>,
    account: &Account,
    sets: &[&[Matcher]],
    (min_time, max_time): (i64, i64),
) -> Result<(), ApiError> {
    let bytes = |series: u64| {
        usize::try_from(series)
            .unwrap_or(usize::MAX)
            .saturating_mul(SERIES_BYTES)
    };
    if bytes(snapshot.series_bound()) < account.limit() / 32 {
        return Ok(());
    }
    for matchers in sets {
        let found = snapshot.estimate_series(matchers, min_time, max_time)?;
        account.reserve(bytes(found.series)).map_err(out_of_memory)?;
    }
    Ok(())
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
