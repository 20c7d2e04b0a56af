//! What every selector of a query will read, known before anything is read. Not for reading.

use std::collections::HashSet;

use kymo_engine::labels::METRIC_NAME;
use kymo_engine::metrics::{Matcher, Selection};

use super::grid::Grid;
use super::{EvalError, Query, info};
use crate::promql::ast::{
    At, BinaryOp, Duration, DurationExpr, DurationOp, Expr, MatrixSelector, SubqueryExpr, UnaryOp,
    VectorSelector,
};
use crate::promql::functions;

/// How much further back native histograms are read, in milliseconds, to tell whether the first one wanted goes on from one
/// before it.
pub(super) const HINT_LOOKBACK: i64 = 600_000;

/// How a modifier moves the time at which samples are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shift {
    at: Option<i64>,
    offset: i64,
}

impl Shift {
    /// Looks at the time of the step itself.
    pub(super) fn none() -> Shift {
        Shift { at: None, offset: 0 }
    }

    /// The time to look at, for a step at `time`.
    pub(super) fn apply(self, time: i64) -> i64 {
        self.at.unwrap_or(time).saturating_sub(self.offset)
    }

    /// The same with the offset taken from a pinned time, so that equal shifts look equal.
    pub(super) fn normal(self) -> Shift {
        match self.at {
            Some(_) => Shift {
                at: Some(self.apply(0)),
                offset: 0,
            },
            None => self,
        }
    }

    /// What this one amounts to below another.
    pub(super) fn within(self, outer: Shift) -> Shift {
        match self.at {
            Some(_) => self,
            None => Shift {
                at: outer.at,
                offset: outer.offset.saturating_add(self.offset),
            },
        }
    }
}

/// One selector, by the address of its node, with what it reads.
pub(super) struct Planned {
    pub(super) node: usize,
    pub(super) selection: Selection,
}

/// The address of a selector inside the query's tree, which stays in place while the query runs.
pub(super) fn node_id(selector: &VectorSelector) -> usize {
    std::ptr::from_ref(selector) as usize
}

pub(super) fn shift(query: &Query, at: Option<At>, offset: &Duration) -> Result<Shift, EvalError> {
    let at = at.map(|at| match at {
        At::Timestamp(time) => time,
        At::Start => query.start,
        At::End => query.end,
    });
    Ok(Shift {
        at,
        offset: resolve(query, offset)?,
    })
}

/// Milliseconds of a duration in this query.
pub(super) fn resolve(query: &Query, duration: &Duration) -> Result<i64, EvalError> {
    match duration {
        Duration::Literal(millis) => Ok(*millis),
        Duration::Expr(expr) => {
            let seconds = seconds(query, expr)?;
            if seconds.is_nan() || seconds.abs() > 9_223_372_036.0 {
                return Err(EvalError::Invalid("duration is out of range".to_owned()));
            }
            Ok((seconds * 1000.0) as i64)
        }
    }
}

/// As [`resolve`], for durations that must be above zero.
pub(super) fn resolve_positive(query: &Query, duration: &Duration) -> Result<i64, EvalError> {
    match resolve(query, duration)? {
        millis if millis > 0 => Ok(millis),
        _ => Err(EvalError::Invalid("duration must be greater than 0".to_owned())),
    }
}

fn seconds(query: &Query, expr: &DurationExpr) -> Result<f64, EvalError> {
    Ok(match expr {
        DurationExpr::Number(number) => number.value,
        DurationExpr::Query {
            op: DurationOp::Step, ..
        } => query.step as f64 / 1000.0,
        DurationExpr::Query { .. } => query.end.saturating_sub(query.start) as f64 / 1000.0,
        DurationExpr::Unary { op, expr, .. } => {
            let value = seconds(query, expr)?;
            if *op == UnaryOp::Minus { -value } else { value }
        }
        DurationExpr::Binary { op, lhs, rhs, .. } => {
            let (l, r) = (seconds(query, lhs)?, seconds(query, rhs)?);
            match op {
                DurationOp::Add => l + r,
                DurationOp::Sub => l - r,
                DurationOp::Mul => l * r,
                DurationOp::Div if r == 0.0 => return Err(EvalError::Invalid("division by zero".to_owned())),
                DurationOp::Div => l / r,
                DurationOp::Mod if r == 0.0 => return Err(EvalError::Invalid("modulo by zero".to_owned())),
                DurationOp::Mod => l % r,
                DurationOp::Pow => l.powf(r),
                DurationOp::MinOf => l.min(r),
                _ => l.max(r),
            }
        }
    })
}

/// The times at which a subquery evaluates its expression: absolute multiples of its step inside the windows of all steps.
pub(super) fn subquery_grid(query: &Query, subquery: &SubqueryExpr, grid: Grid) -> Result<Grid, EvalError> {
    let range = resolve_positive(query, &subquery.range)?;
    let step = match &subquery.step {
        Some(step) => resolve_positive(query, step)?,
        None => query.options.default_subquery_step.max(1),
    };
    let shift = shift(query, subquery.at, &subquery.offset)?;
    let open = shift.apply(grid.start).saturating_sub(range);
    let first = open.div_euclid(step).saturating_add(1).saturating_mul(step);
    Ok(Grid::new(first, shift.apply(grid.last()), step))
}

