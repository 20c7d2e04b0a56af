//! Which span of one trace is which of the other: those of one operation are paired, first where the parent and everything
//! else agree, then where ever less does, so that what is unchanged is never paired with what changed.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, VecDeque};
use std::hash::{Hash, Hasher};

use super::side::{Identity, Side, attributes, duration, status};

/// Spans that differ by less than this part and a millisecond take as long.
const TOLERANCE: f64 = 0.2;
const TOLERANCE_NANOS: f64 = 1e6;

/// The pairs of two traces.
pub(super) struct Matching {
    /// By row of the compared trace, the row of the base.
    pub(super) base_of: Vec<Option<usize>>,
    /// By row of the base, the row of the compared trace.
    pub(super) compare_of: Vec<Option<usize>>,
}

/// What must agree in a step, besides the operation.
#[derive(Clone, Copy)]
struct Step {
    parent: bool,
    status: bool,
    attributes: bool,
    duration: bool,
}

/// From all to nothing.
const STEPS: [Step; 8] = {
    const fn step(parent: bool, status: bool, attributes: bool, duration: bool) -> Step {
        Step {
            parent,
            status,
            attributes,
            duration,
        }
    }
    [
        step(true, true, true, true),
        step(true, true, true, false),
        step(true, true, false, false),
        step(true, false, false, false),
        step(false, true, true, true),
        step(false, true, true, false),
        step(false, true, false, false),
        step(false, false, false, false),
    ]
};

#[derive(PartialEq, Eq, Hash)]
struct Key<'s> {
    identity: &'s Identity,
    parent: Option<Option<&'s Identity>>,
    status: Option<&'static str>,
    attributes: Option<u64>,
    duration: Option<i64>,
}

impl Matching {
    pub(super) fn of(base: &Side, compare: &Side) -> Matching {
        let mut matching = Matching {
            base_of: vec![None; compare.nodes.len()],
            compare_of: vec![None; base.nodes.len()],
        };
        let hashes = [base, compare].map(|side| side.trace.spans.iter().map(hash).collect::<Vec<u64>>());
        for step in STEPS {
            matching.pair(base, compare, &hashes, step);
        }
        matching
    }

    fn pair(&mut self, base: &Side, compare: &Side, hashes: &[Vec<u64>; 2], step: Step) {
        let mut free: HashMap<Key<'_>, VecDeque<usize>> = HashMap::new();
        for row in (0..base.nodes.len()).filter(|row| self.compare_of[*row].is_none()) {
            let key = key(base, row, hashes[0][row], step);
            free.entry(key).or_default().push_back(row);
        }
        for (row, hash) in hashes[1].iter().enumerate() {
            if self.base_of[row].is_some() {
                continue;
            }
            let rows = free.get_mut(&key(compare, row, *hash, step));
            if let Some(other) = rows.and_then(VecDeque::pop_front) {
                self.base_of[row] = Some(other);
                self.compare_of[other] = Some(row);
            }
        }
    }

    /// The pairs, by row of the compared trace: its row and the base's.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let all = self.base_of.iter().enumerate();
        all.filter_map(|(row, base)| Some((row, (*base)?)))
    }

    /// Operations under one kind of parent that are several on a side and on both: which is which is a guess.
    pub(super) fn ambiguous(base: &Side, compare: &Side) -> usize {
        let count = |side: &Side| {
            let mut counts: HashMap<(Identity, Option<Identity>), usize> = HashMap::new();
            for (row, node) in side.nodes.iter().enumerate() {
                let key = (node.identity.clone(), side.above(row).cloned());
                *counts.entry(key).or_default() += 1;
            }
            counts
        };
        let (base, compare) = (count(base), count(compare));
        let both = compare.iter().filter_map(|(key, n)| Some((*n, *base.get(key)?)));
        both.filter(|(a, b)| *a > 1 || *b > 1).count()
    }
}

fn key(side: &Side, row: usize, hash: u64, step: Step) -> Key<'_> {
    let span = &side.trace.spans[row];
    Key {
        identity: &side.nodes[row].identity,
        parent: step.parent.then(|| side.above(row)),
        status: step.status.then(|| status(span)),
        attributes: step.attributes.then_some(hash),
        duration: step.duration.then(|| duration(span)),
    }
}

/// A digest of the attributes; that two of them agree only makes spans more likely to be paired.
fn hash(span: &kymo_engine::traces::Span) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (key, value) in attributes(span) {
        key.hash(&mut hasher);
        format!("{value:?}").hash(&mut hasher);
    }
    hasher.finish()
}

/// Whether a span takes noticeably longer or shorter than another.
pub(super) fn duration_changed(before: i64, after: i64) -> bool {
    let (before, after) = (before as f64, after as f64);
    (before - after).abs() > TOLERANCE_NANOS + TOLERANCE * before.abs().max(after.abs())
}
