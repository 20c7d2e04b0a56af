//! Work on many series that needs nothing but the series: it may run on several cores, and its results are joined in the
//! order of the series, so that an answer never depends on how many there were. Not for starting threads.

use std::sync::{Mutex, PoisonError};

use kymo_engine::metrics::{Samples, SeriesData, is_stale};

use super::EvalError;
use super::annotations::Notes;
use super::budget::Budget;
use super::context::Context;
use super::grid::Grid;
use super::hints::{HistogramSample, hinted, weight};
use super::plan::{self, Shift};
use super::series::StepSeries;

/// Series per task, and most per batch: after a batch its results are counted against the budget.
const PER_TASK: usize = 16;
const PER_BATCH: usize = 64 * PER_TASK;

/// Most values that a batch may give before they are counted.
const VALUES_PER_BATCH: usize = 16 << 20;

/// Time between two looks at the deadline, in samples and steps.
const TICK: usize = 65_536;

/// Buffers and counts of one task.
pub(super) struct Task<'t> {
    budget: &'t Budget<'t>,
    grid: Grid,
    /// Samples that the query held when the batch began.
    base: usize,
    ticks: usize,
    /// Start timestamps are wanted beside the samples.
    pub(super) with_starts: bool,
    /// Histograms that follow a counter reset are to say so.
    pub(super) with_resets: bool,
    /// The floats that [`Task::read`] has decoded last.
    pub(super) samples: Samples,
    /// Their start timestamps, 0 where unset; empty when none is set or none is wanted.
    pub(super) starts: Vec<i64>,
    /// The native histograms decoded last.
    pub(super) histograms: Vec<HistogramSample>,
    pub(super) counts: Counts,
}

/// What a task has looked at.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) read: u64,
    /// By step of the grid.
    pub(super) steps: Vec<u64>,
    /// Most samples in one window.
    pub(super) widest: usize,
    /// What there is to say about the series.
    pub(super) notes: Notes,
}

impl Counts {
    pub(super) fn of_steps(steps: usize) -> Counts {
        Counts {
            steps: vec![0; steps],
            ..Counts::default()
        }
    }
}

impl<'t> Task<'t> {
    pub(super) fn new(context: &Context<'t>, grid: Grid) -> Task<'t> {
        Task::with(context.budget, grid, context.meter.held())
    }

    fn with(budget: &'t Budget<'t>, grid: Grid, base: usize) -> Task<'t> {
        let counts = Counts::of_steps(grid.len);
        Task {
            budget,
            grid,
            base,
            ticks: 0,
            with_starts: false,
            with_resets: false,
            samples: Samples::default(),
            starts: Vec::new(),
            histograms: Vec::new(),
            counts,
        }
    }

    /// Decodes what the steps need of a series: up to `before` back, exclusively, and `after` ahead.
    pub(super) fn read(
        &mut self,
        data: &SeriesData,
        shift: Shift,
        (before, after): (i64, i64),
    ) -> Result<(), EvalError> {
        self.samples.clear();
        self.starts.clear();
        self.histograms.clear();
        let min_time = shift
            .apply(self.grid.start)
            .saturating_sub(before)
            .saturating_add(1);
        let max_time = shift.apply(self.grid.last()).saturating_add(after);
        if data.has_histograms(min_time, max_time) {
            self.read_rows(data, (min_time, max_time), true)?;
        } else if self.with_starts {
            self.read_rows(data, (min_time, max_time), false)?;
        } else {
            data.read(min_time, max_time, &mut self.samples)?;
        }
        self.counts.read += (self.samples.len() + weight(&self.histograms)) as u64;
        self.tick(self.samples.len() + self.histograms.len() + self.grid.len)
    }

    /// Reads samples of all kinds. Hints need the histogram before the first one, which lies further back.
    fn read_rows(
        &mut self,
        data: &SeriesData,
        (min_time, max_time): (i64, i64),
        histograms: bool,
    ) -> Result<(), EvalError> {
        let from = if histograms {
            min_time.saturating_sub(plan::HINT_LOOKBACK)
        } else {
            min_time
        };
        let mut rows = data.read_all(from, max_time)?;
        if histograms {
            self.histograms = hinted(&rows, self.with_resets);
            self.histograms.retain(|h| h.time >= min_time);
            rows.trim(min_time, max_time);
        }
        self.samples = rows.floats;
        self.samples.delta = rows.delta;
        self.starts = rows.starts;
        Ok(())
    }

