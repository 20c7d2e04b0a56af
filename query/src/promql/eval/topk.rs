//! Aggregations that pick elements (`topk`, `bottomk`, `limitk`, `limit_ratio`) or count values (`count_values`).

use kymo_engine::labels::Labels;

use super::EvalError;
use super::aggregate::{Group, group_labels, groups};
use super::context::Context;
use super::grid::Grid;
use super::series::{Collector, StepSeries, present};
use super::sort::nan_last;
use crate::number::{format_go, format_plain};
use crate::promql::ast::{AggregateExpr, AggregateOp};

/// Bytes of a series of counts beside its labels, about.
const SERIES_BYTES: usize = 256;

pub(super) fn eval(
    context: &Context<'_>,
    aggregate: &AggregateExpr,
    params: &[f64],
    series: Vec<StepSeries>,
    grid: Grid,
) -> Result<Vec<StepSeries>, EvalError> {
    let params = parameters(context, aggregate, params)?;
    if params.iter().all(|p| *p == 0.0) {
        return Ok(Vec::new());
    }
    let ranks = matches!(aggregate.op, AggregateOp::Topk | AggregateOp::Bottomk);
    if ranks && params.iter().any(|p| *p >= 1.0) && series.iter().any(|s| !s.histograms.is_empty()) {
        let op = aggregate.op.as_str();
        context.inform(aggregate.span, format!("ignored histogram in {op} aggregation"));
    }
    context.expect(&series)?;
    let groups = groups(context, aggregate, &series, 0)?;
    let mut kept: Vec<StepSeries> = series.iter().map(StepSeries::emptied).collect();
    let mut order = Vec::new();
    for group in &groups {
        context.meter.tick(grid.len * group.members.len())?;
        for (step, param) in params.iter().enumerate() {
            let picked = pick(aggregate.op, *param, group, &series, step);
            for i in &picked {
                if let Some(sample) = series[*i].get(step) {
                    kept[*i].set(step, sample);
                }
            }
            if grid.len == 1 {
                order.extend(picked);
            }
        }
    }
    let mut series: Vec<Option<StepSeries>> = kept.into_iter().map(Some).collect();
    if grid.len == 1 {
        // One step shows its elements in their rank.
        return Ok(order.into_iter().filter_map(|i| series[i].take()).collect());
    }
    Ok(series.into_iter().flatten().filter(|s| !s.is_empty()).collect())
}

/// The parameters by step: whole numbers of elements, or ratios. Nothing is wrong with parameters that pick nothing at all.
fn parameters(
    context: &Context<'_>,
    aggregate: &AggregateExpr,
    given: &[f64],
) -> Result<Vec<f64>, EvalError> {
    let (least, most, nan) = extent(given);
    let fail = |message: String| Err(EvalError::execution(message));
    if aggregate.op == AggregateOp::LimitRatio {
        if nan {
            return fail("Ratio value is NaN".to_owned());
        }
        let span = aggregate.param.as_ref().map(|p| p.span()).unwrap_or_default();
        for (got, to, beyond) in [(most, 1.0, most > 1.0), (least, -1.0, least < -1.0)] {
            if beyond {
                let (got, to) = (format_go(got), format_go(to));
                context.warn(
                    span,
                    format!("ratio value should be between -1 and 1, got {got}, capping to {to}"),
                );
            }
        }
        return Ok(given.iter().map(|p| p.clamp(-1.0, 1.0)).collect());
    }
    if most < 1.0 {
        return Ok(vec![0.0; given.len()]);
    }
    if nan {
        return fail("Parameter value is NaN".to_owned());
    }
    if least <= i64::MIN as f64 {
        return fail(format!("Scalar value {} underflows int64", format_go(least)));
    }
    if most >= i64::MAX as f64 {
        return fail(format!("Scalar value {} overflows int64", format_go(most)));
    }
    Ok(given.iter().map(|p| p.trunc().max(0.0)).collect())
}

/// The least and the greatest value, and whether there is a NaN among them.
pub(super) fn extent(values: &[f64]) -> (f64, f64, bool) {
    let numbers = values.iter().copied().filter(|v| !v.is_nan());
    let least = numbers.clone().reduce(f64::min).unwrap_or(f64::NAN);
    let most = numbers.reduce(f64::max).unwrap_or(f64::NAN);
    (least, most, values.iter().any(|v| v.is_nan()))
}

fn pick(op: AggregateOp, param: f64, group: &Group, series: &[StepSeries], step: usize) -> Vec<usize> {
    let value = |i: &usize| series[*i].values.get(step);
    let ranks = matches!(op, AggregateOp::Topk | AggregateOp::Bottomk);
    let there = |i: &usize| match ranks {
        true => present(value(i)),
        false => series[*i].has(step),
    };
    let mut members: Vec<usize> = group.members.iter().copied().filter(there).collect();
    match op {
        AggregateOp::LimitRatio => {
            members.retain(|i| in_ratio(param, &series[*i].labels));
            return members;
        }
        AggregateOp::Topk => members.sort_by(|a, b| nan_last(value(a), value(b), true)),
        AggregateOp::Bottomk => members.sort_by(|a, b| nan_last(value(a), value(b), false)),
        _ => {}
    }
    members.truncate(param as usize);
    members
}

/// Whether a series belongs to the part of all series that `ratio` keeps. A negative one keeps the complement.
fn in_ratio(ratio: f64, labels: &Labels) -> bool {
    let place = labels.hash64() as f64 / u64::MAX as f64;
    if ratio >= 0.0 {
        place < ratio
    } else {
        place >= 1.0 + ratio
    }
}

/// `count_values`: how many elements have each value, with the value as a label.
pub(super) fn count_values(
    context: &Context<'_>,
    aggregate: &AggregateExpr,
    label: &str,
    grid: Grid,
) -> Result<Vec<StepSeries>, EvalError> {
    if label.is_empty() || crate::lex::string::has_stray_bytes(label) {
        return Err(EvalError::execution(format!(
            "invalid label name {}",
            crate::lex::string::quote(label)
        )));
    }
    // The value's label always tells groups apart under `by`, and only where it is not left out under `without`.
    let mut by = aggregate.clone();
    if !by.without {
        by.grouping.push(label.to_owned());
    }
    let mut out = Collector::default();
    let mut counted = 0;
    for one in context.vector(&aggregate.expr, grid)? {
        let floats = one.values.iter().map(|(step, value)| (step, format_plain(value)));
        let histograms = one
            .histograms
            .iter()
            .map(|(step, value)| (step, value.to_string()));
        for (step, value) in floats.chain(histograms) {
            let labels = group_labels(&by, &one.labels.to_builder().set(label, &value).build());
            let bytes = labels.byte_len();
            let slot = out.slot(labels, false);
            if out.series.len() > counted {
                // Each value may be a series of its own.
                counted = out.series.len();
                context.meter.hold(0, 2 * bytes + SERIES_BYTES)?;
                context.meter.tick(1)?;
            }
            let counts = &mut out.series[slot].values;
            let before = counts.get(step);
            counts.set(step, if present(before) { before + 1.0 } else { 1.0 });
        }
    }
    Ok(out.series)
}
