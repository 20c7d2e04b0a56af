//! Which times have been written to since when, so that whoever keeps an answer knows whether it still holds. It errs on the
//! side of change: what it calls unchanged is. Not for what was written.
//!
//! A write is marked after it is applied and before it is acknowledged, and a reader takes its stamp before it looks at any
//! data: what it may have missed is marked later than its stamp.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::signal::Metrics;
use crate::store::Store;

/// Milliseconds that are told apart.
const BUCKET_MS: i64 = 10_000;
/// Buckets kept; half of them become one when there are more.
const BUCKETS_MAX: usize = 8192;
/// Buckets that one write marks one by one.
const WIDE: i64 = 256;

/// A moment in the order of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(u64);

/// When the times of a store were last written to.
#[derive(Debug)]
pub struct Changes(Mutex<State>);

#[derive(Debug)]
struct State {
    now: u64,
    /// Last change by bucket.
    buckets: BTreeMap<i64, u64>,
    /// The last bucket of those that are not told apart any more, and the last change of any of them.
    before: (i64, u64),
}

impl Default for Changes {
    fn default() -> Changes {
        Changes(Mutex::new(State {
            now: 0,
            buckets: BTreeMap::new(),
            before: (i64::MIN, 0),
        }))
    }
}

impl Changes {
    /// Now.
    pub fn stamp(&self) -> Stamp {
        Stamp(self.0.lock().now)
    }

    /// Marks a write whose samples lie between two times, both inclusive.
    pub fn mark(&self, min_time: i64, max_time: i64) {
        let (first, last) = (min_time.div_euclid(BUCKET_MS), max_time.div_euclid(BUCKET_MS));
        let mut state = self.0.lock();
        state.now += 1;
        let now = state.now;
        if last.saturating_sub(first) > WIDE {
            state.join_up_to(last);
        }
        let from = first.max(state.before.0.saturating_add(1));
        if first <= state.before.0 {
            state.before.1 = now;
        }
        for bucket in from..=last {
            state.buckets.insert(bucket, now);
        }
        if state.buckets.len() > BUCKETS_MAX
            && let Some(middle) = state.buckets.keys().nth(BUCKETS_MAX / 2).copied()
        {
            state.join_up_to(middle);
        }
    }

    /// Marks a change of anything at any time.
    pub fn mark_all(&self) {
        let mut state = self.0.lock();
        state.now += 1;
        state.join_up_to(i64::MAX);
        state.before.1 = state.now;
    }

    /// The first time between two, both inclusive, that may have been written to after a stamp.
    pub fn first_since(&self, stamp: Stamp, min_time: i64, max_time: i64) -> Option<i64> {
        let (first, last) = (min_time.div_euclid(BUCKET_MS), max_time.div_euclid(BUCKET_MS));
        let state = self.0.lock();
        if state.now <= stamp.0 || first > last {
            return None;
        }
        if first <= state.before.0 && state.before.1 > stamp.0 {
            return Some(min_time);
        }
        let mut later = state.buckets.range(first..=last).filter(|(_, at)| **at > stamp.0);
        later
            .next()
            .map(|(bucket, _)| bucket.saturating_mul(BUCKET_MS).max(min_time))
    }
}

impl State {
    /// No longer tells apart what lies up to a bucket.
    fn join_up_to(&mut self, bucket: i64) {
        let later = match bucket.checked_add(1) {
            Some(next) => self.buckets.split_off(&next),
            None => BTreeMap::new(),
        };
        let joined = std::mem::replace(&mut self.buckets, later);
        let last = joined.into_values().max().unwrap_or(0);
        self.before = (self.before.0.max(bucket), self.before.1.max(last));
    }
}

/// A moment of a store: taken before anything is read, it tells later what was not there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    stamp: Stamp,
    removals: u64,
}

impl Store<Metrics> {
    /// Now; to be asked before a snapshot is taken.
    pub fn moment(&self) -> Moment {
        let removals = self.removals();
        Moment {
            stamp: self.open_head().state.changes().stamp(),
            removals,
        }
    }

    /// The first time between two, both inclusive, whose samples may have changed since a moment.
    pub fn first_change_since(&self, moment: &Moment, min_time: i64, max_time: i64) -> Option<i64> {
        if self.removals() != moment.removals {
            return Some(min_time);
        }
        let head = self.open_head();
        head.state.changes().first_since(moment.stamp, min_time, max_time)
    }
}

#[cfg(test)]
mod tests;
