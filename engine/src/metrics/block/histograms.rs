//! Chunks of native histograms in a block.

use crate::coding::{Malformed, Reader};
use crate::metrics::histogram::{Histogram, row};

/// Appends a chunk. All histograms have one layout.
pub(super) fn encode(histograms: &[&Histogram], out: &mut Vec<u8>) {
    for histogram in histograms {
        row::encode(histogram, out);
    }
}

/// Reads a chunk of `count` histograms.
pub(super) fn decode(bytes: &[u8], count: usize) -> Result<Vec<Histogram>, Malformed> {
    let mut r = Reader::new(bytes);
    (0..count).map(|_| row::decode(&mut r)).collect()
}
