//! What a write of log lines holds: entries by stream, each with its time, its line and a set of structured metadata. A batch
//! is kept in the very bytes that the log of the store has of it, and an index over them, so that taking one in copies
//! nothing. Byte layout in FORMAT.md, "Logs record".
//!
//! Not for checking what users send (the server does that) nor for searching (see `head`).

mod builder;
mod codec;

pub use builder::BatchBuilder;

use crate::labels::Labels;

/// No set of metadata.
pub const NO_SET: u32 = u32::MAX;

/// Entries of one write.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch {
    /// The record.
    bytes: Vec<u8>,
    streams: Vec<BatchStream>,
    /// Where the texts of metadata lie in the record.
    texts: Vec<Place>,
    sets: Vec<Set>,
    /// Name and value of each pair of all sets, by number in `texts`.
    pairs: Vec<(u32, u32)>,
    entries: Vec<Entry>,
    keeps_repeats: bool,
}

/// Bytes of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    at: u32,
    len: u32,
}

/// A stream of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchStream {
    /// Its labels.
    pub labels: Labels,
    /// Its first entry.
    pub first: u32,
    /// Number of its entries, not 0.
    pub count: u32,
}

/// Pairs of metadata, behind those of another set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Set {
    parent: u32,
    first: u32,
    count: u32,
}

/// An entry of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    time: i64,
    line: Place,
    set: u32,
}

impl Batch {
    /// The streams.
    pub fn streams(&self) -> &[BatchStream] {
        &self.streams
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Time of an entry in nanoseconds.
    #[inline]
    pub fn time(&self, entry: u32) -> i64 {
        self.entries[entry as usize].time
    }

    /// Line of an entry.
    #[inline]
    pub fn line(&self, entry: u32) -> &[u8] {
        self.bytes_at(self.entries[entry as usize].line)
    }

    /// Number of an entry's set of metadata, [`NO_SET`] when it has none.
    #[inline]
    pub fn set_of(&self, entry: u32) -> u32 {
        self.entries[entry as usize].set
    }

    /// Number of sets.
    pub fn set_count(&self) -> usize {
        self.sets.len()
    }

    /// Names and values of a set, sorted by name, names unique.
    pub fn set(&self, set: u32) -> Vec<(&str, &str)> {
        let mut pairs = Vec::new();
        self.put_pairs(set, &mut pairs, |n| self.text(n));
        pairs
    }

    /// The same as bytes, into room that is used again; none of [`NO_SET`].
    pub(super) fn put_set<'b>(&'b self, set: u32, pairs: &mut Vec<(&'b [u8], &'b [u8])>) {
        pairs.clear();
        self.put_pairs(set, pairs, |n| self.bytes_at(self.texts[n as usize]));
    }

    fn put_pairs<T: Ord + Copy>(&self, set: u32, pairs: &mut Vec<(T, T)>, text: impl Fn(u32) -> T) {
        let mut next = set;
        // A parent has a smaller number than its child, so this ends.
        while let Some(set) = self.sets.get(next as usize) {
            let own = &self.pairs[set.first as usize..(set.first + set.count) as usize];
            pairs.extend(own.iter().map(|(n, v)| (text(*n), text(*v))));
            next = set.parent;
        }
        // Of pairs with one name the innermost counts; it stands first, and the sort is stable.
        pairs.sort_by_key(|pair| pair.0);
        pairs.dedup_by(|later, earlier| later.0 == earlier.0);
    }

    /// Names and values of an entry's metadata, sorted by name, names unique.
    pub fn metadata(&self, entry: u32) -> Vec<(&str, &str)> {
        match self.set_of(entry) {
            NO_SET => Vec::new(),
            set => self.set(set),
        }
    }

    /// True when entries that equal another of their stream are to be kept.
    pub fn keeps_repeats(&self) -> bool {
        self.keeps_repeats
    }

    /// The record for the log.
    pub fn encode(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// Bytes of lines and metadata, those of a set counted with each entry.
    pub fn content_bytes(&self) -> u64 {
        let of = |set: u32| {
            self.set(set)
                .iter()
                .map(|(n, v)| (n.len() + v.len()) as u64)
                .sum()
        };
        let sets: Vec<u64> = (0..self.sets.len() as u32).map(of).collect();
        let entries = self.entries.iter();
        entries
            .map(|entry| u64::from(entry.line.len) + sets.get(entry.set as usize).copied().unwrap_or(0))
            .sum()
    }

    /// Bytes in memory.
    pub fn byte_len(&self) -> usize {
        self.bytes.capacity()
            + self.entries.len() * size_of::<Entry>()
            + self.texts.len() * size_of::<Place>()
            + self.sets.len() * size_of::<Set>()
            + self.pairs.len() * 8
            + self.streams.len() * 64
    }

    fn text(&self, n: u32) -> &str {
        std::str::from_utf8(self.bytes_at(self.texts[n as usize]))
            .expect("texts are checked when a record is read")
    }

    fn bytes_at(&self, place: Place) -> &[u8] {
        &self.bytes[place.at as usize..(place.at + place.len) as usize]
    }
}

#[cfg(test)]
mod tests;
