//! The metrics head: everything applied since the last flush. Records are resolved against its registry, made durable
//! by the log and applied here in log order; what is a duplicate or a conflict is decided then, the same way at replay.

pub mod histograms;
pub mod series;
pub mod starts;

pub use series::HeadSeries;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use roaring::RoaringBitmap;

use super::batch::{
    Applied, Conflict, LabelBuffer, LabelSource, LabelsFound, Metadata, SeriesWrite, WriteBatch,
};
use super::exemplar::{Exemplar, TraceId};
use super::key::{Keys, SeriesKey};
use super::matcher::Matcher;
use super::record::{Origin, OwnedMetadata, Record};
use super::registry::{Registry, SeriesId, Slot};
use super::samples::Pushed;
use crate::error::{Error, Result};
use crate::labels::Labels;
use crate::signal::HeadSize;

/// A write and its bounds.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// What to store.
    pub batch: &'a WriteBatch<'a>,
    /// Who spells the labels of its series.
    pub labels: &'a dyn LabelSource,
    /// Most series the head may have; new ones above are refused.
    pub series_max: u64,
    /// Now, in milliseconds since 1970: the time of metadata.
    pub received_ms: i64,
}

/// Series and samples since the last flush.
#[derive(Default)]
pub struct MetricsHead {
    registry: RwLock<Registry>,
    /// Series by the spellings seen; only of series in the registry.
    keys: RwLock<Keys>,
    /// Series whose definition is on its way through the log.
    pending: Mutex<Pending>,
    series: RwLock<Vec<Arc<HeadSeries>>>,
    metadata: RwLock<BTreeMap<String, Vec<OwnedMetadata>>>,
    /// Series whose exemplars name a trace.
    traces: RwLock<HashMap<TraceId, Vec<Slot>>>,
    days: Mutex<BTreeSet<i64>>,
    rows: AtomicU64,
    exemplars: AtomicU64,
    /// Samples of series nobody defined: only damage to the log can cause them.
    orphans: AtomicU64,
}

#[derive(Default)]
struct Pending {
    ids: HashMap<Labels, SeriesId>,
    next: SeriesId,
}

/// Takes a selected series: which set of matchers it passed, how to get its labels, its samples.
pub type VisitSeries<'v> = dyn FnMut(usize, &dyn Fn() -> Labels, &Arc<HeadSeries>) + 'v;

const DAY_MS: i64 = 86_400_000;
/// How long a repeated statement about a metric family is not written again.
const METADATA_REPEAT_MS: u64 = 3_600_000;

/// A write being resolved.
struct Resolving<'r> {
    head: &'r MetricsHead,
    input: &'r Input<'r>,
    registry: parking_lot::RwLockReadGuard<'r, Registry>,
    keys: parking_lot::RwLockReadGuard<'r, Keys>,
    labels: LabelBuffer,
    record: Record,
    /// Keys of series that are in the registry under another spelling.
    learned: Vec<(SeriesKey, SeriesId)>,
}

impl<'r> Resolving<'r> {
    fn new(head: &'r MetricsHead, input: &'r Input<'r>) -> Resolving<'r> {
        let samples = input.batch.sample_count();
        let record = Record {
            samples: Vec::with_capacity(samples),
            origin: Origin {
                samples: Vec::with_capacity(samples),
                ..Origin::default()
            },
            ..Record::default()
        };
        Resolving {
            head,
            input,
            registry: head.registry.read(),
            keys: head.keys.read(),
            labels: LabelBuffer::default(),
            record,
            learned: Vec::new(),
        }
    }

    /// Lets go of the locks.
    fn finish(self) -> (Record, Vec<(SeriesKey, SeriesId)>) {
        (self.record, self.learned)
    }

    /// The number of a series, `None` when it is left out.
    #[inline]
    fn series(&mut self, i: u32, key: SeriesKey) -> Result<Option<SeriesId>> {
        match self.keys.get(key) {
            Some(id) => Ok(Some(id)),
            None => self.spelled(i, key),
        }
    }

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
            return Ok(Some(id));
        }
        let Some((id, labels)) = self
            .head
            .pend(&self.registry, &self.labels, self.input.series_max)
        else {
            self.record.origin.over_limit.push(i);
            return Ok(None);
        };
        self.record.series.push((id, labels));
        self.record.origin.keys.push((key, id));
        Ok(Some(id))
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

impl MetricsHead {
    /// Resolves a write to series numbers. Series not yet applied are defined again: the log must never have a record
    /// that names a series by number alone before the record that defines the number.
    ///
    /// # Errors
    /// [`Error::Aborted`] when a label source says so.
    pub fn resolve(&self, input: &Input<'_>) -> Result<Record> {
        let mut resolving = Resolving::new(self, input);
        for (i, series) in input.batch.series().enumerate() {
            if let Some(id) = resolving.series(i as u32, series.key)? {
                resolving
                    .record
                    .take(i as u32, id, &series, input.batch.has_starts());
            }
        }
        let (mut record, learned) = resolving.finish();
        if !learned.is_empty() {
            let count = self.registry.read().len();
            let mut keys = self.keys.write();
            for (key, id) in learned {
                keys.insert(key, id, count);
            }
        }
        let news = input
            .batch
            .metadata
            .iter()
            .filter(|m| self.is_news(m, input.received_ms));
        record.metadata = news
            .map(|m| OwnedMetadata {
                family: m.family.to_owned(),
                kind: m.kind,
                help: m.help.to_owned(),
                unit: m.unit.to_owned(),
                received_ms: input.received_ms,
            })
            .collect();
        Ok(record)
    }

