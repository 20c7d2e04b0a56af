//! Counts by step of time. A step is open until it is written; what comes later for one that was written counts in the next
//! that is, so that totals are right. Recomputing puts it where it belongs.

use std::collections::{BTreeMap, HashMap};

use kymo_engine::traces::TraceId;

use crate::config::Generate;

/// Most buckets of a histogram, the one without bound included.
pub(super) const BUCKETS_MAX: usize = 16;

/// A group of series that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Family {
    /// Calls, durations and sizes of an operation.
    Operation,
    /// Requests from one service to another.
    Edge,
}

/// What identifies a group: its family and labels, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Entity {
    pub(super) family: Family,
    pub(super) labels: Vec<(String, String)>,
}

/// An observation that stands for a bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Exemplar {
    pub(super) seconds: f64,
    pub(super) trace_id: TraceId,
    pub(super) time_ms: i64,
}

/// A histogram of seconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Histogram {
    pub(super) buckets: [u64; BUCKETS_MAX],
    pub(super) sum: f64,
    pub(super) exemplars: Vec<(usize, Exemplar)>,
}

impl Histogram {
    /// Counts an observation, whose bucket is the first whose bound is not below it.
    pub(super) fn observe(&mut self, bounds: &[f64], exemplar: Exemplar) {
        let bucket = bounds.partition_point(|bound| *bound < exemplar.seconds);
        self.buckets[bucket] += 1;
        self.sum += exemplar.seconds;
        match self.exemplars.iter_mut().find(|(n, _)| *n == bucket) {
            Some((_, known)) => *known = exemplar,
            None => self.exemplars.push((bucket, exemplar)),
        }
    }

    fn add(&mut self, other: &Histogram) {
        self.buckets
            .iter_mut()
            .zip(other.buckets)
            .for_each(|(a, b)| *a += b);
        self.sum += other.sum;
    }
}

/// What is counted of an entity.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    /// Calls; requests.
    pub(super) calls: u64,
    /// Bytes; failed requests.
    pub(super) second: u64,
    /// Durations; those the server saw.
    pub(super) server: Histogram,
    /// Those the client saw.
    pub(super) client: Histogram,
}

impl Counts {
    pub(super) fn add(&mut self, other: &Counts) {
        self.calls += other.calls;
        self.second += other.second;
        self.server.add(&other.server);
        self.client.add(&other.client);
    }
}

/// Running totals of an entity.
#[derive(Debug, Clone, Default)]
pub(super) struct Totals {
    pub(super) counts: Counts,
    /// End of the last step that had something, in milliseconds.
    pub(super) last_ms: i64,
}

/// Counts by step, and the totals of those written.
#[derive(Debug)]
pub(super) struct Steps {
    pub(super) step_ms: i64,
    stale_ms: i64,
    entities_max: usize,
    open: BTreeMap<i64, HashMap<Entity, Counts>>,
    pub(super) totals: BTreeMap<Entity, Totals>,
    /// Ends of the steps up to here are written.
    written_ms: i64,
}

/// After so long without anything a series ends.
const STALE_MS: i64 = 900_000;

impl Steps {
    pub(super) fn new(settings: &Generate) -> Steps {
        Steps {
            step_ms: settings.step_ms.max(1),
            stale_ms: STALE_MS,
            entities_max: settings.entities_max,
            open: BTreeMap::new(),
            totals: BTreeMap::new(),
            written_ms: i64::MIN,
        }
    }

    /// Takes steps up to a time as written.
    pub(super) fn begin_behind(&mut self, written_ms: i64) {
        self.written_ms = self.written_ms.max(written_ms);
    }

    /// The counts of an entity in the step that a time, in nanoseconds, falls in: steps end at multiples of their length
    /// and include their end.
    pub(super) fn at(&mut self, entity: &Entity, time_ns: i64) -> &mut Counts {
        let step_ns = self.step_ms.saturating_mul(1_000_000);
        let number = time_ns.div_euclid(step_ns) + i64::from(time_ns.rem_euclid(step_ns) != 0);
        let mut end = number.saturating_mul(self.step_ms);
        if end <= self.written_ms {
            end = self.written_ms.saturating_add(self.step_ms);
        }
        let is_new = !self.totals.contains_key(entity);
        let full = is_new && self.totals.len() >= self.entities_max;
        let entity = if full {
            overflow(entity.family)
        } else {
            entity.clone()
        };
        self.totals.entry(entity.clone()).or_insert_with(|| Totals {
            last_ms: i64::MIN,
            ..Totals::default()
        });
        self.open.entry(end).or_default().entry(entity).or_default()
    }

    /// The end of the first step that may be written when all that end up to a time may.
    pub(super) fn next_due(&self, until_ms: i64) -> Option<i64> {
        let end = *self.open.keys().next()?;
        (end <= until_ms).then_some(end)
    }

    /// What a step has, by entity.
    pub(super) fn counts(&self, end_ms: i64) -> BTreeMap<&Entity, &Counts> {
        let counts = self.open.get(&end_ms).into_iter().flatten();
        counts.collect()
    }

    /// Adds a step to the totals, which were written.
    pub(super) fn close(&mut self, end_ms: i64) {
        for (entity, counts) in self.open.remove(&end_ms).unwrap_or_default() {
            let totals = self.totals.entry(entity).or_default();
            totals.counts.add(&counts);
            totals.last_ms = end_ms;
        }
        self.written_ms = self.written_ms.max(end_ms);
    }

    /// Entities that had nothing for long; they end.
    pub(super) fn take_stale(&mut self, end_ms: i64) -> Vec<Entity> {
        let limit = end_ms.saturating_sub(self.stale_ms);
        let is_stale = |totals: &Totals| totals.last_ms != i64::MIN && totals.last_ms < limit;
        let stale: Vec<Entity> = self
            .totals
            .iter()
            .filter(|(_, t)| is_stale(t))
            .map(|(entity, _)| entity.clone())
            .collect();
        stale.iter().for_each(|entity| drop(self.totals.remove(entity)));
        stale
    }
}

/// The entity of everything above the bound.
fn overflow(family: Family) -> Entity {
    Entity {
        family,
        labels: vec![("metric_overflow".to_owned(), "true".to_owned())],
    }
}

#[cfg(test)]
mod tests;
