//! What is computed from the samples of one series at each step: the newest value, or a function of a window. Not for going
//! through series.

use kymo_engine::labels::METRIC_NAME;
use kymo_engine::metrics::{MatchOp, Matcher, Samples, SeriesSet};

use super::sliding::{Fast, Series};
use super::windows::Windows;
use crate::promql::ast::{CallExpr, Expr, ValueType};
use crate::promql::eval::EvalError;
use crate::promql::eval::context::Context;
use crate::promql::eval::grid::Grid;
use crate::promql::eval::plan::{self, Shift};
use crate::promql::eval::range_fn::{self, RangeFunction, Window};
use crate::promql::eval::series::{ABSENT, StepSeries};

/// What is computed of a series.
pub(super) struct Leaf<'q> {
    node: usize,
    shift: Shift,
    kind: Kind<'q>,
    delayed: bool,
    /// All series have the one name.
    one_name: bool,
}

enum Kind<'q> {
    /// The newest value that is younger than the lookback.
    Newest {
        lookback: i64,
    },
    Range(Range<'q>),
}

struct Range<'q> {
    call: &'q CallExpr,
    arg: &'q Expr,
    function: RangeFunction,
    fast: Fast,
    range: i64,
    /// Scalar arguments by step.
    scalars: Vec<Vec<f64>>,
}

