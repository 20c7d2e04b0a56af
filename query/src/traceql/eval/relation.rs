//! How sets of spans stand to each other in the trees of their traces. Each relation takes time linear in the rows looked at.
//! Not for sets of one trace that combine otherwise (see `spansets`).

use std::ops::Range;

use hashbrown::HashMap;
use kymo_engine::traces::{NO_PARENT, ORPHAN, SpanId, Table};

use super::super::ast::Relation;
use super::error::EvalError;
use super::tree::Tree;

/// What relations are computed from.
pub(super) struct Kin<'a> {
    pub(super) tree: &'a Tree,
    parents: &'a [u32],
    parent_ids: &'a [SpanId],
}

impl<'a> Kin<'a> {
    pub(super) fn new(tree: &'a Tree, table: &'a Table) -> Result<Kin<'a>, EvalError> {
        Ok(Kin {
            tree,
            parents: table.parents()?,
            parent_ids: table.parent_ids()?,
        })
    }

    /// The rows that stand in the relation to a row of `set`, whether or not they are of interest. `rows` are whole traces of
    /// the table; the sets have a truth for each of them.
    pub(super) fn related(&self, relation: Relation, set: &[bool], rows: &Range<usize>) -> Vec<bool> {
        match relation {
            Relation::Child => self.children(set, rows),
            Relation::Descendant => self.descendants(set, rows),
            Relation::Parent => self.parents(set, rows),
            Relation::Ancestor => self.ancestors(set, rows),
            Relation::Sibling => self.siblings(set, rows),
        }
    }

    fn up(&self, row: usize, rows: &Range<usize>) -> Option<usize> {
        match self.tree.up[row] {
            NO_PARENT => None,
            parent => Some(parent as usize - rows.start),
        }
    }

    fn children(&self, set: &[bool], rows: &Range<usize>) -> Vec<bool> {
        let child = |row: usize| self.up(row, rows).is_some_and(|parent| set[parent]);
        rows.clone().map(child).collect()
    }

    fn parents(&self, set: &[bool], rows: &Range<usize>) -> Vec<bool> {
        let mut found = vec![false; rows.len()];
        for row in rows.clone().filter(|row| set[row - rows.start]) {
            if let Some(parent) = self.up(row, rows) {
                found[parent] = true;
            }
        }
        found
    }

    fn descendants(&self, set: &[bool], rows: &Range<usize>) -> Vec<bool> {
        let mut found = vec![false; rows.len()];
        for row in &self.tree.order[rows.clone()] {
            if let Some(parent) = self.up(*row as usize, rows) {
                found[*row as usize - rows.start] = set[parent] || found[parent];
            }
        }
        found
    }

    fn ancestors(&self, set: &[bool], rows: &Range<usize>) -> Vec<bool> {
        let mut found = vec![false; rows.len()];
        for row in self.tree.order[rows.clone()].iter().rev() {
            let at = *row as usize - rows.start;
            if (set[at] || found[at])
                && let Some(parent) = self.up(*row as usize, rows)
            {
                found[parent] = true;
            }
        }
        found
    }

    fn siblings(&self, set: &[bool], rows: &Range<usize>) -> Vec<bool> {
        let mut below = vec![0u32; rows.len()];
        // Spans that name the same parent are siblings before that has been received.
        let mut orphans: HashMap<(SpanId, u32), u32> = HashMap::new();
        for row in rows.clone().filter(|row| set[row - rows.start]) {
            match (self.up(row, rows), self.parents[row]) {
                (Some(parent), _) => below[parent] += 1,
                (None, ORPHAN) => {
                    *orphans
                        .entry((self.parent_ids[row], self.tree.trace[row]))
                        .or_default() += 1
                }
                (None, _) => {}
            }
        }
        let sibling = |row: usize| {
            let others = match (self.up(row, rows), self.parents[row]) {
                (Some(parent), _) => below[parent],
                (None, ORPHAN) if orphans.is_empty() => 0,
                (None, ORPHAN) => {
                    let key = (self.parent_ids[row], self.tree.trace[row]);
                    orphans.get(&key).copied().unwrap_or(0)
                }
                (None, _) => 0,
            };
            others > u32::from(set[row - rows.start])
        };
        rows.clone().map(sibling).collect()
    }
}

/// The opposite relation.
pub(super) fn inverse(relation: Relation) -> Relation {
    match relation {
        Relation::Child => Relation::Parent,
        Relation::Parent => Relation::Child,
        Relation::Descendant => Relation::Ancestor,
        Relation::Ancestor => Relation::Descendant,
        Relation::Sibling => Relation::Sibling,
    }
}
