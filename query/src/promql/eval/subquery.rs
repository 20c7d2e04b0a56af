//! Subqueries: the samples that an expression gives at the subquery's own steps. Not for the functions over them.

use kymo_engine::labels::Labels;
use kymo_engine::metrics::Samples;

use super::context::Context;
use super::grid::Grid;
use super::hints::HistogramSample;
use super::output::at_times;
use super::series::{merged, without_metadata};
use super::{EvalError, Series, plan};
use crate::promql::ast::SubqueryExpr;

/// A series of a subquery with its samples as columns.
pub(super) struct Sampled {
    pub(super) labels: Labels,
    pub(super) drop_name: bool,
    pub(super) samples: Samples,
    pub(super) histograms: Vec<HistogramSample>,
}

/// The series of a subquery for the windows of all steps of `grid`.
pub(super) fn eval(
    context: &Context<'_>,
    subquery: &SubqueryExpr,
    grid: Grid,
) -> Result<Vec<Sampled>, EvalError> {
    let inner = plan::subquery_grid(context.query, subquery, grid)?;
    context.meter.peek(inner.len)?;
    if inner.len == 0 {
        return Ok(Vec::new());
    }
    let series = context.vector(&subquery.expr, inner)?;
    // Beside its values a series gets its times.
    context.expect(&series)?;
    Ok(series
        .into_iter()
        .map(|one| {
            let mut samples = Samples::default();
            for (step, value) in one.values.iter() {
                samples.push(inner.time(step), value);
            }
            let histograms = one.histograms.iter().map(|(step, value)| HistogramSample {
                time: inner.time(step),
                start: 0,
                value: value.clone(),
            });
            Sampled {
                histograms: histograms.collect(),
                labels: one.labels,
                drop_name: one.drop_name,
                samples,
            }
        })
        .collect())
}

/// A subquery as the whole of an instant query.
pub(super) fn top_level(context: &Context<'_>, subquery: &SubqueryExpr) -> Result<Vec<Series>, EvalError> {
    let inner = plan::subquery_grid(context.query, subquery, context.grid)?;
    context.meter.peek(inner.len)?;
    let mut series = if inner.len == 0 {
        Vec::new()
    } else {
        context.vector(&subquery.expr, inner)?
    };
    for one in series.iter_mut().filter(|s| s.drop_name) {
        one.labels = without_metadata(&one.labels);
    }
    let mut out: Vec<Series> = Vec::new();
    for one in merged(series)? {
        let series = at_times(one, inner);
        if !series.is_empty() {
            out.push(series);
        }
    }
    out.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(out)
}
