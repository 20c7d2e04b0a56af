//! Instant vector selectors: the newest sample within the lookback, by step. Not for ranges.

use std::sync::Arc;

use kymo_engine::labels::Labels;
use kymo_engine::metrics::{ResetHint, Samples, is_stale};

use super::context::Context;
use super::grid::Grid;
use super::hints::HistogramSample;
use super::plan::{self, Shift};
use super::series::{ABSENT, Column, Sample, StepSeries, present};
use super::task::Task;
use super::told::Told;
use super::{EvalError, extended};
use crate::lex::Span;
use crate::promql::ast::VectorSelector;
use crate::promql::histogram::FloatHistogram;

/// What is taken from the sample found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    Value,
    /// Its timestamp in seconds.
    Timestamp,
    /// Its start timestamp in seconds, 0 where it has none.
    Start,
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
    let with_resets = context.tells_resets(selector);
    context.for_each(
        grid,
        context.series_of(plan::node_id(selector))?,
        &|task, data| {
            task.with_starts = take == Take::Start;
            task.with_resets = with_resets;
            task.read(data, shift, around)?;
            let labels = data.labels().clone();
            let series = if smooth && task.histograms.is_empty() {
                let values = smoothed(&task.samples, shift, grid, lookback);
                StepSeries::floats(labels, false, values)
            } else if smooth {
                smoothed_of_both(task, labels, (shift, lookback), grid, selector.span)
            } else if task.histograms.is_empty() && take != Take::Start {
                let values = newest(&task.samples, shift, grid, lookback, take);
                StepSeries::floats(labels, false, values)
            } else {
                newest_of_both(task, labels, (shift, lookback), grid, take)
            };
            for (step, _) in series.values.iter() {
                task.window(step, 1)?;
            }
            for (step, value) in series.histograms.iter() {
                task.window(step, value.sample_weight())?;
            }
            Ok((!series.is_empty()).then_some(series))
        },
    )
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
                _ => seconds(samples.timestamps[i]),
            }
        })
        .collect()
}

/// As [`newest`], among floats and histograms.
fn newest_of_both(
    task: &Task<'_>,
    labels: Labels,
    (shift, lookback): (Shift, i64),
    grid: Grid,
    take: Take,
) -> StepSeries {
    let (samples, histograms) = (&task.samples, &task.histograms);
    let mut series = StepSeries::floats(labels, false, Column::default());
    let (mut floats, mut others) = (0, 0);
    for (step, time) in grid.times().enumerate() {
        let time = shift.apply(time);
        while floats < samples.len() && samples.timestamps[floats] <= time {
            floats += 1;
        }
        while others < histograms.len() && histograms[others].time <= time {
            others += 1;
        }
        let histogram = others.checked_sub(1).map(|i| &histograms[i]);
        let float = floats
            .checked_sub(1)
            .filter(|i| histogram.is_none_or(|h| h.time < samples.timestamps[*i]));
        let (found, start, stale, value) = match (float, histogram) {
            (Some(i), _) => {
                let start = task.starts.get(i).copied().unwrap_or(0);
                let value = samples.values[i];
                (
                    samples.timestamps[i],
                    start,
                    is_stale(value),
                    Sample::Float(value),
                )
            }
            (None, Some(h)) => (
                h.time,
                h.start,
                h.value.is_stale(),
                Sample::Histogram(h.value.clone()),
            ),
            (None, None) => continue,
        };
        if stale || found <= time.saturating_sub(lookback) {
            continue;
        }
        match take {
            Take::Value => series.set(step, value),
            Take::Timestamp => series.values.set(step, seconds(found)),
            Take::Start => series.values.set(step, seconds(start)),
        }
    }
    series
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
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

/// As [`smoothed`], among floats and histograms: a step near which there are both has no value.
fn smoothed_of_both(
    task: &mut Task<'_>,
    labels: Labels,
    (shift, lookback): (Shift, i64),
    grid: Grid,
    span: Span,
) -> StepSeries {
    let samples = std::mem::take(&mut task.samples);
    let mut list = std::mem::take(&mut task.histograms);
    list.retain(|h| !h.value.is_stale());
    let floats = smoothed(&samples, shift, grid, lookback);
    let mut out = StepSeries::floats(labels, false, Column::default());
    for (step, time) in grid.times().enumerate() {
        let time = shift.apply(time);
        let (first, last) = (time.saturating_sub(lookback), time.saturating_add(lookback));
        let near = |t: i64| t > first && t <= last;
        let live = samples.timestamps.iter().zip(&samples.values);
        let has_floats = live.filter(|(_, v)| !is_stale(**v)).any(|(t, _)| near(*t));
        let around: Vec<&HistogramSample> = list.iter().filter(|h| near(h.time)).collect();
        let mut told = Told {
            notes: &mut task.counts.notes,
            metric: out.labels.metric_name(),
            span,
        };
        let found = match (has_floats, around.is_empty()) {
            (true, true) => Some(Sample::Float(floats.get(step))),
            (true, false) => {
                told.mixed();
                None
            }
            _ => between_histograms(&around, time, &mut told).map(|h| Sample::Histogram(Arc::new(h))),
        };
        match found {
            Some(Sample::Float(value)) if !present(value) => {}
            Some(sample) => out.set(step, sample),
            None => {}
        }
    }
    out
}

/// The histogram on the line between those before and after the time; without a later one the earlier one.
fn between_histograms(around: &[&HistogramSample], time: i64, told: &mut Told<'_>) -> Option<FloatHistogram> {
    let next = around.partition_point(|h| h.time < time);
    let before = next.checked_sub(1).map(|i| around[i]);
    match (before, around.get(next)) {
        (_, Some(after)) if after.time == time => Some(FloatHistogram::clone(&after.value)),
        (Some(before), Some(after)) => {
            let gauges = [before, after]
                .iter()
                .all(|h| h.value.reset_hint == ResetHint::Gauge);
            extended::between(before, after, time, !gauges, told)
        }
        (Some(before), None) => Some(FloatHistogram::clone(&before.value)),
        (None, _) => None,
    }
}
