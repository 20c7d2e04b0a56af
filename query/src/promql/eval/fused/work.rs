//! Goes through the series of a set in batches: several workers compute the steps of neighbouring series, each with a reader
//! of its own, and the results are handed on in the order of the series. Not for what becomes of the results.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use kymo_engine::labels::{Labels, METRIC_NAME};
use kymo_engine::metrics::scan::Read;
use kymo_engine::metrics::{Grouping, Identity, Samples, SeriesSet, SetReader, is_stale};

use super::leaf::Leaf;
use super::windows::{KnownWindows, Windows};
use crate::promql::eval::EvalError;
use crate::promql::eval::budget::Budget;
use crate::promql::eval::context::Context;
use crate::promql::eval::grid::Grid;
use crate::promql::eval::series::present;
use crate::promql::eval::task::Counts;

/// Workers of a set that is worth more than one.
const WORKERS: usize = 4;
/// Series times steps that one worker is enough for, where a series costs as much as so many steps.
const LITTLE: usize = 12_288;
const SERIES_COST: usize = 32;
/// Most series in a batch, and most values that they may give.
const BATCH_SERIES: usize = 4096;
const BATCH_VALUES: usize = 1 << 20;
/// Samples and steps between two looks at the deadline.
const TICK: usize = 1 << 16;

/// What is wanted of each series beside its values.
pub(super) struct Asked {
    /// Which labels make its group; the labels themselves without a grouping.
    grouping: Option<Grouping>,
    /// Its metric name.
    name: Option<Grouping>,
    /// What is left of its labels without the name.
    unnamed: Option<Grouping>,
}

impl Asked {
    /// The labels of every series.
    pub(super) fn labels(leaf: &Leaf<'_>, set: &SeriesSet) -> Result<Asked, EvalError> {
        Ok(Asked {
            grouping: None,
            name: leaf
                .counter_argument()
                .map(|_| Grouping::by([METRIC_NAME.to_owned()])),
            unnamed: leaf
                .may_collide(set)?
                .then(|| Grouping::without(super::metadata())),
        })
    }

    /// The groups of all series.
    pub(super) fn keys(leaf: &Leaf<'_>, set: &SeriesSet, grouping: Grouping) -> Result<Asked, EvalError> {
        Ok(Asked {
            grouping: Some(grouping),
            ..Asked::labels(leaf, set)?
        })
    }
}

/// A series that gave values.
pub(super) struct Row {
    /// Its number.
    pub(super) series: usize,
    pub(super) key: Identity,
    pub(super) name: Identity,
    pub(super) unnamed: Identity,
    pub(super) tells_unnamed: bool,
    /// The group it was put into.
    pub(super) group: usize,
    /// The step of its first value.
    pub(super) first: usize,
    pub(super) values: Values,
}

/// The values of a row from its first step on.
pub(super) enum Values {
    /// The same at as many steps.
    Same(f64, usize),
    /// Where they lie in the part.
    Slots(Range<usize>),
}

impl Values {
    /// Number of steps.
    pub(super) fn len(&self) -> usize {
        match self {
            Values::Same(_, len) => *len,
            Values::Slots(range) => range.len(),
        }
    }
}

/// What a worker made of its share of a batch.
#[derive(Default)]
pub(super) struct Part {
    pub(super) rows: Vec<Row>,
    /// By row, when they are asked for.
    pub(super) labels: Vec<Labels>,
    pub(super) values: Vec<f64>,
}

impl Part {
    fn samples(&self) -> usize {
        self.rows.iter().map(|row| row.values.len()).sum()
    }

    fn byte_len(&self) -> usize {
        self.values.capacity() * 8 + self.rows.capacity() * size_of::<Row>()
    }

    fn clear(&mut self) {
        self.rows.clear();
        self.labels.clear();
        self.values.clear();
    }
}

struct Worker<'w> {
    leaf: &'w Leaf<'w>,
    asked: &'w Asked,
    budget: &'w Budget<'w>,
    grid: Grid,
    known: &'w KnownWindows,
    reader: SetReader<'w>,
    samples: Samples,
    /// The windows of the series before, and how many series have had them.
    windows: Option<(Arc<Windows>, u64)>,
    counts: Counts,
    ticks: usize,
    part: Part,
    /// Samples that the query held before.
    held: usize,
}

