//! The metrics head: everything applied since the last flush. Records are resolved against its registry, made durable
//! by the log and applied here in log order; what is a duplicate or a conflict is decided then, the same way at replay.

pub mod histograms;
pub mod names;
mod resolve;
pub mod series;
pub mod starts;

pub use series::HeadSeries;

use names::{Names, Numbers};
use resolve::Resolving;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use roaring::RoaringBitmap;

use super::batch::{Applied, Conflict, LabelSource, Metadata, WriteBatch};
use super::changes::Changes;
use super::exemplar::{Exemplar, TraceId};
use super::key::SeriesKey;
use super::matcher::Matcher;
use super::record::{OwnedMetadata, Record};
use super::registry::{Registry, SeriesId, Slot};
use super::samples::Pushed;
use crate::error::Result;
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
    names: Arc<Names>,
    /// Series that applied records of this head define.
    defined: RwLock<Numbers>,
    /// What there is of each series, by slot.
    series: RwLock<Vec<Option<Arc<HeadSeries>>>>,
    /// Slots with anything.
    present: RwLock<RoaringBitmap>,
    metadata: RwLock<BTreeMap<String, Vec<OwnedMetadata>>>,
    /// Series whose exemplars name a trace.
    traces: RwLock<HashMap<TraceId, Vec<Slot>>>,
    days: Mutex<BTreeSet<i64>>,
    /// Shared by all heads of a store.
    changes: Arc<Changes>,
    rows: AtomicU64,
    exemplars: AtomicU64,
    /// Samples of series nobody defined: only damage to the log can cause them.
    orphans: AtomicU64,
}

/// Takes a selected series: which set of matchers it passed, how to get its labels, its samples.
pub type VisitSeries<'v> = dyn FnMut(usize, &dyn Fn() -> Labels, &Arc<HeadSeries>) + 'v;

const DAY_MS: i64 = 86_400_000;
/// How long a repeated statement about a metric family is not written again.
const METADATA_REPEAT_MS: u64 = 3_600_000;
/// Names of dead series that are not worth dropping.
const NAMES_SPARE: usize = 4096;

impl MetricsHead {
    /// The head that follows another one: it shares its names unless most of them are of series that went away.
    pub fn after(previous: &MetricsHead) -> MetricsHead {
        let names = previous.names.registry.read().len();
        if names > NAMES_SPARE + 2 * previous.defined.read().len() {
            return MetricsHead {
                changes: previous.changes.clone(),
                ..MetricsHead::default()
            };
        }
        MetricsHead {
            names: previous.names.clone(),
            changes: previous.changes.clone(),
            ..MetricsHead::default()
        }
    }

