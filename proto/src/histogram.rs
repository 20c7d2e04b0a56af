//! Native histograms as remote write 1.0 and 2.0 send them (`prompb.Histogram`, `io.prometheus.write.v2.Histogram`).
//! As sent: deltas stay deltas and nothing is checked; what a histogram means is for the receiver to say.

use crate::error::Result;
use crate::wire::{
    Reader, put_bytes, put_double, put_fixed64, put_integer, put_packed, put_packed_doubles, put_varint,
    unzigzag, zigzag,
};

/// A native histogram as sent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// Number of observations.
    pub count: Count,
    /// Sum of observations.
    pub sum: f64,
    /// Resolution: -4 to 8 exponential, -53 custom buckets.
    pub schema: i32,
    /// Width of the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: Count,
    /// Buckets of negative observations.
    pub negative: Buckets,
    /// Buckets of positive observations.
    pub positive: Buckets,
    /// 0 unknown, 1 yes, 2 no, 3 gauge.
    pub reset_hint: u64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Upper bounds of custom buckets.
    pub custom_values: Vec<f64>,
    /// Milliseconds since 1970, 0 when unset.
    pub start: i64,
}

/// A count of either kind of histogram.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Count {
    /// Not sent.
    #[default]
    Absent,
    /// Of an integer histogram.
    Integer(u64),
    /// Of a float histogram.
    Float(f64),
}

/// Buckets of one sign.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Buckets {
    /// Which buckets have counts.
    pub spans: Vec<Span>,
    /// Integer histograms: each count less the one before.
    pub deltas: Vec<i64>,
    /// Float histograms: the counts.
    pub counts: Vec<f64>,
}

/// A run of buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Buckets left out before the run; of the first span the index of its first bucket.
    pub offset: i32,
    /// Number of buckets.
    pub length: u32,
}

impl Histogram {
    /// Decodes the message.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn decode(mut reader: Reader<'_>) -> Result<Histogram> {
        let mut h = Histogram::default();
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => h.count = Count::Integer(field.varint()?),
                2 => h.count = Count::Float(field.double()?),
                3 => h.sum = field.double()?,
                4 => h.schema = field.zigzag()? as i32,
                5 => h.zero_threshold = field.double()?,
                6 => h.zero_count = Count::Integer(field.varint()?),
                7 => h.zero_count = Count::Float(field.double()?),
                8 => h.negative.spans.push(Span::decode(field.message()?)?),
                9 => field.each_varint(|n| h.negative.deltas.push(unzigzag(n)))?,
                10 => field.each_fixed64(|n| h.negative.counts.push(f64::from_bits(n)))?,
                11 => h.positive.spans.push(Span::decode(field.message()?)?),
                12 => field.each_varint(|n| h.positive.deltas.push(unzigzag(n)))?,
                13 => field.each_fixed64(|n| h.positive.counts.push(f64::from_bits(n)))?,
                14 => h.reset_hint = field.varint()?,
                15 => h.timestamp = field.varint()?.cast_signed(),
                16 => field.each_fixed64(|n| h.custom_values.push(f64::from_bits(n)))?,
                17 => h.start = field.varint()?.cast_signed(),
                _ => {}
            }
        }
        Ok(h)
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_count(out, 1, self.count);
        put_double(out, 3, self.sum);
        put_integer(out, 4, zigzag(i64::from(self.schema)));
        put_double(out, 5, self.zero_threshold);
        put_count(out, 6, self.zero_count);
        put_buckets(out, 8, &self.negative);
        put_buckets(out, 11, &self.positive);
        put_integer(out, 14, self.reset_hint);
        put_integer(out, 15, self.timestamp.cast_unsigned());
        put_packed_doubles(out, 16, &self.custom_values);
        put_integer(out, 17, self.start.cast_unsigned());
    }
}

impl Span {
    fn decode(mut reader: Reader<'_>) -> Result<Span> {
        let mut span = Span::default();
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => span.offset = field.zigzag()? as i32,
                2 => span.length = field.varint()? as u32,
                _ => {}
            }
        }
        Ok(span)
    }
}

/// A count is a oneof: a zero that was set is written.
fn put_count(out: &mut Vec<u8>, field: u32, count: Count) {
    match count {
        Count::Absent => {}
        Count::Integer(n) => {
            put_varint(out, u64::from(field) << 3);
            put_varint(out, n);
        }
        Count::Float(n) => put_fixed64(out, field + 1, n.to_bits()),
    }
}

fn put_buckets(out: &mut Vec<u8>, field: u32, buckets: &Buckets) {
    for span in &buckets.spans {
        let mut message = Vec::new();
        put_integer(&mut message, 1, zigzag(i64::from(span.offset)));
        put_integer(&mut message, 2, u64::from(span.length));
        put_bytes(out, field, &message);
    }
    put_packed(out, field + 1, buckets.deltas.iter().map(|n| zigzag(*n)));
    put_packed_doubles(out, field + 2, &buckets.counts);
}

#[cfg(test)]
mod tests;
