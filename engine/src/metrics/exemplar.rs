//! Exemplars: single observations of a series with labels of their own, a trace id among them as a rule.

use crate::coding::{Malformed, Reader, put_bytes, put_svarint, put_uvarint};
use crate::labels::Labels;

/// An exemplar of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Milliseconds since 1970.
    pub time: i64,
    /// The observed value.
    pub value: f64,
    /// Its own labels.
    pub labels: Labels,
}

/// A trace id.
pub type TraceId = [u8; 16];

impl Exemplar {
    /// True when both say the same, bit for bit.
    pub fn same_bits(&self, other: &Exemplar) -> bool {
        self.time == other.time
            && self.value.to_bits() == other.value.to_bits()
            && self.labels == other.labels
    }

    /// The trace ids among its labels: every value of 32 hex digits, whatever the label is called.
    pub fn trace_ids(&self) -> impl Iterator<Item = TraceId> {
        self.labels.iter().filter_map(|(_, value)| parse_trace_id(value))
    }

    /// Appends the encoded form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_svarint(out, self.time);
        out.extend_from_slice(&self.value.to_bits().to_le_bytes());
        put_uvarint(out, self.labels.len() as u64);
        for (name, value) in self.labels.iter() {
            put_bytes(out, name.as_bytes());
            put_bytes(out, value.as_bytes());
        }
    }

    /// Reads the encoded form.
    pub fn decode(r: &mut Reader<'_>) -> Result<Exemplar, Malformed> {
        Ok(Exemplar {
            time: r.svarint()?,
            value: f64::from_bits(r.u64()?),
            labels: super::record::decode_labels(r)?,
        })
    }
}

/// A trace id of 32 hex digits of either case, `None` for anything else.
pub fn parse_trace_id(text: &str) -> Option<TraceId> {
    let digits = text.as_bytes();
    if digits.len() != 32 {
        return None;
    }
    let mut id = [0; 16];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = (high << 4 | low) as u8;
    }
    Some(id)
}

/// Adds an exemplar to a list that is ordered by time, unless it is there; true when it was added.
pub fn insert(list: &mut Vec<Exemplar>, exemplar: Exemplar) -> bool {
    let from = list.partition_point(|e| e.time < exemplar.time);
    let to = from + list[from..].partition_point(|e| e.time == exemplar.time);
    if list[from..to].iter().any(|e| e.same_bits(&exemplar)) {
        return false;
    }
    list.insert(to, exemplar);
    true
}
