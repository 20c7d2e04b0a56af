//! What a LogQL text says: selectors, stages and metric expressions. Not for what they compute.

pub mod filter;
pub mod metric;
pub mod tail;

use kymo_engine::metrics::matcher::Matcher;

pub use filter::{Bound, Compare, Filter, NameFilter};
pub use metric::{
    Binary, Conversion, Grouping, LabelReplace, LogRange, Metric, RangeAggregation, RangeOp, Unwrap,
    VectorAggregation, VectorOp,
};
pub use tail::{Aggregate, AggregateOp, Tail};

/// A query.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// Asks for lines.
    Log(LogExpr),
    /// Asks for numbers.
    Metric(Metric),
}

/// Streams and what their lines go through.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogExpr {
    /// Matchers of streams.
    pub selector: Vec<Matcher>,
    /// The query has no selector: it is of all streams. A selector without matchers is not the same.
    pub anywhere: bool,
    /// In order.
    pub stages: Vec<Stage>,
    /// What becomes of the entries that pass, in order. Not of Loki's.
    pub tail: Vec<Tail>,
}

/// One step of a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// `|= "text"` and the like.
    Line(LineFilter),
    /// `| json` with the paths asked for, none for all: name of the label and path.
    Json(Vec<(String, String)>),
    /// `| logfmt`.
    Logfmt(LogfmtParser),
    /// `| regexp "..."`.
    Regexp(String),
    /// `| pattern "..."`.
    Pattern(String),
    /// `| unpack`.
    Unpack,
    /// `| level="error"` and the like.
    Filter(Filter),
    /// `| line_format "..."`.
    LineFormat(String),
    /// `| label_format a=b, c="..."`.
    LabelFormat(Vec<(String, LabelFormat)>),
    /// `| decolorize`.
    Decolorize,
    /// `| drop ...`: labels by name or by name and value.
    Drop(Vec<NameFilter>),
    /// `| keep ...`.
    Keep(Vec<NameFilter>),
    /// `| fields ...`: these labels only, which also make the line. Not of Loki's.
    Fields(Vec<String>),
}

/// `| logfmt`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogfmtParser {
    /// Stops at what is no pair.
    pub strict: bool,
    /// Takes keys without a value.
    pub keep_empty: bool,
    /// Name of the label and key, none for all.
    pub fields: Vec<(String, String)>,
}

/// Where a label gets its value from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelFormat {
    /// Another label, which goes away.
    Rename(String),
    /// A template.
    Template(String),
}

/// How a line is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineOp {
    /// `|=`
    Contains,
    /// `!=`
    NotContains,
    /// `|~`
    Matches,
    /// `!~`
    NotMatches,
    /// `|>`
    Pattern,
    /// `!>`
    NotPattern,
}

impl LineOp {
    /// The operator's text.
    pub fn as_str(self) -> &'static str {
        match self {
            LineOp::Contains => "|=",
            LineOp::NotContains => "!=",
            LineOp::Matches => "|~",
            LineOp::NotMatches => "!~",
            LineOp::Pattern => "|>",
            LineOp::NotPattern => "!>",
        }
    }

    /// True for operators that lines pass which are not like the text.
    pub fn is_negative(self) -> bool {
        matches!(
            self,
            LineOp::NotContains | LineOp::NotMatches | LineOp::NotPattern
        )
    }
}

/// A condition of lines. Of several texts one is enough; with a negative operator none may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFilter {
    /// How.
    pub op: LineOp,
    /// With what; not empty.
    pub any: Vec<LineText>,
}

/// What a line is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineText {
    /// A text, an expression or a pattern.
    Text(String),
    /// `ip("...")`.
    Ip(String),
}
