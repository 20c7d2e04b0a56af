//! Fast evaluation of what most queries are made of: a selector or a function over a range selector, alone or folded into
//! groups. Series are read by number over several cores, windows are found once for all series that share their timestamps,
//! and label sets are put together for results only. It gives up where it finds native histograms or asks for more than
//! floats: the general evaluation answers then, and where both can they give the same bits.

mod fold;
mod leaf;
mod sliding;
mod windows;
mod work;

use hashbrown::{HashMap, HashSet};
use kymo_engine::labels::{Labels, METRIC_NAME};
use kymo_engine::metrics::{Grouping, Identity, SeriesSet, SetReader};

use super::EvalError;
use super::aggregate::group_labels;
use super::context::Context;
use super::grid::Grid;
use super::range_fn;
use super::series::{Column, StepSeries, without_metadata};
use crate::promql::ast::{AggregateExpr, Expr};
use fold::Folds;
use leaf::Leaf;
use work::{Asked, Part, Row, Values, run};

/// Labels that name a metric and its nature.
fn metadata() -> [String; 3] {
    [METRIC_NAME, "__type__", "__unit__"].map(str::to_owned)
}

/// What is noted while series go by.
struct Seen<'s> {
    /// For labels of series that are the first of something.
    reader: SetReader<'s>,
    /// Metric names, for the hint about counters.
    names: HashSet<Identity>,
    /// What is left of label sets without their names: two of one are an error.
    unnamed: HashSet<Identity>,
}

impl<'s> Seen<'s> {
    fn new(set: &'s SeriesSet) -> Result<Seen<'s>, EvalError> {
        Ok(Seen {
            reader: set.reader()?,
            names: HashSet::new(),
            unnamed: HashSet::new(),
        })
    }

    fn labels(&mut self, series: usize) -> Result<Labels, EvalError> {
        self.reader.seek(series)?;
        Ok(self.reader.labels()?)
    }

    /// Checks what a series with results stands for.
    fn note(&mut self, context: &Context<'_>, leaf: &Leaf<'_>, row: &Row) -> Result<(), EvalError> {
        if leaf.drops_names() && row.tells_unnamed && !self.unnamed.insert(row.unnamed) {
            return Err(EvalError::same_labels());
        }
        // What a metric is may be told by labels, then its name says too little.
        let by_labels = context.query.options.type_and_unit_labels;
        if let Some(arg) = leaf.counter_argument()
            && (self.names.insert(row.name) || by_labels)
        {
            let labels = self.labels(row.series)?;
            let one = StepSeries::floats(labels, false, Column::constant(0.0, 1));
            range_fn::note_non_counters(context, std::slice::from_ref(&one), arg);
        }
        Ok(())
    }
}

/// Evaluates an expression without aggregation, if it is of the kind.
pub(super) fn series(
    context: &Context<'_>,
    expr: &Expr,
    grid: Grid,
) -> Result<Option<Vec<StepSeries>>, EvalError> {
    let Some(leaf) = Leaf::of(context, expr, grid)? else {
        return Ok(None);
    };
    let Some(set) = context.set_of(leaf.node()) else {
        return Ok(None);
    };
    let asked = Asked::labels(&leaf, set)?;
    let mut seen = Seen::new(set)?;
    let mut out = Vec::new();
    let level = context.meter.level();
    let whole = run(context, &leaf, set, grid, &asked, &mut |parts: &mut [Part]| {
        for part in parts {
            for (row, labels) in part.rows.iter().zip(part.labels.drain(..)) {
                seen.note(context, &leaf, row)?;
                let labels = if leaf.drops_names() && !leaf.delays_names() {
                    without_metadata(&labels)
                } else {
                    labels
                };
                let values = match &row.values {
                    Values::Same(value, len) => Column::constant_from(row.first, *value, *len),
                    Values::Slots(range) => Column::from_slots(row.first, &part.values[range.clone()]),
                };
                let one = StepSeries::floats(labels, leaf.drops_names() && leaf.delays_names(), values);
                let (samples, bytes) = one.size();
                context.meter.hold(samples, bytes)?;
                out.push(one);
            }
        }
        Ok(())
    })?;
    if !whole {
        context.meter.reset(level);
        return Ok(None);
    }
    leaf.warn(context, &out);
    Ok(Some(out))
}

/// Evaluates an aggregation over such an expression, if it is of the kind.
pub(super) fn aggregate(
    context: &Context<'_>,
    aggregate: &AggregateExpr,
    grid: Grid,
) -> Result<Option<Vec<StepSeries>>, EvalError> {
    let Some(mut folds) = Folds::of(aggregate.op, grid) else {
        return Ok(None);
    };
    let Some(leaf) = Leaf::of(context, &aggregate.expr, grid)? else {
        return Ok(None);
    };
    let Some(set) = context.set_of(leaf.node()).filter(|_| leaf.can_be_folded()) else {
        return Ok(None);
    };
    let grouping = if aggregate.without {
        Grouping::without(aggregate.grouping.iter().cloned().chain(dropped(&leaf)))
    } else {
        let dropped = dropped(&leaf);
        let kept = aggregate.grouping.iter().filter(|g| !dropped.contains(g));
        Grouping::by(kept.cloned())
    };
    let asked = Asked::keys(&leaf, set, grouping.clone())?;
    let mut seen = Seen::new(set)?;
    let mut index: HashMap<Identity, usize> = HashMap::new();
    let mut groups: Vec<Labels> = Vec::new();
    let level = context.meter.level();
    let whole = run(context, &leaf, set, grid, &asked, &mut |parts: &mut [Part]| {
        for row in parts.iter_mut().flat_map(|part| &mut part.rows) {
            seen.note(context, &leaf, row)?;
            let next = groups.len();
            row.group = *index.entry(row.key).or_insert(next);
            if row.group == next {
                let labels = seen.labels(row.series)?.filter(|name| grouping.keeps(name));
                let labels = group_labels(aggregate, &labels);
                context
                    .meter
                    .hold(0, labels.byte_len() + grid.len * Folds::BYTES)?;
                groups.push(labels);
            }
        }
        folds.add(context.budget, parts, groups.len());
        Ok(())
    })?;
    if !whole {
        context.meter.reset(level);
        return Ok(None);
    }
    let columns = folds.finish(groups.len());
    let with_values = groups.into_iter().zip(columns);
    let series = with_values.map(|(labels, values)| StepSeries::floats(labels, false, values));
    Ok(Some(series.filter(|s| !s.values.is_empty()).collect()))
}

/// The labels that are gone before series are put into groups.
fn dropped(leaf: &Leaf<'_>) -> Vec<String> {
    if leaf.drops_names() {
        metadata().to_vec()
    } else {
        Vec::new()
    }
}
