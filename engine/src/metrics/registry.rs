//! The series of a head: label sets by slot, slots by label set, slots by label pair. Samples lie elsewhere, by slot.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use parking_lot::Mutex;
use roaring::RoaringBitmap;

use super::batch::LabelBuffer;
use super::matcher::Matcher;
use super::postings::{self, Postings};
use super::symbols::{Symbol, Symbols, rank_of};
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
    /// Slots by id, [`NO_SLOT`] for ids whose definition was not applied.
    slots: Vec<Slot>,
    table: HashTable<Slot>,
    hasher: DefaultHashBuilder,
    /// Values and their series by label name.
    index: HashMap<Symbol, HashMap<Symbol, RoaringBitmap>>,
    /// Slots in the order of their labels, as far as anyone asked.
    order: Mutex<Arc<Vec<Slot>>>,
}

const NO_SLOT: Slot = Slot::MAX;
/// Ids are handed out one by one: one that is further ahead than any number of lost definitions was not handed out.
const ID_GAP_MAX: usize = 1 << 22;

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
    pub fn find(&self, labels: &LabelBuffer) -> Option<SeriesId> {
        let hash = self.hash(labels.iter());
        let slot = self.table.find(hash, |slot| self.is_at(*slot, labels.iter()))?;
        Some(self.ids[*slot as usize])
    }

    /// The slot of a defined series.
    pub fn slot(&self, id: SeriesId) -> Option<Slot> {
        self.slots
            .get(id as usize)
            .copied()
            .filter(|slot| *slot != NO_SLOT)
    }

    /// Defines a series; defining it again changes nothing, and a second id for its labels leads to the same slot.
    pub fn define(&mut self, id: SeriesId, labels: &Labels) {
        if self.slot(id).is_some() || id as usize > self.slots.len() + ID_GAP_MAX {
            return;
        }
        if id as usize >= self.slots.len() {
            self.slots.resize(id as usize + 1, NO_SLOT);
        }
        let pairs: Vec<(&str, &str)> = labels.iter().collect();
        let hash = self.hash(pairs.iter().copied());
        if let Some(slot) = self
            .table
            .find(hash, |slot| self.is_at(*slot, pairs.iter().copied()))
        {
            self.slots[id as usize] = *slot;
            return;
        }
        let slot = self.ends.len() as Slot;
        for (name, value) in pairs {
            let pair = [self.symbols.intern(name), self.symbols.intern(value)];
            self.pairs.push(pair);
            let series = self.index.entry(pair[0]).or_default().entry(pair[1]).or_default();
            // Slots ascend, so that nothing has to be searched.
            series.try_push(slot).expect("a new slot is above all others");
        }
        self.ends.push(self.pairs.len() as u32);
        self.ids.push(id);
        self.slots[id as usize] = slot;
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

    fn is_at<'l>(&self, slot: Slot, labels: impl ExactSizeIterator<Item = (&'l str, &'l str)>) -> bool {
        self.symbol_pairs(slot).len() == labels.len()
            && self.pairs_of(slot).zip(labels).all(|(have, want)| have == want)
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

    /// The strings of the given series, sorted, and their positions by symbol.
    pub fn symbols_of(&self, slots: &[Slot]) -> (Vec<String>, Vec<u32>) {
        let mut used = vec![false; self.symbols.len()];
        for slot in slots {
            for symbol in self.symbol_pairs(*slot).iter().flatten() {
                used[*symbol as usize] = true;
            }
        }
        let mut sorted = self.symbols.sorted();
        sorted.retain(|symbol| used[*symbol as usize]);
        let mut rank = vec![0; self.symbols.len()];
        for (i, symbol) in sorted.iter().enumerate() {
            rank[*symbol as usize] = i as u32;
        }
        let texts = sorted.iter().map(|symbol| self.symbols.get(*symbol).to_owned());
        (texts.collect(), rank)
    }

    /// All slots in the order of their label sets.
    pub fn order(&self) -> Arc<Vec<Slot>> {
        let mut order = self.order.lock();
        let known = order.len();
        let fresh = self.len() - known;
        if fresh > 0 {
            *order = Arc::new(if fresh * 16 > known {
                self.sort_all()
            } else {
                self.insert_into(&order)
            });
        }
        order.clone()
    }

    /// Sorts by numbers that stand for the strings' order: far cheaper than comparing strings.
    fn sort_all(&self) -> Vec<Slot> {
        let rank = rank_of(&self.symbols.sorted());
        let ranked: Vec<[u32; 2]> = self
            .pairs
            .iter()
            .map(|[name, value]| [rank[*name as usize], rank[*value as usize]])
            .collect();
        let key = |slot: Slot| {
            let start = if slot == 0 {
                0
            } else {
                self.ends[slot as usize - 1]
            };
            &ranked[start as usize..self.ends[slot as usize] as usize]
        };
        let mut slots: Vec<Slot> = (0..self.len() as Slot).collect();
        slots.sort_unstable_by(|a, b| key(*a).cmp(key(*b)));
        slots
    }

    fn insert_into(&self, order: &[Slot]) -> Vec<Slot> {
        let mut fresh: Vec<Slot> = (order.len() as Slot..self.len() as Slot).collect();
        fresh.sort_unstable_by(|a, b| self.pairs_of(*a).cmp(self.pairs_of(*b)));
        let mut merged = Vec::with_capacity(self.len());
        let mut rest = order;
        for slot in fresh {
            let before = rest.partition_point(|s| self.pairs_of(*s).lt(self.pairs_of(slot)));
            merged.extend_from_slice(&rest[..before]);
            merged.push(slot);
            rest = &rest[before..];
        }
        merged.extend_from_slice(rest);
        merged
    }

    /// The given slots in the order of their label sets.
    pub fn in_order(&self, slots: &RoaringBitmap) -> Vec<Slot> {
        if slots.len() * 16 > self.len() as u64 {
            return self
                .order()
                .iter()
                .copied()
                .filter(|slot| slots.contains(*slot))
                .collect();
        }
        let mut few: Vec<Slot> = slots.iter().collect();
        few.sort_by(|a, b| self.pairs_of(*a).cmp(self.pairs_of(*b)));
        few
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
        self.symbols.heap_bytes() + self.pairs.capacity() * 8 + self.ends.capacity() * 17 + bitmaps
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

    fn union_where(
        &self,
        name: &str,
        prefix: &str,
        visit: &mut dyn FnMut(&str) -> bool,
    ) -> Result<RoaringBitmap> {
        let mut union = RoaringBitmap::new();
        let values = self.symbols.find(name).and_then(|name| self.index.get(&name));
        for (value, series) in values.into_iter().flatten() {
            let value = self.symbols.get(*value);
            if value.starts_with(prefix) && visit(value) {
                union |= series;
            }
        }
        Ok(union)
    }
}
