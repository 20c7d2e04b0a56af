//! The trees that the spans of traces make: the order in which they are walked and their nested-set numbers.
//! Not for relations between sets of spans (see `relation`).

use kymo_engine::traces::{NO_PARENT, ORPHAN, Run};

/// No row.
const NONE: u32 = u32::MAX;

/// The trees of all traces of a table. A span whose parent has not been received stands at the top of a tree of its own; of
/// spans that name each other as parents in a circle, the first does.
pub(super) struct Tree {
    /// Row of the parent; [`NO_PARENT`] at the top of a tree.
    pub(super) up: Vec<u32>,
    /// Rows such that every parent comes before its children; those of a trace are together.
    pub(super) order: Vec<u32>,
    /// Number of a row when its trace is walked down, from 1.
    pub(super) left: Vec<u32>,
    /// Number of a row when its trace is walked up.
    pub(super) right: Vec<u32>,
    /// Children received.
    pub(super) children: Vec<u32>,
    /// Number of the trace among the table's.
    pub(super) trace: Vec<u32>,
}

impl Tree {
    /// Numbers the spans of traces by the rows of their parents, in time linear in the rows.
    pub(super) fn of(runs: &[Run], parents: &[u32]) -> Tree {
        let rows = parents.len();
        let mut tree = Tree {
            up: parents.to_vec(),
            order: Vec::with_capacity(rows),
            left: vec![0; rows],
            right: vec![0; rows],
            children: vec![0; rows],
            trace: vec![0; rows],
        };
        // Children of a row in ascending order, as a list through `next`.
        let (mut first, mut next) = (vec![NONE; rows], vec![NONE; rows]);
        for (row, parent) in parents.iter().enumerate().rev() {
            if let Some(head) = first.get_mut(*parent as usize) {
                next[row] = std::mem::replace(head, row as u32);
                tree.children[*parent as usize] += 1;
            }
        }
        for (number, run) in runs.iter().enumerate() {
            tree.trace[run.rows.start as usize..run.rows.end as usize].fill(number as u32);
            let mut counter = 0;
            let top = |kind: u32| {
                let rows = run.rows.clone();
                rows.filter(move |row| parents[*row as usize] == kind)
            };
            for root in top(NO_PARENT).chain(top(ORPHAN)) {
                tree.walk(root, &first, &next, &mut counter);
            }
            // What is left goes in circles.
            for row in run.rows.clone() {
                if tree.left[row as usize] == 0 {
                    tree.walk(row, &first, &next, &mut counter);
                }
            }
        }
        tree
    }

    fn walk(&mut self, root: u32, first: &[u32], next: &[u32], counter: &mut u32) {
        self.up[root as usize] = NO_PARENT;
        let mut row = root;
        self.enter(row, counter);
        loop {
            let mut below = first[row as usize];
            while below != NONE && self.left[below as usize] != 0 {
                below = next[below as usize];
            }
            if below != NONE {
                row = below;
                self.enter(row, counter);
                continue;
            }
            // Up until there is a sibling.
            loop {
                *counter += 1;
                self.right[row as usize] = *counter;
                if row == root {
                    return;
                }
                let mut beside = next[row as usize];
                while beside != NONE && self.left[beside as usize] != 0 {
                    beside = next[beside as usize];
                }
                if beside != NONE {
                    row = beside;
                    self.enter(row, counter);
                    break;
                }
                row = self.up[row as usize];
            }
        }
    }

    fn enter(&mut self, row: u32, counter: &mut u32) {
        *counter += 1;
        self.left[row as usize] = *counter;
        self.order.push(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(parents: &[u32]) -> Tree {
        let run = Run {
            id: [0; 16],
            rows: 0..parents.len() as u32,
            start: 0,
            last_start: 0,
            end: 0,
            root: None,
        };
        Tree::of(&[run], parents)
    }

    #[test]
    fn rows_are_numbered_down_and_up() {
        // 0 is the root, 1 and 3 its children, 2 below 1.
        let tree = tree(&[NO_PARENT, 0, 1, 0]);
        assert_eq!(tree.left, [1, 2, 3, 6]);
        assert_eq!(tree.right, [8, 5, 4, 7]);
        assert_eq!(tree.order, [0, 1, 2, 3]);
        assert_eq!(tree.children, [2, 1, 0, 0]);
    }

    #[test]
    fn orphans_and_circles_stand_at_the_top_behind_roots() {
        let tree = tree(&[ORPHAN, NO_PARENT, 3, 2, 4, 0]);
        assert_eq!(tree.order, [1, 0, 5, 2, 3, 4]);
        assert_eq!(tree.up, [NO_PARENT, NO_PARENT, NO_PARENT, 2, NO_PARENT, 0]);
        let mut numbers: Vec<u32> = tree.left.iter().chain(&tree.right).copied().collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=12).collect::<Vec<u32>>());
    }
}
