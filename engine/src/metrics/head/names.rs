//! The names of series: label sets by number, numbers by spelling. Consecutive heads share them, so that a flush costs no
//! series its entry; a head whose predecessor's names are mostly of dead series starts with none.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use crate::labels::Labels;
use crate::metrics::batch::LabelBuffer;
use crate::metrics::key::{Keys, SeriesKey};
use crate::metrics::registry::{Registry, SeriesId};
use crate::metrics::scan::{Identities, KeptIdentities};

/// Names of the series of one head or of several.
#[derive(Default)]
pub struct Names {
    pub(in crate::metrics) registry: RwLock<Registry>,
    /// Series by the spellings seen; only of series in the registry.
    pub(super) keys: RwLock<Keys>,
    identities: KeptIdentities,
    /// Series whose first definition is on its way through the log.
    pub(super) pending: Mutex<Pending>,
}

/// Series that are numbered and not yet in the registry.
#[derive(Default)]
pub(super) struct Pending {
    ids: HashMap<Labels, SeriesId>,
    next: SeriesId,
}

impl Pending {
    /// The number of a label set, a new one when it has none.
    pub(super) fn number(&mut self, labels: &LabelBuffer) -> (SeriesId, Labels) {
        let labels = Labels::from_sorted(labels.iter());
        if let Some(id) = self.ids.get(&labels) {
            return (*id, labels);
        }
        let id = self.next;
        self.next += 1;
        self.ids.insert(labels.clone(), id);
        (id, labels)
    }

    /// True for a label set that has a number.
    pub(super) fn has(&self, labels: &LabelBuffer) -> bool {
        !self.ids.is_empty() && self.ids.contains_key(&Labels::from_sorted(labels.iter()))
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }
}

impl Names {
    /// Identities of the symbols and series of the registry, which is that of these names.
    pub(in crate::metrics) fn identities(&self, registry: &Registry) -> Arc<Identities> {
        self.identities.of(registry)
    }

    /// Takes in definitions and keys; returns the number of series.
    pub(super) fn define(&self, defined: &[(SeriesId, Labels)], learned: &[(SeriesKey, SeriesId)]) -> usize {
        let mut registry = self.registry.write();
        for (id, labels) in defined {
            registry.define(*id, labels);
        }
        let count = registry.len();
        let mut pending = self.pending.lock();
        for (id, labels) in defined {
            pending.ids.remove(labels);
            pending.next = pending.next.max(id + 1);
        }
        drop((pending, registry));
        self.learn(learned, count);
        count
    }

    /// Remembers keys of series that are in the registry.
    pub(super) fn learn(&self, learned: &[(SeriesKey, SeriesId)], series_count: usize) {
        if learned.is_empty() {
            return;
        }
        let mut keys = self.keys.write();
        for (key, id) in learned {
            keys.insert(*key, *id, series_count);
        }
    }
}

/// A set of series numbers.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    words: Vec<u64>,
    len: usize,
}

impl Numbers {
    #[inline]
    pub(super) fn contains(&self, id: SeriesId) -> bool {
        let word = self.words.get(id as usize / 64).copied().unwrap_or(0);
        word >> (id % 64) & 1 == 1
    }

    pub(super) fn insert(&mut self, id: SeriesId) {
        let at = id as usize / 64;
        if at >= self.words.len() {
            self.words.resize(at + 1, 0);
        }
        let bit = 1 << (id % 64);
        self.len += usize::from(self.words[at] & bit == 0);
        self.words[at] |= bit;
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }
}
