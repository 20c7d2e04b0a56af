//! Sparse buckets of one side of a histogram. Not for their bounds.

use kymo_engine::metrics::Span;

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

    /// The runs of consecutive indexes in the form of the store.
    pub fn spans(&self) -> Vec<Span> {
        let mut out: Vec<Span> = Vec::new();
        let mut next = 0i32;
        for index in &self.indexes {
            match out.last_mut() {
                Some(span) if *index == next => span.length += 1,
                _ => out.push(Span {
                    offset: index.wrapping_sub(next),
                    length: 1,
                }),
            }
            next = index.wrapping_add(1);
        }
        out
    }

    /// Runs of consecutive indexes.
    pub fn runs(&self) -> usize {
        let breaks = self.indexes.windows(2).filter(|w| w[1] != w[0].wrapping_add(1));
        breaks.count() + usize::from(!self.indexes.is_empty())
    }

    /// True when every bucket of `other` is listed here.
    pub(super) fn covers(&self, other: &Buckets) -> bool {
        if self.indexes == other.indexes || other.is_empty() {
            return true;
        }
        let mut mine = self.indexes.iter();
        other.indexes.iter().all(|index| mine.any(|i| i == index))
    }

    /// Lists the buckets of `other` that are missing here, without observations.
    pub(super) fn list_also(&mut self, other: &Buckets) {
        if self.covers(other) {
            return;
        }
        let mut out = Buckets {
            indexes: Vec::with_capacity(self.len() + other.len()),
            counts: Vec::with_capacity(self.len() + other.len()),
        };
        let mut theirs = other.indexes.iter().copied().peekable();
        for (index, count) in self.iter() {
            while let Some(missing) = theirs.next_if(|i| *i < index) {
                out.push(missing, 0.0);
            }
            theirs.next_if_eq(&index);
            out.push(index, count);
        }
        theirs.for_each(|missing| out.push(missing, 0.0));
        *self = out;
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
