//! `search/metric_names`, `search/label_names` and `search/label_values`: names that fit search terms, as lines of JSON in
//! batches, then a line that says how it ended. Off unless the feature is on.

mod score;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use kymo_engine::labels::METRIC_NAME;
use kymo_engine::metrics::Metrics;
use kymo_engine::store::Snapshot;
use kymo_query::promql::eval::Account;
use serde_json::{Map, Value, json};

use super::governed::{Held, governed, out_of_memory};
use super::labels::Question;
use crate::app::App;
use crate::clock::now_ms;
use crate::governor::Gate;
use crate::http::answer::{ApiError, ErrorType, held_body};
use crate::http::caller::Caller;
use crate::http::params::Params;
use crate::http::time::time_param;
use score::{Algorithm, Terms};

/// Most search terms of one request, and most results, as in Prometheus.
const TERMS_MAX: usize = 32;
const LIMIT_MAX: usize = 10_000;

/// Results, and results of one line, unless a request says otherwise.
const LIMIT: usize = 100;
const BATCH: usize = 100;

const HOUR_MS: i64 = 3_600_000;

/// The routes of this module.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/api/v1/search/metric_names",
            get(metric_names).post(metric_names),
        )
        .route("/api/v1/search/label_names", get(label_names).post(label_names))
        .route(
            "/api/v1/search/label_values",
            get(label_values).post(label_values),
        )
}

async fn metric_names(
    State(app): State<Arc<App>>,
    caller: Caller,
    params: Params,
) -> Result<Response, ApiError> {
    search(&app, &caller, &params, Subject::MetricNames).await
}

async fn label_names(
    State(app): State<Arc<App>>,
    caller: Caller,
    params: Params,
) -> Result<Response, ApiError> {
    search(&app, &caller, &params, Subject::LabelNames).await
}

async fn label_values(
    State(app): State<Arc<App>>,
    caller: Caller,
    params: Params,
) -> Result<Response, ApiError> {
    search(&app, &caller, &params, Subject::LabelValues).await
}

/// What is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    MetricNames,
    LabelNames,
    LabelValues,
}

impl Subject {
    fn name(self) -> &'static str {
        match self {
            Subject::MetricNames => "metric_names",
            Subject::LabelNames => "label_names",
            Subject::LabelValues => "label_values",
        }
    }
}

/// In which order results come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Ascending,
    Descending,
    Score,
}

/// A search as it was asked for.
struct Search {
    subject: Subject,
    label: String,
    question: Question,
    terms: Terms,
    order: Order,
    include_score: bool,
    include_metadata: bool,
    limit: usize,
    batch: usize,
}

struct Lines {
    body: Vec<u8>,
    account: Option<Arc<Account>>,
}

impl Held for Lines {
    fn bytes(&self) -> usize {
        self.body.len()
    }

    fn held_by(mut self, account: Arc<Account>) -> Lines {
        self.account = Some(account);
        self
    }
}

