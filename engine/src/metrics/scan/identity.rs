//! Identities of label sets: 128 bits under a key of the process, made of the symbols' own, so that no string is touched
//! twice. Two label sets of one identity are the same; the chance of the contrary is below 1e-20 for ten million series, and
//! nobody outside knows the key.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::metrics::registry::{Registry, Slot};

/// The identity of a string or of a label set.
pub type Identity = [u64; 2];

/// The identity of a string.
pub(super) fn of_text(text: &str) -> Identity {
    static SEED: OnceLock<u64> = OnceLock::new();
    let seed = *SEED.get_or_init(|| RandomState::new().hash_one(0u64));
    let hash = xxh3_128_with_seed(text.as_bytes(), seed);
    [hash as u64, (hash >> 64) as u64]
}

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// Takes a pair into the identity of a label set. The order does not matter: a set has each name once.
#[inline]
pub(super) fn add(to: &mut Identity, name: Identity, value: Identity) {
    to[0] = to[0].wrapping_add(fold(name[0] ^ 0x9e37_79b9_7f4a_7c15, value[1]));
    to[1] = to[1].wrapping_add(fold(name[1] ^ 0xbf58_476d_1ce4_e5b9, value[0]));
}

/// Which labels of a series are looked at.
#[derive(Debug, Clone)]
pub struct Grouping {
    /// Label names.
    names: Vec<String>,
    identities: Vec<Identity>,
    /// All labels but those named, instead of those named.
    without: bool,
}

impl Grouping {
    /// The labels of these names.
    pub fn by(names: impl IntoIterator<Item = String>) -> Grouping {
        Grouping::new(names.into_iter().collect(), false)
    }

    /// All labels but those of these names.
    pub fn without(names: impl IntoIterator<Item = String>) -> Grouping {
        Grouping::new(names.into_iter().collect(), true)
    }

    fn new(names: Vec<String>, without: bool) -> Grouping {
        let identities = names.iter().map(|name| of_text(name)).collect();
        Grouping {
            names,
            identities,
            without,
        }
    }

    /// True when a label of this name is looked at.
    pub fn keeps(&self, name: &str) -> bool {
        self.names.iter().any(|n| n == name) != self.without
    }

    #[inline]
    pub(super) fn keeps_identity(&self, name: Identity) -> bool {
        self.identities.contains(&name) != self.without
    }

    /// True when no label is looked at.
    pub fn is_nothing(&self) -> bool {
        self.names.is_empty() && !self.without
    }
}

/// Identities of the symbols and of the series of a registry.
#[derive(Debug, Clone, Default)]
pub struct Identities {
    pub(super) symbols: Vec<Identity>,
    pub(super) series: Vec<Identity>,
}

impl Identities {
    pub(super) fn covers(&self, registry: &Registry) -> bool {
        self.symbols.len() == registry.symbols().len() && self.series.len() == registry.len()
    }

    /// Takes in what the registry has got since.
    pub(super) fn extend(&mut self, registry: &Registry) {
        let symbols = registry.symbols();
        for symbol in self.symbols.len()..symbols.len() {
            self.symbols.push(of_text(symbols.get(symbol as u32)));
        }
        for slot in self.series.len()..registry.len() {
            let mut identity = Identity::default();
            for [name, value] in registry.symbol_pairs(slot as Slot) {
                add(
                    &mut identity,
                    self.symbols[*name as usize],
                    self.symbols[*value as usize],
                );
            }
            self.series.push(identity);
        }
    }
}
