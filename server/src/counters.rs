//! The server's own counters, as atomics; `http/own` renders them. The store has its own statistics.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::ingest::{LogReason, Reason};

/// Upper bounds of the request duration histogram, in seconds.
pub const DURATION_BOUNDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// All counters of a server.
#[derive(Debug, Default)]
pub struct Counters {
    /// Requests by path and status.
    pub requests: Requests,
    /// Samples stored.
    pub samples_stored: Counter,
    /// Samples that were there already.
    pub samples_duplicate: Counter,
    /// Native histograms stored.
    pub histograms_stored: Counter,
    /// Native histograms that were there already.
    pub histograms_duplicate: Counter,
    /// Samples of merged series that are not there on their own.
    pub samples_merged: Counter,
    /// Labels of series that became exemplars.
    pub metric_labels_moved: MovedLabels,
    /// Exemplars stored.
    pub exemplars_stored: Counter,
    /// Spans stored.
    pub spans_stored: Counter,
    /// Spans that were there already.
    pub spans_duplicate: Counter,
    /// Sides of calls between services whose other side never came.
    pub edges_expired: Counter,
    /// Sides of calls that were not kept because too many waited.
    pub edges_dropped: Counter,
    /// Samples, series, histograms or spans refused, by reason.
    pub rejected: [Counter; Reason::COUNT],
    /// Log entries stored, those that were there already included.
    pub log_entries_stored: Counter,
    /// Log entries refused, by reason.
    pub log_entries_rejected: [Counter; LogReason::COUNT],
    /// Bytes of their lines.
    pub log_bytes_rejected: Counter,
    /// Labels of streams that became structured metadata.
    pub log_labels_moved: Counter,
    /// Writes told to retry.
    pub writes_deferred: Counter,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The number so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Labels taken off series by their names, which the configuration lists: how many exemplars keep, and how many none does.
#[derive(Debug, Default)]
pub struct MovedLabels(Mutex<BTreeMap<String, [u64; 2]>>);

impl MovedLabels {
    /// Adds the counts of a write.
    pub fn add(&self, counts: &BTreeMap<String, [u64; 2]>) {
        let mut all = self.0.lock();
        for (name, [kept, dropped]) in counts {
            let sum = all.entry(name.clone()).or_default();
            sum[0] += kept;
            sum[1] += dropped;
        }
    }

    /// The counts so far.
    pub fn get(&self) -> BTreeMap<String, [u64; 2]> {
        self.0.lock().clone()
    }
}

/// A number that goes up and down with the guards that [`Gauge::enter`] gives.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

/// Keeps a [`Gauge`] one higher while it lives.
#[derive(Debug)]
pub struct Entered<'a>(&'a Gauge);

impl Gauge {
    /// Counts one more until the guard is dropped.
    pub fn enter(&self) -> Entered<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Entered(self)
    }

    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Requests by path and status.
#[derive(Debug, Default)]
pub struct Requests(Mutex<BTreeMap<(String, u16), RequestStats>>);

/// Count and durations of one path and status.
#[derive(Debug, Clone, Default)]
pub struct RequestStats {
    /// Requests per bucket of [`DURATION_BOUNDS`], not cumulated; the last is beyond all bounds.
    pub buckets: [u64; DURATION_BOUNDS.len() + 1],
    /// Seconds of all requests.
    pub seconds: f64,
}

impl Requests {
    /// Counts one request. `path` is a route, never text of the caller.
    pub fn add(&self, path: &str, status: u16, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = DURATION_BOUNDS.partition_point(|bound| *bound < seconds);
        let mut all = self.0.lock();
        let stats = all.entry((path.to_owned(), status)).or_default();
        stats.buckets[bucket] += 1;
        stats.seconds += seconds;
    }

    /// A copy of all counts.
    pub fn snapshot(&self) -> Vec<((String, u16), RequestStats)> {
        self.0
            .lock()
            .iter()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    }
}
