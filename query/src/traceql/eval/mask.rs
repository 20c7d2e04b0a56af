//! Sets of rows. They stay sets of codes while they depend on one column of codes only. Not for what they are selected by.

use std::sync::Arc;

/// A set of the rows of a table.
pub(super) enum Mask {
    None,
    All,
    /// The rows with a code that hits.
    Coded {
        codes: Arc<[u32]>,
        hits: Vec<bool>,
        /// Rows without a code are in it.
        absent: bool,
    },
    Rows(Vec<bool>),
}

impl Mask {
    /// The rows with a code that hits.
    pub(super) fn coded(codes: Arc<[u32]>, hits: Vec<bool>, absent: bool) -> Mask {
        if !absent && !hits.contains(&true) {
            return Mask::None;
        }
        if absent && !hits.contains(&false) {
            return Mask::All;
        }
        Mask::Coded { codes, hits, absent }
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self, Mask::None)
    }

    /// As a truth a row.
    pub(super) fn into_rows(self, rows: usize) -> Vec<bool> {
        match self {
            Mask::None => vec![false; rows],
            Mask::All => vec![true; rows],
            Mask::Coded { codes, hits, absent } => codes.iter().map(|c| hit(&hits, absent, *c)).collect(),
            Mask::Rows(list) => list,
        }
    }

    pub(super) fn not(self) -> Mask {
        match self {
            Mask::None => Mask::All,
            Mask::All => Mask::None,
            Mask::Coded { codes, hits, absent } => {
                Mask::coded(codes, hits.into_iter().map(|h| !h).collect(), !absent)
            }
            Mask::Rows(mut list) => {
                list.iter_mut().for_each(|b| *b = !*b);
                Mask::Rows(list)
            }
        }
    }

    pub(super) fn and(self, other: Mask, rows: usize) -> Mask {
        match (self, other) {
            (Mask::None, _) | (_, Mask::None) => Mask::None,
            (Mask::All, mask) | (mask, Mask::All) => mask,
            (lhs, rhs) => lhs.merge(rhs, rows, |a, b| a & b),
        }
    }

    pub(super) fn or(self, other: Mask, rows: usize) -> Mask {
        match (self, other) {
            (Mask::All, _) | (_, Mask::All) => Mask::All,
            (Mask::None, mask) | (mask, Mask::None) => mask,
            (lhs, rhs) => lhs.merge(rhs, rows, |a, b| a | b),
        }
    }

    fn merge(self, other: Mask, rows: usize, of: impl Fn(bool, bool) -> bool) -> Mask {
        match (self, other) {
            (
                Mask::Coded { codes, hits, absent },
                Mask::Coded {
                    codes: codes2,
                    hits: hits2,
                    absent: absent2,
                },
            ) if Arc::ptr_eq(&codes, &codes2) => {
                // Columns of the same codes may name more or fewer of them.
                let len = hits.len().max(hits2.len());
                let at = |hits: &[bool], absent, code| hits.get(code).copied().unwrap_or(absent);
                let merged = (0..len).map(|code| of(at(&hits, absent, code), at(&hits2, absent2, code)));
                Mask::coded(codes, merged.collect(), of(absent, absent2))
            }
            (Mask::Coded { codes, hits, absent }, Mask::Rows(mut list))
            | (Mask::Rows(mut list), Mask::Coded { codes, hits, absent }) => {
                for (row, code) in list.iter_mut().zip(codes.iter()) {
                    *row = of(*row, hit(&hits, absent, *code));
                }
                Mask::Rows(list)
            }
            (lhs, rhs) => {
                let (mut list, other) = (lhs.into_rows(rows), rhs.into_rows(rows));
                for (a, b) in list.iter_mut().zip(other) {
                    *a = of(*a, b);
                }
                Mask::Rows(list)
            }
        }
    }
}

fn hit(hits: &[bool], absent: bool, code: u32) -> bool {
    hits.get(code as usize).copied().unwrap_or(absent)
}
