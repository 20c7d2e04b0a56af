//! Windows that hold native histograms, or floats with start timestamps, and the functions over them.
//! Not for windows of plain floats, which take the shorter way through [`super::lookup`].

use std::sync::Arc;

use super::super::grid::Grid;
use super::super::hints::{HistogramSample, weight};
use super::super::plan::Shift;
use super::super::series::Sample;
use super::super::told::Told;
use super::{RangeFunction, Series, Window};
use crate::promql::eval::EvalError;
use crate::promql::histogram::{Combined, FloatHistogram, HistogramMean, HistogramSum, Incompatible};

mod counter;
mod instant;
pub(in crate::promql::eval) mod pairs;

/// The samples of both kinds inside of one window.
pub(in crate::promql::eval) struct MixedWindow<'a> {
    pub(in crate::promql::eval) floats: Window<'a>,
    /// Start timestamps of the floats; empty where none is wanted.
    pub(in crate::promql::eval) starts: &'a [i64],
    pub(in crate::promql::eval) histograms: &'a [HistogramSample],
    /// Start timestamps count.
    pub(in crate::promql::eval) use_starts: bool,
}

impl MixedWindow<'_> {
    /// Samples as limits count them.
    pub(in crate::promql::eval) fn weight(&self) -> usize {
        self.floats.values.len() + weight(self.histograms)
    }

    /// The start timestamp of float `i`, 0 where unset or of no concern.
    fn start_of(&self, i: usize) -> i64 {
        match self.use_starts {
            true => self.starts.get(i).copied().unwrap_or(0),
            false => 0,
        }
    }

    /// As [`MixedWindow::start_of`], of histogram `i`.
    fn histogram_start(&self, i: usize) -> i64 {
        match self.use_starts {
            true => self.histograms[i].start,
            false => 0,
        }
    }

    fn has_both(&self) -> bool {
        has_both(self)
    }
}

/// True when there are floats and histograms.
pub(in crate::promql::eval) fn has_both(w: &MixedWindow<'_>) -> bool {
    !w.floats.values.is_empty() && !w.histograms.is_empty()
}

/// Moves a window along the steps and calls `visit` with every one that holds samples.
pub(super) fn slide(
    series: &Series<'_>,
    (shift, range): (Shift, i64),
    grid: Grid,
    mut visit: impl FnMut(usize, &MixedWindow<'_>) -> Result<(), EvalError>,
) -> Result<(), EvalError> {
    let (times, histograms) = (&series.samples.timestamps, series.histograms);
    for (i, eval_time) in grid.times().enumerate() {
        let end = shift.apply(eval_time);
        let start = end.saturating_sub(range);
        let of = |t: i64| times.partition_point(|time| *time <= t);
        let (from, to) = (of(start), of(end).max(of(start)));
        let of = |t: i64| histograms.partition_point(|h| h.time <= t);
        let (first, last) = (of(start), of(end).max(of(start)));
        if from == to && first == last {
            continue;
        }
        let window = MixedWindow {
            floats: Window {
                times: &times[from..to],
                values: &series.samples.values[from..to],
                delta: series.samples.delta,
                start,
                end,
                eval_time,
            },
            starts: series.starts.get(from..to).unwrap_or_default(),
            histograms: &histograms[first..last],
            use_starts: series.use_starts,
        };
        visit(i, &window)?;
    }
    Ok(())
}

/// The value of a function over a window.
pub(super) fn apply(
    name: &str,
    plain: RangeFunction,
    w: &MixedWindow<'_>,
    args: &[f64],
    told: &mut Told<'_>,
) -> Option<Sample> {
    let seconds = |millis: i64| Some(Sample::Float(millis as f64 / 1000.0));
    let histogram_times = w.histograms.iter().map(|h| h.time);
    let times = || w.floats.times.iter().copied().chain(histogram_times.clone());
    match name {
        "rate" => counter::extrapolated(w, true, true, told),
        "increase" => counter::extrapolated(w, true, false, told),
        "delta" => counter::extrapolated(w, false, false, told),
        "irate" => instant::change(w, true, told),
        "idelta" => instant::change(w, false, told),
        "changes" => Some(Sample::Float(pairs::changes(&pairs::in_order(w)))),
        "resets" if w.floats.delta => Some(Sample::Float(0.0)),
        "resets" => Some(Sample::Float(pairs::resets(&pairs::in_order(w)))),
        "sum_over_time" | "avg_over_time" if w.has_both() => {
            told.mixed();
            None
        }
        "sum_over_time" if !w.histograms.is_empty() => folded(w.histograms, told, false),
        "avg_over_time" if !w.histograms.is_empty() => folded(w.histograms, told, true),
        "count_over_time" => Some(Sample::Float((w.floats.values.len() + w.histograms.len()) as f64)),
        "present_over_time" => Some(Sample::Float(1.0)),
        "first_over_time" => pairs::in_order(w).first().map(pairs::Point::sample),
        "last_over_time" => pairs::in_order(w).last().map(pairs::Point::sample),
        "ts_of_first_over_time" => times().min().and_then(seconds),
        "ts_of_last_over_time" => times().max().and_then(seconds),
        "deriv" | "predict_linear" | "double_exponential_smoothing" => {
            if w.has_both() {
                told.ignored_in_range();
            }
            plain(&w.floats, args).map(Sample::Float)
        }
        _ if w.floats.values.is_empty() => None,
        _ => {
            if !w.histograms.is_empty() {
                told.ignored_in_range();
            }
            plain(&w.floats, args).map(Sample::Float)
        }
    }
}

/// The sum or the mean of histograms.
fn folded(histograms: &[HistogramSample], told: &mut Told<'_>, mean: bool) -> Option<Sample> {
    let (first, more) = histograms.split_first()?;
    let fold = || -> Result<(FloatHistogram, bool), Incompatible> {
        let mut reconciled = false;
        let mut take = |combined: Combined| reconciled |= combined.reconciled;
        let value = if mean {
            let mut mean = HistogramMean::new(&first.value);
            for h in more {
                take(mean.add(&h.value)?);
            }
            mean.value()
        } else {
            let mut sum = HistogramSum::new(&first.value);
            for h in more {
                take(sum.add(&h.value)?);
            }
            sum.total()
        };
        Ok((value, reconciled))
    };
    match fold() {
        Ok((value, reconciled)) => {
            told.conflict_among(histograms.iter().map(|h| &*h.value));
            if reconciled {
                told.reconciled("aggregation");
            }
            Some(Sample::Histogram(Arc::new(value)))
        }
        Err(Incompatible) => {
            told.mixed_schemas();
            None
        }
    }
}
