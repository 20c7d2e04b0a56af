//! A histogram as one run of bytes, for records of the log. Byte layout in FORMAT.md, "Metrics record".

use super::{Counts, Histogram, ResetHint, Span};
use crate::coding::{Malformed, Reader, put_svarint, put_uvarint};

const FLOAT: u8 = 4;

/// Appends the encoded form.
pub fn encode(histogram: &Histogram, out: &mut Vec<u8>) {
    let kind = if matches!(histogram.counts, Counts::Float { .. }) {
        FLOAT
    } else {
        0
    };
    out.push(kind | histogram.reset_hint as u8);
    put_svarint(out, histogram.schema.into());
    put_float(out, histogram.zero_threshold);
    put_float(out, histogram.sum);
    put_spans(out, &histogram.positive_spans);
    put_spans(out, &histogram.negative_spans);
    put_uvarint(out, histogram.custom_values.len() as u64);
    histogram.custom_values.iter().for_each(|v| put_float(out, *v));
    match &histogram.counts {
        Counts::Integer {
            count,
            zero,
            positive,
            negative,
        } => {
            put_uvarint(out, *count);
            put_uvarint(out, *zero);
            for buckets in [positive, negative] {
                put_uvarint(out, buckets.len() as u64);
                let mut last = 0u64;
                for bucket in buckets {
                    put_svarint(out, bucket.wrapping_sub(last).cast_signed());
                    last = *bucket;
                }
            }
        }
        Counts::Float {
            count,
            zero,
            positive,
            negative,
        } => {
            put_float(out, *count);
            put_float(out, *zero);
            for buckets in [positive, negative] {
                put_uvarint(out, buckets.len() as u64);
                buckets.iter().for_each(|n| put_float(out, *n));
            }
        }
    }
}

/// Reads the encoded form.
pub fn decode(r: &mut Reader<'_>) -> Result<Histogram, Malformed> {
    let head = r.u8()?;
    if head > FLOAT + 3 {
        return Err(Malformed("kind of a histogram"));
    }
    let schema = i32::try_from(r.svarint()?).map_err(|_| Malformed("schema of a histogram"))?;
    let (zero_threshold, sum) = (get_float(r)?, get_float(r)?);
    let (positive_spans, negative_spans) = (get_spans(r)?, get_spans(r)?);
    let custom_values = get_floats(r)?;
    let counts = if head & FLOAT != 0 {
        Counts::Float {
            count: get_float(r)?,
            zero: get_float(r)?,
            positive: get_floats(r)?,
            negative: get_floats(r)?,
        }
    } else {
        Counts::Integer {
            count: r.uvarint()?,
            zero: r.uvarint()?,
            positive: get_integers(r)?,
            negative: get_integers(r)?,
        }
    };
    let reset_hint = ResetHint::from_number((head & 3).into());
    Ok(Histogram {
        schema,
        reset_hint,
        zero_threshold,
        sum,
        positive_spans,
        negative_spans,
        custom_values,
        counts,
    })
}

fn put_float(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&value.to_bits().to_le_bytes());
}

fn get_float(r: &mut Reader<'_>) -> Result<f64, Malformed> {
    Ok(f64::from_bits(r.u64()?))
}

fn get_floats(r: &mut Reader<'_>) -> Result<Vec<f64>, Malformed> {
    (0..r.count(8)?).map(|_| get_float(r)).collect()
}

fn get_integers(r: &mut Reader<'_>) -> Result<Vec<u64>, Malformed> {
    let mut last = 0u64;
    (0..r.count(1)?)
        .map(|_| {
            last = last.wrapping_add(r.svarint()?.cast_unsigned());
            Ok(last)
        })
        .collect()
}

/// Appends spans: their number, then offset and length of each.
pub(super) fn put_spans(out: &mut Vec<u8>, spans: &[Span]) {
    put_uvarint(out, spans.len() as u64);
    for span in spans {
        put_svarint(out, span.offset.into());
        put_uvarint(out, span.length.into());
    }
}

/// Reads what [`put_spans`] wrote.
pub(super) fn get_spans(r: &mut Reader<'_>) -> Result<Vec<Span>, Malformed> {
    (0..r.count(2)?)
        .map(|_| {
            let offset = i32::try_from(r.svarint()?).map_err(|_| Malformed("offset of a span"))?;
            Ok(Span {
                offset,
                length: r.uvarint32()?,
            })
        })
        .collect()
}
