//! Whether traces can make a query fail. Not for which ones do (see [`super::error::Refusal`]).

use super::super::ast::{
    Body, FieldExpr, Metrics, Pipeline, Query, Scalar, ScalarFilter, ScalarOp, SpansetExpr, Stage,
};

/// True when the query is refused for some traces: those with several spansets before an operator, and those with spans that
/// divide by zero. Whether it is must not depend on what is left out.
pub(super) fn may_refuse(query: &Query) -> bool {
    match &query.body {
        Body::Search(found) => pipeline(found),
        Body::Metrics(found) => metrics(found),
    }
}

fn metrics(of: &Metrics) -> bool {
    match of {
        Metrics::Series(series) => pipeline(&series.pipeline),
        Metrics::Compare(compare) => {
            let divides = compare
                .selection
                .as_ref()
                .is_some_and(FieldExpr::may_divide_by_zero);
            divides || pipeline(&compare.pipeline)
        }
        Metrics::Rank { of, .. } | Metrics::Filter { of, .. } => metrics(of),
        Metrics::Math { lhs, rhs, .. } => metrics(lhs) || metrics(rhs),
        Metrics::Number(_) => false,
    }
}

/// An operator behind `by(..)`, a division, or anything refused within.
fn pipeline(of: &Pipeline) -> bool {
    let mut grouped = false;
    of.stages.iter().any(|stage| match stage {
        Stage::Group(expr) => {
            grouped = true;
            expr.may_divide_by_zero()
        }
        Stage::Spansets(SpansetExpr::Filter(expr)) => divides(expr.as_deref()),
        Stage::Spansets(expr) => grouped || spansets(expr),
        Stage::Filter(ScalarFilter { lhs, rhs, .. }) => scalar(lhs) || scalar(rhs),
        Stage::Coalesce | Stage::Select(_) => false,
    })
}

fn spansets(of: &SpansetExpr) -> bool {
    match of {
        SpansetExpr::Filter(expr) => divides(expr.as_deref()),
        SpansetExpr::Pipeline(inner) => {
            inner.stages.iter().any(|s| matches!(s, Stage::Group(_))) || pipeline(inner)
        }
        SpansetExpr::Op { lhs, rhs, .. } => spansets(lhs) || spansets(rhs),
    }
}

fn scalar(of: &Scalar) -> bool {
    match of {
        Scalar::Number(_) => false,
        Scalar::Aggregate { expr, .. } => divides(expr.as_deref()),
        Scalar::Pipeline {
            pipeline: inner,
            scalar: of,
        } => pipeline(inner) || scalar(of),
        Scalar::Op { op, lhs, rhs } => {
            matches!(op, ScalarOp::Div | ScalarOp::Mod) || scalar(lhs) || scalar(rhs)
        }
    }
}

fn divides(expr: Option<&FieldExpr>) -> bool {
    expr.is_some_and(FieldExpr::may_divide_by_zero)
}
