//! Aggregations that give one value per group. Not for those that pick elements (see `topk`).

use std::collections::HashMap;

use kymo_engine::labels::{Labels, METRIC_NAME};

use super::context::Context;
use super::grid::Grid;
use super::kahan::{Kahan, Mean, Variance};
use super::quantile::{quantile, warn_range};
use super::series::{ABSENT, Column, StepSeries, present};
use super::{EvalError, fused, topk};
use crate::promql::ast::{AggregateExpr, AggregateOp};

mod histograms;

/// The series that share the grouping labels.
pub(super) struct Group {
    pub(super) labels: Labels,
    pub(super) drop_name: bool,
    pub(super) members: Vec<usize>,
}

pub(super) fn eval(
    context: &Context<'_>,
    aggregate: &AggregateExpr,
    grid: Grid,
) -> Result<Vec<StepSeries>, EvalError> {
    if let Some(folded) = fused::aggregate(context, aggregate, grid)? {
        return Ok(folded);
    }
    let param = aggregate.param.as_ref();
    if aggregate.op == AggregateOp::CountValues {
        let label = param.map(|p| context.string(p)).transpose()?.unwrap_or_default();
        return topk::count_values(context, aggregate, &label, grid);
    }
    let scalars = param
        .map(|p| context.scalar(p, grid))
        .transpose()?
        .unwrap_or_default();
    let series = context.vector(&aggregate.expr, grid)?;
    match aggregate.op {
        AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk | AggregateOp::LimitRatio => {
            topk::eval(context, aggregate, &scalars, series, grid)
        }
        AggregateOp::Quantile => {
            histograms::ignored(context, &series, "quantile", aggregate.expr.span());
            let span = param.map(|p| p.span()).unwrap_or_default();
            let (least, most, nan) = topk::extent(&scalars);
            let wrong = [(f64::NAN, nan), (most, most > 1.0), (least, least < 0.0)];
            for (q, _) in wrong.into_iter().filter(|(_, wrong)| *wrong) {
                warn_range(context, q, span);
            }
            quantiles(context, aggregate, &scalars, &series, grid)
        }
        op => fold_all(context, op, aggregate, &series, grid),
    }
}

/// The grouping labels of a series.
pub(super) fn group_labels(aggregate: &AggregateExpr, labels: &Labels) -> Labels {
    let named = |name: &str| aggregate.grouping.iter().any(|g| g == name);
    if aggregate.without {
        labels.filter(|name| name != METRIC_NAME && !named(name))
    } else if aggregate.grouping.is_empty() {
        Labels::empty()
    } else {
        labels.filter(named)
    }
}

/// Bytes of a group beside its labels and its values, about.
const GROUP_BYTES: usize = 256;

/// The groups in the order of their first members; they and results of so many steps for each are taken account of.
pub(super) fn groups(
    context: &Context<'_>,
    aggregate: &AggregateExpr,
    series: &[StepSeries],
    steps: usize,
) -> Result<Vec<Group>, EvalError> {
    let mut index: HashMap<Labels, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for (i, one) in series.iter().enumerate() {
        let labels = group_labels(aggregate, &one.labels);
        let at = *index.entry(labels).or_insert_with_key(|labels| {
            groups.push(Group {
                labels: labels.clone(),
                drop_name: false,
                members: Vec::new(),
            });
            groups.len() - 1
        });
        groups[at].drop_name |= one.drop_name;
        groups[at].members.push(i);
    }
    let labels: usize = groups.iter().map(|group| group.labels.byte_len()).sum();
    let each = GROUP_BYTES + steps * size_of::<f64>();
    context
        .meter
        .hold(0, labels + groups.len().saturating_mul(each))?;
    Ok(groups)
}

/// What gathers the values of a group at one step.
pub(super) trait Accumulate: Default + Clone {
    fn add(&mut self, value: f64);
    fn finish(&self) -> f64;
}

#[derive(Default, Clone)]
struct Sum(Kahan);
#[derive(Default, Clone)]
struct Count(f64);
#[derive(Default, Clone)]
pub(super) struct Least(Option<f64>);
#[derive(Default, Clone)]
pub(super) struct Greatest(Option<f64>);
#[derive(Default, Clone)]
pub(super) struct Deviation(Variance);

impl Accumulate for Sum {
    fn add(&mut self, value: f64) {
        self.0.add(value);
    }
    fn finish(&self) -> f64 {
        self.0.total()
    }
}

impl Accumulate for Mean {
    fn add(&mut self, value: f64) {
        Mean::add(self, value);
    }
    fn finish(&self) -> f64 {
        self.value()
    }
}

