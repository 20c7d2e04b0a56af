//! Reads the series of a head: labels from its names, samples from its chunks.

use super::HeadPart;
use super::identity::{Grouping, Identity, add};
use crate::error::Result;
use crate::labels::Labels;
use crate::metrics::head::HeadSeries;
use crate::metrics::series::{Samples, read_floats};

pub(super) struct HeadCursor<'s> {
    part: &'s HeadPart,
}

impl<'s> HeadCursor<'s> {
    pub(super) fn new(part: &'s HeadPart) -> HeadCursor<'s> {
        HeadCursor { part }
    }

    pub(super) fn series(&self, at: usize) -> &'s std::sync::Arc<HeadSeries> {
        &self.part.series[at]
    }

    pub(super) fn identity(&self, at: usize) -> Identity {
        self.part.identities.series[self.part.slots[at] as usize]
    }

    pub(super) fn labels(&self, at: usize) -> Labels {
        self.part.names.registry.read().labels(self.part.slots[at])
    }

    pub(super) fn key(&self, at: usize, grouping: &Grouping) -> Identity {
        let registry = self.part.names.registry.read();
        let symbols = &self.part.identities.symbols;
        let mut key = Identity::default();
        for [name, value] in registry.symbol_pairs(self.part.slots[at]) {
            let name = symbols[*name as usize];
            if grouping.keeps_identity(name) {
                add(&mut key, name, symbols[*value as usize]);
            }
        }
        key
    }

    /// Times of the first and the last float sample.
    pub(super) fn span(&self, at: usize) -> Option<(i64, i64)> {
        let mut span: Option<(i64, i64)> = None;
        self.part.series[at].floats().visit_parts(|first, last, _| {
            let (min, max) = span.unwrap_or((first, last));
            span = Some((min.min(first), max.max(last)));
        });
        span
    }

    pub(super) fn read(&self, at: usize, min_time: i64, max_time: i64, out: &mut Samples) -> Result<()> {
        read_floats(&self.part.series[at], min_time, max_time, out)
    }
}
