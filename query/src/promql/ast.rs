//! The syntax tree of PromQL. It is plain data with byte spans into the query's text.
//! Not for planning: durations that depend on the query's step stay expressions here.

use kymo_engine::metrics::Matcher;

use super::functions::Function;
use crate::lex::Span;

mod operator;
mod walk;

pub use operator::{AggregateOp, BinaryOp, DurationOp, UnaryOp};

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// `1.5`, `0x1f`, `1h30m`, also negative ones.
    Number(NumberLiteral),
    /// `"text"`.
    String(StringLiteral),
    /// `(expr)`.
    Paren(Box<ParenExpr>),
    /// `-expr`.
    Unary(Box<UnaryExpr>),
    /// `lhs op rhs`.
    Binary(Box<BinaryExpr>),
    /// `rate(...)`.
    Call(CallExpr),
    /// `sum by (job) (expr)`.
    Aggregate(Box<AggregateExpr>),
    /// `up{job="a"} offset 5m`.
    Vector(VectorSelector),
    /// `up[5m]`.
    Matrix(MatrixSelector),
    /// `expr[1h:5m]`.
    Subquery(Box<SubqueryExpr>),
}

/// The type of an expression's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// One number per step.
    Scalar,
    /// A text.
    String,
    /// Series with one sample each per step.
    Vector,
    /// Series with a range of samples.
    Matrix,
}

impl ValueType {
    /// The name in the JSON of the API: `vector`, `matrix`, ...
    pub fn name(self) -> &'static str {
        match self {
            ValueType::Scalar => "scalar",
            ValueType::String => "string",
            ValueType::Vector => "vector",
            ValueType::Matrix => "matrix",
        }
    }

    /// The name in messages: `instant vector`, `range vector`, ...
    pub fn documented(self) -> &'static str {
        match self {
            ValueType::Scalar => "scalar",
            ValueType::String => "string",
            ValueType::Vector => "instant vector",
            ValueType::Matrix => "range vector",
        }
    }
}

/// A number, written as such or as a duration in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberLiteral {
    /// The value; durations are seconds.
    pub value: f64,
    /// True when it was written as a duration.
    pub duration: bool,
    /// Where, with a folded sign.
    pub span: Span,
}

/// A text.
#[derive(Debug, Clone, PartialEq)]
pub struct StringLiteral {
    /// The value without quotes and escapes.
    pub value: String,
    /// Where, with the quotes.
    pub span: Span,
}

/// A parenthesised expression.
#[derive(Debug, Clone, PartialEq)]
pub struct ParenExpr {
    /// What is inside.
    pub expr: Expr,
    /// Where, with the parentheses.
    pub span: Span,
}

/// A sign before an expression that is no literal.
#[derive(Debug, Clone, PartialEq)]
pub struct UnaryExpr {
    /// The sign.
    pub op: UnaryOp,
    /// Its operand.
    pub expr: Expr,
    /// First byte of the sign.
    pub start: usize,
}

/// An operator between two expressions.
#[derive(Debug, Clone, PartialEq)]
pub struct BinaryExpr {
    /// The operator.
    pub op: BinaryOp,
    /// Left operand.
    pub lhs: Expr,
    /// Right operand.
    pub rhs: Expr,
    /// Comparison with `bool`: 0 or 1 instead of a filter.
    pub return_bool: bool,
    /// How series of two vectors are matched; `None` when an operand is a scalar.
    pub matching: Option<VectorMatching>,
}

/// How many series of each side may share a match group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cardinality {
    /// The default.
    OneToOne,
    /// `group_left`.
    ManyToOne,
    /// `group_right`.
    OneToMany,
    /// Set operators.
    ManyToMany,
}

impl Cardinality {
    /// The name in the JSON of the API, for example `one-to-one`.
    pub fn name(self) -> &'static str {
        match self {
            Cardinality::OneToOne => "one-to-one",
            Cardinality::ManyToOne => "many-to-one",
            Cardinality::OneToMany => "one-to-many",
            Cardinality::ManyToMany => "many-to-many",
        }
    }
}

/// The `on`, `ignoring`, `group_*` and `fill*` part of a binary expression.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorMatching {
    /// One or many on either side.
    pub card: Cardinality,
    /// The labels of `on` or `ignoring`.
    pub labels: Vec<String>,
    /// `on` rather than `ignoring`.
    pub on: bool,
    /// Labels that `group_left`/`group_right` copies from the one side.
    pub include: Vec<String>,
    /// Value for missing series of the left side.
    pub fill_left: Option<f64>,
    /// Value for missing series of the right side.
    pub fill_right: Option<f64>,
}

