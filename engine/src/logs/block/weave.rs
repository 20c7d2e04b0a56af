//! Puts lines and metadata of entries together again from the columns of a group, one after the other.

use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashMap;

use super::header::{ColumnName, GroupHeader, Shape};
use crate::logs::line::{ARRAY, BARE, QUOTED};
use crate::logs::rows::Rows;
use crate::logs::values::Values;

/// Most sets of metadata of a group that are remembered.
const SETS_MAX: usize = 512;

/// Puts entries together, one after the other.
pub(super) struct Weave {
    header: Arc<GroupHeader>,
    /// Where the texts around the slots of each skeleton are.
    parts: Vec<Vec<Range<usize>>>,
    columns: Vec<Option<Arc<Values>>>,
    /// The shapes that have each column.
    shapes_of: Vec<Vec<u32>>,
    /// Entries of each shape passed so far.
    passed: Vec<u32>,
    /// Next value of each column, when entries were passed over only where `is_behind` says so.
    next: Vec<u32>,
    is_behind: bool,
    without_lines: bool,
    /// Sets by what tells them: the shape and the values, each behind its length.
    sets: HashMap<Vec<u8>, u32>,
    key: Vec<u8>,
    values: Vec<(u32, Range<usize>)>,
}

impl Weave {
    pub(super) fn new(
        header: &Arc<GroupHeader>,
        columns: Vec<Option<Arc<Values>>>,
        without_lines: bool,
    ) -> Weave {
        Weave {
            header: header.clone(),
            parts: header.skeletons.iter().map(|s| parts_of(&s.text)).collect(),
            shapes_of: shapes_of(header),
            passed: vec![0; header.shapes.len()],
            next: vec![0; columns.len()],
            is_behind: false,
            without_lines,
            columns,
            sets: HashMap::new(),
            key: Vec::new(),
            values: Vec::new(),
        }
    }

    /// The header of the group.
    pub(super) fn header(&self) -> &GroupHeader {
        &self.header
    }

    /// Forgets the sets of metadata: those that follow go to other rows.
    pub(super) fn forget_sets(&mut self) {
        self.sets.clear();
    }

    /// Passes over entries of these shapes.
    pub(super) fn skip(&mut self, shapes: &[u32]) {
        if shapes.is_empty() {
            return;
        }
        self.is_behind = true;
        match self.passed.as_mut_slice() {
            [only] => *only += shapes.len() as u32,
            passed => shapes.iter().for_each(|shape| passed[*shape as usize] += 1),
        }
    }

    /// Finds the values of the next entry again after some were passed over.
    fn catch_up(&mut self) {
        for (next, shapes) in self.next.iter_mut().zip(&self.shapes_of) {
            *next = shapes.iter().map(|shape| self.passed[*shape as usize]).sum();
        }
        self.is_behind = false;
    }

    fn value(&mut self, column: u32, out: &mut Vec<u8>) {
        let n = &mut self.next[column as usize];
        if let Some(values) = &self.columns[column as usize] {
            values.put(*n as usize, out);
        }
        *n += 1;
    }

    /// Appends the next line, and leaves its metadata behind for good.
    pub(super) fn put_line(&mut self, number: u32, out: &mut Vec<u8>) {
        if self.is_behind {
            self.catch_up();
        }
        self.passed[number as usize] += 1;
        let skeleton = self.header.shapes[number as usize].skeleton as usize;
        self.line(skeleton, out);
    }

    pub(super) fn put(&mut self, number: u32, time: i64, rows: &mut Rows) {
        if self.is_behind {
            self.catch_up();
        }
        self.passed[number as usize] += 1;
        let header = self.header.clone();
        let shape = &header.shapes[number as usize];
        if !self.without_lines {
            self.line(shape.skeleton as usize, rows.lines_mut());
        }
        let set = self.metadata(number, shape, rows);
        rows.close(time, set, shape.kept);
    }

    /// Appends a line.
    fn line(&mut self, number: usize, out: &mut Vec<u8>) {
        let skeleton = &self.header.skeletons[number];
        let mut columns = skeleton.columns.iter();
        for part in &self.parts[number] {
            out.extend_from_slice(&skeleton.text[part.clone()]);
            if let Some(column) = columns.next() {
                let n = &mut self.next[*column as usize];
                if let Some(values) = &self.columns[*column as usize] {
                    values.put(*n as usize, out);
                }
                *n += 1;
            }
        }
    }

    /// The entry's set of metadata; entries with the same share one as long as there are not many.
    fn metadata(&mut self, number: u32, shape: &Shape, rows: &mut Rows) -> u32 {
        let mut key = std::mem::take(&mut self.key);
        let mut values = std::mem::take(&mut self.values);
        key.clear();
        values.clear();
        key.extend_from_slice(&number.to_le_bytes());
        for column in &shape.metadata {
            if self.columns[*column as usize].is_none() {
                continue;
            }
            let from = key.len() + 4;
            key.extend_from_slice(&[0; 4]);
            self.value(*column, &mut key);
            let len = (key.len() - from) as u32;
            key[from - 4..from].copy_from_slice(&len.to_le_bytes());
            values.push((*column, from..key.len()));
        }
        let set = match self.sets.get(key.as_slice()) {
            Some(set) => *set,
            None => {
                let pairs = values.iter().map(|(column, range)| {
                    let name = match &self.header.columns[*column as usize].name {
                        ColumnName::Metadata(name) => name.as_str(),
                        ColumnName::Slot(..) => "",
                    };
                    (name, std::str::from_utf8(&key[range.clone()]).unwrap_or(""))
                });
                let set = rows.sets_mut().add(pairs);
                if self.sets.len() < SETS_MAX {
                    self.sets.insert(key.clone(), set);
                }
                set
            }
        };
        self.key = key;
        self.values = values;
        set
    }
}

/// Where the texts around the slots of a skeleton are.
fn parts_of(skeleton: &[u8]) -> Vec<Range<usize>> {
    let is_slot = |b: &u8| matches!(*b, QUOTED | BARE | ARRAY);
    let mut from = 0;
    let part = |text: &[u8]| {
        let part = from..from + text.len();
        from = part.end + 1;
        part
    };
    skeleton.split(is_slot).map(part).collect()
}

/// For each column the shapes that have it.
fn shapes_of(header: &GroupHeader) -> Vec<Vec<u32>> {
    let mut of = vec![Vec::new(); header.columns.len()];
    for (n, shape) in header.shapes.iter().enumerate() {
        for column in header.columns_of(shape) {
            of[column as usize].push(n as u32);
        }
    }
    of
}