    /// False for what was said within the last hour of the same day: clients repeat metadata with every request.
    fn is_news(&self, said: &Metadata<'_>, now_ms: i64) -> bool {
        let families = self.metadata.read();
        let known = families.get(said.family).into_iter().flatten();
        !known.into_iter().any(|m| {
            (m.kind, m.help.as_str(), m.unit.as_str()) == (said.kind, said.help, said.unit)
                && now_ms.abs_diff(m.received_ms) < METADATA_REPEAT_MS
                && now_ms.div_euclid(DAY_MS) == m.received_ms.div_euclid(DAY_MS)
        })
    }

    fn pend(&self, registry: &Registry, labels: &LabelBuffer, series_max: u64) -> Option<(SeriesId, Labels)> {
        let labels = Labels::from_sorted(labels.iter());
        let mut pending = self.pending.lock();
        if let Some(id) = pending.ids.get(&labels) {
            return Some((*id, labels));
        }
        if (registry.len() + pending.ids.len()) as u64 >= series_max {
            return None;
        }
        let id = pending.next;
        pending.next += 1;
        pending.ids.insert(labels.clone(), id);
        Some((id, labels))
    }

    /// Applies a durable record.
    pub fn apply(&self, mut record: Record) -> Applied {
        if !record.series.is_empty() {
            self.define(&record.series, &record.origin.keys);
        }
        let mut applied = Applied {
            over_limit: std::mem::take(&mut record.origin.over_limit),
            refused: std::mem::take(&mut record.origin.refused),
            ..Applied::default()
        };
        if !record.samples.is_empty() {
            self.push_samples(&record, &mut applied);
        }
        if !record.delta.is_empty() || !record.histograms.is_empty() || !record.exemplars.is_empty() {
            self.push_rest(&mut record, &mut applied);
        }
        for metadata in record.metadata {
            self.push_metadata(metadata);
        }
        let rows = applied.stored + applied.exemplars + applied.histograms;
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.exemplars.fetch_add(applied.exemplars, Ordering::Relaxed);
        applied
    }

    fn define(&self, defined: &[(SeriesId, Labels)], learned: &[(SeriesKey, SeriesId)]) {
        let mut registry = self.registry.write();
        for (id, labels) in defined {
            registry.define(*id, labels);
        }
        let mut pending = self.pending.lock();
        for (id, labels) in defined {
            pending.ids.remove(labels);
            pending.next = pending.next.max(id + 1);
        }
        let count = registry.len();
        drop((pending, registry));
        self.series.write().resize_with(count, Arc::default);
        let mut keys = self.keys.write();
        for (key, id) in learned {
            keys.insert(*key, *id, count);
        }
    }

