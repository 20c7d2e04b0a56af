//! Steps of metrics queries: which are used when none is asked for, and how times fall into them.
//! Not for reading times from requests.

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;

/// Samples that a range of no step is cut into, about.
const SAMPLES_WANTED: i64 = 240;

/// Most steps of one query.
pub const STEPS_MAX: i64 = 10_000;

/// What is wrong with the times of a query, in Tempo's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GridError {
    /// The end is not behind the start.
    #[error("end must be greater than start")]
    Empty,
    /// The step is zero or negative.
    #[error("step must be greater than 0")]
    NoStep,
    /// More than [`STEPS_MAX`] steps.
    #[error("step of {} is too small, minimum step for given range is {}", crate::lex::go_duration::format(*.step), crate::lex::go_duration::format(*.least))]
    TooFine {
        /// The step asked for, in nanoseconds.
        step: i64,
        /// The least step, in nanoseconds.
        least: i64,
    },
}

/// The step for a range of so many nanoseconds when none is asked for: about a 240th part, rounded down to a multiple of a
/// pleasant unit.
pub fn auto_step(range: i64) -> i64 {
    let wanted = range / SAMPLES_WANTED;
    if range < MINUTE {
        let unit = 50_000_000;
        return (wanted / unit * unit).max(unit);
    }
    let units = [60 * MINUTE, 5 * MINUTE, MINUTE, 15 * SECOND, 5 * SECOND, SECOND];
    match units.into_iter().find(|unit| *unit < wanted) {
        Some(unit) => wanted / unit * unit,
        None => SECOND,
    }
}

/// The steps of a metrics query. Each takes the spans that start behind its beginning, up to and with its end, and its sample
/// stands at that end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Nanoseconds since 1970 where the first step begins.
    start: i64,
    /// Nanoseconds since 1970 where the last step ends.
    end: i64,
    /// Length of a step in nanoseconds.
    step: i64,
    /// One step, which takes spans that start with its beginning as well.
    instant: bool,
}

impl Grid {
    /// The steps of a range of nanoseconds since 1970, moved to multiples of the step: those of both ends are whole, and the
    /// first sample stands at the start or before it.
    ///
    /// # Errors
    /// [`GridError`].
    pub fn range(start: i64, end: i64, step: i64) -> Result<Grid, GridError> {
        if end <= start {
            return Err(GridError::Empty);
        }
        if step <= 0 {
            return Err(GridError::NoStep);
        }
        let range = end.saturating_sub(start);
        if range / step > STEPS_MAX {
            let least = range / STEPS_MAX;
            return Err(GridError::TooFine { step, least });
        }
        let first = start.div_euclid(step).saturating_mul(step).saturating_sub(step);
        let last = match end.rem_euclid(step) {
            0 => end,
            over => end.saturating_add(step - over),
        };
        Ok(Grid {
            start: first,
            end: last,
            step,
            instant: false,
        })
    }

    /// One step over a range of nanoseconds since 1970.
    ///
    /// # Errors
    /// [`GridError::Empty`].
    pub fn instant(start: i64, end: i64) -> Result<Grid, GridError> {
        if end <= start {
            return Err(GridError::Empty);
        }
        Ok(Grid {
            start,
            end,
            step: end.saturating_sub(start),
            instant: true,
        })
    }

    /// How many steps there are.
    pub fn steps(&self) -> usize {
        if self.instant {
            return 1;
        }
        usize::try_from((self.end.saturating_sub(self.start)) / self.step).unwrap_or(0)
    }

    /// The first and the last start of a span that any step takes, in nanoseconds since 1970.
    pub fn times(&self) -> (i64, i64) {
        (self.start.saturating_add(i64::from(!self.instant)), self.end)
    }

    /// Length of a step in seconds.
    pub fn seconds(&self) -> f64 {
        self.step as f64 / 1e9
    }

    /// Where a step takes spans: from the first time to the last.
    pub fn bounds(&self, step: usize) -> (i64, i64) {
        let (first, last) = self.times();
        if self.instant {
            return (first, last);
        }
        let from = first.saturating_add((step as i64).saturating_mul(self.step));
        (from, from.saturating_add(self.step - 1).min(last))
    }

    /// The step that takes a span with this start.
    pub fn step_of(&self, time: i64) -> Option<usize> {
        let (first, last) = self.times();
        if time < first || time > last {
            return None;
        }
        if self.instant {
            return Some(0);
        }
        usize::try_from((time - first) / self.step).ok()
    }

    /// Where the sample of a step stands, in milliseconds since 1970.
    pub fn sample_time(&self, step: usize) -> i64 {
        self.bounds(step).1.div_euclid(1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_pleasant_parts_of_the_range() {
        let hour = 60 * MINUTE;
        for (range, step) in [
            (hour, 15 * SECOND),
            (24 * hour, 5 * MINUTE),
            (7 * 24 * hour, 40 * MINUTE),
            (30 * 24 * hour, 3 * hour),
            (5 * MINUTE, SECOND),
            (30 * SECOND, 100_000_000),
            (SECOND, 50_000_000),
        ] {
            assert_eq!(auto_step(range), step, "{range}");
        }
    }

    #[test]
    fn steps_are_closed_on_the_right_and_whole_at_both_ends() {
        let grid = Grid::range(105 * SECOND, 131 * SECOND, 10 * SECOND).unwrap();
        assert_eq!(grid.steps(), 5);
        assert_eq!(grid.sample_time(0), 100_000);
        assert_eq!(grid.sample_time(4), 140_000);
        assert_eq!(grid.step_of(90 * SECOND), None);
        assert_eq!(grid.step_of(90 * SECOND + 1), Some(0));
        assert_eq!(grid.step_of(100 * SECOND), Some(0));
        assert_eq!(grid.step_of(100 * SECOND + 1), Some(1));
        assert_eq!(grid.step_of(140 * SECOND), Some(4));
        assert_eq!(grid.step_of(140 * SECOND + 1), None);
        for step in 0..5 {
            let (first, last) = grid.bounds(step);
            assert_eq!(grid.step_of(first), Some(step));
            assert_eq!(grid.step_of(last), Some(step));
        }
    }

    #[test]
    fn an_instant_takes_both_ends() {
        let grid = Grid::instant(10 * SECOND, 20 * SECOND).unwrap();
        assert_eq!(grid.steps(), 1);
        assert_eq!(grid.step_of(10 * SECOND), Some(0));
        assert_eq!(grid.step_of(20 * SECOND), Some(0));
        assert_eq!(grid.step_of(20 * SECOND + 1), None);
        assert_eq!(grid.sample_time(0), 20_000);
        assert_eq!(grid.seconds(), 10.0);
    }

    #[test]
    fn what_makes_no_steps_is_refused() {
        assert_eq!(Grid::range(2, 2, 1), Err(GridError::Empty));
        assert_eq!(Grid::range(1, 2, 0), Err(GridError::NoStep));
        let fine = Grid::range(0, 86_400 * SECOND, SECOND).unwrap_err();
        assert_eq!(
            fine.to_string(),
            "step of 1s is too small, minimum step for given range is 8.64s"
        );
        assert!(Grid::range(i64::MIN, i64::MAX, i64::MAX).is_ok());
    }
}