    /// As [`Task::read`], without staleness markers: ranges do not see them.
    pub(super) fn read_live(
        &mut self,
        data: &SeriesData,
        shift: Shift,
        around: (i64, i64),
    ) -> Result<(), EvalError> {
        self.read(data, shift, around)?;
        let Samples {
            timestamps, values, ..
        } = &mut self.samples;
        if values.iter().any(|v| is_stale(*v)) {
            let mut stale = values.iter().map(|v| is_stale(*v));
            timestamps.retain(|_| !stale.next().unwrap_or(false));
            let mut stale = values.iter().map(|v| is_stale(*v));
            self.starts.retain(|_| !stale.next().unwrap_or(false));
            values.retain(|v| !is_stale(*v));
        }
        self.histograms.retain(|h| !h.value.is_stale());
        Ok(())
    }

    /// Takes account of a window of samples at a step.
    pub(super) fn window(&mut self, step: usize, samples: usize) -> Result<(), EvalError> {
        self.counts.steps[step] += samples as u64;
        self.counts.widest = self.counts.widest.max(samples);
        if self.base.saturating_add(samples) > self.budget.max_samples {
            return Err(EvalError::TooManySamples);
        }
        self.tick(samples)
    }

    fn tick(&mut self, work: usize) -> Result<(), EvalError> {
        self.ticks += work + 64;
        if self.ticks < TICK {
            return Ok(());
        }
        self.ticks = 0;
        self.budget.check()
    }
}

/// What is done for one series: the series of the result, if it gives one.
type Work<'w, D> = dyn Fn(&mut Task<'_>, &D) -> Result<Option<StepSeries>, EvalError> + Sync + 'w;

/// What one task hands back.
type Part = Result<(Vec<StepSeries>, Counts), EvalError>;

fn bytes_of(series: &[StepSeries]) -> usize {
    series.iter().map(|one| one.size().1).sum()
}

impl Context<'_> {
    /// Does `work` for each of many series. The results keep the order; the first error in that order counts.
    pub(super) fn for_each<D: Sync>(
        &self,
        grid: Grid,
        data: &[D],
        work: &Work<'_, D>,
    ) -> Result<Vec<StepSeries>, EvalError> {
        let mut out = Vec::new();
        let budget = self.budget;
        let per_batch = (VALUES_PER_BATCH / grid.len.max(1)).clamp(1, PER_BATCH);
        for batch in data.chunks(per_batch) {
            let parts: Vec<&[D]> = batch.chunks(PER_TASK).collect();
            let slots: Vec<Mutex<Option<Part>>> = parts.iter().map(|_| Mutex::new(None)).collect();
            let base = self.meter.held();
            let run = |i: usize| {
                let mut task = Task::with(budget, grid, base);
                let done: Result<Vec<_>, _> = parts[i]
                    .iter()
                    .filter_map(|one| work(&mut task, one).transpose())
                    .collect();
                let part = done.and_then(|series| {
                    // Many parts may be done before the first of them is counted below.
                    budget.reserve(bytes_of(&series))?;
                    Ok((series, task.counts))
                });
                *slots[i].lock().unwrap_or_else(PoisonError::into_inner) = Some(part);
            };
            (budget.executor)(parts.len(), &run);
            for slot in slots {
                let part = slot.into_inner().unwrap_or_else(PoisonError::into_inner);
                // An executor that leaves out a task has given up on the query.
                let (series, counts) = part.unwrap_or(Err(EvalError::Canceled))?;
                self.absorb(grid, &counts)?;
                budget.release(bytes_of(&series));
                for one in &series {
                    let (samples, bytes) = one.size();
                    self.meter.hold(samples, bytes)?;
                }
                out.extend(series);
            }
        }
        Ok(out)
    }

    /// Adds the counts of a task to those of the query.
    pub(super) fn absorb(&self, grid: Grid, counts: &Counts) -> Result<(), EvalError> {
        self.meter.read.set(self.meter.read.get() + counts.read);
        self.notes().absorb(&counts.notes);
        self.budget.memory.count_read(counts.read);
        for (i, samples) in counts.steps.iter().enumerate().filter(|(_, n)| **n > 0) {
            self.count_step(grid, i, *samples);
        }
        self.meter.peek(counts.widest)
    }
}
