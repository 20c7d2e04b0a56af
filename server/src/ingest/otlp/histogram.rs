//! OTLP's histograms as native ones: exponential ones as they are, with explicit bounds as custom buckets.

use kymo_engine::metrics::{CUSTOM_BUCKETS, Counts, Histogram, ResetHint, STALE_NAN_BITS, Span};
use kymo_proto::otlp::metrics::{Buckets, ExponentialPoint, HistogramPoint};

use crate::ingest::histogram::checked;

/// Lowest scale that native histograms have.
const SCALE_MIN: i32 = -4;

/// The zero bucket's width where the sender gives none, as in Prometheus.
const ZERO_THRESHOLD: f64 = 1e-128;

/// Empty buckets that are stored rather than skipped.
const GAP_MAX: usize = 2;

/// An exponential histogram. One of deltas is a gauge: each stands for itself.
///
/// # Errors
/// The text of the rule that is broken.
pub(super) fn exponential(
    point: &ExponentialPoint<'_>,
    delta: bool,
    stale: bool,
) -> Result<Histogram, String> {
    if point.scale < SCALE_MIN {
        return Err(format!(
            "cannot convert exponential to native histogram. Scale must be >= {SCALE_MIN}, was {}",
            point.scale
        ));
    }
    if stale {
        return Ok(ended(point.scale.min(8)));
    }
    // OTLP numbers a bucket by its lower bound, native histograms by its upper one.
    let layout = |buckets: &Buckets| match buckets.offset.checked_add(1) {
        Some(first) => Ok(spans(first, &buckets.counts)),
        None => Err(format!("bucket offset {} is out of range", buckets.offset)),
    };
    let (positive_spans, positive) = layout(&point.positive)?;
    let (negative_spans, negative) = layout(&point.negative)?;
    checked(Histogram {
        schema: point.scale,
        reset_hint: hint(delta),
        zero_threshold: if point.zero_threshold > 0.0 {
            point.zero_threshold
        } else {
            ZERO_THRESHOLD
        },
        sum: point.sum.unwrap_or(0.0),
        positive_spans,
        negative_spans,
        custom_values: Vec::new(),
        counts: Counts::Integer {
            count: point.count,
            zero: point.zero_count,
            positive,
            negative,
        },
    })
}

/// A histogram with explicit bounds as one with custom buckets.
///
/// # Errors
/// The text of the rule that is broken.
pub(super) fn custom(point: &HistogramPoint<'_>, delta: bool, stale: bool) -> Result<Histogram, String> {
    if stale {
        return Ok(ended(CUSTOM_BUCKETS));
    }
    let (positive_spans, positive) = spans(0, &point.bucket_counts);
    checked(Histogram {
        schema: CUSTOM_BUCKETS,
        reset_hint: hint(delta),
        zero_threshold: 0.0,
        sum: point.sum.unwrap_or(0.0),
        positive_spans,
        negative_spans: Vec::new(),
        custom_values: point.bounds.clone(),
        counts: Counts::Integer {
            count: point.count,
            zero: 0,
            positive,
            negative: Vec::new(),
        },
    })
}

fn hint(delta: bool) -> ResetHint {
    if delta {
        ResetHint::Gauge
    } else {
        ResetHint::Unknown
    }
}

/// The sample that ends a series.
fn ended(schema: i32) -> Histogram {
    Histogram {
        schema,
        reset_hint: ResetHint::Unknown,
        zero_threshold: 0.0,
        sum: f64::from_bits(STALE_NAN_BITS),
        positive_spans: Vec::new(),
        negative_spans: Vec::new(),
        custom_values: Vec::new(),
        counts: Counts::Integer {
            count: 0,
            zero: 0,
            positive: Vec::new(),
            negative: Vec::new(),
        },
    }
}

/// The buckets that have observations, from number `first` on, and small gaps between them.
fn spans(first: i32, counts: &[u64]) -> (Vec<Span>, Vec<u64>) {
    let mut spans: Vec<Span> = Vec::new();
    let mut kept = Vec::new();
    let mut end = 0;
    for (i, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let gap = i - end;
        match spans.last_mut() {
            Some(span) if gap <= GAP_MAX => {
                kept.resize(kept.len() + gap, 0);
                span.length += gap as u32 + 1;
            }
            last => {
                let base = if last.is_some() { 0 } else { first };
                spans.push(Span {
                    offset: base.saturating_add(gap as i32),
                    length: 1,
                });
            }
        }
        kept.push(*count);
        end = i + 1;
    }
    (spans, kept)
}

#[cfg(test)]
mod tests;
