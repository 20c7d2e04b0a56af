//! Reads groups: headers, columns, and entries put together again.

use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashMap;

use super::header::{ColumnName, ColumnPlace, GroupHeader, Shape};
use super::section;
use crate::block::BlockFile;
use crate::coding::{Malformed, Reader};
use crate::error::Result;
use crate::logs::line::{ARRAY, BARE, QUOTED};
use crate::logs::rows::Rows;
use crate::logs::scan::Wanted;
use crate::logs::values::Values;
use crate::traces::decode_ints;

/// Most sets of metadata of a group that are remembered.
const SETS_MAX: usize = 512;

/// A group of a block, opened.
pub(in crate::logs) struct Group<'f> {
    file: &'f BlockFile,
    number: u32,
    header: Arc<GroupHeader>,
}

impl<'f> Group<'f> {
    /// Reads a group's header.
    pub(in crate::logs) fn open(file: &'f BlockFile, number: u32) -> Result<Group<'f>> {
        let bytes = file.page(section::HEADERS, number)?;
        let corrupt = |Malformed(what)| file.corrupt(number.into(), what);
        let header = GroupHeader::decode(&bytes).map_err(corrupt)?;
        check_counts(&header).map_err(corrupt)?;
        Ok(Group {
            file,
            number,
            header: Arc::new(header),
        })
    }

    pub(in crate::logs) fn header(&self) -> &Arc<GroupHeader> {
        &self.header
    }

    fn corrupt(&self, Malformed(what): Malformed) -> crate::Error {
        self.file.corrupt(self.number.into(), what)
    }

    /// Times of all entries.
    pub(in crate::logs) fn times(&self) -> Result<Vec<i64>> {
        let bytes = self.file.page(section::COLUMNS, self.header.times_page)?;
        decode_ints(&mut Reader::new(&bytes), self.header.rows as usize).map_err(|e| self.corrupt(e))
    }

    /// Number of the shape of each entry.
    pub(in crate::logs) fn shapes(&self) -> Result<Vec<u32>> {
        let bytes = self.file.page(section::COLUMNS, self.header.shapes_page)?;
        let of =
            decode_ints(&mut Reader::new(&bytes), self.header.rows as usize).map_err(|e| self.corrupt(e))?;
        let mut counts = vec![0u32; self.header.shapes.len()];
        let mut shapes = Vec::with_capacity(of.len());
        for n in of {
            let count = usize::try_from(n).ok().and_then(|n| counts.get_mut(n));
            *count.ok_or_else(|| self.corrupt(Malformed("shape of an entry")))? += 1;
            shapes.push(n as u32);
        }
        if counts
            .iter()
            .zip(&self.header.shapes)
            .any(|(n, shape)| *n != shape.rows)
        {
            return Err(self.corrupt(Malformed("entries of a shape")));
        }
        Ok(shapes)
    }

    /// The bytes of a column.
    fn column_bytes(&self, column: u32) -> Result<Arc<[u8]>> {
        match &self.header.columns[column as usize].place {
            ColumnPlace::Inline(bytes) => Ok(Arc::from(bytes.as_slice())),
            ColumnPlace::Page(n) => self.file.page(section::COLUMNS, *n),
        }
    }

    fn has(&self, shape: &Shape, column: u32) -> bool {
        self.header.columns_of(shape).any(|c| c == column)
    }

    /// Its times and shapes read, so that columns can be.
    pub(in crate::logs) fn read(&self) -> Result<OpenGroup<'_>> {
        Ok(OpenGroup {
            times: self.times()?,
            shapes: self.shapes()?,
            group: self,
        })
    }
}

/// A group with what is needed to read its columns.
pub(in crate::logs) struct OpenGroup<'g> {
    group: &'g Group<'g>,
    times: Vec<i64>,
    shapes: Vec<u32>,
}

