//! `query` and `query_range`: parameters in, the gate of concurrent queries, evaluation away from the threads that serve
//! connections, and the answer. A client that goes away cancels its query.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use kymo_query::promql::ast::ValueType;

use super::evaluate::{self, Explain, Job, Remember};
use super::governed::governed;
use super::syntax::parsed;
use crate::app::App;
use crate::clock::now_ms;
use crate::governor::Gate;
use crate::http::answer::{Answer, ApiError, Reply};
use crate::http::caller::Caller;
use crate::http::params::Params;
use crate::http::time::{parse_duration, parse_time, time_param};
use crate::remember::{Known, Question};

/// Most steps of a range query, as in Prometheus.
const STEPS_MAX: i64 = 11_000;

/// `/api/v1/query`.
pub(crate) async fn instant(State(app): State<Arc<App>>, caller: Caller, params: Params) -> Reply {
    let limit = params.limit()?;
    let time = time_param(&params, "time", now_ms())?;
    if let Some(answer) = given_again(&app, &caller, &params, "query", (time, time, 0)) {
        return Ok(answer);
    }
    let job = Job {
        start: time,
        end: time,
        step: 0,
        ..job(&app, &params, limit)?
    };
    answer(&app, &caller, &params, "query", job).await
}

/// `/api/v1/query_range`.
pub(crate) async fn range(State(app): State<Arc<App>>, caller: Caller, params: Params) -> Reply {
    let limit = params.limit()?;
    let time = |name| parse_time(params.first(name)).map_err(|cause| ApiError::parameter(name, cause));
    let (start, end) = (time("start")?, time("end")?);
    if end < start {
        return Err(ApiError::parameter(
            "end",
            "end timestamp must not be before start time",
        ));
    }
    let step = parse_duration(params.first("step")).map_err(|cause| ApiError::parameter("step", cause))?;
    if step <= 0 {
        let cause = "zero or negative query resolution step widths are not accepted. Try a positive integer";
        return Err(ApiError::parameter("step", cause));
    }
    if end.saturating_sub(start) / step > STEPS_MAX {
        return Err(ApiError::bad_data(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ));
    }
    if let Some(answer) = given_again(&app, &caller, &params, "query_range", (start, end, step)) {
        return Ok(answer);
    }
    let job = Job {
        start,
        end,
        step,
        ..job(&app, &params, limit)?
    };
    if !matches!(job.expr.value_type(), ValueType::Scalar | ValueType::Vector) {
        let got = job.expr.value_type().documented();
        let cause =
            format!("invalid expression type \"{got}\" for range query, must be Scalar or instant Vector");
        return Err(ApiError::parameter("query", cause));
    }
    answer(&app, &caller, &params, "query_range", job).await
}

/// The answer to a plain question that is kept as a whole, without so much as parsing the query.
fn given_again(
    app: &App,
    caller: &Caller,
    params: &Params,
    kind: &str,
    (start, end, step): (i64, i64, i64),
) -> Option<Answer> {
    let began = Instant::now();
    let extra = ["limit", "stats", "explain", "timeout", "lookback_delta"];
    if !app.remembered.is_on() || extra.iter().any(|name| !params.first(name).is_empty()) {
        return None;
    }
    let db = app.reading(&caller.tenant)?;
    let text = params.first("query");
    let lookback = millis(app.config.query.lookback_ms);
    let question = Question::new(&caller.tenant, text, (start, step, lookback));
    let kept = app.remembered.whole(&question, (start, end), &db)?;
    let answer = evaluate::remembered(&kept);
    let asked = caller.asks(kind, text, (start, end, step));
    app.governor.answered(&asked, began.elapsed());
    Some(answer)
}

/// What both kinds of query have in common.
fn job(app: &App, params: &Params, limit: Option<usize>) -> Result<Job, ApiError> {
    let text = params.first("query").to_owned();
    let expr = parsed(app, params)?;
    let lookback = match params.first("lookback_delta") {
        "" => millis(app.config.query.lookback_ms),
        value => match parse_duration(value) {
            Ok(lookback) if lookback > 0 => lookback,
            Ok(_) => millis(app.config.query.lookback_ms),
            Err(cause) => {
                return Err(ApiError::bad_data(format!(
                    "error parsing lookback delta duration: {cause}"
                )));
            }
        },
    };
    Ok(Job {
        text,
        expr,
        start: 0,
        end: 0,
        step: 0,
        lookback,
        limit,
        samples_max: usize::try_from(app.config.query.samples_max).unwrap_or(usize::MAX),
        stats: params.first("stats").to_owned(),
        explain: match params.first("explain") {
            "1" | "true" => Explain::Beside,
            "only" => Explain::Only,
            _ => Explain::No,
        },
        features: app.config.features,
    })
}

fn millis(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

async fn answer(app: &Arc<App>, caller: &Caller, params: &Params, kind: &str, job: Job) -> Reply {
    let began = Instant::now();
    let timeout = timeout(app, params)?;
    let asked = caller.asks(kind, &job.text, (job.start, job.end, job.step));
    let db = app.reading(&caller.tenant);
    let with = Arc::clone(app);
    let mut asked_before = None;
    if let (Some(db), true) = (&db, app.remembered.is_on() && job.may_be_remembered()) {
        let question = Question::new(&caller.tenant, &job.text, (job.start, job.step, job.lookback));
        match app.remembered.known(&question, (job.start, job.end), db) {
            Known::All(kept) => {
                let answer = evaluate::remembered(&kept);
                app.governor.answered(&asked, began.elapsed());
                return Ok(answer);
            }
            known => asked_before = Some((question, known)),
        }
    }
    governed(app, Gate::Samples, asked, timeout, move |admitted, cost| {
        let remember = asked_before.map(|(question, known)| Remember {
            into: &with.remembered,
            question,
            known,
        });
        evaluate::evaluate(&job, db.as_deref(), &admitted.running, &with.pool, remember, cost)
    })
    .await
}

/// The time a query may take: what is asked for, at most what is configured.
pub(crate) fn timeout(app: &App, params: &Params) -> Result<Duration, ApiError> {
    let configured = Duration::from_millis(app.config.query.timeout_ms);
    match params.first("timeout") {
        "" => Ok(configured),
        text => {
            let asked = parse_duration(text).map_err(|cause| ApiError::parameter("timeout", cause))?;
            Ok(configured.min(Duration::from_millis(u64::try_from(asked).unwrap_or(0))))
        }
    }
}

/// Truncates an answer's elements, as `limit` asks.
pub(crate) fn truncate<T>(elements: &mut Vec<T>, limit: Option<usize>, answer: &mut Answer) {
    if let Some(limit) = limit.filter(|limit| *limit < elements.len()) {
        elements.truncate(limit);
        answer.warnings.push(super::labels::TRUNCATED.to_owned());
    }
}
