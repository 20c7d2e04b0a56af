//! Why a query has no answer. Not for errors of its text.

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A line could not be read and nothing takes the error away.
    #[error(
        "pipeline error: '{error}' for series: '{series}'.\nUse a label filter to intentionally skip this error. (e.g | __error__!=\"{error}\").\nTo skip all potential errors you can match empty errors.(e.g __error__=\"\")\nThe label filter can also be specified after unwrap. (e.g | unwrap latency | __error__=\"\" )\n"
    )]
    Pipeline {
        /// Value of `__error__`.
        error: String,
        /// Labels of the line.
        series: String,
    },
    /// A stage cannot be made.
    #[error("{0}")]
    Stage(String),
    /// A query without a selector that has read more than such a one may.
    #[error(
        "the query would read too many bytes (query: {read} bytes, limit: {limit} bytes); consider adding more specific stream selectors or reduce the time range of the query"
    )]
    TooManyBytes {
        /// Bytes of lines read so far.
        read: u64,
        /// Bytes that may be read.
        limit: u64,
    },
    /// Series do not go together.
    #[error("{0}")]
    Matching(&'static str),
    /// Too many series.
    #[error(
        "maximum number of series ({0}) reached for a single query; consider reducing query cardinality by adding more specific stream selectors, reducing the time range, or aggregating results with functions like sum(), count() or topk()"
    )]
    TooManySeries(usize),
    /// A function that ranges do not have.
    #[error("{0} is only supported on instant queries")]
    InstantOnly(&'static str),
    /// More memory at once than the query, or all queries together, may have.
    #[error(transparent)]
    OutOfMemory(#[from] crate::promql::eval::OutOfMemory),
    /// The deadline has passed.
    #[error(
        "request timed out, decrease the duration of the request or add more label matchers (prefer exact match over regex match) to reduce the amount of data processed"
    )]
    Timeout,
    /// The client has gone, or the server stops.
    #[error("the request was cancelled by the client")]
    Canceled,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] kymo_engine::Error),
}
