//! Chunks of samples as remote read streams them: Prometheus' XOR chunks of floats (encoding 1) and chunks of native
//! histograms with whole (2) and float counts (3), to the bit (`tsdb/chunkenc`). Not for how Kymo stores samples.

mod bits;
mod histogram;
mod layout;
mod varbit;
mod xor;

use crate::histogram::{Count, Histogram};

pub use histogram::decode as decode_histograms;
pub use xor::decode as decode_floats;

/// Most samples of one chunk, as in Prometheus.
pub const SAMPLES_MAX: usize = 120;

/// How the data of a chunk is encoded (`prometheus.Chunk.Encoding`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Floats.
    Xor = 1,
    /// Native histograms with whole counts.
    Histogram = 2,
    /// Native histograms with float counts.
    FloatHistogram = 3,
}

/// A chunk with the times of its first and last sample, milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Time of the first sample.
    pub min_time: i64,
    /// Time of the last sample.
    pub max_time: i64,
    /// How the data is encoded.
    pub encoding: Encoding,
    /// The samples.
    pub data: Vec<u8>,
}

/// Encodes floats, ascending in time, as chunks.
pub fn encode_floats(timestamps: &[i64], values: &[f64]) -> Vec<Chunk> {
    let times = timestamps.chunks(SAMPLES_MAX);
    times
        .zip(values.chunks(SAMPLES_MAX))
        .map(|(times, values)| Chunk {
            min_time: times[0],
            max_time: times[times.len() - 1],
            encoding: Encoding::Xor,
            data: xor::encode(times, values),
        })
        .collect()
}

/// Encodes native histograms, ascending in time, as chunks: a new one begins where buckets or the kind of counts change, where
/// a counter resets, and around stale samples.
pub fn encode_histograms(histograms: &[Histogram]) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let mut rest = histograms;
    let mut before: Option<&Histogram> = None;
    while let Some(first) = rest.first() {
        let fits = |pair: &[Histogram]| histogram::continues(&pair[0], &pair[1]);
        let more = rest
            .windows(2)
            .take(SAMPLES_MAX - 1)
            .take_while(|pair| fits(pair))
            .count();
        let (chunk, after) = rest.split_at(more + 1);
        chunks.push(Chunk {
            min_time: first.timestamp,
            max_time: chunk[more].timestamp,
            encoding: match first.count {
                Count::Float(_) => Encoding::FloatHistogram,
                _ => Encoding::Histogram,
            },
            data: histogram::encode(chunk, before),
        });
        before = chunk.last();
        rest = after;
    }
    chunks
}

#[cfg(test)]
mod tests;
