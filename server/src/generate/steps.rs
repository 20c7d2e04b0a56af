//! Counts by step of time. A step is open until it is written; what comes later for one that was written counts in the next
//! that is, so that totals are right. Recomputing puts it where it belongs.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use kymo_engine::traces::TraceId;

use crate::config::Generate;

/// A group of series that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Family {
    /// Calls, durations and sizes of an operation.
    Operation,
    /// Requests from one service to another.
    Edge,
    /// Messages from one service to another.
    Messages,
    /// A resource that spans come from.
    Target,
}

/// What identifies a group: its family and labels, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Entity {
    pub(super) family: Family,
    pub(super) labels: Vec<(String, String)>,
}

/// An observation that stands for a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exemplar {
    pub(super) nanos: i64,
    pub(super) trace_id: TraceId,
    pub(super) time_ms: i64,
}

impl Exemplar {
    pub(super) fn seconds(&self) -> f64 {
        self.nanos as f64 / 1e9
    }

    /// The greatest of a bucket is shown: the newest, of those of one time the longest.
    fn rank(&self) -> (i64, i64, TraceId) {
        (self.time_ms, self.nanos, self.trace_id)
    }
}

/// A histogram of seconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Histogram {
    /// One more than bounds; empty before the first observation.
    pub(super) buckets: Vec<f64>,
    /// Sum in nanoseconds: whole numbers, whose sum does not depend on the order in which spans come.
    nanos: i128,
    pub(super) exemplars: Vec<(usize, Exemplar)>,
}

impl Histogram {
    /// Counts an observation that stands for so many; its bucket is the first whose bound is not below it.
    pub(super) fn observe(&mut self, bounds: &[f64], exemplar: Exemplar, weight: f64) {
        let seconds = exemplar.seconds();
        let bucket = bounds.partition_point(|bound| *bound < seconds);
        self.buckets.resize(bounds.len() + 1, 0.0);
        self.buckets[bucket] += weight;
        self.nanos += (exemplar.nanos as f64 * weight).round() as i128;
        match self.exemplars.iter_mut().find(|(n, _)| *n == bucket) {
            Some((_, known)) if known.rank() >= exemplar.rank() => {}
            Some((_, known)) => *known = exemplar,
            None => self.exemplars.push((bucket, exemplar)),
        }
    }

    /// Sum of what was observed, in seconds.
    pub(super) fn sum(&self) -> f64 {
        self.nanos as f64 / 1e9
    }

    fn add(&mut self, other: &Histogram) {
        self.buckets
            .resize(self.buckets.len().max(other.buckets.len()), 0.0);
        self.buckets
            .iter_mut()
            .zip(&other.buckets)
            .for_each(|(a, b)| *a += b);
        self.nanos += other.nanos;
    }
}

/// What is counted of an entity.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    /// Calls; requests; that there is a resource.
    pub(super) calls: f64,
    /// Bytes; failed requests.
    pub(super) second: f64,
    /// Durations; those the server saw.
    pub(super) server: Histogram,
    /// Those the client saw.
    pub(super) client: Histogram,
    /// From the client's end to the server's start.
    pub(super) between: Histogram,
}

impl Counts {
    pub(super) fn add(&mut self, other: &Counts) {
        self.calls += other.calls;
        self.second += other.second;
        self.server.add(&other.server);
        self.client.add(&other.client);
        self.between.add(&other.between);
    }
}

/// Running totals of an entity.
#[derive(Debug, Clone, Default)]
pub(super) struct Totals {
    pub(super) counts: Counts,
    /// End of the last step that had something, in milliseconds.
    pub(super) last_ms: i64,
}

/// Number of an entity.
pub(super) type Number = u32;

/// Counts by step, and the totals of those written.
#[derive(Debug)]
pub(super) struct Steps {
    pub(super) step_ms: i64,
    stale_ms: i64,
    entities_max: usize,
    entities: Vec<Entity>,
    numbers: HashMap<Entity, Number>,
    open: BTreeMap<i64, HashMap<Number, Counts>>,
    /// Of the entities that have series.
    totals: BTreeMap<Number, Totals>,
    /// Ends of the steps up to here are written.
    written_ms: i64,
    /// Whether what falls into steps that are written was counted in them.
    is_counted: bool,
    /// Takes what was counted.
    counted: Counts,
}

/// After so long without anything a series ends.
const STALE_MS: i64 = 900_000;