impl Default for VectorMatching {
    fn default() -> VectorMatching {
        VectorMatching {
            card: Cardinality::OneToOne,
            labels: Vec::new(),
            on: false,
            include: Vec::new(),
            fill_left: None,
            fill_right: None,
        }
    }
}

/// A function call.
#[derive(Debug, Clone, PartialEq)]
pub struct CallExpr {
    /// The function's signature.
    pub function: &'static Function,
    /// The arguments.
    pub args: Vec<Expr>,
    /// Where, from the name to the closing parenthesis.
    pub span: Span,
}

/// An aggregation.
#[derive(Debug, Clone, PartialEq)]
pub struct AggregateExpr {
    /// The aggregator.
    pub op: AggregateOp,
    /// The vector.
    pub expr: Expr,
    /// First argument of `topk`, `quantile`, `count_values`, ...
    pub param: Option<Expr>,
    /// The labels of `by` or `without`.
    pub grouping: Vec<String>,
    /// `without` rather than `by`.
    pub without: bool,
    /// Where.
    pub span: Span,
}

/// The time of the `@` modifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Milliseconds since 1970.
    Timestamp(i64),
    /// `start()`: the first step of the query.
    Start,
    /// `end()`: the last step of the query.
    End,
}

/// A length of time in a selector: known, or depending on the query.
#[derive(Debug, Clone, PartialEq)]
pub enum Duration {
    /// Milliseconds.
    Literal(i64),
    /// Arithmetic, `step()`, `range()`, ...
    Expr(Box<DurationExpr>),
}

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration::Literal(0);

    /// True for a literal of zero, that is for a missing modifier.
    pub fn is_zero(&self) -> bool {
        *self == Duration::ZERO
    }
}

/// Arithmetic on durations.
#[derive(Debug, Clone, PartialEq)]
pub enum DurationExpr {
    /// A number of seconds or a duration.
    Number(NumberLiteral),
    /// `step()`, `range()`.
    Query {
        /// Which of the two.
        op: DurationOp,
        /// Where.
        span: Span,
        /// In parentheses.
        wrapped: bool,
    },
    /// A sign.
    Unary {
        /// The sign.
        op: UnaryOp,
        /// Its operand.
        expr: Box<DurationExpr>,
        /// Where.
        span: Span,
        /// In parentheses.
        wrapped: bool,
    },
    /// `+ - * / % ^`, `min_of`, `max_of`.
    Binary {
        /// The operator.
        op: DurationOp,
        /// Left operand.
        lhs: Box<DurationExpr>,
        /// Right operand.
        rhs: Box<DurationExpr>,
        /// Where.
        span: Span,
        /// In parentheses.
        wrapped: bool,
    },
}

impl DurationExpr {
    /// Where in the text.
    pub fn span(&self) -> Span {
        match self {
            DurationExpr::Number(number) => number.span,
            DurationExpr::Query { span, .. }
            | DurationExpr::Unary { span, .. }
            | DurationExpr::Binary { span, .. } => *span,
        }
    }
}

/// An instant vector selector.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorSelector {
    /// The name before the braces; empty when there is none.
    pub name: String,
    /// All conditions, that of `name` last.
    pub matchers: Vec<Matcher>,
    /// The `offset` modifier, positive into the past.
    pub offset: Duration,
    /// The `@` modifier.
    pub at: Option<At>,
    /// `anchored`.
    pub anchored: bool,
    /// `smoothed`.
    pub smoothed: bool,
    /// Where; the modifiers of a range selector lie outside.
    pub span: Span,
}

/// A range vector selector. Its modifiers are those of the inner selector.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixSelector {
    /// The series and the modifiers.
    pub selector: VectorSelector,
    /// Length of the window.
    pub range: Duration,
    /// Where.
    pub span: Span,
}

/// A subquery.
#[derive(Debug, Clone, PartialEq)]
pub struct SubqueryExpr {
    /// What is evaluated.
    pub expr: Expr,
    /// Length of the window.
    pub range: Duration,
    /// Distance of the evaluations; `None` takes the query's default.
    pub step: Option<Duration>,
    /// The `offset` modifier.
    pub offset: Duration,
    /// The `@` modifier.
    pub at: Option<At>,
    /// One past the last byte.
    pub end: usize,
}
