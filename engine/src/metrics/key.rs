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
    table: HashTable<Entry>,
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
    /// The series of a key.
    #[inline]
    pub fn get(&self, key: SeriesKey) -> Option<SeriesId> {
        let wanted = words(key);
        self.table
            .find(hash(&wanted), |entry| entry.key == wanted)
            .map(|entry| entry.id)
    }

    /// Remembers a key. `series_count` is the number of series there are.
    pub fn insert(&mut self, key: SeriesKey, id: SeriesId, series_count: usize) {
        if self.table.len() >= KEYS_MIN.max(series_count.saturating_mul(KEYS_PER_SERIES_MAX)) {
            self.table.clear();
        }
        let key = words(key);
        if self.table.find(hash(&key), |entry| entry.key == key).is_none() {
            self.table
                .insert_unique(hash(&key), Entry { key, id }, |entry| hash(&entry.key));
        }
    }

    /// Bytes of memory.
    pub fn heap_bytes(&self) -> usize {
        self.table.capacity() * (size_of::<Entry>() + 1) * 8 / 7
    }
}
