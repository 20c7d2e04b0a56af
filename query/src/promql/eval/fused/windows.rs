//! Which samples lie in the window of each step: found once for all series that have the same timestamps.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::HashMap;

use crate::promql::eval::grid::Grid;
use crate::promql::eval::plan::Shift;

/// Bytes of windows that are kept at most.
const KEPT_BYTES: usize = 24 << 20;

/// The windows of all steps over one list of timestamps.
#[derive(Debug, Default)]
pub(super) struct Windows {
    times: Box<[i64]>,
    /// The step of the first window.
    first: usize,
    /// First sample and end of the window of each step from the first to the last that is not empty.
    bounds: Box<[(u32, u32)]>,
    extrapolated: Box<[Extrapolated]>,
    /// What the difference of each window is multiplied by, unless a counter's zero is nearer than the start.
    factors: Box<[f64]>,
    /// A counter whose first value is at least its increase times this is nowhere extrapolated below zero.
    reach: f64,
    /// Every window has samples.
    all_filled: bool,
    /// Every window has at least two samples.
    all_pairs: bool,
    widest: usize,
}

/// How `rate` and its kind go from a window's samples to its bounds, as far as that follows from timestamps.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extrapolated {
    /// Seconds between the first sample and the last.
    pub(super) sampled: f64,
    /// Seconds to go before the first sample and behind the last.
    pub(super) to_start: f64,
    pub(super) to_end: f64,
    /// The window in seconds, or 1 where the result is not per second.
    pub(super) divisor: f64,
}

impl Extrapolated {
    /// The factor for a number of seconds to go before the first sample.
    #[inline]
    pub(super) fn factor_from(&self, to_start: f64) -> f64 {
        (self.sampled + to_start + self.to_end) / self.sampled / self.divisor
    }
}

impl Windows {
    fn of(times: &[i64], bounds: impl Iterator<Item = (u32, u32)>) -> Windows {
        let mut all: Vec<(u32, u32)> = bounds.collect();
        let filled = |(from, to): &(u32, u32)| from < to;
        let first = all.iter().position(filled).unwrap_or(all.len());
        all.truncate(all.iter().rposition(filled).map_or(0, |last| last + 1));
        all.drain(..first.min(all.len()));
        Windows {
            times: times.into(),
            first,
            all_filled: all.iter().all(filled),
            all_pairs: all.iter().all(|(from, to)| *to >= from + 2),
            widest: all
                .iter()
                .map(|(from, to)| (to - from) as usize)
                .max()
                .unwrap_or(0),
            bounds: all.into(),
            ..Windows::default()
        }
    }

    /// Windows of one sample: the newest that is younger than the lookback.
    pub(super) fn newest(times: &[i64], (shift, lookback): (Shift, i64), grid: Grid) -> Windows {
        let mut end = 0;
        Windows::of(
            times,
            grid.times().map(|time| {
                let time = shift.apply(time);
                while end < times.len() && times[end] <= time {
                    end += 1;
                }
                match end.checked_sub(1) {
                    Some(i) if times[i] > time.saturating_sub(lookback) => (i as u32, end as u32),
                    _ => (0, 0),
                }
            }),
        )
    }

    /// Windows that are open on the left.
    pub(super) fn sliding(times: &[i64], (shift, range): (Shift, i64), grid: Grid) -> Windows {
        let (mut from, mut to) = (0, 0);
        Windows::of(
            times,
            grid.times().map(|time| {
                let end = shift.apply(time);
                let start = end.saturating_sub(range);
                while to < times.len() && times[to] <= end {
                    to += 1;
                }
                while from < to && times[from] <= start {
                    from += 1;
                }
                (from as u32, to as u32)
            }),
        )
    }

