//! The series of a head: label sets by slot, slots by label set, slots by label pair. Samples lie elsewhere, by slot.

use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use roaring::RoaringBitmap;

use super::matcher::Matcher;
use super::postings::{self, Postings};
use super::symbols::{Symbol, Symbols};
use crate::error::Result;
use crate::labels::Labels;

/// Position of a series in a head.
pub type Slot = u32;
/// Number of a series in the log records of one head.
pub type SeriesId = u32;

/// The series of a head.
#[derive(Default)]
pub struct Registry {
    symbols: Symbols,
    /// Name and value symbols of all series, one after the other.
    pairs: Vec<[Symbol; 2]>,
    ends: Vec<u32>,
    ids: Vec<SeriesId>,
    slots: HashMap<SeriesId, Slot>,
    table: HashTable<Slot>,
    hasher: DefaultHashBuilder,
    /// Values and their series by label name.
    index: HashMap<Symbol, HashMap<Symbol, RoaringBitmap>>,
}

impl Registry {
    /// Number of series.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True without series.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The id under which a label set was defined. `labels` are sorted by name.
    pub fn find(&self, labels: &[(&str, &str)]) -> Option<SeriesId> {
        let hash = self.hash(labels.iter().copied());
        let slot = self.table.find(hash, |slot| self.is_at(*slot, labels))?;
        Some(self.ids[*slot as usize])
    }

    /// The slot of a defined series.
    pub fn slot(&self, id: SeriesId) -> Option<Slot> {
        self.slots.get(&id).copied()
    }

    /// Defines a series; defining it again changes nothing, and a second id for its labels leads to the same slot.
    pub fn define(&mut self, id: SeriesId, labels: &Labels) {
        if self.slots.contains_key(&id) {
            return;
        }
        let pairs: Vec<(&str, &str)> = labels.iter().collect();
        let hash = self.hash(pairs.iter().copied());
        if let Some(slot) = self.table.find(hash, |slot| self.is_at(*slot, &pairs)) {
            self.slots.insert(id, *slot);
            return;
        }
        let slot = self.ends.len() as Slot;
        for (name, value) in pairs {
            let pair = [self.symbols.intern(name), self.symbols.intern(value)];
            self.pairs.push(pair);
            self.index
                .entry(pair[0])
                .or_default()
                .entry(pair[1])
                .or_default()
                .insert(slot);
        }
        self.ends.push(self.pairs.len() as u32);
        self.ids.push(id);
        self.slots.insert(id, slot);
        let hashes: Vec<u64> = if self.table.len() == self.table.capacity() {
            (0..slot).map(|s| self.hash(self.pairs_of(s))).collect()
        } else {
            Vec::new()
        };
        self.table.insert_unique(hash, slot, |s| hashes[*s as usize]);
    }

    fn hash<'a>(&self, labels: impl Iterator<Item = (&'a str, &'a str)>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        for (name, value) in labels {
            hasher.write(name.as_bytes());
            hasher.write_u8(0xff);
            hasher.write(value.as_bytes());
            hasher.write_u8(0xff);
        }
        hasher.finish()
    }

    fn is_at(&self, slot: Slot, labels: &[(&str, &str)]) -> bool {
        self.symbol_pairs(slot).len() == labels.len()
            && self.pairs_of(slot).zip(labels).all(|(have, want)| have == *want)
    }

    /// The label symbols of a series, sorted by label name.
    pub fn symbol_pairs(&self, slot: Slot) -> &[[Symbol; 2]] {
        let i = slot as usize;
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.pairs[start as usize..self.ends[i] as usize]
    }

    fn pairs_of(&self, slot: Slot) -> impl Iterator<Item = (&str, &str)> {
        self.symbol_pairs(slot)
            .iter()
            .map(|[name, value]| (self.symbols.get(*name), self.symbols.get(*value)))
    }

    /// The label set of a series.
    pub fn labels(&self, slot: Slot) -> Labels {
        Labels::from_sorted(self.pairs_of(slot))
    }

    /// The string table.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// The series that pass all matchers.
    pub fn select(&self, matchers: &[Matcher]) -> Result<RoaringBitmap> {
        postings::select(self, matchers)
    }

    /// The label names of the given series, of all series when `None`.
    pub fn label_names(&self, slots: Option<&RoaringBitmap>) -> Vec<String> {
        let used = |values: &HashMap<Symbol, RoaringBitmap>| match slots {
            None => true,
            Some(slots) => values.values().any(|series| !series.is_disjoint(slots)),
        };
        self.index
            .iter()
            .filter(|(_, v)| used(v))
            .map(|(name, _)| self.symbols.get(*name).to_owned())
            .collect()
    }

    /// The values of `name` among the given series, among all series when `None`.
    pub fn label_values(&self, name: &str, slots: Option<&RoaringBitmap>) -> Vec<String> {
        let Some(values) = self.symbols.find(name).and_then(|name| self.index.get(&name)) else {
            return Vec::new();
        };
        let used = |series: &RoaringBitmap| slots.is_none_or(|slots| !series.is_disjoint(slots));
        values
            .iter()
            .filter(|(_, s)| used(s))
            .map(|(value, _)| self.symbols.get(*value).to_owned())
            .collect()
    }

    /// Estimate of the memory in bytes.
    pub fn heap_bytes(&self) -> usize {
        // A bitmap of few series is a small vector of small vectors.
        const BITMAP_BYTES: usize = 96;
        let bitmaps: usize = self
            .index
            .values()
            .map(|values| values.len() * BITMAP_BYTES)
            .sum();
        self.symbols.heap_bytes() + self.pairs.capacity() * 8 + self.ends.capacity() * 21 + bitmaps
    }
}

impl Postings for Registry {
    fn all(&self) -> Result<RoaringBitmap> {
        Ok((0..self.len() as Slot).collect())
    }

    fn pair(&self, name: &str, value: &str) -> Result<RoaringBitmap> {
        let series = (|| {
            self.index
                .get(&self.symbols.find(name)?)?
                .get(&self.symbols.find(value)?)
        })();
        Ok(series.cloned().unwrap_or_default())
    }

    fn union_where(&self, name: &str, visit: &mut dyn FnMut(&str) -> bool) -> Result<RoaringBitmap> {
        let mut union = RoaringBitmap::new();
        let values = self.symbols.find(name).and_then(|name| self.index.get(&name));
        for (value, series) in values.into_iter().flatten() {
            if visit(self.symbols.get(*value)) {
                union |= series;
            }
        }
        Ok(union)
    }
}