async fn search(
    app: &Arc<App>,
    caller: &Caller,
    params: &Params,
    subject: Subject,
) -> Result<Response, ApiError> {
    if !app.config.features.search_api {
        return Err(ApiError::new(ErrorType::Unavailable, "search API disabled"));
    }
    let search = Search::parse(params, subject)?;
    let times = (search.question.min_time, search.question.max_time, 0);
    let text = params.all("search[]").collect::<Vec<_>>().join(" or ");
    let asked = caller.asks(&format!("search/{}", subject.name()), &text, times);
    let timeout = Duration::from_millis(app.config.query.timeout_ms);
    let db = app.reading(&caller.tenant);
    let lines = governed(app, Gate::Lookup, asked, timeout, move |admitted, _| {
        let body = match db {
            Some(db) => search.lines(&db.metrics.snapshot())?,
            None => written(&[], search.batch, false),
        };
        let account = &admitted.running.account;
        account.reserve(body.len()).map_err(out_of_memory)?;
        Ok(Lines { body, account: None })
    })
    .await?;
    let mut response = held_body(lines.body, lines.account).into_response();
    let content_type = HeaderValue::from_static("application/x-ndjson; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    Ok(response)
}

impl Search {
    fn parse(params: &Params, subject: Subject) -> Result<Search, ApiError> {
        let bad = |text: String| Err(ApiError::bad_data(text));
        let now = now_ms();
        let (start, end) = (
            time_param(params, "start", now - HOUR_MS)?,
            time_param(params, "end", now)?,
        );
        let question = Question::between(params, start, end)?;
        let terms: Vec<&str> = params.all("search[]").collect();
        if terms.len() > TERMS_MAX {
            return bad(format!(
                "too many search[] parameters: {}, the limit is {TERMS_MAX}",
                terms.len()
            ));
        }
        let threshold = match params.first("fuzz_threshold") {
            "" => 0,
            text => match text.parse::<u8>() {
                Ok(n) if n <= 100 => n,
                _ => return bad(format!("invalid fuzz_threshold {text:?}: must be 0-100")),
            },
        };
        let algorithm = match params.first("fuzz_alg") {
            "" | "subsequence" => Algorithm::Subsequence,
            "jarowinkler" => Algorithm::JaroWinkler,
            text => {
                return bad(format!(
                    "unsupported fuzz_alg {text:?}: must be one of [subsequence jarowinkler]"
                ));
            }
        };
        let case_sensitive = flag(params, "case_sensitive", true)?;
        let label = params.first("label").to_owned();
        if subject == Subject::LabelValues && label.is_empty() {
            return bad("missing required parameter \"label\"".to_owned());
        }
        Ok(Search {
            subject,
            label,
            question,
            order: order(params, subject, terms.is_empty())?,
            terms: Terms::new(&terms, algorithm, f64::from(threshold) / 100.0, case_sensitive),
            include_score: flag(params, "include_score", false)?,
            include_metadata: subject == Subject::MetricNames && flag(params, "include_metadata", false)?,
            limit: count(params, "limit", LIMIT, LIMIT_MAX)?,
            batch: count(params, "batch_size", BATCH, LIMIT_MAX)?,
        })
    }

    fn lines(&self, snapshot: &Snapshot<Metrics>) -> Result<Vec<u8>, ApiError> {
        let (sets, from, to) = (
            self.question.sets(),
            self.question.min_time,
            self.question.max_time,
        );
        let names = match self.subject {
            Subject::MetricNames => snapshot.label_values(METRIC_NAME, &sets, from, to)?,
            Subject::LabelNames => snapshot.label_names(&sets, from, to)?,
            Subject::LabelValues => snapshot.label_values(&self.label, &sets, from, to)?,
        };
        let mut found: Vec<(String, f64)> = names
            .into_iter()
            .filter_map(|name| self.terms.score(&name).map(|score| (name, score)))
            .collect();
        match self.order {
            Order::Ascending => {}
            Order::Descending => found.reverse(),
            Order::Score => found.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0))),
        }
        let more = found.len() > self.limit;
        found.truncate(self.limit);
        let metadata = match self.include_metadata {
            true => snapshot.metadata()?,
            false => Vec::new(),
        };
        let results: Vec<Value> = found
            .iter()
            .map(|(name, score)| {
                let mut result = Map::new();
                result.insert("name".to_owned(), json!(name));
                if self.include_score {
                    result.insert("score".to_owned(), json!(score));
                }
                if let Some(said) = metadata.iter().find(|said| said.family == *name) {
                    let said = [
                        ("type", said.kind.as_str()),
                        ("help", &said.help),
                        ("unit", &said.unit),
                    ];
                    let said = said.into_iter().filter(|(_, text)| !text.is_empty());
                    result.extend(said.map(|(key, text)| (key.to_owned(), json!(text))));
                }
                Value::Object(result)
            })
            .collect();
        Ok(written(&results, self.batch, more))
    }
}

/// Batches of results, one at least, and the line that ends them.
fn written(results: &[Value], batch: usize, more: bool) -> Vec<u8> {
    let mut out = String::new();
    let mut push = |line: Value| out.push_str(&format!("{line}\n"));
    if results.is_empty() {
        push(json!({"results": []}));
    }
    for batch in results.chunks(batch) {
        push(json!({"results": batch}));
    }
    push(json!({"status": "success", "has_more": more}));
    out.into_bytes()
}

fn order(params: &Params, subject: Subject, no_terms: bool) -> Result<Order, ApiError> {
    let bad = |text: String| Err(ApiError::bad_data(text));
    let (by, direction) = (params.first("sort_by"), params.first("sort_dir"));
    if !direction.is_empty() && by.is_empty() {
        return bad("sort_dir is only valid when sort_by is set".to_owned());
    }
    if !direction.is_empty() && by == "score" {
        return bad("sort_dir is not supported for sort_by=score".to_owned());
    }
    if !matches!(direction, "" | "asc" | "dsc") {
        return bad(format!(
            "invalid sort_dir {direction:?}: must be \"asc\" or \"dsc\""
        ));
    }
    match by {
        "score" if no_terms => bad("sort_by=score requires search[] to be set".to_owned()),
        "score" => Ok(Order::Score),
        "" | "alpha" if direction == "dsc" => Ok(Order::Descending),
        "" | "alpha" => Ok(Order::Ascending),
        _ => bad(format!(
            "invalid sort_by {by:?} for {}: must be \"alpha\" or \"score\"",
            subject.name()
        )),
    }
}

/// Go's `ParseBool`.
fn flag(params: &Params, name: &str, default: bool) -> Result<bool, ApiError> {
    match params.first(name) {
        "" => Ok(default),
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        text => Err(ApiError::bad_data(format!(
            "invalid {name} {text:?}: must be boolean"
        ))),
    }
}

/// A number of 0, which is the default, or more.
fn count(params: &Params, name: &str, default: usize, max: usize) -> Result<usize, ApiError> {
    match params.first(name) {
        "" => Ok(default),
        text => match text.parse::<usize>() {
            Ok(0) => Ok(default),
            Ok(n) if n > max => Err(ApiError::bad_data(format!(
                "invalid {name} {text:?}: must not exceed {max}"
            ))),
            Ok(n) => Ok(n),
            Err(_) => Err(ApiError::bad_data(format!(
                "invalid {name} {text:?}: must be non-negative integer"
            ))),
        },
    }
}
