//! Native histograms from the store's form to the wire's: counts become deltas. Not for the other way (see ingest).

use kymo_engine::metrics::{Counts, HistogramWrite, Span};
use kymo_proto::histogram::{self as wire, Count};

/// The histogram as it is sent.
pub(super) fn to_wire(stored: &HistogramWrite) -> wire::Histogram {
    let h = &stored.histogram;
    let buckets = |spans: &[Span]| wire::Buckets {
        spans: spans
            .iter()
            .map(|span| wire::Span {
                offset: span.offset,
                length: span.length,
            })
            .collect(),
        ..wire::Buckets::default()
    };
    let mut sent = wire::Histogram {
        sum: h.sum,
        schema: h.schema,
        zero_threshold: h.zero_threshold,
        positive: buckets(&h.positive_spans),
        negative: buckets(&h.negative_spans),
        reset_hint: h.reset_hint as u64,
        timestamp: stored.time,
        custom_values: h.custom_values.clone(),
        start: stored.start,
        ..wire::Histogram::default()
    };
    match &h.counts {
        Counts::Integer {
            count,
            zero,
            positive,
            negative,
        } => {
            sent.count = Count::Integer(*count);
            sent.zero_count = Count::Integer(*zero);
            sent.positive.deltas = deltas(positive);
            sent.negative.deltas = deltas(negative);
        }
        Counts::Float {
            count,
            zero,
            positive,
            negative,
        } => {
            sent.count = Count::Float(*count);
            sent.zero_count = Count::Float(*zero);
            sent.positive.counts.clone_from(positive);
            sent.negative.counts.clone_from(negative);
        }
    }
    sent
}

fn deltas(counts: &[u64]) -> Vec<i64> {
    let mut last = 0;
    counts
        .iter()
        .map(|count| {
            let delta = count.wrapping_sub(last).cast_signed();
            last = *count;
            delta
        })
        .collect()
}
