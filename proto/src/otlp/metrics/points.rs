//! The data points of OTLP's five metric types, and their exemplars.

use std::borrow::Cow;

use super::{Points, attributes};
use crate::error::Result;
use crate::quick;
use crate::region::Region;
use crate::wire::{Field, Reader};

/// A number as sent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Number {
    /// None was sent.
    #[default]
    Absent,
    /// An integer.
    Int(i64),
    /// A double.
    Double(f64),
}

/// A point of a gauge or sum.
#[derive(Debug, Clone, Default)]
pub struct NumberPoint<'a> {
    /// Attributes, for [`KeyValues`](crate::otlp::KeyValues).
    pub attributes: Cow<'a, [u8]>,
    /// Nanoseconds since 1970, 0 when unset.
    pub start: u64,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// Value.
    pub value: Number,
    /// Bit 0: there is no value.
    pub flags: u64,
    /// Exemplars.
    pub exemplars: Vec<Exemplar<'a>>,
}

/// A point of a histogram with explicit bounds.
#[derive(Debug, Clone, Default)]
pub struct HistogramPoint<'a> {
    /// Attributes.
    pub attributes: Cow<'a, [u8]>,
    /// Nanoseconds since 1970, 0 when unset.
    pub start: u64,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// Observations.
    pub count: u64,
    /// Their sum, when sent.
    pub sum: Option<f64>,
    /// Observations per bucket; one more than there are bounds.
    pub bucket_counts: Vec<u64>,
    /// Upper bounds, ascending.
    pub bounds: Vec<f64>,
    /// Smallest observation, when sent.
    pub min: Option<f64>,
    /// Largest observation, when sent.
    pub max: Option<f64>,
    /// Bit 0: there is no value.
    pub flags: u64,
    /// Exemplars.
    pub exemplars: Vec<Exemplar<'a>>,
}

/// A point of an exponential histogram.
#[derive(Debug, Clone, Default)]
pub struct ExponentialPoint<'a> {
    /// Attributes.
    pub attributes: Cow<'a, [u8]>,
    /// Nanoseconds since 1970, 0 when unset.
    pub start: u64,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// Observations.
    pub count: u64,
    /// Their sum, when sent.
    pub sum: Option<f64>,
    /// Resolution: the base of the bounds is 2^(2^-scale).
    pub scale: i32,
    /// Observations near zero.
    pub zero_count: u64,
    /// How near.
    pub zero_threshold: f64,
    /// Buckets above zero.
    pub positive: Buckets,
    /// Buckets below zero.
    pub negative: Buckets,
    /// Smallest observation, when sent.
    pub min: Option<f64>,
    /// Largest observation, when sent.
    pub max: Option<f64>,
    /// Bit 0: there is no value.
    pub flags: u64,
    /// Exemplars.
    pub exemplars: Vec<Exemplar<'a>>,
}

/// Buckets of one sign.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Buckets {
    /// Index of the first bucket.
    pub offset: i32,
    /// Observations per bucket.
    pub counts: Vec<u64>,
}

/// A point of a summary.
#[derive(Debug, Clone, Default)]
pub struct SummaryPoint<'a> {
    /// Attributes.
    pub attributes: Cow<'a, [u8]>,
    /// Nanoseconds since 1970, 0 when unset.
    pub start: u64,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// Observations.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// Quantiles and their values.
    pub quantiles: Vec<(f64, f64)>,
    /// Bit 0: there is no value.
    pub flags: u64,
}

/// An exemplar.
#[derive(Debug, Clone, Default)]
pub struct Exemplar<'a> {
    /// Attributes that the point does not have.
    pub attributes: Cow<'a, [u8]>,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// Value.
    pub value: Number,
    /// 8 bytes, or none.
    pub span_id: &'a [u8],
    /// 16 bytes, or none.
    pub trace_id: &'a [u8],
}