    /// Resolves a write to series numbers. Series not yet applied are defined again: the log must never have a record
    /// that names a series by number alone before the record that defines the number.
    ///
    /// # Errors
    /// [`crate::Error::Aborted`] when a label source says so.
    pub fn resolve(&self, input: &Input<'_>) -> Result<Record> {
        let (mut record, learned) = Resolving::all(self, input)?;
        if !learned.is_empty() {
            let count = self.names.registry.read().len();
            self.names.learn(&learned, count);
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

    /// Applies a durable record.
    pub fn apply(&self, mut record: Record) -> Applied {
        if !record.series.is_empty() {
            self.define(&record.series, &record.origin.keys);
        }
        let written = record.times();
        let mut applied = Applied {
            over_limit: std::mem::take(&mut record.origin.over_limit),
            refused: std::mem::take(&mut record.origin.refused),
            merged: record.origin.ends[0],
            merged_histograms: record.origin.ends[1],
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
        if let Some((first, last)) = written {
            self.changes.mark(first, last);
        }
        let rows = applied.stored + applied.exemplars + applied.histograms;
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.exemplars.fetch_add(applied.exemplars, Ordering::Relaxed);
        applied
    }

    fn define(&self, defined: &[(SeriesId, Labels)], learned: &[(SeriesKey, SeriesId)]) {
        let count = self.names.define(defined, learned);
        {
            let mut series = self.series.write();
            if series.len() < count {
                series.resize(count, None);
            }
        }
        let mut known = self.defined.write();
        for (id, _) in defined {
            known.insert(*id);
        }
    }

    /// What there is of a defined series.
    #[inline]
    fn at<'s>(
        &self,
        registry: &Registry,
        series: &'s mut [Option<Arc<HeadSeries>>],
        id: SeriesId,
    ) -> Option<&'s mut HeadSeries> {
        let slot = registry.slot(id)?;
        let entry = series.get_mut(slot as usize)?;
        if entry.is_none() {
            self.present.write().insert(slot);
        }
        Some(Arc::make_mut(entry.get_or_insert_default()))
    }

    fn push_samples(&self, record: &Record, applied: &mut Applied) {
        let registry = self.names.registry.read();
        let mut series = self.series.write();
        let mut day = i64::MIN;
        for (i, (id, time, value)) in record.samples.iter().enumerate() {
            let Some(samples) = self.at(&registry, &mut series, *id) else {
                self.orphans.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let start = record.starts.get(i).copied().unwrap_or(0);
            match samples.push(start, *time, *value) {
                Pushed::Stored => applied.stored += 1,
                Pushed::Duplicate => applied.duplicates += 1,
                Pushed::Conflict if record.origin.merged.contains(id) => applied.merged += 1,
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
        let registry = self.names.registry.read();
        let mut series = self.series.write();
        for id in &record.delta {
            if let Some(series) = self.at(&registry, &mut series, *id)
                && !series.is_delta()
            {
                series.set_delta();
                // It says something about the samples before, too.
                self.changes.mark_all();
            }
        }
        for (i, (id, write)) in record.histograms.drain(..).enumerate() {
            let Some(series) = self.at(&registry, &mut series, id) else {
                self.orphans.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let (timestamp, value) = (write.time, write.histogram.sum);
            self.days.lock().insert(timestamp.div_euclid(DAY_MS));
            match series.push_histogram(write) {
                Pushed::Stored => applied.histograms += 1,
                Pushed::Duplicate => applied.histogram_duplicates += 1,
                Pushed::Conflict if record.origin.merged.contains(&id) => applied.merged_histograms += 1,
                Pushed::Conflict => applied.conflicts.push(Conflict {
                    series: record.origin.histograms.get(i).copied().unwrap_or(0),
                    timestamp,
                    value,
                    histogram: true,
                }),
            }
        }
        for (id, exemplar) in record.exemplars.drain(..) {
            let (Some(slot), Some(series)) = (registry.slot(id), self.at(&registry, &mut series, id)) else {
                continue;
            };
            match self.push_exemplar(slot, series, exemplar) {
                Pushed::Stored => applied.exemplars += 1,
                _ => applied.exemplar_duplicates += 1,
            }
        }
    }

    fn push_exemplar(&self, slot: Slot, series: &mut HeadSeries, exemplar: Exemplar) -> Pushed {
        self.days.lock().insert(exemplar.time.div_euclid(DAY_MS));
        let ids: Vec<TraceId> = exemplar.trace_ids().collect();
        let pushed = series.push_exemplar(exemplar);
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
        let registry = self.names.registry.read();
        let series = self.series.read();
        let samples: usize = series.iter().flatten().map(|s| s.heap_bytes()).sum();
        let names = registry.heap_bytes() + self.names.keys.read().heap_bytes();
        HeadSize {
            rows: self.rows.load(Ordering::Relaxed),
            groups: self.present.read().len(),
            bytes: (names + samples + series.capacity() * 8) as u64,
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
        let registry = self.names.registry.read();
        let series = self.series.read();
        for (i, matchers) in sets.iter().enumerate() {
            for slot in registry.in_order(&registry.select(matchers)?) {
                if let Some(Some(samples)) = series.get(slot as usize) {
                    visit(i, &|| registry.labels(slot), samples);
                }
            }
        }
        Ok(())
    }

    /// When times were written to.
    pub fn changes(&self) -> &Arc<Changes> {
        &self.changes
    }

    /// The names of the series.
    pub(super) fn names(&self) -> &Arc<Names> {
        &self.names
    }

    /// What there is of each series, by slot; nothing is written meanwhile.
    pub(super) fn all_series(&self) -> parking_lot::RwLockReadGuard<'_, Vec<Option<Arc<HeadSeries>>>> {
        self.series.read()
    }

    /// Reads the registry.
    pub fn with_registry<T>(&self, read: impl FnOnce(&Registry) -> T) -> T {
        read(&self.names.registry.read())
    }

    /// The slots with anything whose series pass any of the sets of matchers, `None` when that is every name there is.
    pub fn slots(&self, registry: &Registry, sets: &[&[Matcher]]) -> Result<Option<RoaringBitmap>> {
        let present = self.present.read();
        if sets.is_empty() {
            return Ok((present.len() < registry.len() as u64).then(|| present.clone()));
        }
        let mut slots = RoaringBitmap::new();
        for matchers in sets {
            slots |= registry.select(matchers)?;
        }
        Ok(Some(slots & &*present))
    }

    /// The slots with anything, in the order of their labels.
    pub fn slots_in_order(&self) -> Vec<Slot> {
        let order = self.names.registry.read().order();
        let present = self.present.read();
        order
            .iter()
            .copied()
            .filter(|slot| present.contains(*slot))
            .collect()
    }

    /// The series of a slot.
    pub fn series(&self, slot: Slot) -> Option<Arc<HeadSeries>> {
        self.series.read().get(slot as usize).cloned().flatten()
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
