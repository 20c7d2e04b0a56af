//! What can go wrong while a query runs. Not for its text (see [`crate::promql::ParseError`]).

/// An error of evaluation. It fails the one query only; it displays in Prometheus' words.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The query asks for something that has no answer, such as ambiguous matching.
    #[error("{0}")]
    Execution(String),
    /// The query is wrong in a way that shows only with its times: a duration that is none.
    #[error("{0}")]
    Invalid(String),
    /// More samples at once than the budget allows.
    #[error("query processing would load too many samples into memory in query execution")]
    TooManySamples,
    /// More memory at once than the query, or all queries together, may have.
    #[error(transparent)]
    OutOfMemory(#[from] super::memory::OutOfMemory),
    /// The deadline has passed.
    #[error("query timed out in expression evaluation")]
    Timeout,
    /// The client has gone, or the server stops.
    #[error("query was canceled in expression evaluation")]
    Canceled,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] kymo_engine::Error),
}

impl EvalError {
    pub(super) fn execution(message: impl Into<String>) -> EvalError {
        EvalError::Execution(message.into())
    }

    /// Two elements of a vector with the same labels.
    pub(super) fn same_labels() -> EvalError {
        EvalError::execution("vector cannot contain metrics with the same labelset")
    }
}
