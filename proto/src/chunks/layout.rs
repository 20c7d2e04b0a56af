//! What all histograms of a chunk share: schema, zero threshold, spans and custom bounds, written before the first
//! (`tsdb/chunkenc/histogram_meta.go`).

use super::bits::{BitReader, BitWriter};
use super::varbit::{put_signed, put_unsigned, read_signed, read_unsigned};
use crate::error::{Error, Result};
use crate::histogram::{Histogram, Span};

/// The schema of custom buckets.
const CUSTOM: i64 = -53;

/// Most spans, or custom bounds, that are read: more than any histogram may have.
const PARTS_MAX: u64 = 1 << 16;

/// Custom bounds up to this many thousandths are written as a number of them.
const THOUSANDTHS_MAX: f64 = 33_554_430.0;

pub(super) fn put(out: &mut BitWriter, histogram: &Histogram) {
    put_zero_threshold(out, histogram.zero_threshold);
    put_signed(out, histogram.schema.into());
    put_spans(out, &histogram.positive.spans);
    put_spans(out, &histogram.negative.spans);
    if i64::from(histogram.schema) == CUSTOM {
        put_unsigned(out, histogram.custom_values.len() as u64);
        histogram
            .custom_values
            .iter()
            .for_each(|bound| put_bound(out, *bound));
    }
}

/// Reads the layout into a histogram without counts.
pub(super) fn read(input: &mut BitReader<'_>) -> Result<Histogram> {
    let mut histogram = Histogram {
        zero_threshold: read_zero_threshold(input)?,
        ..Histogram::default()
    };
    let schema = read_signed(input)?;
    histogram.schema = schema as i32;
    histogram.positive.spans = read_spans(input)?;
    histogram.negative.spans = read_spans(input)?;
    if schema == CUSTOM {
        for _ in 0..bounded(read_unsigned(input)?)? {
            histogram.custom_values.push(read_bound(input)?);
        }
    }
    Ok(histogram)
}

fn bounded(count: u64) -> Result<u64> {
    if count > PARTS_MAX {
        return Err(Error::Chunk {
            what: "its layout has too many parts",
        });
    }
    Ok(count)
}

fn put_spans(out: &mut BitWriter, spans: &[Span]) {
    put_unsigned(out, spans.len() as u64);
    for span in spans {
        put_unsigned(out, span.length.into());
        put_signed(out, span.offset.into());
    }
}

fn read_spans(input: &mut BitReader<'_>) -> Result<Vec<Span>> {
    let mut buckets = 0;
    let mut spans = Vec::new();
    for _ in 0..bounded(read_unsigned(input)?)? {
        let length = read_unsigned(input)?;
        buckets += bounded(length)?;
        bounded(buckets)?;
        spans.push(Span {
            length: length as u32,
            offset: read_signed(input)? as i32,
        });
    }
    Ok(spans)
}

/// Powers of two between 2^-243 and 2^10 take a byte, as does zero.
fn put_zero_threshold(out: &mut BitWriter, threshold: f64) {
    if threshold == 0.0 {
        out.bits(0, 8);
        return;
    }
    match power_of_two(threshold) {
        Some(exponent @ -243..=10) => out.bits((exponent + 244).cast_unsigned(), 8),
        _ => {
            out.bits(255, 8);
            out.double(threshold);
        }
    }
}

/// The exponent of a positive normal power of two.
fn power_of_two(value: f64) -> Option<i64> {
    let bits = value.to_bits();
    let exponent = (bits >> 52) as i64;
    (bits & ((1 << 52) - 1) == 0 && (1..0x7ff).contains(&exponent)).then_some(exponent - 1023)
}

fn read_zero_threshold(input: &mut BitReader<'_>) -> Result<f64> {
    Ok(match input.bits(8)? {
        0 => 0.0,
        255 => input.double()?,
        code => f64::from_bits((code + 1023 - 244) << 52),
    })
}

/// Bounds that are whole thousandths take few bits; a zero bit stands before others.
fn put_bound(out: &mut BitWriter, bound: f64) {
    let thousandths = (bound * 1000.0).round();
    let exact = bound.is_sign_positive() && bound * 1000.0 <= THOUSANDTHS_MAX && thousandths / 1000.0 == bound;
    if exact {
        put_unsigned(out, thousandths as u64 + 1);
    } else {
        out.bit(false);
        out.double(bound);
    }
}

fn read_bound(input: &mut BitReader<'_>) -> Result<f64> {
    match read_unsigned(input)? {
        0 => input.double(),
        n => Ok((n - 1) as f64 / 1000.0),
    }
}
