//! Expressions that give numbers.

use super::{Filter, LogExpr};
use crate::promql::ast::{BinaryOp, VectorMatching};

/// An expression that gives numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Metric {
    /// `rate({..}[5m])` and the like.
    Range(Box<RangeAggregation>),
    /// `sum by (..) (..)` and the like.
    Vector(Box<VectorAggregation>),
    /// Two expressions.
    Binary(Box<Binary>),
    /// `label_replace(..)`.
    LabelReplace(Box<LabelReplace>),
    /// A number.
    Number(f64),
    /// `vector(1)`.
    VectorOf(f64),
}

/// Lines of a time.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRange {
    /// Which.
    pub log: LogExpr,
    /// What of a line is a number; none counts lines.
    pub unwrap: Option<Unwrap>,
    /// Length of the window in nanoseconds.
    pub range: i64,
    /// How much earlier, in nanoseconds.
    pub offset: i64,
}

/// `| unwrap ...`.
#[derive(Debug, Clone, PartialEq)]
pub struct Unwrap {
    /// The label.
    pub label: String,
    /// How it is read.
    pub conversion: Conversion,
    /// Conditions behind it.
    pub filters: Vec<Filter>,
}

/// How an unwrapped label is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Conversion {
    /// A number.
    None,
    /// `bytes(..)`
    Bytes,
    /// `duration(..)`, in seconds.
    Duration,
    /// `duration_seconds(..)`
    DurationSeconds,
}

impl Conversion {
    /// The function's name, if it is one.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Conversion::None => None,
            Conversion::Bytes => Some("bytes"),
            Conversion::Duration => Some("duration"),
            Conversion::DurationSeconds => Some("duration_seconds"),
        }
    }
}

/// A function of windows.
#[derive(Debug, Clone, PartialEq)]
pub struct RangeAggregation {
    /// Which.
    pub op: RangeOp,
    /// The quantile.
    pub param: Option<f64>,
    /// Of what.
    pub range: LogRange,
    /// Labels of the answer.
    pub grouping: Option<Grouping>,
}

/// `by (..)` or `without (..)`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grouping {
    /// All labels but these.
    pub without: bool,
    /// In order of the text.
    pub labels: Vec<String>,
}

/// An aggregation of series.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorAggregation {
    /// Which.
    pub op: VectorOp,
    /// How many, for those that choose.
    pub param: i64,
    /// Labels of the answer.
    pub grouping: Option<Grouping>,
    /// Of what.
    pub inner: Metric,
}

/// Two expressions and what joins them.
#[derive(Debug, Clone, PartialEq)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOp,
    /// Left of it.
    pub left: Metric,
    /// Right of it.
    pub right: Metric,
    /// Comparisons answer 0 or 1.
    pub return_bool: bool,
    /// Which series go together.
    pub matching: VectorMatching,
    /// `on` or `ignoring` was written.
    pub has_matching: bool,
}

/// `label_replace(inner, "dst", "replacement", "src", "regex")`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Replacement {
    /// Label that gets the value.
    pub dst: String,
    /// The value, with references to groups.
    pub replacement: String,
    /// Label that is matched.
    pub src: String,
    /// Anchored expression.
    pub regex: String,
}

/// `label_replace(..)`.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelReplace {
    /// Of what.
    pub inner: Metric,
    /// How.
    pub replacement: Replacement,
}

macro_rules! operations {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names are the functions")]
        pub enum $name { $($variant),* }

        impl $name {
            /// Every one.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// The name in a query.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }
        }
    };
}

operations! {
    /// Functions of windows.
    RangeOp {
        Rate = "rate",
        RateCounter = "rate_counter",
        CountOverTime = "count_over_time",
        BytesRate = "bytes_rate",
        BytesOverTime = "bytes_over_time",
        AbsentOverTime = "absent_over_time",
        SumOverTime = "sum_over_time",
        AvgOverTime = "avg_over_time",
        MaxOverTime = "max_over_time",
        MinOverTime = "min_over_time",
        StdvarOverTime = "stdvar_over_time",
        StddevOverTime = "stddev_over_time",
        QuantileOverTime = "quantile_over_time",
        FirstOverTime = "first_over_time",
        LastOverTime = "last_over_time",
    }
}

operations! {
    /// Aggregations of series.
    VectorOp {
        Sum = "sum",
        Avg = "avg",
        Count = "count",
        Max = "max",
        Min = "min",
        Stddev = "stddev",
        Stdvar = "stdvar",
        Bottomk = "bottomk",
        Topk = "topk",
        ApproxTopk = "approx_topk",
        Sort = "sort",
        SortDesc = "sort_desc",
    }
}

impl VectorOp {
    /// True for those that choose so many series.
    pub fn takes_count(self) -> bool {
        matches!(self, VectorOp::Bottomk | VectorOp::Topk | VectorOp::ApproxTopk)
    }
}
