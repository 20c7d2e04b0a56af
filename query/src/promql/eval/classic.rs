//! Quantiles and fractions of histograms: of classic ones, whose buckets are series with the label `le`, and of native ones.

use std::collections::{BTreeMap, HashMap};

use kymo_engine::labels::{Labels, METRIC_NAME};

use super::EvalError;
use super::annotations::Monotonicity;
use super::column::Marks;
use super::context::Context;
use super::grid::Grid;
use super::quantile::warn_range;
use super::series::{Collector, StepSeries, StepValue, present, without_metadata};
use crate::lex::{Span, string};
use crate::promql::ast::{CallExpr, Expr};

mod buckets;
mod native;

use buckets::{Bucket, fraction, quantile};

const BUCKET_LABEL: &str = "le";

/// A histogram: its labels without `le` and its buckets.
struct Histogram {
    labels: Labels,
    drop_name: bool,
    /// Upper bound and series.
    buckets: Vec<(f64, usize)>,
    /// Steps at which a native histogram has the same labels, so that there is no answer.
    conflicts: Marks,
}

/// What is asked of the histograms.
enum Question {
    /// Quantile by step.
    Quantile(Vec<f64>),
    /// Quantile where a step asks for it, under a label that tells quantiles apart.
    Labelled {
        name: String,
        value: String,
        /// Steps and their quantiles, ascending.
        at: Vec<(usize, f64)>,
    },
    Fraction(Vec<f64>, Vec<f64>),
}

impl Question {
    /// The labels of an answer about what has these labels.
    fn labels(&self, labels: &Labels, delayed: bool) -> Labels {
        let labels = if delayed {
            labels.clone()
        } else {
            without_metadata(labels)
        };
        match self {
            Question::Labelled { name, value, .. } => labels.to_builder().set(name, value).build(),
            _ => labels,
        }
    }

    /// The steps that it is asked for.
    fn steps(&self, grid: Grid) -> Vec<usize> {
        match self {
            Question::Labelled { at, .. } => at.iter().map(|(step, _)| *step).collect(),
            _ => (0..grid.len).collect(),
        }
    }

    fn quantile_at(&self, step: usize) -> Option<f64> {
        match self {
            Question::Quantile(q) => Some(q[step]),
            Question::Labelled { at, .. } => {
                let found = at.binary_search_by_key(&step, |(step, _)| *step);
                found.ok().map(|i| at[i].1)
            }
            Question::Fraction(..) => None,
        }
    }
}

pub(super) fn eval(context: &Context<'_>, call: &CallExpr, grid: Grid) -> Result<StepValue, EvalError> {
    let (vector, questions) = questions(context, call, grid)?;
    let span = vector.span();
    let series = context.vector(vector, grid)?;
    let mut histograms = histograms(context, &series, span);
    let natives = native::natives(context, &series, &mut histograms, span);
    // What native histograms say of their estimates is said of the first argument.
    let first = call.args[0].span();
    let delayed = context.query.options.delayed_name_removal;
    let mut out = Collector::default();
    for question in &questions {
        for native in &natives {
            context.meter.tick(grid.len)?;
            native.answer(context, question, first, &mut out)?;
        }
        for histogram in &histograms {
            context.meter.tick(grid.len * histogram.buckets.len())?;
            let labels = question.labels(&histogram.labels, delayed);
            let drop_name = delayed || histogram.drop_name;
            let asked = Asked {
                question,
                histogram,
                labels,
                drop_name,
                span,
            };
            asked.answer(context, &series, grid, &mut out)?;
        }
    }
    Ok(StepValue::Vector(out.series))
}

fn questions<'c>(
    context: &Context<'_>,
    call: &'c CallExpr,
    grid: Grid,
) -> Result<(&'c Expr, Vec<Question>), EvalError> {
    let args = &call.args;
    let warned = |arg: &Expr| -> Result<Vec<f64>, EvalError> {
        let values = context.scalar(arg, grid)?;
        for q in values.iter().filter(|q| !(0.0..=1.0).contains(*q)) {
            warn_range(context, *q, arg.span());
        }
        Ok(values)
    };
    match call.function.name {
        "histogram_quantile" => Ok((&args[1], vec![Question::Quantile(warned(&args[0])?)])),
        "histogram_quantiles" => {
            let label = context.string(&args[1])?;
            let mut questions = Vec::new();
            for arg in &args[2..] {
                questions.extend(labelled(&label, &warned(arg)?));
            }
            Ok((&args[0], questions))
        }
        _ => {
            let (lower, upper) = (context.scalar(&args[0], grid)?, context.scalar(&args[1], grid)?);
            Ok((&args[2], vec![Question::Fraction(lower, upper)]))
        }
    }
}

