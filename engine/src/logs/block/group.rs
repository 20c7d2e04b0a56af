//! Reads groups: headers, columns, and entries put together again.

use std::ops::Range;
use std::sync::Arc;

use super::header::{ColumnPlace, GroupHeader, Shape};
use super::section;
use crate::block::BlockFile;
use crate::coding::{Malformed, Reader};
use crate::error::Result;
use crate::logs::line::{ARRAY, BARE, QUOTED};
use crate::logs::rows::Rows;
use crate::logs::values::Values;
use crate::traces::decode_ints;

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

    /// The values of a column; `times` and `shapes` are those of all entries.
    pub(in crate::logs) fn column(&self, column: u32, times: &[i64], shapes: &[u32]) -> Result<Values> {
        let header = &self.header.columns[column as usize];
        let has: Vec<bool> = self.header.shapes.iter().map(|s| self.has(s, column)).collect();
        let of: Vec<i64> = match has.iter().all(|h| *h) {
            true => times.to_vec(),
            false => {
                let rows = shapes.iter().zip(times);
                rows.filter(|(shape, _)| has[**shape as usize])
                    .map(|(_, time)| *time)
                    .collect()
            }
        };
        let page;
        let bytes = match &header.place {
            ColumnPlace::Inline(bytes) => bytes.as_slice(),
            ColumnPlace::Page(n) => {
                page = self.file.page(section::COLUMNS, *n)?;
                &page
            }
        };
        Values::decode(bytes, header.rows as usize, &of).map_err(|e| self.corrupt(e))
    }

    fn has(&self, shape: &Shape, column: u32) -> bool {
        self.header.columns_of(shape).any(|c| c == column)
    }

    /// All columns, put together again in a range of entries.
    pub(in crate::logs) fn rows(&self, range: Range<usize>) -> Result<Rows> {
        let (times, shapes) = (self.times()?, self.shapes()?);
        let mut wanted = vec![false; self.header.shapes.len()];
        shapes[range.clone()]
            .iter()
            .for_each(|s| wanted[*s as usize] = true);
        let mut columns: Vec<Option<Values>> = vec![None; self.header.columns.len()];
        for (shape, _) in self.header.shapes.iter().zip(&wanted).filter(|(_, w)| **w) {
            for column in self.header.columns_of(shape) {
                if columns[column as usize].is_none() {
                    columns[column as usize] = Some(self.column(column, &times, &shapes)?);
                }
            }
        }
        let mut weave = Weave::new(&self.header, columns);
        shapes[..range.start].iter().for_each(|shape| weave.skip(*shape));
        let mut rows = Rows::default();
        rows.reserve(range.len(), 0);
        for row in range {
            weave.put(shapes[row], times[row], &mut rows);
        }
        Ok(rows)
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
    /// Next value of each column.
    next: Vec<u32>,
    /// Columns and values of the metadata of the entry before, and its set.
    last: Option<(u32, Vec<u8>, u32)>,
    current: Vec<u8>,
}

impl<'h> Weave<'h> {
    fn new(header: &'h GroupHeader, columns: Vec<Option<Values>>) -> Weave<'h> {
        let is_slot = |b: &u8| matches!(*b, QUOTED | BARE | ARRAY);
        Weave {
            header,
            parts: header
                .skeletons
                .iter()
                .map(|s| s.text.split(is_slot).collect())
                .collect(),
            next: vec![0; columns.len()],
            columns,
            last: None,
            current: Vec::new(),
        }
    }

    /// Passes over an entry.
    fn skip(&mut self, shape: u32) {
        for column in self.header.columns_of(&self.header.shapes[shape as usize]) {
            self.next[column as usize] += 1;
        }
    }

    fn value(&mut self, column: u32, out: &mut Vec<u8>) {
        let n = &mut self.next[column as usize];
        if let Some(values) = &self.columns[column as usize] {
            values.put(*n as usize, out);
        }
        *n += 1;
    }

    fn put(&mut self, number: u32, time: i64, rows: &mut Rows) {
        let header = self.header;
        let shape = &header.shapes[number as usize];
        let columns = &header.skeletons[shape.skeleton as usize].columns;
        let out = rows.lines_mut();
        let mut at = 0;
        while let Some(part) = self.parts[shape.skeleton as usize].get(at).copied() {
            out.extend_from_slice(part);
            if let Some(column) = columns.get(at) {
                self.value(*column, out);
            }
            at += 1;
        }
        let set = self.metadata(number, shape, rows);
        rows.close(time, set, shape.kept);
    }

    /// The entry's set of metadata, the one of the entry before if it is the same.
    fn metadata(&mut self, number: u32, shape: &Shape, rows: &mut Rows) -> u32 {
        let mut current = std::mem::take(&mut self.current);
        current.clear();
        let mut ends = Vec::with_capacity(shape.metadata.len());
        for column in &shape.metadata {
            self.value(*column, &mut current);
            ends.push(current.len());
        }
        if let Some((of, values, set)) = &self.last
            && *of == number
            && *values == current
        {
            let set = *set;
            self.current = current;
            return set;
        }
        let mut from = 0;
        let texts = shape.metadata.iter().zip(ends).map(|(column, end)| {
            let name = match &self.header.columns[*column as usize].name {
                super::header::ColumnName::Metadata(name) => name.as_str(),
                super::header::ColumnName::Slot(..) => "",
            };
            let value = std::str::from_utf8(&current[from..end]).unwrap_or("");
            from = end;
            (name, value)
        });
        let set = rows.sets_mut().add(texts);
        self.last = Some((number, current, set));
        set
    }
}
