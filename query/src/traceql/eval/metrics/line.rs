//! A value for each step of a series, kept only from the first step that has one to the last. Not for what the values mean.

/// Values by step.
#[derive(Debug, Clone, Default)]
pub(super) struct Line<T> {
    from: usize,
    cells: Vec<T>,
}

impl<T: Clone + Default> Line<T> {
    /// The value of a step, made when there is none.
    pub(super) fn at(&mut self, step: usize) -> &mut T {
        if self.cells.is_empty() {
            self.from = step;
        }
        if step < self.from {
            let missing = self.from - step;
            self.cells
                .splice(0..0, std::iter::repeat_n(T::default(), missing));
            self.from = step;
        }
        let at = step - self.from;
        if at >= self.cells.len() {
            self.cells.resize(at + 1, T::default());
        }
        &mut self.cells[at]
    }

    /// The value of a step where it may have one.
    pub(super) fn get(&self, step: usize) -> Option<&T> {
        self.cells.get(step.checked_sub(self.from)?)
    }

    /// Bytes of its cells.
    pub(super) fn bytes(&self) -> usize {
        self.cells.capacity() * size_of::<T>()
    }

    /// The steps and values that it holds.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.cells
            .iter()
            .enumerate()
            .map(|(i, cell)| (self.from + i, cell))
    }
}