/// Why a worker stopped.
enum Stopped {
    /// There are native histograms.
    Histograms,
    Failed(EvalError),
}

impl From<EvalError> for Stopped {
    fn from(error: EvalError) -> Stopped {
        Stopped::Failed(error)
    }
}

impl From<kymo_engine::Error> for Stopped {
    fn from(error: kymo_engine::Error) -> Stopped {
        Stopped::Failed(error.into())
    }
}

impl Worker<'_> {
    fn run(&mut self, series: Range<usize>) -> Result<(), Stopped> {
        self.part.clear();
        for number in series {
            self.reader.seek(number)?;
            if self.reader.read(&mut self.samples)? == Read::Histograms {
                return Err(Stopped::Histograms);
            }
            self.counts.read += self.samples.len() as u64;
            self.tick()?;
            if !self.samples.is_empty() {
                self.series(number)?;
            }
        }
        Ok(())
    }

    fn tick(&mut self) -> Result<(), EvalError> {
        self.ticks += self.samples.len() + self.grid.len / 4 + 64;
        if self.ticks < TICK {
            return Ok(());
        }
        self.ticks = 0;
        self.budget.check()
    }

    fn series(&mut self, number: usize) -> Result<(), Stopped> {
        if !self.leaf.sees_stale() && self.samples.values.iter().any(|v| is_stale(*v)) {
            drop_stale(&mut self.samples);
        }
        let windows = self.windows();
        if self.held.saturating_add(windows.widest()) > self.budget.max_samples {
            return Err(EvalError::TooManySamples.into());
        }
        let Some((first, values)) = self.values(&windows) else {
            return Ok(());
        };
        let row = Row {
            series: number,
            key: key(&mut self.reader, self.asked.grouping.as_ref())?,
            name: key(&mut self.reader, self.asked.name.as_ref())?,
            unnamed: key(&mut self.reader, self.asked.unnamed.as_ref())?,
            tells_unnamed: self.asked.unnamed.is_some(),
            group: 0,
            first,
            values,
        };
        if self.asked.grouping.is_none() {
            self.part.labels.push(self.reader.labels()?);
        }
        self.part.rows.push(row);
        Ok(())
    }

    /// The values over the samples at hand and the step of the first, if there are any.
    fn values(&mut self, windows: &Windows) -> Option<(usize, Values)> {
        let samples = &self.samples;
        let first = samples.values.first().map_or(0, |v| v.to_bits());
        if samples.values.iter().all(|v| v.to_bits() == first)
            && let Some(value) = self.leaf.of_constant(windows, samples)
        {
            return Some((windows.first_step(), Values::Same(value, windows.len())));
        }
        let (from, values) = (self.part.values.len(), &mut self.part.values);
        self.leaf.compute(windows, samples, self.grid, values);
        let slots = &values[from..];
        let Some(first) = slots.iter().position(|v| present(*v)) else {
            values.truncate(from);
            return None;
        };
        let end = slots.iter().rposition(|v| present(*v)).map_or(0, |last| last + 1);
        Some((
            windows.first_step() + first,
            Values::Slots(from + first..from + end),
        ))
    }

    /// The windows over the samples at hand.
    fn windows(&mut self) -> Arc<Windows> {
        if let Some((windows, uses)) = &mut self.windows
            && windows.are_of(&self.samples.timestamps)
        {
            *uses += 1;
            return windows.clone();
        }
        self.count_windows();
        let (leaf, grid) = (self.leaf, self.grid);
        let times = &self.samples.timestamps;
        let windows = self.known.get(times, || leaf.windows(times, grid));
        self.counts.widest = self.counts.widest.max(windows.widest());
        self.windows = Some((windows.clone(), 1));
        windows
    }

    fn count_windows(&mut self) {
        if let Some((windows, uses)) = self.windows.take() {
            windows.count(uses, &mut self.counts.steps);
        }
    }
}

fn key(reader: &mut SetReader<'_>, grouping: Option<&Grouping>) -> Result<Identity, EvalError> {
    Ok(match grouping {
        Some(grouping) => reader.key(grouping)?,
        None => Identity::default(),
    })
}

