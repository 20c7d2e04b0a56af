//! One query over the store of a tenant: from the job to the answer's JSON.

use std::sync::Arc;
use std::time::Instant;

use kymo_engine::db::Db;
use kymo_engine::metrics::Moment;
use kymo_query::promql::Expr;
use kymo_query::promql::eval::{
    Annotations, Budget, EvalError, EvalOptions, Evaluation, Query, Stats, Value,
};
use kymo_query::promql::eval::{costs, eval, explain};
use serde_json::json;

use super::governed::{of_eval, out_of_memory};
use super::query::truncate;
use super::render::{expected_bytes, push_result};
use crate::config::Features;
use crate::governor::{Cost, Running};
use crate::http::answer::{Answer, Reply, push_json};
use crate::pool::Pool;
use crate::remember::{Kept, Known, Question, Remembered};
use crate::scripts::SnapshotSource;

/// Most warnings, and most infos, of one answer.
const ANNOTATIONS_MAX: usize = 10;

/// Whether the plan of a query is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Explain {
    /// Not at all.
    No,
    /// With the result.
    Beside,
    /// In place of the result, which is not computed.
    Only,
}

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
    /// The `stats` parameter.
    pub(crate) stats: String,
    /// Whether to show the plan.
    pub(crate) explain: Explain,
    /// What is switched on.
    pub(crate) features: Features,
}

/// What is known of a job's question, and where its answer is to be kept.
pub(crate) struct Remember<'r> {
    pub(crate) into: &'r Remembered,
    pub(crate) question: Question,
    pub(crate) known: Known,
}

/// A job that runs.
struct Evaluating<'a> {
    job: &'a Job,
    query: Query,
    source: SnapshotSource,
    running: &'a Running,
    started: Instant,
}

impl Job {
    /// True when its answer may be kept, or come from what is kept.
    pub(crate) fn may_be_remembered(&self) -> bool {
        self.stats.is_empty() && self.explain == Explain::No && self.limit.is_none()
    }
}

/// The answer that is kept.
pub(crate) fn remembered(kept: &Kept) -> Answer {
    let mut data = String::with_capacity(kept.data.len() + 1);
    data.push_str(&kept.data);
    data.push('}');
    Answer {
        data: Some(data),
        warnings: kept.warnings.clone(),
        infos: kept.infos.clone(),
        account: None,
    }
}

/// Evaluates a job; blocks until it is done or stopped.
pub(crate) fn evaluate(
    job: &Job,
    db: Option<&Db>,
    running: &Running,
    pool: &Pool,
    remember: Option<Remember<'_>>,
    cost: &mut Cost,
) -> Reply {
    // Before anything is read: what is written from here on makes the answer doubtful.
    let moment = db.map(|db| db.metrics.moment());
    let this = Evaluating {
        job,
        query: Query {
            text: job.text.clone(),
            expr: job.expr.clone(),
            start: job.start,
            end: job.end,
            step: job.step,
            lookback: job.lookback,
            options: eval_options(job.features),
        },
        source: SnapshotSource(db.map(|db| db.metrics.snapshot())),
        running,
        started: Instant::now(),
    };
    if job.explain == Explain::Only {
        return this.explained().map_err(|e| of_eval(&e, running));
    }
    let interrupted = || running.check();
    let executor = |n: usize, task: &(dyn Fn(usize) + Sync)| pool.run(n, task);
    let budget = Budget {
        max_samples: job.samples_max,
        memory: Arc::clone(&running.account),
        interrupted: &interrupted,
        executor: &executor,
    };
    let known = match &remember {
        Some(Remember {
            known: Known::UpTo(kept, last),
            ..
        }) => Some((kept.clone(), *last)),
        _ => None,
    };
    let evaluation = this
        .evaluation(known, &budget)
        .map_err(|e| of_eval(&e, running))?;
    cost.samples_read = evaluation.stats.samples_read;
    cost.samples_queryable = evaluation.stats.total_queryable_samples;
    cost.samples_peak = evaluation.stats.peak_samples;
    let remember = remember.and_then(|remember| Some((remember, moment?)));
    this.answer(evaluation, remember)
}

/// The switches of evaluation.
pub(crate) fn eval_options(features: Features) -> EvalOptions {
    EvalOptions {
        delayed_name_removal: features.promql_delayed_name_removal,
        use_start_timestamps: features.use_start_timestamps,
        type_and_unit_labels: features.type_and_unit_labels,
        ..EvalOptions::default()
    }
}

