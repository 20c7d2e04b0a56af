//! Native histograms from the wire's form to the store's: deltas become counts, fine resolutions become the finest that
//! is stored, and the rules are checked.

use kymo_engine::metrics::histogram::{SCHEMA_MAX, SCHEMA_REDUCIBLE_MAX};
use kymo_engine::metrics::{Counts, Histogram, ResetHint, Span};
use kymo_proto::histogram::{self as wire, Count};

/// The histogram that is stored.
///
/// # Errors
/// The text of the rule that is broken.
pub(super) fn from_wire(sent: &wire::Histogram) -> Result<Histogram, String> {
    let histogram = Histogram {
        schema: sent.schema,
        reset_hint: ResetHint::from_number(sent.reset_hint),
        zero_threshold: sent.zero_threshold,
        sum: sent.sum,
        positive_spans: spans(&sent.positive.spans),
        negative_spans: spans(&sent.negative.spans),
        custom_values: sent.custom_values.clone(),
        counts: counts(sent)?,
    };
    checked(histogram)
}

/// Checks a histogram and reduces a resolution that is too fine.
///
/// # Errors
/// The text of the rule that is broken.
pub(super) fn checked(mut histogram: Histogram) -> Result<Histogram, String> {
    let text = |e: kymo_engine::metrics::HistogramError| e.to_string();
    let schema = histogram.schema;
    if (SCHEMA_MAX + 1..=SCHEMA_REDUCIBLE_MAX).contains(&schema) {
        // The rules do not depend on how fine it is; reducing relies on them.
        histogram.schema = SCHEMA_MAX;
        histogram.validate().map_err(text)?;
        histogram.schema = schema;
        histogram.reduce_resolution(SCHEMA_MAX);
    }
    histogram.validate().map_err(text)?;
    Ok(histogram)
}

fn spans(sent: &[wire::Span]) -> Vec<Span> {
    sent.iter()
        .map(|span| Span {
            offset: span.offset,
            length: span.length,
        })
        .collect()
}

fn counts(sent: &wire::Histogram) -> Result<Counts, String> {
    if let Count::Float(count) = sent.count {
        return Ok(Counts::Float {
            count,
            zero: match sent.zero_count {
                Count::Absent => 0.0,
                Count::Float(n) => n,
                Count::Integer(n) => n as f64,
            },
            positive: sent.positive.counts.clone(),
            negative: sent.negative.counts.clone(),
        });
    }
    let whole = |count| match count {
        Count::Absent => Ok(0),
        Count::Integer(n) => Ok(n),
        Count::Float(_) => Err("histogram has a whole count and a zero bucket of fractions".to_owned()),
    };
    Ok(Counts::Integer {
        count: whole(sent.count)?,
        zero: whole(sent.zero_count)?,
        positive: absolute("positive", &sent.positive.deltas)?,
        negative: absolute("negative", &sent.negative.deltas)?,
    })
}

/// Counts from deltas.
fn absolute(side: &str, deltas: &[i64]) -> Result<Vec<u64>, String> {
    let mut count = 0i128;
    let mut out = Vec::with_capacity(deltas.len());
    for (i, delta) in deltas.iter().enumerate() {
        count += i128::from(*delta);
        out.push(u64::try_from(count).map_err(|_| {
            format!(
                "{side} side: bucket number {} has observation count of {count}: histogram has a bucket whose observation count is negative",
                i + 1
            )
        })?);
    }
    Ok(out)
}
