//! From a write to a record: series by number, with the definitions that the log does not have of them yet.

use parking_lot::{MutexGuard, RwLockReadGuard};

mod merging;

use merging::Merging;

use super::names::{Numbers, Pending};
use super::{Input, MetricsHead};
use crate::error::{Error, Result};
use crate::labels::Labels;
use crate::metrics::batch::{LabelBuffer, LabelsFound, SeriesWrite};
use crate::metrics::is_stale;
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
    merging: Merging,
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
            merging: Merging::default(),
        };
        let starts = input.batch.has_starts();
        for (i, series) in input.batch.series().enumerate() {
            if let Some(id) = resolving.series(i as u32, series.key)? {
                resolving.record.take(i as u32, id, &series, starts);
            }
        }
        resolving.merging.add_up(&mut resolving.record);
        Ok((resolving.record, resolving.learned))
    }

    /// The number of a series, `None` when it is left out, or taken already.
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
            LabelsFound::Merged { parts } => {
                self.merge(i, parts);
                return Ok(None);
            }
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
        let id = self.define(i);
        self.record.origin.keys.extend(id.map(|id| (key, id)));
        Ok(id)
    }

    /// Takes in a series whose labels became fewer than its sender's.
    fn merge(&mut self, i: u32, parts: bool) {
        let sent = self.input.batch.series_at(i as usize);
        let lasts = sent.samples.iter().any(|(_, value)| !is_stale(*value))
            || sent.histograms.iter().any(|write| !write.histogram.is_stale())
            || !sent.exemplars.is_empty();
        self.labels.sort();
        let id = match (lasts, self.registry.find(&self.labels)) {
            (false, _) => None,
            (true, Some(id)) if self.defined.contains(id) || self.record.origin.merged.contains(&id) => {
                Some(id)
            }
            (true, Some(id)) => self.define_again(i, id),
            (true, None) => self.define(i),
        };
        let origin = &mut self.record.origin;
        let Some(id) = id else {
            if !lasts {
                origin.ends[0] += sent.samples.len() as u64;
                origin.ends[1] += sent.histograms.len() as u64;
            }
            return;
        };
        origin.merged.insert(id);
        if parts {
            self.merging.wholes.insert(id);
        }
        let starts = self.input.batch.has_starts();
        self.record.take_merged(i, id, &sent, starts);
        let exemplars = self.labels.exemplars().iter();
        self.record.exemplars.extend(exemplars.map(|e| (id, e.clone())));
    }

    /// Numbers a series that the registry does not know.
    fn define(&mut self, i: u32) -> Option<SeriesId> {
        let head = self.head;
        let pending = self.pending.get_or_insert_with(|| head.names.pending.lock());
        let full = (self.defined.len() + pending.len()) as u64 >= self.input.series_max;
        if full && !pending.has(&self.labels) {
            self.record.origin.over_limit.push(i);
            return None;
        }
        let (id, labels) = pending.number(&self.labels);
        // Every record on its way needs the definition, and each needs it once.
        if !self.record.origin.merged.contains(&id) {
            self.record.series.push((id, labels));
        }
        Some(id)
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

    /// The same of a series that is one of many that became this one: without marks of an end.
    fn take_merged(&mut self, i: u32, id: SeriesId, series: &SeriesWrite<'_>, starts: bool) {
        for (at, (time, value)) in series.samples.iter().enumerate() {
            if is_stale(*value) {
                self.origin.ends[0] += 1;
                continue;
            }
            self.samples.push((id, *time, *value));
            self.origin.samples.push(i);
            if starts {
                self.starts.push(series.starts[at]);
            }
        }
        if series.delta {
            self.delta.push(id);
        }
        for write in series.histograms {
            if write.histogram.is_stale() {
                self.origin.ends[1] += 1;
                continue;
            }
            self.histograms.push((id, write.clone()));
            self.origin.histograms.push(i);
        }
        for exemplar in series.exemplars {
            self.exemplars.push((id, exemplar.clone()));
        }
    }
}
