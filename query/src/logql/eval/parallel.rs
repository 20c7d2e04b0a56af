//! Work on many parts at once. Not for what is done with a part.

use std::sync::{Mutex, PoisonError};

use super::EvalError;
use crate::promql::eval::{Budget, BudgetExceeded};

/// Asks the caller whether to go on.
pub(crate) fn check(budget: &Budget<'_>) -> Result<(), EvalError> {
    match (budget.interrupted)() {
        None => Ok(()),
        Some(BudgetExceeded::Timeout) => Err(EvalError::Timeout),
        Some(BudgetExceeded::Canceled) => Err(EvalError::Canceled),
    }
}

/// What a task gives for each item, in the order of the items.
pub(crate) fn in_parallel<I: Sync, T: Send>(
    items: &[I],
    budget: &Budget<'_>,
    task: impl Fn(&I) -> Result<T, EvalError> + Sync,
) -> Vec<Result<T, EvalError>> {
    let slots: Vec<Mutex<Option<Result<T, EvalError>>>> = items.iter().map(|_| Mutex::new(None)).collect();
    (budget.executor)(items.len(), &|number| {
        let result = task(&items[number]);
        *slots[number].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
    });
    let result = |slot: Mutex<Option<_>>| slot.into_inner().unwrap_or_else(PoisonError::into_inner);
    slots
        .into_iter()
        // An executor that leaves out a task has given up on the query.
        .map(|slot| result(slot).unwrap_or(Err(EvalError::Canceled)))
        .collect()
}
