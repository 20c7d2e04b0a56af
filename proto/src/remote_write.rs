//! Remote write 1.0, `prometheus.WriteRequest`, read series by series without copying and without looking into labels:
//! <https://prometheus.io/docs/specs/prw/remote_write_spec/>. [`v2`] has 2.0. Not for what the messages mean: whether
//! labels are in order, unique and UTF-8 is for the receiver to say.

mod encode;
mod labels;
mod scan;
pub mod v2;

use std::borrow::Cow;

pub use encode::RequestEncoder;
pub use labels::{Label, Labels};
pub use scan::Scan;

pub use crate::histogram::Histogram;

/// One sample.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sample {
    /// When counting began, milliseconds since 1970; 0 when unset, as always in 1.0.
    pub start: i64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Value, to the bit.
    pub value: f64,
}

/// One exemplar of 1.0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exemplar<'a> {
    /// Its labels, in the order sent.
    pub labels: Vec<Label<'a>>,
    /// Value.
    pub value: f64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
}

/// Metadata of a metric family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Metadata<'a> {
    /// Number of the metric type (`MetricMetadata.MetricType`).
    pub kind: u64,
    /// Name of the metric family.
    pub family: &'a [u8],
    /// Help text.
    pub help: &'a [u8],
    /// Unit.
    pub unit: &'a [u8],
}

/// One series of a request.
#[derive(Debug)]
pub struct Series<'s, 'a> {
    /// The bytes of the label fields, tags included, as [`Labels`] reads them. They say everything about the labels and
    /// nothing else.
    pub labels: Cow<'a, [u8]>,
    /// Samples in the order sent.
    pub samples: &'s [Sample],
    /// Exemplars in the order sent.
    pub exemplars: &'s [Exemplar<'a>],
    /// Native histograms in the order sent.
    pub histograms: &'s [Histogram],
}

#[cfg(test)]
mod tests;
