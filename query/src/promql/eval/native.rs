//! What a native histogram holds as a number: count, sum, mean, deviation. Floats are no part of the results.

use kymo_engine::labels::METRIC_NAME;

use super::EvalError;
use super::context::Context;
use super::grid::Grid;
use super::series::{Column, StepValue, merged};
use crate::promql::ast::CallExpr;
use crate::promql::histogram::FloatHistogram;

fn part(name: &str, histogram: &FloatHistogram) -> f64 {
    match name {
        "histogram_count" => histogram.count,
        "histogram_sum" => histogram.sum,
        "histogram_avg" => histogram.sum / histogram.count,
        "histogram_stdvar" => histogram.variance(),
        _ => histogram.variance().sqrt(),
    }
}

pub(super) fn parts(context: &Context<'_>, call: &CallExpr, grid: Grid) -> Result<StepValue, EvalError> {
    let mut series = context.vector(&call.args[0], grid)?;
    series.retain(|s| !s.histograms.is_empty());
    for one in &mut series {
        let mut values = Column::default();
        for (step, histogram) in one.histograms.iter() {
            values.set(step, part(call.function.name, histogram));
        }
        one.values = values;
        one.histograms.clear();
    }
    if context.query.options.delayed_name_removal {
        return context.drop_names(series).map(StepValue::Vector);
    }
    // Unlike other functions these leave the labels of type and unit in place.
    for one in &mut series {
        one.labels = one.labels.filter(|name| name != METRIC_NAME);
    }
    merged(series).map(StepValue::Vector)
}