/// A question for each number an argument takes in the course of the steps: the label shows the number of the step.
fn labelled(name: &str, values: &[f64]) -> Vec<Question> {
    let mut by_text: BTreeMap<String, Vec<(usize, f64)>> = BTreeMap::new();
    for (step, q) in values.iter().enumerate() {
        by_text.entry(open_metrics(*q)).or_default().push((step, *q));
    }
    let question = |(value, at)| Question::Labelled {
        name: name.to_owned(),
        value,
        at,
    };
    by_text.into_iter().map(question).collect()
}

/// A number as OpenMetrics writes it: with a point, so that `1` is `1.0`.
fn open_metrics(value: f64) -> String {
    let text = crate::number::format_go(value);
    if text.contains(['.', 'e', 'N', 'I']) {
        text
    } else {
        text + ".0"
    }
}

/// Groups series into histograms; series without a number in `le` are left out with a warning.
fn histograms(context: &Context<'_>, series: &[StepSeries], span: Span) -> Vec<Histogram> {
    let mut index: HashMap<Labels, usize> = HashMap::new();
    let mut out: Vec<Histogram> = Vec::new();
    let floats = series.iter().enumerate().filter(|(_, s)| !s.values.is_empty());
    for (i, one) in floats {
        let le = one.labels.value(BUCKET_LABEL);
        let Ok(bound) = le.parse::<f64>() else {
            let (le, metric) = (string::quote(le), for_metric(one.labels.value(METRIC_NAME)));
            context.warn(
                span,
                format!("bucket label \"le\" is missing or has a malformed value of {le}{metric}"),
            );
            continue;
        };
        let labels = one.labels.filter(|name| name != BUCKET_LABEL);
        let at = *index.entry(labels).or_insert_with_key(|labels| {
            out.push(Histogram {
                labels: labels.clone(),
                drop_name: one.drop_name,
                buckets: Vec::new(),
                conflicts: Marks::default(),
            });
            out.len() - 1
        });
        out[at].buckets.push((bound, i));
    }
    for histogram in &mut out {
        histogram.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    out
}

/// ` for metric name "m"`, or nothing where there is no name.
fn for_metric(name: &str) -> String {
    match name {
        "" => String::new(),
        name => format!(" for metric name {}", string::quote(name)),
    }
}

/// One question to one histogram.
struct Asked<'a> {
    question: &'a Question,
    histogram: &'a Histogram,
    /// The labels of the answer.
    labels: Labels,
    drop_name: bool,
    span: Span,
}

impl Asked<'_> {
    fn answer(
        self,
        context: &Context<'_>,
        series: &[StepSeries],
        grid: Grid,
        out: &mut Collector,
    ) -> Result<(), EvalError> {
        let Asked {
            question,
            histogram,
            labels,
            drop_name,
            span,
        } = self;
        let mut slot = None;
        let mut buckets: Vec<Bucket> = Vec::new();
        for step in question.steps(grid) {
            buckets.clear();
            for (bound, i) in &histogram.buckets {
                let count = series[*i].values.get(step);
                if present(count) {
                    buckets.push(Bucket { bound: *bound, count });
                }
            }
            if buckets.is_empty() || histogram.conflicts.has(step) {
                continue;
            }
            let value = match question {
                Question::Fraction(lower, upper) => fraction(lower[step], upper[step], &mut buckets),
                Question::Quantile(_) | Question::Labelled { .. } => {
                    let Some(q) = question.quantile_at(step) else {
                        continue;
                    };
                    let (value, forced) = quantile(q, &mut buckets);
                    if let Some(forced) = forced {
                        // Where names are dropped at once, this one is gone already.
                        let delayed = context.query.options.delayed_name_removal;
                        let name = histogram.labels.value(METRIC_NAME);
                        let metric = if delayed { name } else { "" }.to_owned();
                        context.notes().add_monotonicity(Monotonicity {
                            metric,
                            span,
                            min_time: grid.time(step),
                            max_time: grid.time(step),
                            min_bucket: forced.min_bucket,
                            max_bucket: forced.max_bucket,
                            max_diff: forced.max_diff,
                            count: 1,
                        });
                    }
                    value
                }
            };
            let slot = *slot.get_or_insert_with(|| out.slot(labels.clone(), drop_name));
            out.set(slot, step, value)?;
        }
        Ok(())
    }
}
