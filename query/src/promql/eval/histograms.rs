//! The native histograms of a series by step, beside its column of floats. Not for what they hold.

use std::sync::Arc;

use crate::promql::histogram::FloatHistogram;

/// Histograms by step, ascending. A step has a float or a histogram, never both. Series of floats allocate nothing here.
#[derive(Debug, Clone, Default)]
pub(super) struct Histograms {
    list: Vec<(usize, Arc<FloatHistogram>)>,
}

impl Histograms {
    /// The same histogram at `len` steps.
    pub(super) fn constant(value: Option<Arc<FloatHistogram>>, len: usize) -> Histograms {
        let repeated = value.map(|value| (0..len).map(|step| (step, value.clone())).collect());
        Histograms {
            list: repeated.unwrap_or_default(),
        }
    }

    /// True without histograms.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn position(&self, step: usize) -> Result<usize, usize> {
        self.list.binary_search_by_key(&step, |(at, _)| *at)
    }

    /// The histogram of a step.
    #[inline]
    pub(super) fn get(&self, step: usize) -> Option<&Arc<FloatHistogram>> {
        if self.list.is_empty() {
            return None;
        }
        self.position(step).ok().map(|i| &self.list[i].1)
    }

    /// Sets the histogram of a step; ascending steps are the cheap order.
    pub(super) fn set(&mut self, step: usize, value: Arc<FloatHistogram>) {
        match self.list.last() {
            Some((last, _)) if *last >= step => match self.position(step) {
                Ok(i) => self.list[i].1 = value,
                Err(i) => self.list.insert(i, (step, value)),
            },
            _ => self.list.push((step, value)),
        }
    }

    /// Histograms with their steps, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Arc<FloatHistogram>)> + '_ {
        self.list.iter().map(|(step, value)| (*step, value))
    }

    /// Keeps those for which `keep` is true.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(usize, &FloatHistogram) -> bool) {
        self.list.retain(|(step, value)| keep(*step, value));
    }

    /// Replaces every histogram, or leaves it out.
    pub(super) fn map(&mut self, mut change: impl FnMut(usize, &FloatHistogram) -> Option<FloatHistogram>) {
        self.list.retain_mut(|(step, value)| match change(*step, value) {
            Some(new) => {
                *value = Arc::new(new);
                true
            }
            None => false,
        });
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.list = Vec::new();
    }

    /// How many samples they count for in limits.
    pub(super) fn weight(&self) -> usize {
        self.list.iter().map(|(_, value)| value.sample_weight()).sum()
    }

    /// Bytes held, each histogram counted where it stands.
    pub(super) fn byte_len(&self) -> usize {
        self.list.iter().map(|(_, value)| value.heap_bytes() + 16).sum()
    }
}