impl<'q> Leaf<'q> {
    /// The leaf of an expression, if it is of the kind.
    pub(super) fn of(
        context: &Context<'_>,
        expr: &'q Expr,
        grid: Grid,
    ) -> Result<Option<Leaf<'q>>, EvalError> {
        let delayed = context.query.options.delayed_name_removal;
        match expr.unwrapped() {
            Expr::Vector(selector) if !selector.anchored && !selector.smoothed => Ok(Some(Leaf {
                node: plan::node_id(selector),
                shift: plan::shift(context.query, selector.at, &selector.offset)?,
                kind: Kind::Newest {
                    lookback: context.query.lookback,
                },
                delayed,
                one_name: has_one_name(&selector.matchers),
            })),
            Expr::Call(call) => Leaf::of_call(context, call, grid),
            _ => Ok(None),
        }
    }

    fn of_call(context: &Context<'_>, call: &'q CallExpr, grid: Grid) -> Result<Option<Leaf<'q>>, EvalError> {
        let options = &context.query.options;
        let found = call.args.iter().find_map(|arg| match arg.unwrapped() {
            Expr::Matrix(matrix) => Some((arg, matrix)),
            _ => None,
        });
        let (Some((arg, matrix)), Some(function)) = (found, range_fn::lookup(call.function.name)) else {
            return Ok(None);
        };
        let plain = !matrix.selector.anchored && !matrix.selector.smoothed && !options.use_start_timestamps;
        if !plain || call.function.name == "double_exponential_smoothing" {
            return Ok(None);
        }
        let scalars = call.args.iter().filter(|a| a.value_type() == ValueType::Scalar);
        let scalars = scalars.map(|arg| context.scalar(arg, grid));
        let selector = &matrix.selector;
        Ok(Some(Leaf {
            node: plan::node_id(selector),
            shift: plan::shift(context.query, selector.at, &selector.offset)?,
            kind: Kind::Range(Range {
                call,
                arg,
                function,
                fast: Fast::of(call.function.name),
                range: plan::resolve_positive(context.query, &matrix.range)?,
                scalars: scalars.collect::<Result<_, _>>()?,
            }),
            delayed: options.delayed_name_removal,
            one_name: has_one_name(&selector.matchers),
        }))
    }

    pub(super) fn node(&self) -> usize {
        self.node
    }

    pub(super) fn drops_names(&self) -> bool {
        match &self.kind {
            Kind::Newest { .. } => false,
            Kind::Range(range) => !matches!(range.call.function.name, "last_over_time" | "first_over_time"),
        }
    }

    /// Names go at the end of the query.
    pub(super) fn delays_names(&self) -> bool {
        self.delayed
    }

    /// True when series of the set may turn out to be the same without their names.
    pub(super) fn may_collide(&self, set: &SeriesSet) -> Result<bool, EvalError> {
        if !self.drops_names() || self.delayed {
            return Ok(false);
        }
        Ok(!self.one_name || set.may_have("__type__")? || set.may_have("__unit__")?)
    }

    /// Delayed removal makes groups of names that are gone later; that is left to the general evaluation.
    pub(super) fn can_be_folded(&self) -> bool {
        !(self.has_scalar_warnings() || self.delayed && self.drops_names())
    }

    /// Warnings about arguments go by single results.
    fn has_scalar_warnings(&self) -> bool {
        matches!(&self.kind, Kind::Range(range) if range.call.function.name == "quantile_over_time")
    }

    /// The argument of a function that is for counters only.
    pub(super) fn counter_argument(&self) -> Option<&'q Expr> {
        match &self.kind {
            Kind::Range(range) if matches!(range.call.function.name, "rate" | "increase") => Some(range.arg),
            _ => None,
        }
    }

    /// The warnings that belong to the arguments, now that the results are there.
    pub(super) fn warn(&self, context: &Context<'_>, out: &[StepSeries]) {
        if let Kind::Range(range) = &self.kind
            && range.call.function.name == "quantile_over_time"
        {
            range_fn::warn_quantiles(context, range.call, &range.scalars, out);
        }
    }

    /// Ranges do not see staleness markers.
    pub(super) fn sees_stale(&self) -> bool {
        matches!(self.kind, Kind::Newest { .. })
    }

    /// The windows of all steps over these timestamps.
    pub(super) fn windows(&self, times: &[i64], grid: Grid) -> Windows {
        match &self.kind {
            Kind::Newest { lookback } => Windows::newest(times, (self.shift, *lookback), grid),
            Kind::Range(range) => {
                let mut windows = Windows::sliding(times, (self.shift, range.range), grid);
                if let Fast::Extrapolated { per_second, .. } = range.fast {
                    windows.extrapolate(times, (self.shift, range.range), grid, per_second);
                }
                windows
            }
        }
    }

    /// The value of every window over samples that have only one value, where that is certain.
    pub(super) fn of_constant(&self, windows: &Windows, samples: &Samples) -> Option<f64> {
        let value = *samples.values.first()?;
        if !value.is_finite() || samples.delta || windows.len() == 0 {
            return None;
        }
        match &self.kind {
            Kind::Newest { .. } => windows.are_filled().then_some(value),
            Kind::Range(range) => range.fast.of_constant(windows, value),
        }
    }

    /// Appends the values of all steps between the first and the last window to `out`.
    pub(super) fn compute(&self, windows: &Windows, samples: &Samples, grid: Grid, out: &mut Vec<f64>) {
        match &self.kind {
            Kind::Newest { .. } => out.extend(
                windows
                    .all()
                    .map(|(from, to)| if from < to { samples.values[from] } else { ABSENT }),
            ),
            Kind::Range(range) => {
                let scalars = &range.scalars;
                let series = Series {
                    times: &samples.timestamps,
                    values: &samples.values,
                    ends: &|step| grid.time(step),
                };
                if samples.delta || !range.fast.compute(windows, series, scalars, out) {
                    self.compute_each(range, windows, samples, grid, out);
                }
            }
        }
    }

    fn compute_each(
        &self,
        range: &Range<'_>,
        windows: &Windows,
        samples: &Samples,
        grid: Grid,
        out: &mut Vec<f64>,
    ) {
        let mut params = Vec::with_capacity(range.scalars.len());
        for (i, (from, to)) in windows.all().enumerate() {
            if from == to {
                out.push(ABSENT);
                continue;
            }
            let step = windows.first_step() + i;
            let eval_time = grid.time(step);
            let end = self.shift.apply(eval_time);
            let window = Window {
                times: &samples.timestamps[from..to],
                values: &samples.values[from..to],
                delta: samples.delta,
                start: end.saturating_sub(range.range),
                end,
                eval_time,
            };
            params.clear();
            params.extend(range.scalars.iter().map(|s| s[step]));
            out.push((range.function)(&window, &params).unwrap_or(ABSENT));
        }
    }
}

/// True when one name is asked for.
fn has_one_name(matchers: &[Matcher]) -> bool {
    matchers
        .iter()
        .any(|m| m.name() == METRIC_NAME && m.op() == MatchOp::Equal && !m.value().is_empty())
}