/// Plans all selectors below `expr` for evaluation over `grid`.
pub(super) fn plan(query: &Query, expr: &Expr, grid: Grid, out: &mut Vec<Planned>) -> Result<(), EvalError> {
    match expr {
        Expr::Vector(selector) => plan_vector(query, selector, grid, out),
        Expr::Matrix(matrix) => plan_matrix(query, matrix, grid, out),
        Expr::Subquery(subquery) => plan(query, &subquery.expr, subquery_grid(query, subquery, grid)?, out),
        Expr::Call(call) if call.function.name == "info" => {
            plan(query, &call.args[0], grid, out)?;
            let bare = selector_of(call.args.get(1));
            let shift = info::reference(query, &call.args[0])?;
            plan_info(query, bare, call.args.as_ptr() as usize, (shift, grid), out);
            Ok(())
        }
        other => other
            .children()
            .into_iter()
            .try_for_each(|child| plan(query, child, grid, out)),
    }
}

fn selector_of(expr: Option<&Expr>) -> Option<&VectorSelector> {
    match expr {
        Some(Expr::Vector(selector)) => Some(selector),
        _ => None,
    }
}

/// The info series: those of the given conditions, by default `target_info`.
fn plan_info(
    query: &Query,
    selector: Option<&VectorSelector>,
    node: usize,
    (shift, grid): (Shift, Grid),
    out: &mut Vec<Planned>,
) {
    let given = selector.map(|s| s.matchers.as_slice()).unwrap_or_default();
    let mut matchers: Vec<Matcher> = given
        .iter()
        .filter(|m| m.name() == METRIC_NAME)
        .cloned()
        .collect();
    if matchers.is_empty() {
        matchers.push(Matcher::equal(METRIC_NAME, "target_info"));
    }
    let oldest = shift.apply(grid.start).saturating_sub(query.lookback);
    out.push(Planned {
        node,
        selection: Selection {
            matchers,
            min_time: oldest.saturating_add(1),
            max_time: shift.apply(grid.last()),
        },
    });
}

fn plan_vector(
    query: &Query,
    selector: &VectorSelector,
    grid: Grid,
    out: &mut Vec<Planned>,
) -> Result<(), EvalError> {
    let shift = shift(query, selector.at, &selector.offset)?;
    let after = if selector.smoothed { query.lookback } else { 0 };
    out.push(planned(selector, shift, grid, query.lookback, after));
    Ok(())
}

fn plan_matrix(
    query: &Query,
    matrix: &MatrixSelector,
    grid: Grid,
    out: &mut Vec<Planned>,
) -> Result<(), EvalError> {
    let selector = &matrix.selector;
    let shift = shift(query, selector.at, &selector.offset)?;
    let range = resolve_positive(query, &matrix.range)?;
    let extended = if selector.anchored || selector.smoothed {
        query.lookback
    } else {
        0
    };
    let after = if selector.smoothed { query.lookback } else { 0 };
    out.push(planned(
        selector,
        shift,
        grid,
        range.saturating_add(extended),
        after,
    ));
    Ok(())
}

fn planned(selector: &VectorSelector, shift: Shift, grid: Grid, before: i64, after: i64) -> Planned {
    let selection = Selection {
        matchers: selector.matchers.clone(),
        min_time: shift.apply(grid.start).saturating_sub(before).saturating_add(1),
        max_time: shift.apply(grid.last()).saturating_add(after),
    };
    Planned {
        node: node_id(selector),
        selection,
    }
}

/// True when the value is the same at every step: all selectors are pinned with `@` and nothing asks for the time.
pub(super) fn is_step_invariant(expr: &Expr) -> bool {
    match expr {
        Expr::Vector(selector) => selector.at.is_some(),
        Expr::Matrix(matrix) => matrix.selector.at.is_some(),
        Expr::Subquery(subquery) => subquery.at.is_some(),
        Expr::Call(call)
            if functions::depends_on_time(call.function.name) || call.function.name == "info" =>
        {
            false
        }
        Expr::Call(call) if call.args.is_empty() && call.function.name != "pi" => false,
        other => other.children().into_iter().all(is_step_invariant),
    }
}

/// The selectors whose nearest histogram function counts observations and needs no buckets. Prometheus decodes no buckets for
/// them and finds resets itself, which shows in warnings about resets that conflict.
pub(super) fn counting(expr: &Expr) -> HashSet<usize> {
    fn visit(expr: &Expr, counts: bool, out: &mut HashSet<usize>) {
        let counts = match expr {
            Expr::Call(call) => match call.function.name {
                "histogram_count" | "histogram_sum" | "histogram_avg" => true,
                "histogram_quantile"
                | "histogram_quantiles"
                | "histogram_fraction"
                | "histogram_stddev"
                | "histogram_stdvar" => false,
                _ => counts,
            },
            // What is trimmed needs its buckets.
            Expr::Binary(binary) if matches!(binary.op, BinaryOp::TrimLower | BinaryOp::TrimUpper) => false,
            _ => counts,
        };
        match expr {
            Expr::Vector(selector) if counts => drop(out.insert(node_id(selector))),
            Expr::Matrix(matrix) if counts => drop(out.insert(node_id(&matrix.selector))),
            other => other
                .children()
                .into_iter()
                .for_each(|child| visit(child, counts, out)),
        }
    }
    let mut out = HashSet::new();
    visit(expr, false, &mut out);
    out
}
