//! Exemplars: single observations of a series with labels of their own, a trace id among them as a rule.

use std::collections::HashSet;

use super::key::{SeriesKey, series_key};
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

/// As many exemplars are compared one by one.
const FEW: usize = 32;

/// Fewest and most hexadecimal digits of an id in the index.
const ID_DIGITS_MIN: usize = 16;
const ID_DIGITS_MAX: usize = 32;

const UUID_LEN: usize = 36;
const UUID_DASHES: [usize; 4] = [8, 13, 18, 23];

/// A trace id.
pub type TraceId = [u8; 16];

impl Exemplar {
    /// True when both say the same, bit for bit.
    pub fn same_bits(&self, other: &Exemplar) -> bool {
        self.time == other.time
            && self.value.to_bits() == other.value.to_bits()
            && self.labels == other.labels
    }

    /// The ids among its labels: every value of 16 to 32 hexadecimal digits and every UUID, whatever the label is called.
    pub fn trace_ids(&self) -> impl Iterator<Item = TraceId> {
        self.labels.iter().filter_map(|(_, value)| indexed_id(value))
    }

    /// A hash that no two exemplars share.
    fn hash(&self) -> SeriesKey {
        let mut bytes = Vec::with_capacity(64);
        self.encode(&mut bytes);
        series_key(&bytes)
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

/// The number that an id has in the index of ids: 16 to 32 hexadecimal digits of either case, also with the dashes of a UUID.
/// Shorter ids count as if zeros stood before them.
fn indexed_id(text: &str) -> Option<TraceId> {
    let mut id = 0_u128;
    let mut digits = 0;
    for (at, c) in text.bytes().enumerate() {
        match char::from(c).to_digit(16) {
            Some(digit) => id = id << 4 | u128::from(digit),
            None if c == b'-' && text.len() == UUID_LEN && UUID_DASHES.contains(&at) => continue,
            None => return None,
        }
        digits += 1;
        if digits > ID_DIGITS_MAX {
            return None;
        }
    }
    (digits >= ID_DIGITS_MIN).then(|| id.to_be_bytes())
}

/// Orders exemplars by time, those of one time as they come, and drops repetitions.
pub fn settle(list: &mut Vec<Exemplar>) {
    list.sort_by_key(|e| e.time);
    if list.len() <= FEW {
        let mut kept: Vec<Exemplar> = Vec::with_capacity(list.len());
        for exemplar in list.drain(..) {
            if !kept.iter().any(|e| e.same_bits(&exemplar)) {
                kept.push(exemplar);
            }
        }
        *list = kept;
        return;
    }
    let mut seen = HashSet::with_capacity(list.len());
    list.retain(|e| seen.insert(e.hash()));
}

/// Exemplars of a series, ordered by time and without repetitions.
#[derive(Debug, Clone, Default)]
pub struct Exemplars {
    list: Vec<Exemplar>,
    /// Hashes of all once they are more than a few: thousands may have one time.
    hashes: HashSet<SeriesKey>,
}

impl Exemplars {
    /// Adds an exemplar unless it is there; true when it was added.
    pub fn insert(&mut self, exemplar: Exemplar) -> bool {
        let is_new = match self.list.len() {
            len if len < FEW => !self.list.iter().any(|e| e.same_bits(&exemplar)),
            _ => {
                if self.hashes.is_empty() {
                    self.hashes.extend(self.list.iter().map(Exemplar::hash));
                }
                self.hashes.insert(exemplar.hash())
            }
        };
        if is_new {
            let at = self.list.partition_point(|e| e.time <= exemplar.time);
            self.list.insert(at, exemplar);
        }
        is_new
    }

    /// All of them.
    pub fn as_slice(&self) -> &[Exemplar] {
        &self.list
    }

    /// Bytes of memory.
    pub fn heap_bytes(&self) -> usize {
        let list = self.list.iter();
        let exemplars: usize = list.map(|e| size_of::<Exemplar>() + e.labels.byte_len()).sum();
        exemplars + self.hashes.capacity() * (size_of::<SeriesKey>() + 1)
    }
}

#[cfg(test)]
mod tests;
