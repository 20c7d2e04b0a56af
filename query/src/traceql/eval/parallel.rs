//! Parts of the store on several threads, with results in the order of the parts, so that threads make no difference to
//! answers. Not for what is computed of a part.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use super::super::options::Part;
use super::error::EvalError;
use crate::promql::eval::Budget;

/// What a task gives for each part, in the order of the parts.
pub(super) fn in_parallel<T: Send>(
    parts: &[&Part<'_>],
    budget: &Budget<'_>,
    task: impl Fn(&Part<'_>) -> Result<T, EvalError> + Sync,
) -> Vec<Result<T, EvalError>> {
    let slots: Vec<Mutex<Option<Result<T, EvalError>>>> = parts.iter().map(|_| Mutex::new(None)).collect();
    (budget.executor)(parts.len(), &|number| {
        let result = task(parts[number]);
        *lock(&slots[number]) = Some(result);
    });
    let result = |slot: Mutex<Option<_>>| slot.into_inner().unwrap_or_else(PoisonError::into_inner);
    slots
        .into_iter()
        .map(|slot| result(slot).unwrap_or(Err(EvalError::Canceled)))
        .collect()
}

/// Gives `take` what a task gives for each part, in the order of the parts, each as soon as it is there and those before it
/// are taken.
///
/// # Errors
/// The first in the order of the parts, of a task or of `take`.
pub(super) fn in_order<T: Send>(
    parts: &[&Part<'_>],
    budget: &Budget<'_>,
    task: impl Fn(&Part<'_>) -> Result<T, EvalError> + Sync,
    take: impl FnMut(T) -> Result<(), EvalError> + Send,
) -> Result<(), EvalError> {
    let slots: Vec<Mutex<Option<Result<T, EvalError>>>> = parts.iter().map(|_| Mutex::new(None)).collect();
    let taking = Mutex::new(Taking {
        next: 0,
        take,
        failed: None,
    });
    (budget.executor)(parts.len(), &|number| {
        let result = task(parts[number]);
        *lock(&slots[number]) = Some(result);
        // Who finds another taking leaves its own to that one, which looks again after it has let go.
        loop {
            let mut taking = match taking.try_lock() {
                Ok(taking) => taking,
                Err(TryLockError::Poisoned(taking)) => taking.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            taking.all_there(&slots);
            let next = taking.next;
            drop(taking);
            if slots.get(next).is_none_or(|slot| lock(slot).is_none()) {
                return;
            }
        }
    });
    let mut taking = taking.into_inner().unwrap_or_else(PoisonError::into_inner);
    taking.all_there(&slots);
    match taking.failed {
        Some(error) => Err(error),
        None if taking.next < slots.len() => Err(EvalError::Canceled),
        None => Ok(()),
    }
}

/// How far results have been taken.
struct Taking<F> {
    next: usize,
    take: F,
    failed: Option<EvalError>,
}

impl<F> Taking<F> {
    /// Takes results up to the first that is not there yet.
    fn all_there<T>(&mut self, slots: &[Mutex<Option<Result<T, EvalError>>>])
    where
        F: FnMut(T) -> Result<(), EvalError>,
    {
        while let Some(result) = slots.get(self.next).and_then(|slot| lock(slot).take()) {
            self.next += 1;
            if self.failed.is_none() {
                self.failed = result.and_then(&mut self.take).err();
            }
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
