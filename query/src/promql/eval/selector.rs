//! Instant vector selectors: the newest sample within the lookback, by step. Not for ranges.

use kymo_engine::metrics::{Samples, is_stale};

use super::EvalError;
use super::context::Context;
use super::grid::Grid;
use super::plan::{self, Shift};
use super::series::{ABSENT, Column, StepSeries};
use crate::promql::ast::VectorSelector;

/// What is taken from the sample found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    Value,
    /// Its timestamp in seconds.
    Timestamp,
}

pub(super) fn eval(
    context: &Context<'_>,
    selector: &VectorSelector,
    grid: Grid,
) -> Result<Vec<StepSeries>, EvalError> {
    select(context, selector, grid, Take::Value)
}

pub(super) fn select(
    context: &Context<'_>,
    selector: &VectorSelector,
    grid: Grid,
    take: Take,
) -> Result<Vec<StepSeries>, EvalError> {
    if selector.anchored {
        return Err(EvalError::execution(
            "anchored modifier is not supported for instant vector selectors",
        ));
    }
    let shift = plan::shift(context.query, selector.at, &selector.offset)?;
    let lookback = context.query.lookback;
    let smooth = selector.smoothed && take == Take::Value;
    let around = (lookback, if smooth { lookback } else { 0 });
    context.for_each(grid, context.series_of(plan::node_id(selector)), &|task, data| {
        task.read(data, shift, around)?;
        let values = if smooth {
            smoothed(&task.samples, shift, grid, lookback)
        } else {
            newest(&task.samples, shift, grid, lookback, take)
        };
        for (step, _) in values.iter() {
            task.window(step, 1)?;
        }
        let labels = data.labels().clone();
        Ok((!values.is_empty()).then_some(StepSeries {
            labels,
            drop_name: false,
            values,
        }))
    })
}

/// Per step the newest sample that is younger than `lookback`, unless it is a staleness marker.
fn newest(samples: &Samples, shift: Shift, grid: Grid, lookback: i64, take: Take) -> Column {
    let mut end = 0;
    grid.times()
        .map(|time| {
            let time = shift.apply(time);
            while end < samples.len() && samples.timestamps[end] <= time {
                end += 1;
            }
            let Some(i) = end.checked_sub(1) else {
                return ABSENT;
            };
            if samples.timestamps[i] <= time.saturating_sub(lookback) || is_stale(samples.values[i]) {
                return ABSENT;
            }
            match take {
                Take::Value => samples.values[i],
                Take::Timestamp => samples.timestamps[i] as f64 / 1000.0,
            }
        })
        .collect()
}

/// Per step the value on the line between the samples before and after it; without a later one the earlier one.
fn smoothed(samples: &Samples, shift: Shift, grid: Grid, lookback: i64) -> Column {
    let live: Vec<(i64, f64)> = samples
        .timestamps
        .iter()
        .zip(&samples.values)
        .filter(|(_, v)| !is_stale(**v))
        .map(|(t, v)| (*t, *v))
        .collect();
    grid.times()
        .map(|time| {
            let time = shift.apply(time);
            let next = live.partition_point(|(t, _)| *t < time);
            let after = live
                .get(next)
                .filter(|(t, _)| *t <= time.saturating_add(lookback));
            let before = next
                .checked_sub(1)
                .map(|i| live[i])
                .filter(|(t, _)| *t > time.saturating_sub(lookback));
            match (before, after) {
                (_, Some((t, v))) if *t == time => *v,
                (Some((t0, v0)), Some((t1, v1))) => {
                    v0 + (v1 - v0) * time.saturating_sub(t0) as f64 / t1.saturating_sub(t0) as f64
                }
                (Some((_, v0)), None) => v0,
                (None, _) => ABSENT,
            }
        })
        .collect()
}
