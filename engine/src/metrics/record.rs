//! What the log keeps of a metrics write: definitions of series, samples and what comes with them by series number,
//! metadata. Byte layout in FORMAT.md, "Metrics record".

use std::collections::BTreeSet;

use super::batch::{HistogramWrite, MetricKind};
use super::exemplar::Exemplar;
use super::histogram::row;
use super::key::SeriesKey;
use super::registry::SeriesId;
use crate::coding::{Malformed, Reader, put_bytes, put_svarint, put_uvarint};
use crate::labels::Labels;

/// A resolved write.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// Series the log may not know yet.
    pub series: Vec<(SeriesId, Labels)>,
    /// Series, milliseconds since 1970, value.
    pub samples: Vec<(SeriesId, i64, f64)>,
    /// Start timestamps of the samples, 0 where unset; empty when none is set.
    pub starts: Vec<i64>,
    /// Series whose samples are deltas.
    pub delta: Vec<SeriesId>,
    /// Native histograms.
    pub histograms: Vec<(SeriesId, HistogramWrite)>,
    /// Exemplars.
    pub exemplars: Vec<(SeriesId, Exemplar)>,
    /// Metadata.
    pub metadata: Vec<OwnedMetadata>,
    /// What only the caller needs; not kept in the log.
    pub origin: Origin,
}

/// How a record came from a caller's batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Origin {
    /// Which series of the batch each sample came from.
    pub samples: Vec<u32>,
    /// Which series of the batch each histogram came from.
    pub histograms: Vec<u32>,
    /// Keys of the series the record defines.
    pub keys: Vec<(SeriesKey, SeriesId)>,
    /// Series of the batch that were left out by the limit.
    pub over_limit: Vec<u32>,
    /// Series of the batch that were left out by their label source.
    pub refused: Vec<u32>,
    /// Series that took in others of the batch.
    pub merged: BTreeSet<SeriesId>,
    /// Float samples and native histograms that mark the end of a series that was taken in.
    pub ends: [u64; 2],
}

/// Metadata of a metric family and when it came.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OwnedMetadata {
    /// Name of the metric family.
    pub family: String,
    /// Its type.
    pub kind: MetricKind,
    /// Help text.
    pub help: String,
    /// Unit.
    pub unit: String,
    /// When it was received, in milliseconds since 1970.
    pub received_ms: i64,
}

impl OwnedMetadata {
    /// True when both say the same, whenever they came.
    pub fn says_the_same(&self, other: &OwnedMetadata) -> bool {
        (&self.family, self.kind, &self.help, &self.unit)
            == (&other.family, other.kind, &other.help, &other.unit)
    }

    /// Appends the encoded form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.kind as u8);
        for text in [&self.family, &self.help, &self.unit] {
            put_bytes(out, text.as_bytes());
        }
        put_svarint(out, self.received_ms);
    }

    /// Reads the encoded form.
    pub fn decode(r: &mut Reader<'_>) -> Result<OwnedMetadata, Malformed> {
        Ok(OwnedMetadata {
            kind: MetricKind::from_number(r.u8()?.into()),
            family: r.str()?.to_owned(),
            help: r.str()?.to_owned(),
            unit: r.str()?.to_owned(),
            received_ms: r.svarint()?,
        })
    }
}

impl Record {
    /// The times of the first and the last sample of any kind.
    pub fn times(&self) -> Option<(i64, i64)> {
        let floats = self.samples.iter().map(|(_, time, _)| *time);
        let histograms = self.histograms.iter().map(|(_, write)| write.time);
        let mut times = floats.chain(histograms);
        let first = times.next()?;
        Some(times.fold((first, first), |(min, max), time| (min.min(time), max.max(time))))
    }

