//! Native histograms of one series in a head, one per timestamp.

use std::sync::Arc;

use crate::metrics::histogram::Histogram;
use crate::metrics::samples::Pushed;

/// Histograms by time.
#[derive(Debug, Clone, Default)]
pub struct HistogramSamples {
    rows: Vec<(i64, Arc<Histogram>)>,
}

impl HistogramSamples {
    /// Stores a histogram unless its time is taken.
    pub fn push(&mut self, time: i64, histogram: Histogram) -> Pushed {
        let at = match self.rows.last() {
            Some((last, _)) if time <= *last => self.rows.binary_search_by_key(&time, |(t, _)| *t),
            _ => Err(self.rows.len()),
        };
        match at {
            Ok(i) if self.rows[i].1.same_bits(&histogram) => Pushed::Duplicate,
            Ok(_) => Pushed::Conflict,
            Err(i) => {
                self.rows.insert(i, (time, Arc::new(histogram)));
                Pushed::Stored
            }
        }
    }

    /// True when there is one at a time.
    pub fn contains(&self, time: i64) -> bool {
        self.rows.binary_search_by_key(&time, |(t, _)| *t).is_ok()
    }

    /// Time of the newest.
    pub fn last_time(&self) -> Option<i64> {
        self.rows.last().map(|(time, _)| *time)
    }

    /// Calls `visit` with the histograms between the times, both inclusive, ascending.
    pub fn visit(&self, min_time: i64, max_time: i64, visit: &mut dyn FnMut(i64, Histogram)) {
        let from = self.rows.partition_point(|(t, _)| *t < min_time);
        for (time, histogram) in self.rows[from..].iter().take_while(|(t, _)| *t <= max_time) {
            visit(*time, Histogram::clone(histogram));
        }
    }

    /// True when one lies between the times, both inclusive.
    pub fn overlaps(&self, min_time: i64, max_time: i64) -> bool {
        let from = self.rows.partition_point(|(t, _)| *t < min_time);
        self.rows.get(from).is_some_and(|(t, _)| *t <= max_time)
    }

    /// True without histograms.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bytes of memory.
    pub fn heap_bytes(&self) -> usize {
        self.rows.iter().map(|(_, h)| 32 + h.heap_bytes()).sum()
    }
}
