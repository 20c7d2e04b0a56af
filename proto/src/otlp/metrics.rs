//! Metrics of OTLP (opentelemetry-proto `metrics/v1`), walked level by level: resources, scopes, metrics, data points.
//! Attributes stay bytes until somebody asks for them.

mod points;

use std::borrow::Cow;

pub use points::{Buckets, Exemplar, ExponentialPoint, HistogramPoint, Number, NumberPoint, SummaryPoint};

use crate::error::Result;
use crate::quick;
use crate::region::Region;
use crate::wire::Reader;

/// An `ExportMetricsServiceRequest`.
#[derive(Debug, Clone)]
pub struct Request<'a>(Reader<'a>);

/// The metrics of one resource.
#[derive(Debug, Clone)]
pub struct ResourceMetrics<'a> {
    /// The resource's attributes, for [`KeyValues`](super::KeyValues).
    pub attributes: Cow<'a, [u8]>,
    /// Schema of the resource.
    pub schema_url: &'a [u8],
    rest: Reader<'a>,
}

/// The metrics of one instrumentation scope.
#[derive(Debug, Clone)]
pub struct ScopeMetrics<'a> {
    /// The scope.
    pub scope: Scope<'a>,
    /// Schema of the metrics.
    pub schema_url: &'a [u8],
    rest: Reader<'a>,
}

/// An instrumentation scope.
#[derive(Debug, Clone, Default)]
pub struct Scope<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Its version.
    pub version: &'a [u8],
    /// Its attributes.
    pub attributes: Cow<'a, [u8]>,
}

/// One metric.
#[derive(Debug, Clone)]
pub struct Metric<'a> {
    /// Name.
    pub name: &'a [u8],
    /// Description.
    pub description: &'a [u8],
    /// Unit, in UCUM.
    pub unit: &'a [u8],
    /// Data points.
    pub data: Data<'a>,
    /// Attributes of the metric itself.
    pub metadata: Cow<'a, [u8]>,
}

/// The data points of a metric by its type.
#[derive(Debug, Clone)]
pub enum Data<'a> {
    /// None, or of a type that is not known.
    Absent,
    /// Values at a time.
    Gauge(Points<'a>),
    /// Sums.
    Sum(Points<'a>),
    /// Histograms with explicit bounds.
    Histogram(Points<'a>),
    /// Exponential histograms.
    Exponential(Points<'a>),
    /// Summaries.
    Summary(Points<'a>),
}

/// Data points of one metric and what holds for all of them.
#[derive(Debug, Clone)]
pub struct Points<'a> {
    /// What a point covers.
    pub temporality: Temporality,
    /// Sums: whether the value never falls.
    pub monotonic: bool,
    rest: Reader<'a>,
}

/// What a point of a sum or histogram covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Temporality {
    /// Not said, or not known.
    #[default]
    Unspecified,
    /// Since the point before.
    Delta,
    /// Since the start.
    Cumulative,
}

impl<'a> Request<'a> {
    /// Reads a whole body.
    pub fn new(body: &'a [u8]) -> Request<'a> {
        Request(Reader::new(body))
    }

    /// The next resource, `None` at the end.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn next_resource(&mut self) -> Result<Option<ResourceMetrics<'a>>> {
        let Some(whole) = next_message(&mut self.0, 1)? else {
            return Ok(None);
        };
        let mut found = ResourceMetrics {
            attributes: Cow::Borrowed(b""),
            schema_url: b"",
            rest: whole.clone(),
        };
        let mut reader = whole;
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => found.attributes = attributes(field.message()?, 1)?,
                3 => found.schema_url = field.bytes()?,
                _ => {}
            }
        }
        Ok(Some(found))
    }
}

impl<'a> ResourceMetrics<'a> {
    /// The next scope of this resource, `None` at the end.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn next_scope(&mut self) -> Result<Option<ScopeMetrics<'a>>> {
        let Some(whole) = next_message(&mut self.rest, 2)? else {
            return Ok(None);
        };
        let mut found = ScopeMetrics {
            scope: Scope::default(),
            schema_url: b"",
            rest: whole.clone(),
        };
        let mut reader = whole;
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => found.scope = Scope::decode(field.message()?)?,
                3 => found.schema_url = field.bytes()?,
                _ => {}
            }
        }
        Ok(Some(found))
    }
}

impl<'a> Scope<'a> {
    fn decode(reader: Reader<'a>) -> Result<Scope<'a>> {
        let mut scope = Scope {
            attributes: attributes(reader.clone(), 3)?,
            ..Scope::default()
        };
        let mut reader = reader;
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => scope.name = field.bytes()?,
                2 => scope.version = field.bytes()?,
                _ => {}
            }
        }
        Ok(scope)
    }
}

impl<'a> ScopeMetrics<'a> {
    /// The next metric of this scope, `None` at the end.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn next_metric(&mut self) -> Result<Option<Metric<'a>>> {
        let Some(mut reader) = next_message(&mut self.rest, 2)? else {
            return Ok(None);
        };
        let mut metric = Metric {
            name: b"",
            description: b"",
            unit: b"",
            data: Data::Absent,
            metadata: attributes(reader.clone(), 12)?,
        };
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => metric.name = field.bytes()?,
                2 => metric.description = field.bytes()?,
                3 => metric.unit = field.bytes()?,
                5 => metric.data = Data::Gauge(Points::open(field.message()?)?),
                7 => metric.data = Data::Sum(Points::open(field.message()?)?),
                9 => metric.data = Data::Histogram(Points::open(field.message()?)?),
                10 => metric.data = Data::Exponential(Points::open(field.message()?)?),
                11 => metric.data = Data::Summary(Points::open(field.message()?)?),
                _ => {}
            }
        }
        Ok(Some(metric))
    }
}

impl<'a> Points<'a> {
    fn open(whole: Reader<'a>) -> Result<Points<'a>> {
        let mut points = Points {
            temporality: Temporality::Unspecified,
            monotonic: false,
            rest: whole.clone(),
        };
        let mut reader = whole;
        // All points usually stand before the rest.
        let run = quick::skip_run(reader.rest(), 0, 0x0a).unwrap_or(0);
        reader.advance(run);
        while let Some(field) = reader.next_field()? {
            match field.number {
                2 => points.temporality = Temporality::from_number(field.varint()?),
                3 => points.monotonic = field.varint()? != 0,
                _ => {}
            }
        }
        Ok(points)
    }

    fn next_point(&mut self) -> Result<Option<Reader<'a>>> {
        next_message(&mut self.rest, 1)
    }
}

impl Temporality {
    fn from_number(n: u64) -> Temporality {
        match n {
            1 => Temporality::Delta,
            2 => Temporality::Cumulative,
            _ => Temporality::Unspecified,
        }
    }
}

/// The next field of one number as a message.
fn next_message<'a>(reader: &mut Reader<'a>, number: u32) -> Result<Option<Reader<'a>>> {
    while let Some(field) = reader.next_field()? {
        if field.number == number {
            return field.message().map(Some);
        }
    }
    Ok(None)
}

/// The bytes of a message's attributes, which have this field number.
fn attributes(mut reader: Reader<'_>, number: u32) -> Result<Cow<'_, [u8]>> {
    let mut region = Region::default();
    loop {
        let start = reader.position();
        let Some(field) = reader.next_field()? else {
            return Ok(region.bytes(&reader));
        };
        if field.number == number {
            region.add(&reader, start, &field)?;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
