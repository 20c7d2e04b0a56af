//! Distinct byte strings by number. Numbers go up from 0 in the order of first sight and are never taken back.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// Distinct byte strings.
#[derive(Debug, Clone, Default)]
pub(super) struct Interner {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<u32>,
    hashes: Vec<u64>,
    numbers: HashTable<u32>,
}

impl PartialEq for Interner {
    fn eq(&self, other: &Interner) -> bool {
        self.bytes == other.bytes && self.ends == other.ends
    }
}

impl Interner {
    /// The number of `bytes`, a new one when they are new.
    #[inline]
    pub(super) fn intern(&mut self, bytes: &[u8]) -> u32 {
        self.intern_hashed(xxh3_64(bytes), bytes)
    }

    /// The same with the hash known.
    #[inline]
    pub(super) fn intern_hashed(&mut self, hash: u64, bytes: &[u8]) -> u32 {
        let (all, ends, hashes) = (&self.bytes, &self.ends, &self.hashes);
        let same = |n: &u32| hashes[*n as usize] == hash && slice(all, ends, *n) == bytes;
        if let Some(n) = self.numbers.find(hash, same) {
            return *n;
        }
        let n = self.ends.len() as u32;
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len() as u32);
        self.hashes.push(hash);
        self.numbers.insert_unique(hash, n, |n| self.hashes[*n as usize]);
        n
    }

    /// The number of what another names by `n`, a new one when it is new.
    pub(super) fn copy(&mut self, from: &Interner, n: u32) -> u32 {
        self.intern_hashed(from.hash(n), from.get(n))
    }

    /// The number of `bytes` if they are known.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<u32> {
        let hash = xxh3_64(bytes);
        let same = |n: &u32| self.hashes[*n as usize] == hash && self.get(*n) == bytes;
        self.numbers.find(hash, same).copied()
    }

    /// The bytes of a number that was given out.
    #[inline]
    pub(super) fn get(&self, n: u32) -> &[u8] {
        slice(&self.bytes, &self.ends, n)
    }

    /// The hash of a number that was given out.
    #[inline]
    pub(super) fn hash(&self, n: u32) -> u64 {
        self.hashes[n as usize]
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of all strings.
    pub(super) fn text_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Memory held, about.
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity()
            + self.ends.capacity() * 4
            + self.hashes.capacity() * 8
            + self.numbers.capacity() * 5
    }

    /// Forgets all and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.hashes.clear();
        self.numbers.clear();
    }

    /// All in the order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ends.len() as u32).map(|n| self.get(n))
    }
}

#[inline]
fn slice<'b>(bytes: &'b [u8], ends: &[u32], n: u32) -> &'b [u8] {
    let from = match n {
        0 => 0,
        n => ends[n as usize - 1],
    };
    &bytes[from as usize..ends[n as usize] as usize]
}
