//! The metrics part of a query: what is counted over time, and what is done with the series. Not for searches.

use super::field::{Attribute, FieldExpr};
use super::operator::Comparison;
use super::{Pipeline, Scalar};

/// A set of time series.
#[derive(Debug, Clone, PartialEq)]
pub enum Metrics {
    /// A function over the spans that a pipeline keeps.
    Series(Box<Series>),
    /// `compare(..)` over the spans that a pipeline keeps.
    Compare(Box<Compare>),
    /// `topk` or `bottomk` of each step.
    Rank {
        /// Of these series.
        of: Box<Metrics>,
        /// Which end.
        rank: Rank,
        /// How many series to keep at each step.
        limit: i64,
    },
    /// Samples that compare with a number.
    Filter {
        /// Of these series.
        of: Box<Metrics>,
        /// How they are compared.
        op: Comparison,
        /// With what: a number, or arithmetic of numbers.
        with: Scalar,
    },
    /// Arithmetic of two sets of series.
    Math {
        /// The operator.
        op: MathOp,
        /// Left side.
        lhs: Box<Metrics>,
        /// Right side.
        rhs: Box<Metrics>,
    },
    /// A number in the place of series.
    Number(Scalar),
}

/// A metrics function with its grouping.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Whose spans.
    pub pipeline: Pipeline,
    /// The function.
    pub function: Function,
    /// Names of the labels; none is one series.
    pub by: Vec<Attribute>,
}

/// What is taken of the spans of each step.
#[derive(Debug, Clone, PartialEq)]
pub enum Function {
    /// Spans a second.
    Rate,
    /// Spans.
    Count,
    /// Smallest value.
    Min(Attribute),
    /// Largest value.
    Max(Attribute),
    /// Average value.
    Avg(Attribute),
    /// Sum of the values.
    Sum(Attribute),
    /// Quantiles of the values; at least one, each from 0 to 1.
    Quantile(Attribute, Vec<f64>),
    /// Spans by power-of-two buckets of the value.
    Histogram(Attribute),
}

impl Function {
    /// Its name, which is that of the series where nothing groups them.
    pub fn name(&self) -> &'static str {
        match self {
            Function::Rate => "rate",
            Function::Count => "count_over_time",
            Function::Min(_) => "min_over_time",
            Function::Max(_) => "max_over_time",
            Function::Avg(_) => "avg_over_time",
            Function::Sum(_) => "sum_over_time",
            Function::Quantile(..) => "quantile_over_time",
            Function::Histogram(_) => "histogram_over_time",
        }
    }

    /// What it is taken of.
    pub fn attribute(&self) -> Option<&Attribute> {
        match self {
            Function::Rate | Function::Count => None,
            Function::Min(a) | Function::Max(a) | Function::Avg(a) | Function::Sum(a) => Some(a),
            Function::Quantile(a, _) | Function::Histogram(a) => Some(a),
        }
    }
}

/// `compare({selection}, top, start, end)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Compare {
    /// Whose spans.
    pub pipeline: Pipeline,
    /// Which of them are the selection; nothing inside selects all.
    pub selection: Option<FieldExpr>,
    /// Values shown per attribute.
    pub top: i64,
    /// The window of the selection in nanoseconds since 1970, when there is one.
    pub window: Option<(i64, i64)>,
}

/// Which end of the series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// The largest.
    Top,
    /// The smallest.
    Bottom,
}

impl Rank {
    /// How it is written.
    pub fn text(self) -> &'static str {
        match self {
            Rank::Top => "topk",
            Rank::Bottom => "bottomk",
        }
    }
}

/// Arithmetic of series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MathOp {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Quotient.
    Div,
}

impl MathOp {
    /// How it is written.
    pub fn text(self) -> &'static str {
        match self {
            MathOp::Add => "+",
            MathOp::Sub => "-",
            MathOp::Mul => "*",
            MathOp::Div => "/",
        }
    }

    /// The operator of a text.
    pub fn of(text: &str) -> Option<MathOp> {
        match text {
            "+" => Some(MathOp::Add),
            "-" => Some(MathOp::Sub),
            "*" => Some(MathOp::Mul),
            "/" => Some(MathOp::Div),
            _ => None,
        }
    }

    /// The result for two numbers; a division by zero has none.
    pub fn apply(self, lhs: f64, rhs: f64) -> f64 {
        match self {
            MathOp::Add => lhs + rhs,
            MathOp::Sub => lhs - rhs,
            MathOp::Mul => lhs * rhs,
            MathOp::Div if rhs == 0.0 => f64::NAN,
            MathOp::Div => lhs / rhs,
        }
    }
}
