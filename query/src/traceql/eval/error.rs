//! What can go wrong while a query runs. Not for its text (see [`crate::traceql::ParseError`]).

use crate::promql::eval::{Budget, BudgetExceeded, OutOfMemory};

/// An error of evaluation. It fails the one query only.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A trace that the query cannot be answered for.
    #[error(transparent)]
    Refused(#[from] Refusal),
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

/// Why a query is refused for a trace. A search is refused when that trace is among those to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Refusal {
    /// A spanset operator behind `by(..)`.
    #[error("spanset operators are not supported for multiple spansets per trace. consider using coalesce()")]
    ManySpansets,
    /// Whole numbers of a span, divided by zero.
    #[error("integer division by zero")]
    DivisionByZero,
}

/// Asks the caller whether to go on.
pub(super) fn check(budget: &Budget<'_>) -> Result<(), EvalError> {
    match (budget.interrupted)() {
        None => Ok(()),
        Some(BudgetExceeded::Timeout) => Err(EvalError::Timeout),
        Some(BudgetExceeded::Canceled) => Err(EvalError::Canceled),
    }
}
