//! `sum` and `avg` over native histograms. Not for floats, which a group must not mix with them.

use kymo_engine::metrics::ResetHint;

use super::super::context::Context;
use super::super::grid::Grid;
use super::super::series::{ABSENT, Column, Histograms, StepSeries, present};
use super::super::told::Told;
use super::Group;
use crate::lex::Span;
use crate::promql::histogram::{Combined, FloatHistogram, HistogramMean, HistogramSum, Incompatible};

/// What gathers the histograms of a group at one step.
enum Fold {
    Sum(HistogramSum),
    Mean(HistogramMean),
    /// Exponential and custom buckets met.
    Broken,
}

struct State {
    fold: Fold,
    reset: bool,
    not_reset: bool,
}

impl State {
    fn new(first: &FloatHistogram, mean: bool) -> State {
        let fold = match mean {
            true => Fold::Mean(HistogramMean::new(first)),
            false => Fold::Sum(HistogramSum::new(first)),
        };
        let mut state = State {
            fold,
            reset: false,
            not_reset: false,
        };
        state.see(first);
        state
    }

    fn see(&mut self, histogram: &FloatHistogram) {
        self.reset |= histogram.reset_hint == ResetHint::Yes;
        self.not_reset |= histogram.reset_hint == ResetHint::No;
    }

    fn add(&mut self, histogram: &FloatHistogram) -> Result<Combined, Incompatible> {
        self.see(histogram);
        match &mut self.fold {
            Fold::Sum(sum) => sum.add(histogram),
            Fold::Mean(mean) => mean.add(histogram),
            Fold::Broken => Ok(Combined::default()),
        }
    }
}

/// Folds the histograms of the members in their order. At steps at which there are floats too, there is no result of either
/// kind: those are taken out of `values`.
pub(super) fn fold(
    context: &Context<'_>,
    (series, group): (&[StepSeries], &Group),
    span: Span,
    mean: bool,
    grid: Grid,
    values: &mut Column,
) -> Histograms {
    let mut states: Vec<Option<State>> = Vec::new();
    for member in &group.members {
        let one = &series[*member];
        for (step, histogram) in one.histograms.iter() {
            states.resize_with(grid.len, || None);
            let Some(state) = &mut states[step] else {
                states[step] = Some(State::new(histogram, mean));
                continue;
            };
            if matches!(state.fold, Fold::Broken) {
                continue;
            }
            let mut notes = context.notes();
            let mut told = Told {
                notes: &mut notes,
                metric: one.labels.metric_name(),
                span,
            };
            match state.add(histogram) {
                Ok(combined) if combined.reconciled => told.reconciled("aggregation"),
                Ok(_) => {}
                Err(Incompatible) => {
                    told.mixed_schemas();
                    state.fold = Fold::Broken;
                }
            }
        }
    }
    let mut out = Histograms::default();
    for (step, state) in states.into_iter().enumerate() {
        let Some(state) = state else { continue };
        if present(values.get(step)) {
            context.warn(span, "encountered a mix of histograms and floats for aggregation");
            values.set(step, ABSENT);
            continue;
        }
        let mut value = match state.fold {
            Fold::Sum(sum) => sum.total(),
            Fold::Mean(mean) => mean.value(),
            Fold::Broken => continue,
        };
        if state.reset && state.not_reset {
            context.warn(span, "conflicting counter resets during histogram aggregation");
        }
        value.compact();
        out.set(step, value.into());
    }
    out
}

/// The info for an aggregation that leaves histograms out, where it does.
pub(super) fn ignored(context: &Context<'_>, series: &[StepSeries], name: &str, span: Span) {
    if series.iter().any(|s| !s.histograms.is_empty()) {
        context.inform(span, format!("ignored histogram in {name} aggregation"));
    }
}
