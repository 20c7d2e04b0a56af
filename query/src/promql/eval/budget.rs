//! What a query may use and what it has used. Not for time itself: the caller's check knows the clock.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::EvalError;
use super::memory::Account;

/// Why a query must stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetExceeded {
    /// The deadline has passed.
    Timeout,
    /// The client has gone, or the server stops.
    Canceled,
}

/// Runs tasks `0..n` in any order and on any threads, and returns when all are done.
pub type Executor<'a> = dyn Fn(usize, &(dyn Fn(usize) + Sync)) + Sync + 'a;

/// The limits of one query, and what it may run on.
pub struct Budget<'a> {
    /// Most samples held at once. Prometheus' default is 50,000,000.
    pub max_samples: usize,
    /// The memory that the query holds: what it selected, samples being decoded, and results of expressions.
    pub memory: Arc<Account>,
    /// Asked regularly; an answer ends the query.
    pub interrupted: &'a (dyn Fn() -> Option<BudgetExceeded> + Sync),
    /// Does the work on many series. The default does it here, one task after the other.
    pub executor: &'a Executor<'a>,
}

impl Default for Budget<'_> {
    fn default() -> Self {
        Budget {
            max_samples: 50_000_000,
            memory: Arc::default(),
            interrupted: &|| None,
            executor: &|n, task| (0..n).for_each(task),
        }
    }
}

impl Budget<'_> {
    /// Asks the caller whether to go on.
    pub(super) fn check(&self) -> Result<(), EvalError> {
        match (self.interrupted)() {
            None => Ok(()),
            Some(BudgetExceeded::Timeout) => Err(EvalError::Timeout),
            Some(BudgetExceeded::Canceled) => Err(EvalError::Canceled),
        }
    }

    /// Takes account of bytes, from any thread of the query. Who reserves releases, or leaves it to the end of the query.
    pub(super) fn reserve(&self, bytes: usize) -> Result<(), EvalError> {
        Ok(self.memory.reserve(bytes)?)
    }

    /// Gives bytes of [`Budget::reserve`] back.
    pub(super) fn release(&self, bytes: usize) {
        self.memory.release(bytes);
    }
}

/// What a meter may keep reserved beyond what is held, so that a result replaces its operands without a detour.
const METER_SPARE: usize = 64 << 10;

/// What a query has used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Samples looked at, those in overlapping windows again for each step.
    pub total_queryable_samples: u64,
    /// Samples decoded from the store.
    pub samples_read: u64,
    /// Most samples held at once.
    pub peak_samples: u64,
    /// `total_queryable_samples` by step of the query: milliseconds since 1970 and count.
    pub per_step: Vec<(i64, u64)>,
}

/// Counts what a query holds.
pub(super) struct Meter<'a> {
    budget: &'a Budget<'a>,
    samples: Cell<usize>,
    bytes: Cell<usize>,
    /// Bytes of the query's account that are this meter's, at least `bytes` after each [`Meter::hold`].
    reserved: Cell<usize>,
    peak: Cell<usize>,
    pub(super) read: Cell<u64>,
    pub(super) steps: RefCell<Vec<u64>>,
    ticks: Cell<u32>,
}

/// A level of the meter to return to.
#[derive(Clone, Copy)]
pub(super) struct Level(usize, usize);

impl<'a> Meter<'a> {
    pub(super) fn new(budget: &'a Budget<'a>, steps: usize) -> Meter<'a> {
        Meter {
            budget,
            samples: Cell::new(0),
            bytes: Cell::new(0),
            reserved: Cell::new(0),
            peak: Cell::new(0),
            read: Cell::new(0),
            steps: RefCell::new(vec![0; steps]),
            ticks: Cell::new(0),
        }
    }

    pub(super) fn level(&self) -> Level {
        Level(self.samples.get(), self.bytes.get())
    }

    /// Forgets what has been held since `level` was taken.
    pub(super) fn reset(&self, level: Level) {
        self.samples.set(level.0);
        self.bytes.set(level.1);
    }

    /// Takes account of samples and bytes that stay in memory.
    pub(super) fn hold(&self, samples: usize, bytes: usize) -> Result<(), EvalError> {
        self.peek(samples)?;
        self.samples.set(self.samples.get() + samples);
        self.bytes.set(self.bytes.get().saturating_add(bytes));
        self.settle()
    }

    /// Brings the query's account to what is held. What [`Meter::reset`] forgot stays reserved until here, where the result
    /// that takes its place is known.
    fn settle(&self) -> Result<(), EvalError> {
        let (held, reserved) = (self.bytes.get(), self.reserved.get());
        if held > reserved {
            self.budget.reserve(held - reserved)?;
        } else if reserved - held > METER_SPARE {
            self.budget.release(reserved - held);
        } else {
            return Ok(());
        }
        self.reserved.set(held);
        Ok(())
    }

    /// Takes account of samples that are looked at and let go.
    pub(super) fn peek(&self, samples: usize) -> Result<(), EvalError> {
        let now = self.samples.get().saturating_add(samples);
        self.peak.set(self.peak.get().max(now));
        if now > self.budget.max_samples {
            Err(EvalError::TooManySamples)
        } else {
            Ok(())
        }
    }

    /// To be called about once per series: asks the caller now and then whether to go on.
    pub(super) fn tick(&self, work: usize) -> Result<(), EvalError> {
        let ticks = self
            .ticks
            .get()
            .saturating_add(u32::try_from(work).unwrap_or(u32::MAX))
            .saturating_add(64);
        if ticks < 16_384 {
            self.ticks.set(ticks);
            return Ok(());
        }
        self.ticks.set(0);
        self.budget.check()
    }

    /// Samples held now.
    pub(super) fn held(&self) -> usize {
        self.samples.get()
    }

    pub(super) fn peak(&self) -> u64 {
        self.peak.get() as u64
    }
}