    /// Computes what extrapolation needs of each window, in the order of operations of `range_fn::rate`.
    pub(super) fn extrapolate(
        &mut self,
        times: &[i64],
        (shift, range): (Shift, i64),
        grid: Grid,
        per_second: bool,
    ) {
        let seconds = |from: i64, to: i64| to.saturating_sub(from) as f64 / 1000.0;
        let of_window = |(i, (from, to)): (usize, &(u32, u32))| {
            let (from, to) = (*from as usize, *to as usize);
            if to < from + 2 {
                return Extrapolated::default();
            }
            let end = shift.apply(grid.time(self.first + i));
            let start = end.saturating_sub(range);
            let (first, last) = (times[from], times[to - 1]);
            let sampled = seconds(first, last);
            let average = sampled / (to - from - 1) as f64;
            let limited = |distance: f64| {
                if distance >= average * 1.1 {
                    average / 2.0
                } else {
                    distance
                }
            };
            Extrapolated {
                sampled,
                to_start: limited(seconds(start, first)),
                to_end: limited(seconds(last, end)),
                divisor: if per_second { seconds(start, end) } else { 1.0 },
            }
        };
        let all: Box<[Extrapolated]> = self.bounds.iter().enumerate().map(of_window).collect();
        self.factors = all.iter().map(|of| of.factor_from(of.to_start)).collect();
        let reach = all.iter().map(|of| of.to_start / of.sampled).fold(0.0, f64::max);
        // Whoever compares with it is off by some roundings at most.
        self.reach = reach * 1.000_001;
        self.extrapolated = all;
    }

    /// The step of the first window.
    pub(super) fn first_step(&self) -> usize {
        self.first
    }

    /// Number of steps from the first window to the last.
    pub(super) fn len(&self) -> usize {
        self.bounds.len()
    }

    /// True when every window has at least two samples.
    pub(super) fn are_pairs(&self) -> bool {
        self.all_pairs
    }

    /// True when every window has samples.
    pub(super) fn are_filled(&self) -> bool {
        self.all_filled
    }

    /// Most samples in a window.
    pub(super) fn widest(&self) -> usize {
        self.widest
    }

    /// First sample and end of each window; both are the same where there is none.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.bounds
            .iter()
            .map(|(from, to)| (*from as usize, *to as usize))
    }

    /// What extrapolation needs, by window.
    pub(super) fn extrapolated(&self) -> &[Extrapolated] {
        &self.extrapolated
    }

    /// What the difference of each window is multiplied by, unless a counter's zero is nearer than the start.
    pub(super) fn factors(&self) -> &[f64] {
        &self.factors
    }

    /// A counter whose first value is at least its increase times this is nowhere extrapolated below zero.
    pub(super) fn reach(&self) -> f64 {
        self.reach
    }

    /// Adds the samples of all windows of a number of series that had them to the counts by step.
    pub(super) fn count(&self, series: u64, steps: &mut [u64]) {
        if series > 0 {
            for (count, (from, to)) in steps[self.first..].iter_mut().zip(self.all()) {
                *count += series * (to - from) as u64;
            }
        }
    }

    /// True when these are the windows over `times`.
    pub(super) fn are_of(&self, times: &[i64]) -> bool {
        *self.times == *times
    }

    fn byte_len(&self) -> usize {
        self.times.len() * 8 + self.bounds.len() * 8 + self.extrapolated.len() * 40 + 160
    }
}

/// Number of timestamps, the first and the last.
type Ends = (usize, i64, i64);

/// Windows by timestamps.
#[derive(Default)]
pub(super) struct KnownWindows {
    by_ends: RwLock<HashMap<Ends, Vec<Arc<Windows>>>>,
    bytes: AtomicUsize,
}

impl KnownWindows {
    /// Bytes of the windows that are kept, and of one more.
    pub(super) fn byte_len(&self) -> usize {
        self.bytes.load(Ordering::Relaxed).min(KEPT_BYTES)
    }

    /// The windows over `times`, made when they are not known.
    pub(super) fn get(&self, times: &[i64], make: impl FnOnce() -> Windows) -> Arc<Windows> {
        let ends = (
            times.len(),
            times.first().copied().unwrap_or(0),
            times.last().copied().unwrap_or(0),
        );
        let known = self.by_ends.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&ends).and_then(|all| find(all, times)) {
            return found;
        }
        drop(known);
        let windows = Arc::new(make());
        let bytes = windows.byte_len();
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes < KEPT_BYTES {
            let mut known = self.by_ends.write().unwrap_or_else(PoisonError::into_inner);
            let all = known.entry(ends).or_default();
            if let Some(found) = find(all, times) {
                return found;
            }
            all.push(windows.clone());
        }
        windows
    }
}

fn find(all: &[Arc<Windows>], times: &[i64]) -> Option<Arc<Windows>> {
    all.iter().find(|w| w.are_of(times)).cloned()
}