    fn push_samples(&self, record: &Record, applied: &mut Applied) {
        let registry = self.registry.read();
        let mut series = self.series.write();
        let mut day = i64::MIN;
        for (i, (id, time, value)) in record.samples.iter().enumerate() {
            let Some(samples) = registry.slot(*id).and_then(|slot| series.get_mut(slot as usize)) else {
                self.orphans.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let start = record.starts.get(i).copied().unwrap_or(0);
            match Arc::make_mut(samples).push(start, *time, *value) {
                Pushed::Stored => applied.stored += 1,
                Pushed::Duplicate => applied.duplicates += 1,
                Pushed::Conflict => {
                    let series = record.origin.samples.get(i).copied().unwrap_or(0);
                    applied.conflicts.push(Conflict {
                        series,
                        timestamp: *time,
                        value: *value,
                        histogram: false,
                    });
                }
            }
            if time.div_euclid(DAY_MS) != day {
                day = time.div_euclid(DAY_MS);
                self.days.lock().insert(day);
            }
        }
    }

    fn push_rest(&self, record: &mut Record, applied: &mut Applied) {
        let registry = self.registry.read();
        let mut series = self.series.write();
        for id in &record.delta {
            if let Some(slot) = registry.slot(*id) {
                Arc::make_mut(&mut series[slot as usize]).set_delta();
            }
        }
        for (i, (id, write)) in record.histograms.drain(..).enumerate() {
            let Some(slot) = registry.slot(id) else {
                self.orphans.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let (timestamp, value) = (write.time, write.histogram.sum);
            self.days.lock().insert(timestamp.div_euclid(DAY_MS));
            match Arc::make_mut(&mut series[slot as usize]).push_histogram(write) {
                Pushed::Stored => applied.histograms += 1,
                Pushed::Duplicate => applied.histogram_duplicates += 1,
                Pushed::Conflict => applied.conflicts.push(Conflict {
                    series: record.origin.histograms.get(i).copied().unwrap_or(0),
                    timestamp,
                    value,
                    histogram: true,
                }),
            }
        }
        for (id, exemplar) in record.exemplars.drain(..) {
            let Some(slot) = registry.slot(id) else { continue };
            match self.push_exemplar(slot, &mut series[slot as usize], exemplar) {
                Pushed::Stored => applied.exemplars += 1,
                _ => applied.exemplar_duplicates += 1,
            }
        }
    }

    fn push_exemplar(&self, slot: Slot, series: &mut Arc<HeadSeries>, exemplar: Exemplar) -> Pushed {
        self.days.lock().insert(exemplar.time.div_euclid(DAY_MS));
        let ids: Vec<TraceId> = exemplar.trace_ids().collect();
        let pushed = Arc::make_mut(series).push_exemplar(exemplar);
        if pushed == Pushed::Stored && !ids.is_empty() {
            let mut traces = self.traces.write();
            for id in ids {
                let slots = traces.entry(id).or_default();
                if !slots.contains(&slot) {
                    slots.push(slot);
                }
            }
        }
        pushed
    }

    fn push_metadata(&self, metadata: OwnedMetadata) {
        self.days.lock().insert(metadata.received_ms.div_euclid(DAY_MS));
        let mut families = self.metadata.write();
        let known = families.entry(metadata.family.clone()).or_default();
        match known.iter_mut().find(|m| m.says_the_same(&metadata)) {
            Some(same) => same.received_ms = same.received_ms.max(metadata.received_ms),
            None => known.push(metadata),
        }
    }

    /// How much it holds.
    pub fn size(&self) -> HeadSize {
        let registry = self.registry.read();
        let series = self.series.read();
        let samples: usize = series.iter().map(|s| s.heap_bytes()).sum();
        HeadSize {
            rows: self.rows.load(Ordering::Relaxed),
            groups: registry.len() as u64,
            bytes: (registry.heap_bytes() + self.keys.read().heap_bytes() + samples) as u64,
        }
    }

    /// Samples stored.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Samples dropped at replay because no definition of their series survived.
    pub fn orphans(&self) -> u64 {
        self.orphans.load(Ordering::Relaxed)
    }

    /// UTC days with samples or metadata, ascending.
    pub fn days(&self) -> Vec<i64> {
        self.days.lock().iter().copied().collect()
    }

    /// Calls `visit` with the series that pass the matchers, for each set in the order of the labels, all at one moment.
    pub fn select(&self, sets: &[&[Matcher]], visit: &mut VisitSeries<'_>) -> Result<()> {
        let registry = self.registry.read();
        let series = self.series.read();
        for (i, matchers) in sets.iter().enumerate() {
            for slot in registry.in_order(&registry.select(matchers)?) {
                if let Some(samples) = series.get(slot as usize) {
                    visit(i, &|| registry.labels(slot), samples);
                }
            }
        }
        Ok(())
    }

    /// Reads the registry.
    pub fn with_registry<T>(&self, read: impl FnOnce(&Registry) -> T) -> T {
        read(&self.registry.read())
    }

    /// The slots whose series pass any of the sets of matchers, `None` for no restriction.
    pub fn slots(registry: &Registry, sets: &[&[Matcher]]) -> Result<Option<RoaringBitmap>> {
        if sets.is_empty() {
            return Ok(None);
        }
        let mut slots = RoaringBitmap::new();
        for matchers in sets {
            slots |= registry.select(matchers)?;
        }
        Ok(Some(slots))
    }

    /// The series of a slot.
    pub fn series(&self, slot: Slot) -> Option<Arc<HeadSeries>> {
        self.series.read().get(slot as usize).cloned()
    }

    /// The slots whose series have an exemplar that names a trace.
    pub fn slots_of_trace(&self, id: &TraceId) -> Vec<Slot> {
        self.traces.read().get(id).cloned().unwrap_or_default()
    }

    /// True when any series has exemplars.
    pub fn has_exemplars(&self) -> bool {
        self.exemplars.load(Ordering::Relaxed) > 0
    }

    /// All metadata.
    pub fn metadata(&self) -> Vec<OwnedMetadata> {
        self.metadata.read().values().flatten().cloned().collect()
    }
}

#[cfg(test)]
mod tests;
