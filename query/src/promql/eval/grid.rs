//! The times at which an expression is evaluated. Not for the times of samples.

/// Equally spaced times: `start`, `start + step`, ...
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// The first time, in milliseconds since 1970.
    pub start: i64,
    /// Their distance in milliseconds; at least 1.
    pub step: i64,
    /// How many.
    pub len: usize,
}

impl Grid {
    /// The times from `start` to `end` inclusive.
    pub fn new(start: i64, end: i64, step: i64) -> Grid {
        let step = step.max(1);
        let len = if end < start {
            0
        } else {
            (end.saturating_sub(start) / step) as usize + 1
        };
        Grid { start, step, len }
    }

    /// One time.
    pub fn single(time: i64) -> Grid {
        Grid {
            start: time,
            step: 1,
            len: 1,
        }
    }

    /// The time of step `i`.
    pub fn time(&self, i: usize) -> i64 {
        self.start.saturating_add(self.step.saturating_mul(i as i64))
    }

    /// The last time; the first when there is none.
    pub fn last(&self) -> i64 {
        self.time(self.len.saturating_sub(1))
    }

    /// All times.
    pub fn times(&self) -> impl Iterator<Item = i64> + '_ {
        (0..self.len).map(|i| self.time(i))
    }
}