impl Steps {
    pub(super) fn new(settings: &Generate) -> Steps {
        Steps {
            step_ms: settings.step_ms.max(1),
            stale_ms: STALE_MS,
            entities_max: settings.entities_max,
            entities: Vec::new(),
            numbers: HashMap::new(),
            open: BTreeMap::new(),
            totals: BTreeMap::new(),
            written_ms: i64::MIN,
            is_counted: false,
            counted: Counts::default(),
        }
    }

    /// From now on what falls into steps that are written was counted in them, or comes late.
    pub(super) fn take_as_counted(&mut self, is_counted: bool) {
        self.is_counted = is_counted;
    }

    /// Takes steps up to a time as written.
    pub(super) fn begin_behind(&mut self, written_ms: i64) {
        self.written_ms = self.written_ms.max(written_ms);
    }

    /// End of the last step that is written.
    pub(super) fn written(&self) -> i64 {
        self.written_ms
    }

    /// The number of an entity, that of the overflow when there are too many.
    pub(super) fn number(&mut self, entity: Entity) -> Number {
        if let Some(n) = self.numbers.get(&entity) {
            return *n;
        }
        let is_overflow = entity == overflow(entity.family);
        if self.entities.len() >= self.entities_max && !is_overflow {
            return self.number(overflow(entity.family));
        }
        let n = self.entities.len() as Number;
        self.entities.push(entity.clone());
        self.numbers.insert(entity, n);
        n
    }

    /// The entity of a number.
    pub(super) fn entity(&self, number: Number) -> &Entity {
        &self.entities[number as usize]
    }

    /// The counts of an entity in the step that a time, in nanoseconds, falls in: steps end at multiples of their length
    /// and include their end.
    pub(super) fn at(&mut self, number: Number, time_ns: i64) -> &mut Counts {
        let step_ns = self.step_ms.saturating_mul(1_000_000);
        let steps = time_ns.div_euclid(step_ns) + i64::from(time_ns.rem_euclid(step_ns) != 0);
        let mut end = steps.saturating_mul(self.step_ms);
        if end <= self.written_ms && self.is_counted {
            self.counted = Counts::default();
            return &mut self.counted;
        }
        if end <= self.written_ms {
            end = self.written_ms.saturating_add(self.step_ms);
        }
        self.open.entry(end).or_default().entry(number).or_default()
    }

    /// The end of the first step that may be written when all that end up to a time may.
    pub(super) fn next_due(&self, until_ms: i64) -> Option<i64> {
        let end = *self.open.keys().next()?;
        (end <= until_ms).then_some(end)
    }

    /// The running totals of all entities with what a step adds, and that itself: those that have series and those that
    /// get them in this step.
    pub(super) fn totals_with(&self, end_ms: i64) -> Vec<(Number, Totals, Option<&Counts>)> {
        let new = self.open.get(&end_ms);
        let mut all: BTreeMap<Number, Option<&Counts>> = self.totals.keys().map(|n| (*n, None)).collect();
        all.extend(new.into_iter().flatten().map(|(n, counts)| (*n, Some(counts))));
        let mut found = Vec::with_capacity(all.len());
        for (n, new) in all {
            let mut totals = self.totals.get(&n).cloned().unwrap_or_else(|| Totals {
                last_ms: i64::MIN,
                ..Totals::default()
            });
            new.into_iter().for_each(|new| totals.counts.add(new));
            found.push((n, totals, new));
        }
        found
    }

    /// Adds a step to the totals, which were written.
    pub(super) fn close(&mut self, end_ms: i64) {
        for (number, counts) in self.open.remove(&end_ms).unwrap_or_default() {
            let totals = self.totals.entry(number).or_default();
            totals.counts.add(&counts);
            totals.last_ms = end_ms;
        }
        self.written_ms = self.written_ms.max(end_ms);
    }

    /// Entities that had nothing for long; their series end.
    pub(super) fn take_stale(&mut self, end_ms: i64) -> Vec<Number> {
        let limit = end_ms.saturating_sub(self.stale_ms);
        let stale: Vec<Number> = self
            .totals
            .iter()
            .filter(|(_, t)| t.last_ms < limit)
            .map(|(n, _)| *n)
            .collect();
        stale.iter().for_each(|n| drop(self.totals.remove(n)));
        stale
    }
}

/// The entity of everything above the bound. Messages are requests there: their series have the same names.
fn overflow(family: Family) -> Entity {
    Entity {
        family: match family {
            Family::Messages => Family::Edge,
            other => other,
        },
        labels: vec![("metric_overflow".to_owned(), "true".to_owned())],
    }
}

#[cfg(test)]
mod tests;
