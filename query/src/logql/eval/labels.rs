//! Labels of a line or a series of LogQL: unlike those of streams they may have empty values.

use std::fmt;
use std::sync::Arc;

use kymo_engine::labels::Labels;

/// Names and values, sorted by name, names unique.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct LabelSet(Arc<[(Box<str>, Box<str>)]>);

impl LabelSet {
    /// From pairs in any order; of several with one name the last counts.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> LabelSet {
        let pairs = pairs.into_iter();
        let mut all: Vec<(Box<str>, Box<str>)> = pairs
            .map(|(n, v)| (n.as_ref().into(), v.as_ref().into()))
            .collect();
        all.reverse();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.dedup_by(|later, first| later.0 == first.0);
        LabelSet(all.into())
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The value of a label.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.place(name).map(|at| self.at(at).1)
    }

    /// Place of a label in the order of names.
    pub(in crate::logql) fn place(&self, name: &str) -> Option<usize> {
        self.0.binary_search_by(|(n, _)| (**n).cmp(name)).ok()
    }

    /// Name and value at a place.
    pub(in crate::logql) fn at(&self, place: usize) -> (&str, &str) {
        (&self.0[place].0, &self.0[place].1)
    }

    /// True without labels.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Only the labels for which `keep` is true.
    pub fn filter(&self, mut keep: impl FnMut(&str) -> bool) -> LabelSet {
        LabelSet(self.0.iter().filter(|(name, _)| keep(name)).cloned().collect())
    }

    /// Without labels that have no value.
    pub fn without_empty(self) -> LabelSet {
        let has_empty = self.0.iter().any(|(_, value)| value.is_empty());
        if !has_empty {
            return self;
        }
        let others = self.0.iter().filter(|(_, value)| !value.is_empty());
        LabelSet(others.cloned().collect())
    }

    /// With a label set, or taken away when the value is empty.
    pub fn with(&self, name: &str, value: &str) -> LabelSet {
        let others = self.iter().filter(|(n, _)| *n != name);
        let own = (!value.is_empty()).then_some((name, value));
        LabelSet::from_pairs(others.chain(own))
    }
}

impl From<&Labels> for LabelSet {
    fn from(labels: &Labels) -> LabelSet {
        LabelSet(labels.iter().map(|(n, v)| (n.into(), v.into())).collect())
    }
}

/// Prometheus' text form: `{a="1", b="x\"y"}`.
impl fmt::Display for LabelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (n, (name, value)) in self.iter().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={}", crate::lex::string::quote(value))?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for LabelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
