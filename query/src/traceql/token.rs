//! The tokens of TraceQL. Not for their grammar.

/// What a token is. Keywords and operators are symbols that carry their own text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    End,
    Error,
    Integer,
    Float,
    Duration,
    String,
    Identifier,
    /// Closes the name of an attribute.
    EndAttribute,
    Symbol(&'static str),
}

impl Kind {
    /// How messages name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::End => "$end",
            Kind::Error => "$unk",
            Kind::Integer => "INTEGER",
            Kind::Float => "FLOAT",
            Kind::Duration => "DURATION",
            Kind::String => "STRING",
            Kind::Identifier => "IDENTIFIER",
            Kind::EndAttribute => "END_ATTRIBUTE",
            Kind::Symbol(text) => text,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Payload {
    None,
    Integer(i64),
    Float(f64),
    /// Nanoseconds.
    Duration(i64),
    /// The value of a string, the name of an attribute, or a word that is no keyword.
    Text(String),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) payload: Payload,
    /// Where messages place it: the start of the word it was found in, with line 0 when more characters were read behind it.
    pub(super) line: usize,
    pub(super) column: usize,
    /// Bytes of the text.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Words with a meaning of their own, and the scopes that open the name of an attribute or of an intrinsic.
pub(super) const WORDS: [&str; 63] = [
    "true",
    "false",
    "nil",
    "ok",
    "error",
    "unset",
    "unspecified",
    "internal",
    "server",
    "client",
    "producer",
    "consumer",
    "duration",
    "childCount",
    "name",
    "status",
    "statusMessage",
    "kind",
    "rootName",
    "rootServiceName",
    "rootService",
    "traceDuration",
    "nestedSetLeft",
    "nestedSetRight",
    "nestedSetParent",
    "id",
    "traceID",
    "spanID",
    "parentID",
    "timeSinceStart",
    "version",
    "parent",
    "parent.",
    "resource.",
    "span.",
    "event.",
    "link.",
    "instrumentation.",
    "trace:",
    "span:",
    "event:",
    "link:",
    "instrumentation:",
    "count",
    "avg",
    "max",
    "min",
    "sum",
    "by",
    "coalesce",
    "select",
    "rate",
    "count_over_time",
    "min_over_time",
    "max_over_time",
    "avg_over_time",
    "sum_over_time",
    "quantile_over_time",
    "histogram_over_time",
    "compare",
    "topk",
    "bottomk",
    "with",
];

/// Operators and brackets. Every beginning of a longer one, beyond its first character, is one itself.
pub(super) const SIGNS: [&str; 36] = [
    "{", "}", "(", ")", ",", ".", "=", "!=", "<", "<=", ">", ">=", "=~", "!~", "+", "-", "*", "/", "%", "^",
    "!", "&&", "|", "||", ">>", "<<", "~", "!>", "!<", "!>>", "!<<", "&>", "&<", "&>>", "&<<", "&~",
];

/// True for the signs and scopes behind which the name of an attribute follows.
pub(super) fn opens_attribute(symbol: &str) -> bool {
    matches!(
        symbol,
        "." | "parent." | "resource." | "span." | "event." | "link." | "instrumentation."
    )
}
