//! One query over the store of a tenant: from the job to the answer's JSON.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kymo_engine::db::Db;
use kymo_query::promql::Expr;
use kymo_query::promql::eval::{
    Account, Budget, BudgetExceeded, EvalError, EvalOptions, Evaluation, Query, Value,
};
use kymo_query::promql::eval::{eval, explain};
use serde_json::json;

use super::query::truncate;
use super::render::push_result;
use crate::http::answer::{Answer, ApiError, ErrorType, Reply, push_json};
use crate::pool::Pool;
use crate::scripts::SnapshotSource;

/// Most warnings, and most infos, of one answer.
const ANNOTATIONS_MAX: usize = 10;

/// What to evaluate and how to answer.
#[derive(Debug)]
pub(crate) struct Job {
    /// The query's text.
    pub(crate) text: String,
    /// The query.
    pub(crate) expr: Expr,
    /// First step, milliseconds since 1970.
    pub(crate) start: i64,
    /// Last step.
    pub(crate) end: i64,
    /// Milliseconds between steps, 0 for an instant query.
    pub(crate) step: i64,
    /// How far instant selectors look back, in milliseconds.
    pub(crate) lookback: i64,
    /// Most elements of the answer.
    pub(crate) limit: Option<usize>,
    /// Most samples in memory.
    pub(crate) samples_max: usize,
    /// Bytes that results of expressions may take.
    pub(crate) bytes_max: usize,
    /// The `stats` parameter.
    pub(crate) stats: String,
    /// Whether to show the plan.
    pub(crate) explain: bool,
    /// How long the query waited for its turn.
    pub(crate) queued: Duration,
}

/// When to give up.
#[derive(Debug)]
pub(crate) struct Stop {
    /// The time is up.
    pub(crate) deadline: Option<Instant>,
    /// Nobody waits for the answer any more.
    pub(crate) canceled: Arc<AtomicBool>,
}

impl Stop {
    fn check(&self) -> Option<BudgetExceeded> {
        if self.canceled.load(Ordering::Relaxed) {
            Some(BudgetExceeded::Canceled)
        } else if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            Some(BudgetExceeded::Timeout)
        } else {
            None
        }
    }
}

/// Evaluates a job; blocks until it is done or stopped.
pub(crate) fn evaluate(job: &Job, db: Option<&Db>, stop: &Stop, pool: &Pool) -> Reply {
    let started = Instant::now();
    let source = SnapshotSource(db.map(|db| db.metrics.snapshot()));
    let query = Query {
        text: job.text.clone(),
        expr: job.expr.clone(),
        start: job.start,
        end: job.end,
        step: job.step,
        lookback: job.lookback,
        options: EvalOptions::default(),
    };
    let interrupted = || stop.check();
    let executor = |n: usize, task: &(dyn Fn(usize) + Sync)| pool.run(n, task);
    let budget = Budget {
        max_samples: job.samples_max,
        memory: Arc::new(Account::new(job.bytes_max, None)),
        interrupted: &interrupted,
        executor: &executor,
    };
    if let Some(stopped) = stop.check() {
        let error = match stopped {
            BudgetExceeded::Timeout => EvalError::Timeout,
            BudgetExceeded::Canceled => EvalError::Canceled,
        };
        return Err(api_error(&error));
    }
    let evaluation = eval(&query, &source, &budget).map_err(|e| api_error(&e))?;
    answer(job, &query, &source, evaluation, started.elapsed())
}

fn answer(
    job: &Job,
    query: &Query,
    source: &SnapshotSource,
    evaluation: Evaluation,
    took: Duration,
) -> Reply {
    let mut answer = Answer {
        data: None,
        warnings: capped(evaluation.annotations.warnings, "warning"),
        infos: capped(evaluation.annotations.infos, "info"),
    };
    let mut value = evaluation.value;
    match &mut value {
        Value::Vector(series) | Value::Matrix(series) => truncate(series, job.limit, &mut answer),
        Value::Scalar(_) | Value::String(_) => {}
    }
    let mut data = String::new();
    push_result(&mut data, &value, job.start);
    if !job.stats.is_empty() {
        if !matches!(job.stats.as_str(), "true" | "all") {
            let text = format!(
                "stats={:?} is deprecated, use stats=true or stats=all instead",
                job.stats
            );
            answer.warnings.push(text);
        }
        data.push_str(",\"stats\":");
        push_json(&mut data, &stats(job, &evaluation.stats, took));
    }
    if job.explain {
        data.push_str(",\"explain\":");
        let plan = explain(query, source).map_err(|e| api_error(&e))?;
        let lines: Vec<&str> = plan.lines().collect();
        push_json(&mut data, &lines);
    }
    data.push('}');
    answer.data = Some(data);
    Ok(answer)
}

fn stats(job: &Job, stats: &kymo_query::promql::eval::Stats, took: Duration) -> serde_json::Value {
    let (queued, took) = (job.queued.as_secs_f64(), took.as_secs_f64());
    json!({
        "timings": {
            "evalTotalTime": took,
            "resultSortTime": 0.0,
            "queryPreparationTime": 0.0,
            "innerEvalTime": took,
            "execQueueTime": queued,
            "execTotalTime": queued + took,
        },
        "samples": {
            "totalQueryableSamples": stats.total_queryable_samples,
            "samplesRead": stats.samples_read,
            "peakSamples": stats.peak_samples,
        },
    })
}

/// At most ten texts; what is more is counted in one more line, as Prometheus does.
fn capped(mut texts: Vec<String>, kind: &str) -> Vec<String> {
    if texts.len() > ANNOTATIONS_MAX {
        let more = texts.len() - ANNOTATIONS_MAX;
        texts.truncate(ANNOTATIONS_MAX);
        texts.push(format!("{more} more {kind} annotations omitted"));
    }
    texts
}

fn api_error(error: &EvalError) -> ApiError {
    let kind = match error {
        EvalError::Execution(_) | EvalError::TooManySamples | EvalError::OutOfMemory(_) => {
            ErrorType::Execution
        }
        EvalError::Timeout => ErrorType::Timeout,
        EvalError::Canceled => ErrorType::Canceled,
        EvalError::Storage(error) => return error.clone().into(),
    };
    ApiError::new(kind, error.to_string())
}
