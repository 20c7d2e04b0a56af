//! The native histograms of a series as queries see them, with counter reset hints that follow from the samples alone: what
//! senders and chunks say depends on how the data came, and an answer must not.

use std::sync::Arc;

use kymo_engine::metrics::{ResetHint, SeriesRows};

use crate::promql::histogram::FloatHistogram;

/// A native histogram of a series.
#[derive(Debug, Clone)]
pub(super) struct HistogramSample {
    /// Milliseconds since 1970.
    pub(super) time: i64,
    /// When counting began; 0 where that is not known.
    pub(super) start: i64,
    pub(super) value: Arc<FloatHistogram>,
}

/// How many samples the histograms count for in limits.
pub(super) fn weight(list: &[HistogramSample]) -> usize {
    list.iter().map(|h| h.value.sample_weight()).sum()
}

/// The histograms of `rows` with their hints: a gauge stays one; what goes on from the histogram before it has none; anything
/// else is unknown, as Prometheus answers for the first histogram of a chunk. With `resets`, resets are told as such.
pub(super) fn hinted(rows: &SeriesRows, resets: bool) -> Vec<HistogramSample> {
    let mut out: Vec<HistogramSample> = Vec::with_capacity(rows.histograms.len());
    let mut floats_before = 0;
    for write in &rows.histograms {
        let floats = rows.floats.timestamps.partition_point(|t| *t < write.time);
        let interrupted = floats != floats_before;
        floats_before = floats;
        let mut value = FloatHistogram::from_stored(&write.histogram);
        if !value.is_stale() && value.reset_hint != ResetHint::Gauge {
            let previous = out.last().map(|h| &*h.value).filter(|h| !h.is_stale());
            value.reset_hint = hint(&value, previous, interrupted, resets);
        }
        out.push(HistogramSample {
            time: write.time,
            start: write.start,
            value: Arc::new(value),
        });
    }
    out
}

fn hint(
    value: &FloatHistogram,
    previous: Option<&FloatHistogram>,
    interrupted: bool,
    resets: bool,
) -> ResetHint {
    let Some(previous) = previous else {
        return ResetHint::Unknown;
    };
    let fell = value.reset_hint == ResetHint::Yes || value.fell_since(previous);
    if resets {
        return if fell { ResetHint::Yes } else { ResetHint::No };
    }
    let goes_on = !interrupted
        && !fell
        && previous.reset_hint != ResetHint::Gauge
        && previous.schema == value.schema
        && previous.zero_threshold == value.zero_threshold
        && previous.custom_values == value.custom_values;
    if goes_on {
        ResetHint::No
    } else {
        ResetHint::Unknown
    }
}
