//! What the log keeps of a metrics write: definitions of series, samples by series number, metadata. Byte layout in
//! FORMAT.md, "Metrics record".

use super::batch::MetricKind;
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
    /// Metadata.
    pub metadata: Vec<OwnedMetadata>,
    /// Which series of the caller's batch a sample came from; not kept in the log.
    pub origins: Vec<u32>,
    /// Series of the caller's batch that were left out by the limit; not kept in the log.
    pub over_limit: Vec<u32>,
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
        out
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
        match r.remaining() {
            0 => Ok(record),
            _ => Err(Malformed("bytes behind the record")),
        }
    }
}

fn decode_labels(r: &mut Reader<'_>) -> Result<Labels, Malformed> {
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
