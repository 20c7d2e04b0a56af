//! What can go wrong while a query runs. Not for its text (see [`crate::traceql::ParseError`]).

use crate::promql::eval::{Budget, BudgetExceeded, OutOfMemory};

/// An error of evaluation. It fails the one query only.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A spanset operator behind `by(..)`.
    #[error("spanset operators are not supported for multiple spansets per trace. consider using coalesce()")]
    ManySpansets,
    /// The query is of the other kind: series asked of a search, or traces of a metrics query.
    #[error("{0}")]
    WrongKind(&'static str),
    /// A pattern that compiles to too much.
    #[error("invalid regex: {0}")]
    Pattern(String),
    /// More memory at once than the query, or all queries together, may have.
    #[error(transparent)]
    OutOfMemory(#[from] OutOfMemory),
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

/// Asks the caller whether to go on.
pub(super) fn check(budget: &Budget<'_>) -> Result<(), EvalError> {
    match (budget.interrupted)() {
        None => Ok(()),
        Some(BudgetExceeded::Timeout) => Err(EvalError::Timeout),
        Some(BudgetExceeded::Canceled) => Err(EvalError::Canceled),
    }
}
