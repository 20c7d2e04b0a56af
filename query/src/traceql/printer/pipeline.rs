//! How pipelines and series are written. Not for what stands in braces.

use std::fmt::{self, Display, Formatter};

use super::{
    Compare, Function, Metrics, Pipeline, Scalar, ScalarFilter, Series, SpansetExpr, Stage, comma_separated,
};

impl Display for Pipeline {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (i, stage) in self.stages.iter().enumerate() {
            if i > 0 {
                f.write_str(" | ")?;
            }
            stage.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Stage::Spansets(expr) => expr.fmt(f),
            Stage::Group(expr) => write!(f, "by({expr})"),
            Stage::Coalesce => f.write_str("coalesce()"),
            Stage::Select(attributes) => {
                f.write_str("select(")?;
                comma_separated(attributes, f)?;
                f.write_str(")")
            }
            Stage::Filter(filter) => filter.fmt(f),
        }
    }
}

impl Display for SpansetExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            SpansetExpr::Filter(None) => f.write_str("{ }"),
            SpansetExpr::Filter(Some(expr)) => write!(f, "{{ {expr} }}"),
            SpansetExpr::Pipeline(pipeline) => write!(f, "({pipeline})"),
            SpansetExpr::Op { op, lhs, rhs } => {
                side(lhs, f)?;
                write!(f, " {} ", op.text())?;
                side(rhs, f)
            }
        }
    }
}

/// Operators in the place of operands stand in parentheses.
fn side(expr: &SpansetExpr, f: &mut Formatter<'_>) -> fmt::Result {
    match expr {
        SpansetExpr::Op { .. } => write!(f, "({expr})"),
        _ => expr.fmt(f),
    }
}

impl Display for ScalarFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.lhs, self.op.text(), self.rhs)
    }
}

impl Display for Scalar {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Number(value) => value.fmt(f),
            Scalar::Aggregate { op, expr: None } => write!(f, "{}()", op.text()),
            Scalar::Aggregate { op, expr: Some(expr) } => write!(f, "{}({expr})", op.text()),
            Scalar::Pipeline { pipeline, scalar } => write!(f, "({pipeline} | {scalar})"),
            Scalar::Op { op, lhs, rhs } => write!(f, "({lhs} {} {rhs})", op.text()),
        }
    }
}

impl Display for Metrics {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Metrics::Series(series) => series.fmt(f),
            Metrics::Compare(compare) => compare.fmt(f),
            Metrics::Number(scalar) => scalar.fmt(f),
            Metrics::Rank { of, rank, limit } => {
                staged(of, f)?;
                write!(f, " | {}({limit})", rank.text())
            }
            Metrics::Filter { of, op, with } => {
                staged(of, f)?;
                write!(f, " {} {with}", op.text())
            }
            Metrics::Math { op, lhs, rhs } => {
                math_side(lhs, f)?;
                write!(f, " {} ", op.text())?;
                math_side(rhs, f)
            }
        }
    }
}

/// What a second stage follows.
fn staged(of: &Metrics, f: &mut Formatter<'_>) -> fmt::Result {
    match of {
        Metrics::Math { .. } => write!(f, "({of})"),
        _ => of.fmt(f),
    }
}

fn math_side(of: &Metrics, f: &mut Formatter<'_>) -> fmt::Result {
    match of {
        Metrics::Number(_) => of.fmt(f),
        _ => write!(f, "({of})"),
    }
}

impl Display for Series {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} | {}(", self.pipeline, self.function.name())?;
        if let Some(attribute) = self.function.attribute() {
            attribute.fmt(f)?;
        }
        if let Function::Quantile(_, quantiles) = &self.function {
            for q in quantiles {
                write!(f, ", {q}")?;
            }
        }
        f.write_str(")")?;
        if self.by.is_empty() {
            return Ok(());
        }
        f.write_str(" by(")?;
        comma_separated(&self.by, f)?;
        f.write_str(")")
    }
}

impl Display for Compare {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} | compare(", self.pipeline)?;
        match &self.selection {
            Some(expr) => write!(f, "{{ {expr} }}")?,
            None => f.write_str("{ }")?,
        }
        write!(f, ", {}", self.top)?;
        if let Some((start, end)) = self.window {
            write!(f, ", {start}, {end}")?;
        }
        f.write_str(")")
    }
}
