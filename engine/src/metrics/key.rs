//! Keys by which a head recognises a series before its labels are read.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_128_with_secret;

use super::registry::SeriesId;

/// A 128-bit name of a series as one sender spells it. A label set may have several keys; two label sets share one with a
/// probability of 2^-128 for each pair, which no sender can raise because the hash is keyed by chance.
pub type SeriesKey = u128;

/// The key of a spelling.
#[inline]
pub fn series_key(spelling: &[u8]) -> SeriesKey {
    xxh3_128_with_secret(spelling, secret())
}

/// XXH3's longest secret, drawn once per process.
fn secret() -> &'static [u8; 192] {
    static SECRET: OnceLock<[u8; 192]> = OnceLock::new();
    SECRET.get_or_init(|| {
        let mut secret = [0; 192];
        let random = RandomState::new();
        for (i, word) in secret.chunks_exact_mut(8).enumerate() {
            word.copy_from_slice(&random.hash_one(i).to_le_bytes());
        }
        secret
    })
}

/// The series of known keys.
#[derive(Debug, Default)]
pub struct Keys {
    /// Indexes of `entries` by key.
    table: HashTable<u32>,
    /// In the order in which they were learned, which is that in which senders have them.
    entries: Vec<Entry>,
    /// Indexes of `entries` by series, the newest of each.
    by_id: Vec<u32>,
}

/// Words instead of a `u128`, whose alignment would make an entry half as large again.
#[derive(Debug, Clone, Copy)]
struct Entry {
    key: [u32; 4],
    id: SeriesId,
}

/// Keys kept per series, and some, before all are forgotten: a sender that never spells a series twice the same way must
/// not fill the memory.
const KEYS_PER_SERIES_MAX: usize = 8;
const KEYS_MIN: usize = 1 << 16;

fn words(key: SeriesKey) -> [u32; 4] {
    [
        key as u32,
        (key >> 32) as u32,
        (key >> 64) as u32,
        (key >> 96) as u32,
    ]
}

fn hash(words: &[u32; 4]) -> u64 {
    u64::from(words[0]) | u64::from(words[1]) << 32
}

impl Keys {
    /// The series of a key. `expected` is looked at first: beside its neighbour of the last time a key costs no search.
    #[inline]
    pub fn get(&self, key: SeriesKey, expected: SeriesId) -> Option<SeriesId> {
        let wanted = words(key);
        let likely = self
            .by_id
            .get(expected as usize)
            .and_then(|at| self.entries.get(*at as usize));
        if likely.is_some_and(|entry| entry.key == wanted) {
            return Some(expected);
        }
        let found = self
            .table
            .find(hash(&wanted), |at| self.entries[*at as usize].key == wanted);
        found.map(|at| self.entries[*at as usize].id)
    }

    /// Remembers a key. `series_count` is the number of series there are.
    pub fn insert(&mut self, key: SeriesKey, id: SeriesId, series_count: usize) {
        if self.entries.len() >= KEYS_MIN.max(series_count.saturating_mul(KEYS_PER_SERIES_MAX)) {
            *self = Keys::default();
        }
        let key = words(key);
        let entries = &mut self.entries;
        if self
            .table
            .find(hash(&key), |at| entries[*at as usize].key == key)
            .is_some()
        {
            return;
        }
        let at = entries.len() as u32;
        entries.push(Entry { key, id });
        self.table
            .insert_unique(hash(&key), at, |at| hash(&entries[*at as usize].key));
        if id as usize >= self.by_id.len() {
            self.by_id.resize(id as usize + 1, u32::MAX);
        }
        self.by_id[id as usize] = at;
    }

    /// Bytes of memory.
    pub fn heap_bytes(&self) -> usize {
        self.table.capacity() * 5 * 8 / 7
            + self.entries.capacity() * size_of::<Entry>()
            + self.by_id.capacity() * 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_expected_or_not_and_forgotten_when_they_pile_up() {
        let mut keys = Keys::default();
        for id in 0..100u32 {
            keys.insert(series_key(&id.to_le_bytes()), id, 100);
        }
        // A second spelling of a series leaves the first.
        keys.insert(series_key(b"other"), 7, 100);
        for id in 0..100u32 {
            let key = series_key(&id.to_le_bytes());
            assert_eq!(
                (keys.get(key, id), keys.get(key, 99 - id), keys.get(key, 5000)),
                (Some(id), Some(id), Some(id))
            );
        }
        assert_eq!(keys.get(series_key(b"other"), 7), Some(7));
        assert_eq!(keys.get(series_key(b"none"), 7), None);
        for spelling in 0..KEYS_MIN as u32 {
            keys.insert(series_key(&[&b"x"[..], &spelling.to_le_bytes()].concat()), 3, 100);
        }
        assert!(keys.entries.len() < KEYS_MIN);
    }
}
