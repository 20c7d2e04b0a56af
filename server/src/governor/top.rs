//! What queries cost lately: a bounded memory of those that ended, added up by text, tenant and length of their range.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::active::Asked;
use super::outcome::Cost;

/// Queries that are remembered.
const QUERIES_MAX: usize = 20_000;

/// Bytes of a text that are remembered.
const TEXT_BYTES_MAX: usize = 4096;

/// Bytes of all texts that are remembered.
const BYTES_MAX: usize = 8 << 20;

/// By what queries are ordered, the largest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// How often they were asked.
    Count,
    /// Their time in all.
    SumDuration,
    /// Their time on average.
    AvgDuration,
    /// The most bytes that one held.
    PeakMemory,
    /// The samples they read in all.
    SamplesRead,
}

/// All queries of one text, tenant and length of range.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TopRow {
    pub(crate) query: String,
    pub(crate) tenant: String,
    pub(crate) range_seconds: i64,
    pub(crate) count: u64,
    pub(crate) seconds: f64,
    pub(crate) peak_bytes: usize,
    pub(crate) samples_read: u64,
}

impl TopRow {
    /// Seconds of one on average.
    pub(crate) fn average_seconds(&self) -> f64 {
        self.seconds / self.count as f64
    }

    fn weight(&self, order: Order) -> f64 {
        match order {
            Order::Count => self.count as f64,
            Order::SumDuration => self.seconds,
            Order::AvgDuration => self.average_seconds(),
            Order::PeakMemory => self.peak_bytes as f64,
            Order::SamplesRead => self.samples_read as f64,
        }
    }
}

/// Text, tenant and length of the range.
type Name = (Arc<str>, Arc<str>, i64);

struct Ended {
    name: Name,
    at: Instant,
    took: Duration,
    peak_bytes: usize,
    samples_read: u64,
}

#[derive(Default)]
struct Memory {
    ended: VecDeque<Ended>,
    text_bytes: usize,
}

impl Memory {
    fn forget_first(&mut self) {
        if let Some(first) = self.ended.pop_front() {
            self.text_bytes -= first.name.0.len();
        }
    }
}

/// The queries that ended lately.
#[derive(Default)]
pub(super) struct Top(Mutex<Memory>);

impl Top {
    pub(super) fn add(&self, asked: &Asked, cost: &Cost, now: Instant) {
        let text = &asked.text[..asked.text.floor_char_boundary(TEXT_BYTES_MAX)];
        let ended = Ended {
            name: (
                text.into(),
                asked.tenant.as_str().into(),
                asked.end.saturating_sub(asked.start) / 1000,
            ),
            at: now,
            took: cost.took,
            peak_bytes: cost.peak_bytes,
            samples_read: cost.samples_read,
        };
        let mut memory = self.0.lock();
        memory.text_bytes += text.len();
        memory.ended.push_back(ended);
        while memory.ended.len() > QUERIES_MAX || memory.text_bytes > BYTES_MAX {
            memory.forget_first();
        }
    }

    pub(super) fn rows(&self, order: Order, age: Duration, tenant: Option<&str>, n: usize) -> Vec<TopRow> {
        let mut rows: HashMap<Name, TopRow> = HashMap::new();
        let memory = self.0.lock();
        let recent = memory.ended.iter().rev().take_while(|e| e.at.elapsed() <= age);
        for ended in recent.filter(|e| tenant.is_none_or(|tenant| *e.name.1 == *tenant)) {
            let row = rows.entry(ended.name.clone()).or_insert_with(|| TopRow {
                query: ended.name.0.to_string(),
                tenant: ended.name.1.to_string(),
                range_seconds: ended.name.2,
                count: 0,
                seconds: 0.0,
                peak_bytes: 0,
                samples_read: 0,
            });
            row.count += 1;
            row.seconds += ended.took.as_secs_f64();
            row.peak_bytes = row.peak_bytes.max(ended.peak_bytes);
            row.samples_read += ended.samples_read;
        }
        drop(memory);
        let mut rows: Vec<TopRow> = rows.into_values().collect();
        rows.sort_by(|a, b| {
            let weights = b.weight(order).total_cmp(&a.weight(order));
            weights.then_with(|| a.query.cmp(&b.query))
        });
        rows.truncate(n);
        rows
    }
}
