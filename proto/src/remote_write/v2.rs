//! Remote write 2.0, `io.prometheus.write.v2.Request`, read series by series: strings stay in the table of symbols and
//! series name them by number. <https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/>. Numbers that are not in
//! the table, and series that the specification forbids, are for the receiver to find.

mod encode;

pub use encode::{Encoder, ExemplarParts, SeriesParts};

use super::{Histogram, Sample};
use crate::error::Result;
use crate::quick;
use crate::wire::Reader;

/// Reads a decompressed body: the table of symbols at once, then series by series. Unknown fields are skipped.
#[derive(Debug)]
pub struct Scan<'a> {
    /// The table of symbols.
    pub symbols: Vec<&'a [u8]>,
    reader: Reader<'a>,
    label_refs: Vec<u32>,
    samples: Vec<Sample>,
    histograms: Vec<Histogram>,
    exemplars: Vec<Exemplar>,
}

/// One exemplar of 2.0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exemplar {
    /// Numbers of its labels' names and values in turn.
    pub label_refs: Vec<u32>,
    /// Value.
    pub value: f64,
    /// Milliseconds since 1970, 0 when absent.
    pub timestamp: i64,
}

/// Metadata of one series; the strings are numbers of symbols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Metadata {
    /// Number of the metric type, those of 1.0.
    pub kind: u32,
    /// Help text.
    pub help_ref: u32,
    /// Unit.
    pub unit_ref: u32,
}

/// One series of a request.
#[derive(Debug)]
pub struct Series<'s> {
    /// Numbers of its labels' names and values in turn. Numbers beyond 32 bits come as `u32::MAX`, which no table reaches.
    pub label_refs: &'s [u32],
    /// Samples in the order sent.
    pub samples: &'s [Sample],
    /// Native histograms in the order sent.
    pub histograms: &'s [Histogram],
    /// Exemplars in the order sent.
    pub exemplars: &'s [Exemplar],
    /// Its metadata; all zero when none was sent.
    pub metadata: Metadata,
}

impl<'a> Scan<'a> {
    /// Reads the table of symbols, wherever in the body it stands.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn open(body: &'a [u8]) -> Result<Scan<'a>> {
        let mut symbols = Vec::new();
        let mut reader = Reader::new(body);
        // Senders write all symbols and then all series: both runs are stepped over at once.
        let mut pos = 0;
        while body.get(pos) == Some(&0x22)
            && let Some((start, end)) = quick::delimited(body, pos + 1)
        {
            symbols.push(&body[start..end]);
            pos = end;
        }
        reader.advance(quick::skip_run(body, pos, 0x2a).unwrap_or(pos));
        while let Some(field) = reader.next_field()? {
            if field.number == 4 {
                symbols.push(field.bytes()?);
            }
        }
        Ok(Scan {
            symbols,
            reader: Reader::new(body),
            label_refs: Vec::new(),
            samples: Vec::new(),
            histograms: Vec::new(),
            exemplars: Vec::new(),
        })
    }

    /// The next series, `None` at the end.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn next_series(&mut self) -> Result<Option<Series<'_>>> {
        self.clear();
        let metadata = match self.quick_series() {
            Some(metadata) => Some(metadata),
            None => self.general_series()?,
        };
        Ok(metadata.map(|metadata| Series {
            label_refs: &self.label_refs,
            samples: &self.samples,
            histograms: &self.histograms,
            exemplars: &self.exemplars,
            metadata,
        }))
    }

    fn clear(&mut self) {
        self.label_refs.clear();
        self.samples.clear();
        self.histograms.clear();
        self.exemplars.clear();
    }

    /// A series of labels, samples and metadata alone, in this order, at the place of the reader; gives its metadata.
    #[inline]
    fn quick_series(&mut self) -> Option<Metadata> {
        let rest = self.reader.rest();
        if *rest.first()? != 0x2a {
            return None;
        }
        let (start, end) = quick::delimited(rest, 1)?;
        if start == end || rest[start] != 0x0a {
            return None;
        }
        let (refs_start, refs_end) = quick::delimited(&rest[..end], start + 1)?;
        quick::packed(&rest[refs_start..refs_end], &mut self.label_refs)?;
        let mut pos = refs_end;
        while pos < end && rest[pos] == 0x12 {
            let (sample, after) = quick::sample(rest, pos + 1, true)?;
            self.samples.push(sample);
            pos = after;
        }
        let mut metadata = Metadata::default();
        if pos < end && rest[pos] == 0x2a {
            let (from, to) = quick::delimited(&rest[..end], pos + 1)?;
            quick::numbers(&rest[from..to], |tag, n| {
                match tag {
                    0x08 => metadata.kind = n,
                    0x18 => metadata.help_ref = n,
                    0x20 => metadata.unit_ref = n,
                    _ => return None,
                }
                Some(())
            })?;
            pos = to;
        }
        if pos != end {
            return None;
        }
        self.reader.advance(end);
        Some(metadata)
    }

    fn general_series(&mut self) -> Result<Option<Metadata>> {
        self.clear();
        while let Some(field) = self.reader.next_field()? {
            if field.number == 5 {
                return self.decode_series(field.message()?).map(Some);
            }
        }
        Ok(None)
    }

    fn decode_series(&mut self, mut reader: Reader<'a>) -> Result<Metadata> {
        let mut metadata = Metadata::default();
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => field.each_varint(|n| self.label_refs.push(reference(n)))?,
                2 => self.samples.push(decode_sample(field.message()?)?),
                3 => self.histograms.push(Histogram::decode(field.message()?)?),
                4 => self.exemplars.push(Exemplar::decode(field.message()?)?),
                5 => metadata = Metadata::decode(field.message()?)?,
                _ => {}
            }
        }
        Ok(metadata)
    }
}

impl Exemplar {
    fn decode(mut reader: Reader<'_>) -> Result<Exemplar> {
        let mut exemplar = Exemplar::default();
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => field.each_varint(|n| exemplar.label_refs.push(reference(n)))?,
                2 => exemplar.value = field.double()?,
                3 => exemplar.timestamp = field.varint()?.cast_signed(),
                _ => {}
            }
        }
        Ok(exemplar)
    }
}

impl Metadata {
    fn decode(mut reader: Reader<'_>) -> Result<Metadata> {
        let mut metadata = Metadata::default();
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => metadata.kind = reference(field.varint()?),
                3 => metadata.help_ref = reference(field.varint()?),
                4 => metadata.unit_ref = reference(field.varint()?),
                _ => {}
            }
        }
        Ok(metadata)
    }
}

fn reference(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn decode_sample(mut reader: Reader<'_>) -> Result<Sample> {
    let mut sample = Sample::default();
    while let Some(field) = reader.next_field()? {
        match field.number {
            1 => sample.value = field.double()?,
            2 => sample.timestamp = field.varint()?.cast_signed(),
            3 => sample.start = field.varint()?.cast_signed(),
            _ => {}
        }
    }
    Ok(sample)
}

#[cfg(test)]
mod tests;
