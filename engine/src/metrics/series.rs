//! What a selection hands to a query: series with the parts of their samples, still encoded where they lie encoded.
//! [`SeriesData::read`] merges the parts by time. Not for planning which parts to read (see `select`).

use std::sync::Arc;

use crate::error::Result;
use crate::labels::Labels;

/// Bits of the NaN that marks a series as stale (Prometheus `value.StaleNaN`).
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// True for the staleness marker, false for every other NaN.
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}

/// Samples of one series as two columns of equal length: milliseconds since 1970, ascending and unique, and values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Samples {
    /// Milliseconds since 1970.
    pub timestamps: Vec<i64>,
    /// Values, bit-exact.
    pub values: Vec<f64>,
}

impl Samples {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.timestamps.len()
    }

    /// True without samples.
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }

    /// Appends a sample.
    pub fn push(&mut self, timestamp: i64, value: f64) {
        self.timestamps.push(timestamp);
        self.values.push(value);
    }

    /// Removes all samples, keeping the memory.
    pub fn clear(&mut self) {
        self.timestamps.clear();
        self.values.clear();
    }
}

/// The wish of one selector: series by matchers, samples by time.
#[derive(Debug, Clone)]
pub struct Selection {
    /// All must pass.
    pub matchers: Vec<super::Matcher>,
    /// First millisecond wanted, inclusive.
    pub min_time: i64,
    /// Last millisecond wanted, inclusive.
    pub max_time: i64,
}

/// One selected series: its labels and the runs of samples found for it in the head and in blocks.
#[derive(Debug, Clone)]
pub struct SeriesData {
    labels: Labels,
    runs: Vec<Arc<Samples>>,
}

impl SeriesData {
    /// A series from plain samples: for tests and for sources that are not the store.
    pub fn from_samples(labels: Labels, samples: Samples) -> SeriesData {
        SeriesData {
            labels,
            runs: vec![Arc::new(samples)],
        }
    }

    /// The labels.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Appends the samples with `min_time <= t <= max_time` to `out`, ascending, one per timestamp, decoding each run once.
    ///
    /// # Errors
    /// Storage errors of blocks, [`crate::Error::Corrupt`] among them.
    pub fn read(&self, min_time: i64, max_time: i64, out: &mut Samples) -> Result<()> {
        for run in &self.runs {
            let from = run.timestamps.partition_point(|t| *t < min_time);
            let to = run.timestamps.partition_point(|t| *t <= max_time);
            out.timestamps.extend_from_slice(&run.timestamps[from..to]);
            out.values.extend_from_slice(&run.values[from..to]);
        }
        Ok(())
    }
}