impl Accumulate for Variance {
    fn add(&mut self, value: f64) {
        Variance::add(self, value);
    }
    fn finish(&self) -> f64 {
        self.value()
    }
}

impl Accumulate for Deviation {
    fn add(&mut self, value: f64) {
        self.0.add(value);
    }
    fn finish(&self) -> f64 {
        self.0.value().sqrt()
    }
}

impl Accumulate for Count {
    fn add(&mut self, _: f64) {
        self.0 += 1.0;
    }
    fn finish(&self) -> f64 {
        self.0
    }
}

impl Accumulate for Least {
    fn add(&mut self, value: f64) {
        if self.0.is_none_or(|held| value < held || held.is_nan()) {
            self.0 = Some(value);
        }
    }
    fn finish(&self) -> f64 {
        self.0.unwrap_or(f64::NAN)
    }
}

impl Accumulate for Greatest {
    fn add(&mut self, value: f64) {
        if self.0.is_none_or(|held| value > held || held.is_nan()) {
            self.0 = Some(value);
        }
    }
    fn finish(&self) -> f64 {
        self.0.unwrap_or(f64::NAN)
    }
}

fn fold_all(
    context: &Context<'_>,
    op: AggregateOp,
    aggregate: &AggregateExpr,
    series: &[StepSeries],
    grid: Grid,
) -> Result<Vec<StepSeries>, EvalError> {
    let fold = match op {
        AggregateOp::Sum => fold::<Sum>,
        AggregateOp::Avg => fold::<Mean>,
        AggregateOp::Min => fold::<Least>,
        AggregateOp::Max => fold::<Greatest>,
        AggregateOp::Stdvar => fold::<Variance>,
        AggregateOp::Stddev => fold::<Deviation>,
        _ => fold::<Count>,
    };
    let span = aggregate.expr.span();
    if matches!(
        op,
        AggregateOp::Min | AggregateOp::Max | AggregateOp::Stdvar | AggregateOp::Stddev
    ) {
        histograms::ignored(context, series, op.as_str(), span);
    }
    let mut out = Vec::new();
    for group in groups(context, aggregate, series, grid.len)? {
        context.meter.tick(grid.len * group.members.len())?;
        let mut values = fold(series, &group.members, grid);
        if matches!(op, AggregateOp::Sum | AggregateOp::Avg)
            && group.members.iter().any(|m| !series[*m].histograms.is_empty())
        {
            let mean = op == AggregateOp::Avg;
            let histograms = histograms::fold(context, (series, &group), span, mean, grid, &mut values);
            let floats = StepSeries::floats(group.labels, group.drop_name, values);
            out.push(StepSeries { histograms, ..floats });
            continue;
        }
        if matches!(op, AggregateOp::Count | AggregateOp::Group) {
            count_histograms(series, &group.members, &mut values);
        }
        if op == AggregateOp::Group {
            values.iter_mut().for_each(|(_, v)| *v = 1.0);
        }
        out.push(StepSeries::floats(group.labels, group.drop_name, values));
    }
    out.retain(|s| !s.is_empty());
    Ok(out)
}

/// Counts histograms beside the floats.
fn count_histograms(series: &[StepSeries], members: &[usize], counts: &mut Column) {
    for (step, _) in members.iter().flat_map(|m| series[*m].histograms.iter()) {
        let before = counts.get(step);
        counts.set(step, if present(before) { before + 1.0 } else { 1.0 });
    }
}

/// Folds the members in their order, all steps of one member after the other.
fn fold<A: Accumulate>(series: &[StepSeries], members: &[usize], grid: Grid) -> Column {
    let mut steps: Vec<Option<A>> = vec![None; grid.len];
    for member in members {
        for (step, value) in series[*member].values.iter() {
            steps[step].get_or_insert_default().add(value);
        }
    }
    steps
        .iter()
        .map(|step| step.as_ref().map_or(ABSENT, A::finish))
        .collect()
}

fn quantiles(
    context: &Context<'_>,
    aggregate: &AggregateExpr,
    q: &[f64],
    series: &[StepSeries],
    grid: Grid,
) -> Result<Vec<StepSeries>, EvalError> {
    let mut values = Vec::new();
    let groups = groups(context, aggregate, series, grid.len)?;
    let each = groups
        .into_iter()
        .map(|group| {
            let column = (0..grid.len).map(|step| {
                values.clear();
                values.extend(
                    group
                        .members
                        .iter()
                        .map(|m| series[*m].values.get(step))
                        .filter(|v| present(*v)),
                );
                if values.is_empty() {
                    ABSENT
                } else {
                    quantile(q[step], &mut values)
                }
            });
            let values = column.collect();
            StepSeries::floats(group.labels, group.drop_name, values)
        })
        .collect();
    Ok(each)
}
