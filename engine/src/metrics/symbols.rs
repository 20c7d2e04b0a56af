//! The head's string table: every label name and value once, by number.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// Number of a string in its table.
pub type Symbol = u32;

/// Strings by number and numbers by string.
#[derive(Default)]
pub struct Symbols {
    bytes: String,
    ends: Vec<usize>,
    table: HashTable<Symbol>,
    hasher: DefaultHashBuilder,
}

impl Symbols {
    /// The number of `text`, a new one when it was not there.
    pub fn intern(&mut self, text: &str) -> Symbol {
        let hash = self.hasher.hash_one(text);
        if let Some(found) = self.table.find(hash, |s| self.get(*s) == text) {
            return *found;
        }
        let symbol = self.ends.len() as Symbol;
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
        let (bytes, ends, hasher) = (&self.bytes, &self.ends, &self.hasher);
        self.table
            .insert_unique(hash, symbol, |s| hasher.hash_one(slice(bytes, ends, *s)));
        symbol
    }

    /// The number of `text` when it is there.
    pub fn find(&self, text: &str) -> Option<Symbol> {
        self.table
            .find(self.hasher.hash_one(text), |s| self.get(*s) == text)
            .copied()
    }

    /// The string of a number this table gave out.
    pub fn get(&self, symbol: Symbol) -> &str {
        slice(&self.bytes, &self.ends, symbol)
    }

    /// Number of strings.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True without strings.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of memory.
    pub fn heap_bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 8 + self.table.capacity() * 5
    }

    /// All numbers in the order of their strings.
    pub fn sorted(&self) -> Vec<Symbol> {
        let mut symbols: Vec<Symbol> = (0..self.len() as Symbol).collect();
        symbols.sort_unstable_by(|a, b| self.get(*a).cmp(self.get(*b)));
        symbols
    }
}

/// Positions by symbol of a sorted list of all symbols.
pub fn rank_of(sorted: &[Symbol]) -> Vec<u32> {
    let mut rank = vec![0; sorted.len()];
    for (i, symbol) in sorted.iter().enumerate() {
        rank[*symbol as usize] = i as u32;
    }
    rank
}

fn slice<'a>(bytes: &'a str, ends: &[usize], symbol: Symbol) -> &'a str {
    let i = symbol as usize;
    let start = if i == 0 { 0 } else { ends[i - 1] };
    &bytes[start..ends[i]]
}
