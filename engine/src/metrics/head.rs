//! The metrics head: everything applied since the last flush. Records are resolved against its registry, made durable
//! by the log and applied here in log order; what is a duplicate or a conflict is decided then, the same way at replay.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use roaring::RoaringBitmap;

use super::batch::{Applied, Conflict, WriteBatch};
use super::matcher::Matcher;
use super::record::{OwnedMetadata, Record};
use super::registry::{Registry, SeriesId, Slot};
use super::samples::{Pushed, SeriesSamples};
use crate::error::Result;
use crate::labels::Labels;
use crate::signal::HeadSize;

/// A write and its bounds.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// What to store.
    pub batch: &'a WriteBatch<'a>,
    /// Most series the head may have; new ones above are refused.
    pub series_max: u64,
    /// Now, in milliseconds since 1970: the time of metadata.
    pub received_ms: i64,
}

/// Series and samples since the last flush.
#[derive(Default)]
pub struct MetricsHead {
    registry: RwLock<Registry>,
    /// Series whose definition is on its way through the log.
    pending: Mutex<Pending>,
    series: RwLock<Vec<Arc<SeriesSamples>>>,
    metadata: RwLock<BTreeMap<String, Vec<OwnedMetadata>>>,
    days: Mutex<BTreeSet<i64>>,
    rows: AtomicU64,
    /// Samples of series nobody defined: only damage to the log can cause them.
    orphans: AtomicU64,
}

#[derive(Default)]
struct Pending {
    ids: HashMap<Labels, SeriesId>,
    next: SeriesId,
}

/// Takes a selected series: which set of matchers it passed, how to get its labels, its samples.
pub type VisitSeries<'v> = dyn FnMut(usize, &dyn Fn() -> Labels, &Arc<SeriesSamples>) + 'v;

const DAY_MS: i64 = 86_400_000;

impl MetricsHead {
    /// Resolves a write to series numbers. Series not yet applied are defined again: the log must never have a record
    /// that names a series by number alone before the record that defines the number.
    pub fn resolve(&self, input: &Input<'_>) -> Record {
        let mut record = Record::default();
        record.samples.reserve_exact(input.batch.sample_count());
        record.origins.reserve_exact(input.batch.sample_count());
        let registry = self.registry.read();
        for (i, series) in input.batch.series().enumerate() {
            let id = match registry.find(series.labels) {
                Some(id) => id,
                None => match self.pend(&registry, series.labels, input.series_max) {
                    Some((id, labels)) => {
                        record.series.push((id, labels));
                        id
                    }
                    None => {
                        record.over_limit.push(i as u32);
                        continue;
                    }
                },
            };
            record
                .samples
                .extend(series.samples.iter().map(|(t, v)| (id, *t, *v)));
            record.origins.resize(record.samples.len(), i as u32);
        }
        drop(registry);
        record.metadata = input
            .batch
            .metadata
            .iter()
            .map(|m| OwnedMetadata {
                family: m.family.to_owned(),
                kind: m.kind,
                help: m.help.to_owned(),
                unit: m.unit.to_owned(),
                received_ms: input.received_ms,
            })
            .collect();
        record
    }

    fn pend(
        &self,
        registry: &Registry,
        labels: &[(&str, &str)],
        series_max: u64,
    ) -> Option<(SeriesId, Labels)> {
        let labels = Labels::from_sorted(labels.iter().copied());
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
    pub fn apply(&self, record: Record) -> Applied {
        if !record.series.is_empty() {
            self.define(&record.series);
        }
        let mut applied = Applied {
            over_limit: record.over_limit.clone(),
            ..Applied::default()
        };
        if !record.samples.is_empty() {
            self.push_samples(&record, &mut applied);
        }
        for metadata in record.metadata {
            self.push_metadata(metadata);
        }
        self.rows.fetch_add(applied.stored, Ordering::Relaxed);
        applied
    }

    fn define(&self, defined: &[(SeriesId, Labels)]) {
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
            match Arc::make_mut(samples).push(*time, *value) {
                Pushed::Stored => applied.stored += 1,
                Pushed::Duplicate => applied.duplicates += 1,
                Pushed::Conflict => {
                    let series = record.origins.get(i).copied().unwrap_or(0);
                    applied.conflicts.push(Conflict {
                        series,
                        timestamp: *time,
                        value: *value,
                    });
                }
            }
            if time.div_euclid(DAY_MS) != day {
                day = time.div_euclid(DAY_MS);
                self.days.lock().insert(day);
            }
        }
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
            bytes: (registry.heap_bytes() + samples) as u64,
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

    /// The samples of a slot.
    pub fn samples(&self, slot: Slot) -> Option<Arc<SeriesSamples>> {
        self.series.read().get(slot as usize).cloned()
    }

    /// All metadata.
    pub fn metadata(&self) -> Vec<OwnedMetadata> {
        self.metadata.read().values().flatten().cloned().collect()
    }
}

#[cfg(test)]
mod tests;
