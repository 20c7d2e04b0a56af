//! From a write to a record: series by number, with the definitions that the log does not have of them yet.

use parking_lot::{MutexGuard, RwLockReadGuard};

use super::names::{Numbers, Pending};
use super::{Input, MetricsHead};
use crate::error::{Error, Result};
use crate::labels::Labels;
use crate::metrics::batch::{LabelBuffer, LabelsFound, SeriesWrite};
use crate::metrics::key::{Keys, SeriesKey};
use crate::metrics::record::{Origin, Record};
use crate::metrics::registry::{Registry, SeriesId};

/// A write being resolved.
pub(super) struct Resolving<'r> {
    head: &'r MetricsHead,
    input: &'r Input<'r>,
    registry: RwLockReadGuard<'r, Registry>,
    keys: RwLockReadGuard<'r, Keys>,
    defined: RwLockReadGuard<'r, Numbers>,
    /// Held from the first new series on, so that the series of a write are numbered one after the other.
    pending: Option<MutexGuard<'r, Pending>>,
    /// Where the next series' key is likely to be found: senders keep their order.
    expected: SeriesId,
    labels: LabelBuffer,
    record: Record,
    /// Keys of series that are in the registry under another spelling.
    learned: Vec<(SeriesKey, SeriesId)>,
}

impl<'r> Resolving<'r> {
    /// Resolves all series of a write, and the keys that were new for series that were not.
    pub(super) fn all(
        head: &'r MetricsHead,
        input: &'r Input<'r>,
    ) -> Result<(Record, Vec<(SeriesKey, SeriesId)>)> {
        let samples = input.batch.sample_count();
        let record = Record {
            samples: Vec::with_capacity(samples),
            origin: Origin {
                samples: Vec::with_capacity(samples),
                ..Origin::default()
            },
            ..Record::default()
        };
        let mut resolving = Resolving {
            head,
            input,
            registry: head.names.registry.read(),
            keys: head.names.keys.read(),
            defined: head.defined.read(),
            pending: None,
            expected: 0,
            labels: LabelBuffer::default(),
            record,
            learned: Vec::new(),
        };
        let starts = input.batch.has_starts();
        for (i, series) in input.batch.series().enumerate() {
            if let Some(id) = resolving.series(i as u32, series.key)? {
                resolving.record.take(i as u32, id, &series, starts);
            }
        }
        Ok((resolving.record, resolving.learned))
    }

    /// The number of a series, `None` when it is left out.
    #[inline]
    fn series(&mut self, i: u32, key: SeriesKey) -> Result<Option<SeriesId>> {
        let Some(id) = self.keys.get(key, self.expected) else {
            return self.spelled(i, key);
        };
        self.expected = id + 1;
        if self.defined.contains(id) {
            return Ok(Some(id));
        }
        Ok(self.define_again(i, id))
    }

    /// A series whose key is not known.
    fn spelled(&mut self, i: u32, key: SeriesKey) -> Result<Option<SeriesId>> {
        self.labels.clear();
        match self.input.labels.labels(i, &mut self.labels) {
            LabelsFound::Good => {}
            LabelsFound::Refused => {
                self.record.origin.refused.push(i);
                return Ok(None);
            }
            LabelsFound::Abort => return Err(Error::Aborted),
        }
        self.labels.sort();
        if let Some(id) = self.registry.find(&self.labels) {
            self.learned.push((key, id));
            return Ok(match self.defined.contains(id) {
                true => Some(id),
                false => self.define_again(i, id),
            });
        }
        let head = self.head;
        let pending = self.pending.get_or_insert_with(|| head.names.pending.lock());
        if (self.defined.len() + pending.len()) as u64 >= self.input.series_max {
            self.record.origin.over_limit.push(i);
            return Ok(None);
        }
        let (id, labels) = pending.number(&self.labels);
        self.record.series.push((id, labels));
        self.record.origin.keys.push((key, id));
        Ok(Some(id))
    }

    /// A series of an earlier head, whose records do not count for this one.
    fn define_again(&mut self, i: u32, id: SeriesId) -> Option<SeriesId> {
        let slot = self.registry.slot(id)?;
        if self.defined.len() as u64 >= self.input.series_max {
            self.record.origin.over_limit.push(i);
            return None;
        }
        let labels: Labels = self.registry.labels(slot);
        self.record.series.push((id, labels));
        Some(id)
    }
}

impl Record {
    /// Takes in what a batch has for a resolved series.
    #[inline]
    fn take(&mut self, i: u32, id: SeriesId, series: &SeriesWrite<'_>, starts: bool) {
        self.samples
            .extend(series.samples.iter().map(|(t, v)| (id, *t, *v)));
        self.origin.samples.resize(self.samples.len(), i);
        if starts {
            self.starts.extend_from_slice(series.starts);
        }
        if series.delta {
            self.delta.push(id);
        }
        for write in series.histograms {
            self.histograms.push((id, write.clone()));
            self.origin.histograms.push(i);
        }
        for exemplar in series.exemplars {
            self.exemplars.push((id, exemplar.clone()));
        }
    }
}
