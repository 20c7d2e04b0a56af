//! The syntax tree of a TraceQL query. Not for how it is written (see `printer`) nor for what it answers.

mod field;
mod metrics;
mod operator;
mod statics;

pub use field::{Attribute, FieldExpr, Intrinsic, Scope};
pub use metrics::{Compare, Function, MathOp, Metrics, Rank, Series};
pub use operator::{Aggregator, BinaryOp, Comparison, LogicOp, Relation, ScalarOp, SpansetOp, UnaryOp};
pub(crate) use statics::Type;
pub use statics::{Kind, Static, Status};

/// A whole query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What it asks.
    pub body: Body,
    /// What stands behind `with`, in the order of the text.
    pub hints: Vec<Hint>,
}

/// The two kinds of queries.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// It answers traces with their spans.
    Search(Pipeline),
    /// It answers time series.
    Metrics(Metrics),
}

/// `name = value` behind `with`.
#[derive(Debug, Clone, PartialEq)]
pub struct Hint {
    /// Its name, of whatever meaning.
    pub name: String,
    /// Its value.
    pub value: Static,
}

/// Stages joined by `|`; at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// In the order of the text.
    pub stages: Vec<Stage>,
}

/// A stage of a pipeline: spansets of one trace in, spansets out.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// Keeps spans.
    Spansets(SpansetExpr),
    /// `by(..)`: splits by the value of an expression.
    Group(FieldExpr),
    /// `coalesce()`: joins to one spanset.
    Coalesce,
    /// `select(..)`: attributes to answer.
    Select(Vec<Attribute>),
    /// Keeps spansets by their aggregates.
    Filter(ScalarFilter),
}

/// Which spans to keep.
#[derive(Debug, Clone, PartialEq)]
pub enum SpansetExpr {
    /// `{ .. }`; nothing inside keeps every span.
    Filter(Option<Box<FieldExpr>>),
    /// Two sets in a relation.
    Op {
        /// The relation.
        op: SpansetOp,
        /// Left side.
        lhs: Box<SpansetExpr>,
        /// Right side.
        rhs: Box<SpansetExpr>,
    },
    /// A pipeline in parentheses, of anything but a single [`Stage::Spansets`].
    Pipeline(Box<Pipeline>),
}

/// `aggregate op aggregate`, one side of which may be a number.
#[derive(Debug, Clone, PartialEq)]
pub struct ScalarFilter {
    /// How they are compared.
    pub op: Comparison,
    /// Left side.
    pub lhs: Scalar,
    /// Right side.
    pub rhs: Scalar,
}

/// A number per spanset.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// An integer, a float or a duration.
    Number(Static),
    /// An aggregate over the spans of a spanset; only `count()` has no expression.
    Aggregate {
        /// The function.
        op: Aggregator,
        /// What it is taken of.
        expr: Option<Box<FieldExpr>>,
    },
    /// `(pipeline | aggregate)`: a number per trace.
    Pipeline {
        /// Whose spans.
        pipeline: Pipeline,
        /// The number.
        scalar: Box<Scalar>,
    },
    /// Arithmetic.
    Op {
        /// The operator.
        op: ScalarOp,
        /// Left side.
        lhs: Box<Scalar>,
        /// Right side.
        rhs: Box<Scalar>,
    },
}

impl Scalar {
    /// True when it depends on spans.
    pub fn has_aggregate(&self) -> bool {
        match self {
            Scalar::Number(_) => false,
            Scalar::Aggregate { .. } | Scalar::Pipeline { .. } => true,
            Scalar::Op { lhs, rhs, .. } => lhs.has_aggregate() || rhs.has_aggregate(),
        }
    }
}