impl<'a> Points<'a> {
    /// The next point of a gauge or sum.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn next_number(&mut self) -> Result<Option<NumberPoint<'a>>> {
        if let Some(point) = self.quick_number() {
            return Ok(Some(point));
        }
        self.general_number()
    }

    /// A point without exemplars whose attributes stand together, at the place of the reader.
    #[inline]
    fn quick_number(&mut self) -> Option<NumberPoint<'a>> {
        let rest = self.rest.rest();
        if *rest.first()? != 0x0a {
            return None;
        }
        let (mut at, end) = quick::delimited(rest, 1)?;
        let bytes = &rest[..end];
        let mut point = NumberPoint::default();
        while at < end {
            let tag = bytes[at];
            match tag {
                0x11 | 0x19 | 0x21 | 0x31 => {
                    let n = u64::from_le_bytes(*bytes[at + 1..].first_chunk()?);
                    at += 9;
                    match tag {
                        0x11 => point.start = n,
                        0x19 => point.time = n,
                        0x21 => point.value = Number::Double(f64::from_bits(n)),
                        _ => point.value = Number::Int(n.cast_signed()),
                    }
                }
                0x3a if point.attributes.is_empty() => {
                    let run = quick::skip_run(bytes, at, 0x3a)?;
                    point.attributes = Cow::Borrowed(&bytes[at..run]);
                    at = run;
                }
                0x40 if *bytes.get(at + 1)? < 0x80 => {
                    point.flags = u64::from(bytes[at + 1]);
                    at += 2;
                }
                _ => return None,
            }
        }
        self.rest.advance(end);
        Some(point)
    }

    pub(super) fn general_number(&mut self) -> Result<Option<NumberPoint<'a>>> {
        let Some(mut reader) = self.next_point()? else {
            return Ok(None);
        };
        let mut point = NumberPoint::default();
        let mut region = Region::default();
        loop {
            let at = reader.position();
            let Some(field) = reader.next_field()? else { break };
            match field.number {
                2 => point.start = field.fixed64()?,
                3 => point.time = field.fixed64()?,
                4 => point.value = Number::Double(field.double()?),
                5 => point.exemplars.push(Exemplar::decode(&field)?),
                6 => point.value = Number::Int(field.fixed64()?.cast_signed()),
                7 => region.add(&reader, at, &field)?,
                8 => point.flags = field.varint()?,
                _ => {}
            }
        }
        point.attributes = region.bytes(&reader);
        Ok(Some(point))
    }

    /// The next point of a histogram with explicit bounds.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn next_histogram(&mut self) -> Result<Option<HistogramPoint<'a>>> {
        let Some(mut reader) = self.next_point()? else {
            return Ok(None);
        };
        let mut point = HistogramPoint::default();
        let mut region = Region::default();
        loop {
            let at = reader.position();
            let Some(field) = reader.next_field()? else { break };
            match field.number {
                2 => point.start = field.fixed64()?,
                3 => point.time = field.fixed64()?,
                4 => point.count = field.fixed64()?,
                5 => point.sum = Some(field.double()?),
                6 => field.each_fixed64(|n| point.bucket_counts.push(n))?,
                7 => field.each_fixed64(|n| point.bounds.push(f64::from_bits(n)))?,
                8 => point.exemplars.push(Exemplar::decode(&field)?),
                9 => region.add(&reader, at, &field)?,
                10 => point.flags = field.varint()?,
                11 => point.min = Some(field.double()?),
                12 => point.max = Some(field.double()?),
                _ => {}
            }
        }
        point.attributes = region.bytes(&reader);
        Ok(Some(point))
    }

    /// The next point of an exponential histogram.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn next_exponential(&mut self) -> Result<Option<ExponentialPoint<'a>>> {
        let Some(mut reader) = self.next_point()? else {
            return Ok(None);
        };
        let mut point = ExponentialPoint::default();
        let mut region = Region::default();
        loop {
            let at = reader.position();
            let Some(field) = reader.next_field()? else { break };
            match field.number {
                1 => region.add(&reader, at, &field)?,
                2 => point.start = field.fixed64()?,
                3 => point.time = field.fixed64()?,
                4 => point.count = field.fixed64()?,
                5 => point.sum = Some(field.double()?),
                6 => point.scale = field.zigzag()? as i32,
                7 => point.zero_count = field.fixed64()?,
                8 => point.positive.merge(field.message()?)?,
                9 => point.negative.merge(field.message()?)?,
                10 => point.flags = field.varint()?,
                11 => point.exemplars.push(Exemplar::decode(&field)?),
                12 => point.min = Some(field.double()?),
                13 => point.max = Some(field.double()?),
                14 => point.zero_threshold = field.double()?,
                _ => {}
            }
        }
        point.attributes = region.bytes(&reader);
        Ok(Some(point))
    }

    /// The next point of a summary.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn next_summary(&mut self) -> Result<Option<SummaryPoint<'a>>> {
        let Some(mut reader) = self.next_point()? else {
            return Ok(None);
        };
        let mut point = SummaryPoint {
            attributes: attributes(reader.clone(), 7)?,
            ..SummaryPoint::default()
        };
        while let Some(field) = reader.next_field()? {
            match field.number {
                2 => point.start = field.fixed64()?,
                3 => point.time = field.fixed64()?,
                4 => point.count = field.fixed64()?,
                5 => point.sum = field.double()?,
                6 => point.quantiles.push(decode_quantile(field.message()?)?),
                8 => point.flags = field.varint()?,
                _ => {}
            }
        }
        Ok(Some(point))
    }
}

impl Buckets {
    fn merge(&mut self, mut reader: Reader<'_>) -> Result<()> {
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => self.offset = field.zigzag()? as i32,
                2 => field.each_varint(|n| self.counts.push(n))?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl<'a> Exemplar<'a> {
    fn decode(field: &Field<'a>) -> Result<Exemplar<'a>> {
        let mut reader = field.message()?;
        let mut exemplar = Exemplar {
            attributes: attributes(reader.clone(), 7)?,
            ..Exemplar::default()
        };
        while let Some(field) = reader.next_field()? {
            match field.number {
                2 => exemplar.time = field.fixed64()?,
                3 => exemplar.value = Number::Double(field.double()?),
                4 => exemplar.span_id = field.bytes()?,
                5 => exemplar.trace_id = field.bytes()?,
                6 => exemplar.value = Number::Int(field.fixed64()?.cast_signed()),
                _ => {}
            }
        }
        Ok(exemplar)
    }
}

fn decode_quantile(mut reader: Reader<'_>) -> Result<(f64, f64)> {
    let mut found = (0.0, 0.0);
    while let Some(field) = reader.next_field()? {
        match field.number {
            1 => found.0 = field.double()?,
            2 => found.1 = field.double()?,
            _ => {}
        }
    }
    Ok(found)
}