impl Evaluating<'_> {
    /// Evaluates the steps that are not known and puts them behind those that are.
    fn evaluation(
        &self,
        known: Option<(Arc<Kept>, i64)>,
        budget: &Budget<'_>,
    ) -> Result<Evaluation, EvalError> {
        let Some((kept, last)) = known else {
            return eval(&self.query, &self.source, budget);
        };
        let rest = Query {
            start: last.saturating_add(self.query.step),
            ..self.query.clone()
        };
        let mut evaluation = if rest.start > rest.end {
            Evaluation {
                value: Value::Matrix(Vec::new()),
                annotations: Annotations::default(),
                stats: Stats::default(),
            }
        } else {
            eval(&rest, &self.source, budget)?
        };
        if let Value::Matrix(more) = &mut evaluation.value {
            evaluation.value = kept.followed_by(self.query.start, last, std::mem::take(more));
        }
        Ok(evaluation)
    }

    fn answer(&self, evaluation: Evaluation, remember: Option<(Remember<'_>, Moment)>) -> Reply {
        let job = self.job;
        let mut answer = Answer {
            warnings: capped(evaluation.annotations.warnings, "warning"),
            infos: capped(evaluation.annotations.infos, "info"),
            ..Answer::default()
        };
        let mut value = evaluation.value;
        match &mut value {
            Value::Vector(series) | Value::Matrix(series) => truncate(series, job.limit, &mut answer),
            Value::Scalar(_) | Value::String(_) => {}
        }
        let expected = expected_bytes(&value);
        self.running.account.reserve(expected).map_err(out_of_memory)?;
        let mut data = String::with_capacity(expected);
        push_result(&mut data, &value, job.start);
        if let Some((remember, moment)) = remember
            && let Some(mut kept) = Kept::new(&self.query, moment, value, data.clone())
        {
            kept.warnings.clone_from(&answer.warnings);
            kept.infos.clone_from(&answer.infos);
            remember.into.keep(remember.question, kept);
        }
        if !job.stats.is_empty() {
            if !matches!(job.stats.as_str(), "true" | "all") {
                let text = format!(
                    "stats={:?} is deprecated, use stats=true or stats=all instead",
                    job.stats
                );
                answer.warnings.push(text);
            }
            data.push_str(",\"stats\":");
            push_json(&mut data, &self.stats(&evaluation.stats));
        }
        if job.explain == Explain::Beside {
            data.push_str(",\"explain\":");
            let plan = explain(&self.query, &self.source).map_err(|e| of_eval(&e, self.running))?;
            let lines: Vec<&str> = plan.lines().collect();
            push_json(&mut data, &lines);
        }
        data.push('}');
        answer.data = Some(data);
        Ok(answer)
    }

    /// The plan and what it costs, without running it.
    fn explained(&self) -> Result<Answer, EvalError> {
        let plan = explain(&self.query, &self.source)?;
        let costs: Vec<_> = costs(&self.query, &self.source)?
            .iter()
            .map(|cost| {
                let matchers = cost.selection.matchers.iter();
                let matchers: Vec<String> = matchers
                    .map(|m| format!("{}{}{:?}", m.name(), m.op().as_str(), m.value()))
                    .collect();
                json!({
                    "selector": format!("{{{}}}", matchers.join(",")),
                    "start": cost.selection.min_time as f64 / 1000.0,
                    "end": cost.selection.max_time as f64 / 1000.0,
                    "series": cost.estimate.series,
                    "seriesMax": cost.estimate.series_max,
                    "samples": cost.estimate.samples,
                })
            })
            .collect();
        let lines: Vec<&str> = plan.lines().collect();
        Ok(Answer::raw(json!({"explain": lines, "costs": costs}).to_string()))
    }

    fn stats(&self, stats: &Stats) -> serde_json::Value {
        let (queued, took) = (
            self.running.waited().as_secs_f64(),
            self.started.elapsed().as_secs_f64(),
        );
        let mut shown = json!({
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
        });
        if self.job.stats == "all" && self.job.features.promql_per_step_stats {
            let steps: Vec<_> = stats
                .per_step
                .iter()
                .map(|(time, samples)| json!([*time as f64 / 1000.0, samples]))
                .collect();
            shown["samples"]["totalQueryableSamplesPerStep"] = steps.into();
        }
        shown
    }
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
