//! Sparse buckets of one side of a histogram. Not for their bounds.

/// Bucket counts by index, ascending. Two columns, so that histograms of one layout are told by comparing one of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Buckets {
    indexes: Vec<i32>,
    counts: Vec<f64>,
}

impl Buckets {
    /// Appends a bucket; one that is not above the last index is joined with or put before those there.
    pub fn push(&mut self, index: i32, count: f64) {
        match self.indexes.last() {
            Some(last) if *last >= index => match self.indexes.binary_search(&index) {
                Ok(at) => self.counts[at] += count,
                Err(at) => {
                    self.indexes.insert(at, index);
                    self.counts.insert(at, count);
                }
            },
            _ => {
                self.indexes.push(index);
                self.counts.push(count);
            }
        }
    }

    /// Number of buckets listed.
    pub fn len(&self) -> usize {
        self.indexes.len()
    }

    /// True without buckets.
    pub fn is_empty(&self) -> bool {
        self.indexes.is_empty()
    }

    /// Index and count of every bucket listed, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (i32, f64)> + ExactSizeIterator + Clone + '_ {
        self.indexes.iter().copied().zip(self.counts.iter().copied())
    }

    /// The indexes, ascending.
    pub fn indexes(&self) -> &[i32] {
        &self.indexes
    }

    /// The counts in the order of the indexes.
    pub fn counts(&self) -> &[f64] {
        &self.counts
    }

    /// The counts, to be changed.
    pub(super) fn counts_mut(&mut self) -> &mut [f64] {
        &mut self.counts
    }

    /// Runs of consecutive indexes.
    pub fn runs(&self) -> usize {
        let breaks = self.indexes.windows(2).filter(|w| w[1] != w[0].wrapping_add(1));
        breaks.count() + usize::from(!self.indexes.is_empty())
    }

    /// Leaves out buckets without observations.
    pub(super) fn compact(&mut self) {
        if self.counts.iter().all(|c| *c != 0.0) {
            return;
        }
        let mut filled = self.counts.iter().map(|c| *c != 0.0);
        self.indexes.retain(|_| filled.next().unwrap_or(false));
        self.counts.retain(|c| *c != 0.0);
    }
}

impl FromIterator<(i32, f64)> for Buckets {
    fn from_iter<I: IntoIterator<Item = (i32, f64)>>(pairs: I) -> Buckets {
        let mut out = Buckets::default();
        pairs
            .into_iter()
            .for_each(|(index, count)| out.push(index, count));
        out
    }
}
