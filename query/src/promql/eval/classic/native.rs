//! Quantiles and fractions of native histograms.

use std::collections::HashMap;

use kymo_engine::labels::{Labels, METRIC_NAME};

use super::super::EvalError;
use super::super::column::Marks;
use super::super::context::Context;
use super::super::series::{Collector, StepSeries, present};
use super::{Histogram, Question, for_metric};
use crate::lex::Span;
use crate::promql::histogram::Estimate;

/// A series of native histograms.
pub(super) struct Native<'s> {
    series: &'s StepSeries,
    /// Steps at which a classic histogram has the same labels.
    conflicts: Marks,
}

/// The series with native histograms. Where a classic histogram has the same labels, neither of the two is answered.
pub(super) fn natives<'s>(
    context: &Context<'_>,
    series: &'s [StepSeries],
    classic: &mut [Histogram],
    span: Span,
) -> Vec<Native<'s>> {
    let natives: Vec<&StepSeries> = series.iter().filter(|s| !s.histograms.is_empty()).collect();
    if natives.is_empty() {
        return Vec::new();
    }
    let index: HashMap<Labels, usize> = classic
        .iter()
        .enumerate()
        .map(|(i, h)| (h.labels.clone(), i))
        .collect();
    let mut out = Vec::new();
    for one in natives {
        let mut conflicts = Marks::default();
        if let Some(same) = index.get(&one.labels).map(|i| &mut classic[*i]) {
            for (step, _) in one.histograms.iter() {
                let has_bucket = |(_, i): &(f64, usize)| present(series[*i].values.get(step));
                if same.buckets.iter().any(has_bucket) {
                    conflicts.add(step);
                    same.conflicts.add(step);
                    let metric = for_metric(one.labels.value(METRIC_NAME));
                    context.warn(
                        span,
                        format!("vector contains a mix of classic and native histograms{metric}"),
                    );
                }
            }
        }
        out.push(Native {
            series: one,
            conflicts,
        });
    }
    out
}

impl Native<'_> {
    pub(super) fn answer(
        &self,
        context: &Context<'_>,
        question: &Question,
        span: Span,
        out: &mut Collector,
    ) -> Result<(), EvalError> {
        let delayed = context.query.options.delayed_name_removal;
        let labels = question.labels(&self.series.labels, delayed);
        let mut slot = None;
        for (step, histogram) in self.series.histograms.iter() {
            if self.conflicts.has(step) {
                continue;
            }
            let (value, estimate) = match question {
                Question::Fraction(lower, upper) => histogram.fraction(lower[step], upper[step]),
                _ => match question.quantile_at(step) {
                    Some(q) => histogram.quantile(q),
                    None => continue,
                },
            };
            let metric = if delayed { labels.value(METRIC_NAME) } else { "" };
            note(context, estimate, metric, span);
            let slot =
                *slot.get_or_insert_with(|| out.slot(labels.clone(), delayed || self.series.drop_name));
            out.set(slot, step, value)?;
        }
        Ok(())
    }
}

fn note(context: &Context<'_>, estimate: Estimate, metric: &str, span: Span) {
    let text = match estimate {
        Estimate::Plain => return,
        Estimate::NanResult => "input to histogram_quantile has NaN observations, result is NaN",
        Estimate::NanSkew => "input to histogram_quantile has NaN observations, result is skewed higher",
        Estimate::NanExcluded => {
            "input to histogram_fraction has NaN observations, which are excluded from all fractions"
        }
    };
    context.inform(span, format!("{text}{}", for_metric(metric)));
}
