//! Remote write 1.0: `prometheus.WriteRequest` into flat tables that borrow from the decompressed body.
//! <https://prometheus.io/docs/specs/prw/remote_write_spec/>. Strings come as bytes: whether they are UTF-8 is for the
//! receiver to say, per series. Histograms and exemplars are counted, not decoded.

mod encode;

pub use encode::RequestEncoder;

use crate::error::Result;
use crate::wire::Reader;

/// A decoded `WriteRequest`.
#[derive(Debug, Default)]
pub struct WriteRequest<'a> {
    labels: Vec<Label<'a>>,
    samples: Vec<Sample>,
    series: Vec<SeriesEnd>,
    /// Metadata entries (field 3).
    pub metadata: Vec<Metadata<'a>>,
}

/// A label as sent: neither checked nor sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label<'a> {
    /// Name.
    pub name: &'a [u8],
    /// Value.
    pub value: &'a [u8],
}

/// One sample.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Value, to the bit.
    pub value: f64,
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
#[derive(Debug, Clone, Copy)]
pub struct Series<'r, 'a> {
    /// Labels in the order sent.
    pub labels: &'r [Label<'a>],
    /// Samples in the order sent.
    pub samples: &'r [Sample],
    /// Exemplars in the message.
    pub exemplars: u32,
    /// Native histograms in the message.
    pub histograms: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct SeriesEnd {
    labels: usize,
    samples: usize,
    exemplars: u32,
    histograms: u32,
}

impl<'a> WriteRequest<'a> {
    /// Decodes a decompressed body. Unknown fields are skipped.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn decode(body: &'a [u8]) -> Result<WriteRequest<'a>> {
        let mut request = WriteRequest::default();
        let mut reader = Reader::new(body);
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => request.decode_series(field.message()?)?,
                3 => request.metadata.push(decode_metadata(field.message()?)?),
                _ => {}
            }
        }
        Ok(request)
    }

    /// The series in the order sent.
    pub fn series(&self) -> impl ExactSizeIterator<Item = Series<'_, 'a>> {
        (0..self.series.len()).map(|i| {
            let start = match i {
                0 => SeriesEnd::default(),
                _ => self.series[i - 1],
            };
            let end = self.series[i];
            Series {
                labels: &self.labels[start.labels..end.labels],
                samples: &self.samples[start.samples..end.samples],
                exemplars: end.exemplars,
                histograms: end.histograms,
            }
        })
    }

    /// Number of samples in all series.
    pub fn sample_count(&self) -> usize {
        self.samples.len()
    }

    fn decode_series(&mut self, mut reader: Reader<'a>) -> Result<()> {
        let (mut exemplars, mut histograms) = (0, 0);
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => self.labels.push(decode_label(field.message()?)?),
                2 => self.samples.push(decode_sample(field.message()?)?),
                3 => {
                    field.message()?;
                    exemplars += 1;
                }
                4 => {
                    field.message()?;
                    histograms += 1;
                }
                _ => {}
            }
        }
        self.series.push(SeriesEnd {
            labels: self.labels.len(),
            samples: self.samples.len(),
            exemplars,
            histograms,
        });
        Ok(())
    }
}

fn decode_label<'a>(mut reader: Reader<'a>) -> Result<Label<'a>> {
    let mut label = Label {
        name: b"",
        value: b"",
    };
    while let Some(field) = reader.next_field()? {
        match field.number {
            1 => label.name = field.bytes()?,
            2 => label.value = field.bytes()?,
            _ => {}
        }
    }
    Ok(label)
}

fn decode_sample(mut reader: Reader<'_>) -> Result<Sample> {
    let mut sample = Sample {
        timestamp: 0,
        value: 0.0,
    };
    while let Some(field) = reader.next_field()? {
        match field.number {
            1 => sample.value = field.double()?,
            2 => sample.timestamp = field.varint()?.cast_signed(),
            _ => {}
        }
    }
    Ok(sample)
}

fn decode_metadata<'a>(mut reader: Reader<'a>) -> Result<Metadata<'a>> {
    let mut metadata = Metadata::default();
    while let Some(field) = reader.next_field()? {
        match field.number {
            1 => metadata.kind = field.varint()?,
            2 => metadata.family = field.bytes()?,
            4 => metadata.help = field.bytes()?,
            5 => metadata.unit = field.bytes()?,
            _ => {}
        }
    }
    Ok(metadata)
}

#[cfg(test)]
mod tests;