impl OpenGroup<'_> {
    /// The header of the group.
    pub(in crate::logs) fn header(&self) -> &GroupHeader {
        &self.group.header
    }

    /// Times of all entries.
    pub(in crate::logs) fn times(&self) -> &[i64] {
        &self.times
    }

    /// Number of the shape of each entry.
    pub(in crate::logs) fn shapes(&self) -> &[u32] {
        &self.shapes
    }

    /// The bytes of a column, which tell its form.
    pub(in crate::logs) fn column_bytes(&self, column: u32) -> Result<Arc<[u8]>> {
        self.group.column_bytes(column)
    }

    /// The values of a column.
    pub(in crate::logs) fn column(&self, column: u32) -> Result<Values> {
        let header = &self.group.header;
        let has = self.has(column);
        let times: Vec<i64> = match has.iter().all(|h| *h) {
            true => self.times.clone(),
            false => {
                let rows = self.shapes.iter().zip(&self.times);
                rows.filter(|(shape, _)| has[**shape as usize])
                    .map(|(_, time)| *time)
                    .collect()
            }
        };
        let bytes = self.group.column_bytes(column)?;
        let rows = header.columns[column as usize].rows as usize;
        Values::decode(&bytes, rows, &times).map_err(|e| self.group.corrupt(e))
    }

    /// For each shape whether it has a column.
    pub(in crate::logs) fn has(&self, column: u32) -> Vec<bool> {
        let shapes = self.group.header.shapes.iter();
        shapes.map(|shape| self.group.has(shape, column)).collect()
    }

    /// For each range of entries, which ascend, those between two times (the first inclusive, the second not) for which
    /// `entries` is true, which is by place in the group; of each what is wanted.
    pub(in crate::logs) fn rows(
        &self,
        ranges: &[Range<usize>],
        times: (i64, i64),
        entries: Option<&[bool]>,
        wanted: &Wanted,
    ) -> Result<Vec<Rows>> {
        let header = &*self.group.header;
        let is_wanted = |row: usize| {
            let time = self.times[row];
            time >= times.0 && time < times.1 && entries.is_none_or(|entries| entries[row])
        };
        let mut of_shape = vec![false; header.shapes.len()];
        for row in ranges.iter().flat_map(Range::clone).filter(|row| is_wanted(*row)) {
            of_shape[self.shapes[row] as usize] = true;
        }
        let mut columns: Vec<Option<Values>> = vec![None; header.columns.len()];
        for (shape, _) in header.shapes.iter().zip(&of_shape).filter(|(_, of)| **of) {
            for column in header.columns_of(shape) {
                let is_wanted = is_wanted_column(&header.columns[column as usize].name, wanted);
                if is_wanted && columns[column as usize].is_none() {
                    columns[column as usize] = Some(self.column(column)?);
                }
            }
        }
        let mut weave = Weave::new(header, columns, wanted.without_lines);
        let mut at = 0;
        let mut all = Vec::with_capacity(ranges.len());
        for range in ranges {
            self.shapes[at..range.start]
                .iter()
                .for_each(|shape| weave.skip(*shape));
            let mut rows = Rows::default();
            for row in range.clone() {
                match is_wanted(row) {
                    true => weave.put(self.shapes[row], self.times[row], &mut rows),
                    false => weave.skip(self.shapes[row]),
                }
            }
            weave.sets.clear();
            all.push(rows);
            at = range.end;
        }
        Ok(all)
    }
}

/// False for columns of what is not looked at.
fn is_wanted_column(name: &ColumnName, wanted: &Wanted) -> bool {
    match name {
        ColumnName::Slot(..) => !wanted.without_lines,
        ColumnName::Metadata(name) => wanted.metadata.as_ref().is_none_or(|names| names.contains(name)),
    }
}

/// Every column has as many values as its shapes have entries, and a shape has a column once.
fn check_counts(header: &GroupHeader) -> std::result::Result<(), Malformed> {
    let mut counts = vec![0u64; header.columns.len()];
    let mut seen = vec![usize::MAX; header.columns.len()];
    for (n, shape) in header.shapes.iter().enumerate() {
        for column in header.columns_of(shape) {
            if std::mem::replace(&mut seen[column as usize], n) == n {
                return Err(Malformed("column twice in an entry"));
            }
            counts[column as usize] += u64::from(shape.rows);
        }
    }
    let fits = counts
        .iter()
        .zip(&header.columns)
        .all(|(n, column)| *n == u64::from(column.rows));
    if fits {
        Ok(())
    } else {
        Err(Malformed("values of a column"))
    }
}

/// Puts entries together, one after the other.
struct Weave<'h> {
    header: &'h GroupHeader,
    /// The texts around the slots of each skeleton.
    parts: Vec<Vec<&'h [u8]>>,
    columns: Vec<Option<Values>>,
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

impl<'h> Weave<'h> {
    fn new(header: &'h GroupHeader, columns: Vec<Option<Values>>, without_lines: bool) -> Weave<'h> {
        let is_slot = |b: &u8| matches!(*b, QUOTED | BARE | ARRAY);
        Weave {
            header,
            parts: header
                .skeletons
                .iter()
                .map(|s| s.text.split(is_slot).collect())
                .collect(),
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

    /// Passes over an entry.
    fn skip(&mut self, shape: u32) {
        self.passed[shape as usize] += 1;
        self.is_behind = true;
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

    fn put(&mut self, number: u32, time: i64, rows: &mut Rows) {
        if self.is_behind {
            self.catch_up();
        }
        self.passed[number as usize] += 1;
        let header = self.header;
        let shape = &header.shapes[number as usize];
        if !self.without_lines {
            self.line(shape.skeleton as usize, rows.lines_mut());
        }
        let set = self.metadata(number, shape, rows);
        rows.close(time, set, shape.kept);
    }

    /// Appends a line.
    fn line(&mut self, skeleton: usize, out: &mut Vec<u8>) {
        let columns = &self.header.skeletons[skeleton].columns;
        let mut at = 0;
        while let Some(part) = self.parts[skeleton].get(at).copied() {
            out.extend_from_slice(part);
            if let Some(column) = columns.get(at) {
                self.value(*column, out);
            }
            at += 1;
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