fn drop_stale(samples: &mut Samples) {
    let mut stale = samples.values.iter().map(|v| is_stale(*v));
    samples.timestamps.retain(|_| !stale.next().unwrap_or(false));
    samples.values.retain(|v| !is_stale(*v));
}

/// What takes the results of a batch.
pub(super) type Sink<'s> = dyn FnMut(&mut [Part]) -> Result<(), EvalError> + 's;

/// Computes all series of a set. False when there are native histograms among them: what has been handed on is no answer then.
pub(super) fn run(
    context: &Context<'_>,
    leaf: &Leaf<'_>,
    set: &SeriesSet,
    grid: Grid,
    asked: &Asked,
    sink: &mut Sink<'_>,
) -> Result<bool, EvalError> {
    let known = KnownWindows::default();
    let cost = set.len().saturating_mul(grid.len.saturating_add(SERIES_COST));
    let workers = if cost <= LITTLE { 1 } else { WORKERS };
    let mut all = Vec::with_capacity(workers);
    for _ in 0..workers {
        all.push(Mutex::new(Worker {
            leaf,
            asked,
            budget: context.budget,
            grid,
            known: &known,
            reader: set.reader()?,
            samples: Samples::default(),
            windows: None,
            counts: Counts::of_steps(grid.len),
            ticks: 0,
            part: Part::default(),
            held: context.meter.held(),
        }));
    }
    let batch = (BATCH_VALUES / grid.len.max(1)).clamp(workers, BATCH_SERIES);
    let mut parts: Vec<Part> = all.iter().map(|_| Part::default()).collect();
    let mut reserved = 0;
    for first in (0..set.len()).step_by(batch) {
        let range = first..(first + batch).min(set.len());
        if !run_batch(context.budget, &all, range)? {
            context.budget.release(reserved);
            return Ok(false);
        }
        for (worker, part) in all.iter_mut().zip(&mut parts) {
            std::mem::swap(&mut unlocked(worker).part, part);
        }
        context
            .meter
            .peek(parts.iter().map(|part| part.values.len()).sum())?;
        let used = known.byte_len() + parts.iter().map(Part::byte_len).sum::<usize>();
        if used > reserved {
            context.budget.reserve(used - reserved)?;
            reserved = used;
        }
        context.meter.peek(parts.iter().map(Part::samples).sum())?;
        sink(&mut parts)?;
        for (worker, part) in all.iter_mut().zip(&mut parts) {
            std::mem::swap(&mut unlocked(worker).part, part);
        }
    }
    context.budget.release(reserved);
    for worker in &mut all {
        let worker = unlocked(worker);
        worker.count_windows();
        context.absorb(grid, &worker.counts)?;
    }
    Ok(true)
}

fn unlocked<T>(mutex: &mut Mutex<T>) -> &mut T {
    mutex.get_mut().unwrap_or_else(PoisonError::into_inner)
}

/// Deals a batch out to the workers in runs of neighbours; false when there are native histograms.
fn run_batch(
    budget: &Budget<'_>,
    workers: &[Mutex<Worker<'_>>],
    series: Range<usize>,
) -> Result<bool, EvalError> {
    let share = series.len().div_ceil(workers.len());
    let stopped: Vec<Mutex<Option<Result<(), Stopped>>>> = workers.iter().map(|_| Mutex::new(None)).collect();
    let task = |i: usize| {
        let from = (series.start + i * share).min(series.end);
        let mut worker = workers[i].lock().unwrap_or_else(PoisonError::into_inner);
        let done = worker.run(from..(from + share).min(series.end));
        *stopped[i].lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
    };
    if workers.len() == 1 {
        task(0);
    } else {
        (budget.executor)(workers.len(), &task);
    }
    for one in stopped {
        match one.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(Ok(())) => {}
            Some(Err(Stopped::Histograms)) => return Ok(false),
            Some(Err(Stopped::Failed(error))) => return Err(error),
            // An executor that leaves out a task has given up on the query.
            None => return Err(EvalError::Canceled),
        }
    }
    Ok(true)
}