    /// Appends the encoded form: columns, because neighbours in a column resemble each other.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32 + self.samples.len() * 11);
        put_uvarint(&mut out, self.series.len() as u64);
        for (id, labels) in &self.series {
            put_uvarint(&mut out, (*id).into());
            put_uvarint(&mut out, labels.len() as u64);
            for (name, value) in labels.iter() {
                put_bytes(&mut out, name.as_bytes());
                put_bytes(&mut out, value.as_bytes());
            }
        }
        put_uvarint(&mut out, self.samples.len() as u64);
        let mut last = 0i64;
        for (id, _, _) in &self.samples {
            put_svarint(&mut out, i64::from(*id) - last);
            last = (*id).into();
        }
        let mut last = 0i64;
        for (_, time, _) in &self.samples {
            put_svarint(&mut out, time.wrapping_sub(last));
            last = *time;
        }
        for (_, _, value) in &self.samples {
            out.extend_from_slice(&value.to_bits().to_le_bytes());
        }
        put_uvarint(&mut out, self.metadata.len() as u64);
        for metadata in &self.metadata {
            metadata.encode(&mut out);
        }
        self.encode_rest(&mut out);
        out
    }

    /// What most records have nothing of.
    fn encode_rest(&self, out: &mut Vec<u8>) {
        put_uvarint(out, self.starts.len() as u64);
        for (start, (_, time, _)) in self.starts.iter().zip(&self.samples) {
            put_start(out, *start, *time);
        }
        put_uvarint(out, self.delta.len() as u64);
        for id in &self.delta {
            put_uvarint(out, (*id).into());
        }
        put_uvarint(out, self.histograms.len() as u64);
        for (id, write) in &self.histograms {
            put_uvarint(out, (*id).into());
            put_svarint(out, write.time);
            put_start(out, write.start, write.time);
            row::encode(&write.histogram, out);
        }
        put_uvarint(out, self.exemplars.len() as u64);
        for (id, exemplar) in &self.exemplars {
            put_uvarint(out, (*id).into());
            exemplar.encode(out);
        }
    }

    fn decode_rest(&mut self, r: &mut Reader<'_>) -> Result<(), Malformed> {
        let starts = r.count(1)?;
        if starts != 0 && starts != self.samples.len() {
            return Err(Malformed("number of start timestamps"));
        }
        for (_, time, _) in &self.samples[..starts] {
            self.starts.push(get_start(r, *time)?);
        }
        for _ in 0..r.count(1)? {
            self.delta.push(r.uvarint32()?);
        }
        for _ in 0..r.count(20)? {
            let (id, time) = (r.uvarint32()?, r.svarint()?);
            let start = get_start(r, time)?;
            let histogram = row::decode(r)?;
            self.histograms.push((
                id,
                HistogramWrite {
                    start,
                    time,
                    histogram,
                },
            ));
        }
        for _ in 0..r.count(11)? {
            self.exemplars.push((r.uvarint32()?, Exemplar::decode(r)?));
        }
        Ok(())
    }

    /// Reads the encoded form.
    pub fn decode(bytes: &[u8]) -> Result<Record, Malformed> {
        let mut r = Reader::new(bytes);
        let mut record = Record::default();
        for _ in 0..r.count(2)? {
            let id = r.uvarint32()?;
            record.series.push((id, decode_labels(&mut r)?));
        }
        let count = r.count(10)?;
        record.samples.reserve(count);
        let mut last = 0i64;
        for _ in 0..count {
            last = last.wrapping_add(r.svarint()?);
            let id = SeriesId::try_from(last).map_err(|_| Malformed("series number over 32 bits"))?;
            record.samples.push((id, 0, 0.0));
        }
        let mut last = 0i64;
        for sample in &mut record.samples {
            last = last.wrapping_add(r.svarint()?);
            sample.1 = last;
        }
        for sample in &mut record.samples {
            sample.2 = f64::from_bits(r.u64()?);
        }
        for _ in 0..r.count(5)? {
            record.metadata.push(OwnedMetadata::decode(&mut r)?);
        }
        // Records of version 1 end here.
        if r.remaining() > 0 {
            record.decode_rest(&mut r)?;
        }
        match r.remaining() {
            0 => Ok(record),
            _ => Err(Malformed("bytes behind the record")),
        }
    }
}

/// Appends a start timestamp: 0 when unset, otherwise its distance before the sample, which repeats.
pub(super) fn put_start(out: &mut Vec<u8>, start: i64, time: i64) {
    let distance = time.wrapping_sub(start);
    let zigzag = ((distance << 1) ^ (distance >> 63)).cast_unsigned();
    // A distance that has no room for the shift by one is spelled out behind the largest number.
    match (start, zigzag.checked_add(1)) {
        (0, _) => put_uvarint(out, 0),
        (_, Some(n)) if n != u64::MAX => put_uvarint(out, n),
        _ => {
            put_uvarint(out, u64::MAX);
            put_svarint(out, start);
        }
    }
}

/// Reads what [`put_start`] wrote.
pub(super) fn get_start(r: &mut Reader<'_>, time: i64) -> Result<i64, Malformed> {
    Ok(match r.uvarint()? {
        0 => 0,
        u64::MAX => r.svarint()?,
        n => {
            let zigzag = n - 1;
            time.wrapping_sub((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
        }
    })
}

/// Reads labels: a count, then names and values in ascending order of the names.
pub(super) fn decode_labels(r: &mut Reader<'_>) -> Result<Labels, Malformed> {
    let count = r.count(2)?;
    let mut pairs: Vec<(&str, &str)> = Vec::with_capacity(count);
    for _ in 0..count {
        let pair = (r.str()?, r.str()?);
        if pairs.last().is_some_and(|last| last.0 >= pair.0) {
            return Err(Malformed("labels out of order"));
        }
        pairs.push(pair);
    }
    Ok(Labels::from_sorted(pairs))
}

#[cfg(test)]
mod tests;
