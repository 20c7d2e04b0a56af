//! One slot per step of a grid, kept only between the first and the last that is filled, so that series which live for a
//! short part of a long query cost little. Not for raw samples.

use kymo_engine::metrics::STALE_NAN_BITS;

/// What stands in a slot without a sample. The staleness marker never is a value of an expression, so its bits are free for this.
pub(super) const ABSENT: f64 = f64::from_bits(STALE_NAN_BITS);

/// True unless the slot is empty.
#[inline]
pub(super) fn present(value: f64) -> bool {
    value.to_bits() != STALE_NAN_BITS
}

/// The values of a series by step.
#[derive(Debug, Clone, Default)]
pub(super) struct Column {
    /// The step of the first slot kept.
    first: usize,
    slots: Vec<f64>,
}

impl Column {
    /// A column of the same value at `len` steps.
    pub(super) fn constant(value: f64, len: usize) -> Column {
        let slots = if present(value) {
            vec![value; len]
        } else {
            Vec::new()
        };
        Column { first: 0, slots }
    }

    /// A column of the same value at `len` steps from `first` on.
    pub(super) fn constant_from(first: usize, value: f64, len: usize) -> Column {
        Column {
            first,
            slots: vec![value; len],
        }
    }

    /// A column of the given slots, of which the first and the last are filled.
    pub(super) fn from_slots(first: usize, slots: &[f64]) -> Column {
        Column {
            first,
            slots: slots.to_vec(),
        }
    }

    /// The value at a step, [`ABSENT`] where there is none.
    #[inline]
    pub(super) fn get(&self, step: usize) -> f64 {
        match step.checked_sub(self.first).and_then(|i| self.slots.get(i)) {
            Some(value) => *value,
            None => ABSENT,
        }
    }

    /// Sets the value at a step; ascending steps are the cheap order.
    pub(super) fn set(&mut self, step: usize, value: f64) {
        if self.slots.is_empty() {
            self.first = step;
        }
        if step < self.first {
            let missing = std::iter::repeat_n(ABSENT, self.first - step);
            self.slots.splice(0..0, missing);
            self.first = step;
        }
        let i = step - self.first;
        if i >= self.slots.len() {
            self.slots.resize(i, ABSENT);
            self.slots.push(value);
        } else {
            self.slots[i] = value;
        }
    }

    /// The filled slots with their steps, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        let filled = self.slots.iter().enumerate().filter(|(_, v)| present(**v));
        filled.map(|(i, v)| (self.first + i, *v))
    }

    /// As [`Column::iter`], with the right to change values or to empty slots.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut f64)> + '_ {
        let first = self.first;
        let filled = self.slots.iter_mut().enumerate().filter(|(_, v)| present(**v));
        filled.map(move |(i, v)| (first + i, v))
    }

    /// True when no slot is filled.
    pub(super) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Filled slots.
    pub(super) fn count(&self) -> usize {
        self.iter().count()
    }

    /// Bytes of the slots kept.
    pub(super) fn byte_len(&self) -> usize {
        self.slots.len() * 8
    }
}

impl FromIterator<f64> for Column {
    /// A column of the values of steps 0, 1, ...
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Column {
        let mut column = Column::default();
        for (step, value) in values.into_iter().enumerate().filter(|(_, v)| present(*v)) {
            column.set(step, value);
        }
        column
    }
}

/// A set of steps, kept like a [`Column`].
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    first: usize,
    marks: Vec<bool>,
}

impl Marks {
    /// True when the step is in the set.
    pub(super) fn has(&self, step: usize) -> bool {
        step.checked_sub(self.first)
            .and_then(|i| self.marks.get(i))
            .copied()
            .unwrap_or(false)
    }

    /// Adds a step; true when it was in the set before.
    pub(super) fn add(&mut self, step: usize) -> bool {
        if self.marks.is_empty() {
            self.first = step;
        }
        if step < self.first {
            self.marks
                .splice(0..0, std::iter::repeat_n(false, self.first - step));
            self.first = step;
        }
        let i = step - self.first;
        if i >= self.marks.len() {
            self.marks.resize(i + 1, false);
        }
        std::mem::replace(&mut self.marks[i], true)
    }
}

#[cfg(test)]
mod tests;
