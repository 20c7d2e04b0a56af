//! The walk over a 1.0 request. The usual encoding is read by a short path; anything else by the general rules, which
//! give the same and say what is wrong with what is no message.

use std::borrow::Cow;

use super::{Exemplar, Histogram, Metadata, Sample, Series, labels};
use crate::error::Result;
use crate::quick;
use crate::region::Region;
use crate::wire::Reader;

/// Reads a decompressed body series by series. Unknown fields are skipped.
#[derive(Debug)]
pub struct Scan<'a> {
    reader: Reader<'a>,
    pub(super) samples: Vec<Sample>,
    pub(super) exemplars: Vec<Exemplar<'a>>,
    pub(super) histograms: Vec<Histogram>,
    /// Metadata entries (field 3) met so far.
    pub metadata: Vec<Metadata<'a>>,
}

impl<'a> Scan<'a> {
    /// Starts at the first series of a body.
    pub fn new(body: &'a [u8]) -> Scan<'a> {
        Scan {
            reader: Reader::new(body),
            samples: Vec::new(),
            exemplars: Vec::new(),
            histograms: Vec::new(),
            metadata: Vec::new(),
        }
    }

    /// The next series, `None` at the end. Its labels are not decoded: what is wrong inside them shows when they are.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn next_series(&mut self) -> Result<Option<Series<'_, 'a>>> {
        self.clear();
        let labels = match self.quick_series() {
            Some(labels) => Some(Cow::Borrowed(labels)),
            None => self.general_series()?,
        };
        Ok(labels.map(|labels| Series {
            labels,
            samples: &self.samples,
            exemplars: &self.exemplars,
            histograms: &self.histograms,
        }))
    }

    fn clear(&mut self) {
        self.samples.clear();
        self.exemplars.clear();
        self.histograms.clear();
    }

    /// A series of labels and samples alone, in this order, at the place of the reader; gives its labels.
    #[inline]
    fn quick_series(&mut self) -> Option<&'a [u8]> {
        let rest = self.reader.rest();
        if *rest.first()? != 0x0a {
            return None;
        }
        let (start, end) = quick::delimited(rest, 1)?;
        // The end of the message bounds the labels; samples look ahead beyond it.
        let labels_end = quick::skip_run(&rest[..end], start, 0x0a)?;
        let mut pos = labels_end;
        while pos < end && rest[pos] == 0x12 {
            let (sample, after) = quick::sample(rest, pos + 1, false)?;
            self.samples.push(sample);
            pos = after;
        }
        if pos != end {
            return None;
        }
        self.reader.advance(end);
        Some(&rest[start..labels_end])
    }

    pub(super) fn general_series(&mut self) -> Result<Option<Cow<'a, [u8]>>> {
        self.clear();
        while let Some(field) = self.reader.next_field()? {
            match field.number {
                1 => return self.decode_series(field.message()?).map(Some),
                3 => self.metadata.push(decode_metadata(field.message()?)?),
                _ => {}
            }
        }
        Ok(None)
    }

    fn decode_series(&mut self, mut reader: Reader<'a>) -> Result<Cow<'a, [u8]>> {
        let mut region = Region::default();
        loop {
            let start = reader.position();
            let Some(field) = reader.next_field()? else {
                return Ok(region.bytes(&reader));
            };
            match field.number {
                1 => region.add(&reader, start, &field)?,
                2 => self.samples.push(decode_sample(field.message()?)?),
                3 => self.exemplars.push(decode_exemplar(field.message()?)?),
                4 => self.histograms.push(Histogram::decode(field.message()?)?),
                _ => {}
            }
        }
    }
}

fn decode_sample(mut reader: Reader<'_>) -> Result<Sample> {
    let mut sample = Sample::default();
    while let Some(field) = reader.next_field()? {
        match field.number {
            1 => sample.value = field.double()?,
            2 => sample.timestamp = field.varint()?.cast_signed(),
            _ => {}
        }
    }
    Ok(sample)
}

fn decode_exemplar<'a>(mut reader: Reader<'a>) -> Result<Exemplar<'a>> {
    let mut exemplar = Exemplar::default();
    while let Some(field) = reader.next_field()? {
        match field.number {
            1 => exemplar.labels.push(labels::decode(field.message()?)?),
            2 => exemplar.value = field.double()?,
            3 => exemplar.timestamp = field.varint()?.cast_signed(),
            _ => {}
        }
    }
    Ok(exemplar)
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
