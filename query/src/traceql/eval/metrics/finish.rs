//! Series as they are answered: in order, no more than asked for, without the steps that have no value.
//! Not for their values.

use std::ops::Range;

use super::super::super::answer::{Exemplar, FoundSeries, MetricsAnswer, Stats};
use super::super::super::options::MetricsOptions;
use super::super::operand::answered;
use super::second::{Drawn, Labels, Shown};

pub(super) fn answer(mut lines: Vec<Drawn>, options: &MetricsOptions<'_>, stats: Stats) -> MetricsAnswer {
    lines.sort_by_cached_key(|line| (line.labels.len(), line.text()));
    let truncated = options.max_series > 0 && lines.len() > options.max_series;
    if truncated {
        lines.truncate(options.max_series);
    }
    MetricsAnswer {
        series: lines.into_iter().map(|line| series(line, options)).collect(),
        truncated,
        stats,
    }
}

/// The series with their samples in some steps, without exemplars; none when there are more than asked for.
pub(super) fn some(
    mut lines: Vec<Drawn>,
    options: &MetricsOptions<'_>,
    steps: Range<usize>,
) -> Vec<FoundSeries> {
    for line in &mut lines {
        let outside = line.values.iter_mut().enumerate();
        outside
            .filter(|(step, _)| !steps.contains(step))
            .for_each(|(_, value)| *value = f64::NAN);
        line.exemplars.clear();
    }
    let mut answer = answer(lines, options, Stats::default());
    answer.series.retain(|series| !series.samples.is_empty());
    match answer.truncated {
        true => Vec::new(),
        false => answer.series,
    }
}

fn pairs(labels: Labels) -> Vec<(std::sync::Arc<str>, kymo_engine::traces::Value)> {
    labels
        .into_iter()
        .map(|(name, value)| (name, answered(&value)))
        .collect()
}

fn series(line: Drawn, options: &MetricsOptions<'_>) -> FoundSeries {
    let values = line.values.into_iter().enumerate();
    let samples = values
        .filter(|(_, value)| !value.is_nan())
        .map(|(step, value)| (options.grid.sample_time(step), value))
        .collect();
    FoundSeries {
        labels: pairs(line.labels),
        samples,
        exemplars: line.exemplars.into_iter().map(exemplar).collect(),
    }
}

fn exemplar(shown: Shown) -> Exemplar {
    Exemplar {
        labels: pairs(shown.labels),
        value: shown.value,
        time: shown.time,
    }
}
