//! Reads groups: headers, columns, and entries put together again.

use std::any::Any;
use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use super::header::{ColumnName, ColumnPlace, GroupHeader, Shape};
use super::section;
use super::weave::Weave;
use crate::block::BlockFile;
use crate::coding::{self, Malformed};
use crate::error::Result;
use crate::logs::rows::Rows;
use crate::logs::scan::Wanted;
use crate::logs::values::{Form, Outline, Texts, Values, dictionary, template_codes};
use crate::traces::decode_ints;

/// A group of a block, opened.
#[derive(Clone)]
pub(in crate::logs) struct Group<'f> {
    file: &'f BlockFile,
    number: u32,
    header: Arc<GroupHeader>,
    /// What is read stays in the cache.
    keeps: bool,
}

/// Kinds under which the cache keeps what is made of a group; no sections.
pub(super) mod made {
    pub(in crate::logs::block) const TEXTS: u16 = 247;
    pub(in crate::logs::block) const CODES: u16 = 248;
    pub(in crate::logs::block) const COUNTS: u16 = 249;
    pub(in crate::logs::block) const HEADER: u16 = 250;
    pub(in crate::logs::block) const TIMES: u16 = 251;
    pub(in crate::logs::block) const SHAPES: u16 = 252;
    pub(in crate::logs::block) const VALUES: u16 = 253;
    pub(in crate::logs::block) const TALLY: u16 = 254;
    pub(in crate::logs::block) const OUTLINE: u16 = 255;
    /// The first slot of a column of templates; others follow.
    pub(in crate::logs::block) const SLOTS: u16 = 1_024;
}

impl<'f> Group<'f> {
    /// Reads a group's header; it and what is read of the group stays in the cache.
    pub(in crate::logs) fn open(file: &'f BlockFile, number: u32) -> Result<Group<'f>> {
        let header = file.made(made::HEADER, number, || {
            let bytes = file.page_past_cache(section::HEADERS, number)?;
            Ok((read_header(file, number, &bytes)?, bytes.len() * 6))
        })?;
        Ok(Group {
            file,
            number,
            header,
            keeps: true,
        })
    }

    /// Reads a group that is read only once.
    pub(in crate::logs) fn open_once(file: &'f BlockFile, number: u32) -> Result<Group<'f>> {
        let bytes = file.page_past_cache(section::HEADERS, number)?;
        Ok(Group {
            file,
            number,
            header: Arc::new(read_header(file, number, &bytes)?),
            keeps: false,
        })
    }

    pub(in crate::logs) fn header(&self) -> &Arc<GroupHeader> {
        &self.header
    }

    /// What `make` makes of the group, kept under a page's number if anything is.
    fn made<T: Any + Send + Sync>(
        &self,
        kind: u16,
        page: u32,
        make: impl Fn() -> Result<(T, usize)>,
    ) -> Result<Arc<T>> {
        match self.keeps {
            true => self.file.made(kind, page, make),
            false => Ok(Arc::new(make()?.0)),
        }
    }

    fn corrupt(&self, Malformed(what): Malformed) -> crate::Error {
        self.file.corrupt(self.number.into(), what)
    }

    fn ints(&self, page: u32) -> Result<Vec<i64>> {
        let bytes = self.file.page_past_cache(section::COLUMNS, page)?;
        decode_ints(&mut coding::Reader::new(&bytes), self.header.rows as usize).map_err(|e| self.corrupt(e))
    }

    /// Times of all entries.
    pub(in crate::logs) fn times(&self) -> Result<Arc<Vec<i64>>> {
        self.made(made::TIMES, self.header.times_page, || {
            let times = self.ints(self.header.times_page)?;
            let bytes = times.len() * 8;
            Ok((times, bytes))
        })
    }

    /// Number of the shape of each entry.
    pub(in crate::logs) fn shapes(&self) -> Result<Arc<Vec<u32>>> {
        self.made(made::SHAPES, self.header.shapes_page, || {
            let shapes = self.read_shapes()?;
            let bytes = shapes.len() * 4;
            Ok((shapes, bytes))
        })
    }

    fn read_shapes(&self) -> Result<Vec<u32>> {
        let of = self.ints(self.header.shapes_page)?;
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
            ColumnPlace::Page(n) if self.keeps => self.file.page(section::COLUMNS, *n),
            ColumnPlace::Page(n) => self.file.page_past_cache(section::COLUMNS, *n),
        }
    }

    fn has(&self, shape: &Shape, column: u32) -> bool {
        self.header.columns_of(shape).any(|c| c == column)
    }

    /// With what is needed to read its columns.
    pub(in crate::logs) fn read(self) -> OpenGroup<'f> {
        OpenGroup {
            group: self,
            times: OnceCell::new(),
            shapes: OnceCell::new(),
        }
    }
}

/// A group with what is needed to read its columns.
pub(in crate::logs) struct OpenGroup<'f> {
    group: Group<'f>,
    times: OnceCell<Arc<Vec<i64>>>,
    shapes: OnceCell<Arc<Vec<u32>>>,
}

impl OpenGroup<'_> {
    /// What `make` makes of the group, kept under a page's number.
    pub(super) fn made<T: Any + Send + Sync>(
        &self,
        kind: u16,
        page: u32,
        make: impl Fn() -> Result<(T, usize)>,
    ) -> Result<Arc<T>> {
        self.group.made(kind, page, make)
    }

    /// The header of the group.
    pub(in crate::logs) fn header(&self) -> &GroupHeader {
        &self.group.header
    }

    /// Number of the shape of each entry.
    pub(in crate::logs) fn shapes(&self) -> Result<&[u32]> {
        once(&self.shapes, || self.group.shapes())
    }

    /// Times of all entries.
    pub(in crate::logs) fn times(&self) -> Result<&[i64]> {
        once(&self.times, || self.group.times())
    }

    /// The values of a column.
    pub(in crate::logs) fn column(&self, column: u32) -> Result<Arc<Values>> {
        let decode = || {
            let values = self.decode_column(column)?;
            let bytes = values.byte_len();
            Ok((values, bytes))
        };
        match self.group.header.columns[column as usize].place {
            ColumnPlace::Page(page) => self.group.made(made::VALUES, page, decode),
            ColumnPlace::Inline(_) => Ok(Arc::new(decode()?.0)),
        }
    }

    /// How the values of a column are written.
    pub(in crate::logs) fn form(&self, column: u32) -> Result<Option<Form>> {
        match self.group.header.columns[column as usize].form {
            None => Ok(Form::of(&self.group.column_bytes(column)?)),
            form => Ok(form),
        }
    }

    /// What `make` makes of a column's bytes, kept where they lie in a page, if the column is of the form.
    fn made_of<T: Any + Send + Sync>(
        &self,
        column: u32,
        kind: u16,
        make: impl Fn(&[u8], usize) -> std::result::Result<Option<T>, Malformed>,
        bytes_of: impl Fn(&T) -> usize,
    ) -> Result<Option<Arc<T>>> {
        let header = &self.group.header.columns[column as usize];
        let make = || {
            let bytes = self.group.column_bytes(column)?;
            let made = make(&bytes, header.rows as usize).map_err(|e| self.group.corrupt(e))?;
            let bytes = made.as_ref().map_or(0, &bytes_of);
            Ok((made.map(Arc::new), bytes))
        };
        match header.place {
            ColumnPlace::Page(page) => Ok(Option::clone(&*self.group.made(kind, page, make)?)),
            ColumnPlace::Inline(_) => Ok(make()?.0),
        }
    }

    /// The texts of a column that has a dictionary or one text; none of other columns.
    pub(in crate::logs) fn texts(&self, column: u32) -> Result<Option<Arc<Texts>>> {
        match self.form(column)? {
            Some(Form::Const | Form::Dictionary) => {
                let len = |texts: &Texts| texts.byte_len() + texts.len() * 4;
                self.made_of(column, made::TEXTS, |bytes, _| dictionary(bytes), len)
            }
            _ => Ok(None),
        }
    }

    /// The templates of a column; none of a column that has no templates.
    pub(in crate::logs) fn outline(&self, column: u32) -> Result<Option<Arc<Outline>>> {
        match self.form(column)? {
            Some(Form::Templates) => self.made_of(column, made::OUTLINE, Outline::decode, Outline::byte_len),
            _ => Ok(None),
        }
    }

    /// The number of the template of each text of a column; none of a column that has no templates.
    pub(in crate::logs) fn template_codes(&self, column: u32) -> Result<Option<Arc<Vec<u16>>>> {
        match self.form(column)? {
            Some(Form::Templates) => {
                self.made_of(column, made::CODES, template_codes, |codes| codes.len() * 2)
            }
            _ => Ok(None),
        }
    }

    /// The values of a slot of a template, in order of the texts that have the template.
    pub(in crate::logs) fn slot(
        &self,
        column: u32,
        outline: &Outline,
        template: usize,
        slot: usize,
    ) -> Result<Arc<Values>> {
        let read = || {
            let bytes = self.group.column_bytes(column)?;
            let values = outline
                .read(&bytes, template, slot)
                .map_err(|e| self.group.corrupt(e))?;
            let bytes = values.byte_len();
            Ok((values, bytes))
        };
        let number = u16::try_from(outline.slot(template, slot)).ok();
        let kind = number.and_then(|number| made::SLOTS.checked_add(number));
        match (kind, &self.group.header.columns[column as usize].place) {
            (Some(kind), ColumnPlace::Page(page)) => self.group.made(kind, *page, read),
            _ => Ok(Arc::new(read()?.0)),
        }
    }

    /// The values of a column, decoded for once.
    pub(super) fn decode_column(&self, column: u32) -> Result<Values> {
        let bytes = self.group.column_bytes(column)?;
        let times = match self.form(column)? {
            Some(Form::Times) => self.times_of(column)?,
            _ => Vec::new(),
        };
        let rows = self.group.header.columns[column as usize].rows as usize;
        Values::decode(&bytes, rows, &times).map_err(|e| self.group.corrupt(e))
    }

    /// Times of the entries that have a column.
    fn times_of(&self, column: u32) -> Result<Vec<i64>> {
        let (has, times) = (self.has(column), self.times()?);
        if has.iter().all(|h| *h) {
            return Ok(times.to_vec());
        }
        let rows = self.shapes()?.iter().zip(times);
        let rows = rows.filter(|(shape, _)| has[**shape as usize]);
        Ok(rows.map(|(_, time)| *time).collect())
    }

    /// For each shape whether it has a column.
    pub(in crate::logs) fn has(&self, column: u32) -> Vec<bool> {
        let shapes = self.group.header.shapes.iter();
        shapes.map(|shape| self.group.has(shape, column)).collect()
    }

    /// For each range of entries, which ascend, those between two times (the first inclusive, the second not) that are chosen, by place
    /// in the group, ascending; of each what is wanted.
    pub(in crate::logs) fn rows(
        &self,
        ranges: &[Range<usize>],
        times: (i64, i64),
        chosen: Option<&[u32]>,
        wanted: &Wanted,
    ) -> Result<Vec<Rows>> {
        let header = &*self.group.header;
        let (at_times, shapes) = (self.times()?, self.shapes()?);
        let places: Vec<Vec<u32>> = ranges
            .iter()
            .map(|range| {
                let of_range = &at_times[range.clone()];
                let from = range.start + of_range.partition_point(|time| *time < times.0);
                let until = range.start + of_range.partition_point(|time| *time < times.1);
                match chosen {
                    None => (from as u32..until.max(from) as u32).collect(),
                    Some(chosen) => {
                        let first = chosen.partition_point(|row| (*row as usize) < from);
                        let chosen = chosen[first..].iter().copied();
                        chosen.take_while(|row| (*row as usize) < until).collect()
                    }
                }
            })
            .collect();
        let mut of_shape = vec![false; header.shapes.len()];
        for row in places.iter().flatten() {
            of_shape[shapes[*row as usize] as usize] = true;
        }
        let mut columns: Vec<Option<Arc<Values>>> = vec![None; header.columns.len()];
        for (shape, _) in header.shapes.iter().zip(&of_shape).filter(|(_, of)| **of) {
            for column in header.columns_of(shape) {
                let is_wanted = is_wanted_column(&header.columns[column as usize].name, wanted);
                if is_wanted && columns[column as usize].is_none() {
                    columns[column as usize] = Some(self.column(column)?);
                }
            }
        }
        let mut weave = Weave::new(&self.group.header, columns, wanted.without_lines);
        let mut at = 0;
        let mut all = Vec::with_capacity(ranges.len());
        for places in places {
            let mut rows = Rows::default();
            for row in places {
                let row = row as usize;
                weave.skip(&shapes[at..row]);
                weave.put(shapes[row], at_times[row], &mut rows);
                at = row + 1;
            }
            weave.forget_sets();
            all.push(rows);
        }
        Ok(all)
    }
}

impl OpenGroup<'_> {
    /// Shows the lines of entries, given by their place, ascending.
    pub(in crate::logs) fn lines(&self, rows: &[u32], visit: &mut dyn FnMut(u32, &[u8])) -> Result<()> {
        let header = &*self.group.header;
        let shapes = self.shapes()?;
        let mut columns: Vec<Option<Arc<Values>>> = vec![None; header.columns.len()];
        let mut seen = vec![false; header.skeletons.len()];
        for row in rows {
            let skeleton = header.shapes[shapes[*row as usize] as usize].skeleton as usize;
            if std::mem::replace(&mut seen[skeleton], true) {
                continue;
            }
            for column in &header.skeletons[skeleton].columns {
                if columns[*column as usize].is_none() {
                    columns[*column as usize] = Some(self.column(*column)?);
                }
            }
        }
        let mut weave = Weave::new(&self.group.header, columns, false);
        let mut line = Vec::new();
        let mut at = 0;
        for row in rows {
            let place = *row as usize;
            weave.skip(&shapes[at..place]);
            line.clear();
            weave.put_line(shapes[place], &mut line);
            visit(*row, &line);
            at = place + 1;
        }
        Ok(())
    }
}

fn read_header(file: &BlockFile, number: u32, bytes: &[u8]) -> Result<GroupHeader> {
    let corrupt = |Malformed(what)| file.corrupt(number.into(), what);
    let header = GroupHeader::decode(bytes).map_err(corrupt)?;
    check_counts(&header).map_err(corrupt)?;
    Ok(header)
}

/// Reads all entries of a group from the first to the last, some at a time.
pub(in crate::logs) struct Reader {
    times: Arc<Vec<i64>>,
    shapes: Arc<Vec<u32>>,
    weave: Weave,
    at: usize,
}

impl Reader {
    /// Reads the columns of a group that is read once.
    pub(in crate::logs) fn open(file: &BlockFile, number: u32) -> Result<Reader> {
        let open = Group::open_once(file, number)?.read();
        let header = open.group.header.clone();
        let columns = (0..header.columns.len() as u32).map(|n| open.column(n).map(Some));
        let columns: Result<Vec<Option<Arc<Values>>>> = columns.collect();
        open.times()?;
        open.shapes()?;
        Ok(Reader {
            weave: Weave::new(&header, columns?, false),
            times: open.times.into_inner().unwrap_or_default(),
            shapes: open.shapes.into_inner().unwrap_or_default(),
            at: 0,
        })
    }

    pub(in crate::logs) fn header(&self) -> &GroupHeader {
        self.weave.header()
    }

    /// Place of the next entry.
    pub(in crate::logs) fn at(&self) -> usize {
        self.at
    }

    /// The entries up to a place.
    pub(in crate::logs) fn take(&mut self, until: usize) -> Rows {
        let mut rows = Rows::default();
        let until = until.min(self.times.len());
        for row in self.at..until {
            self.weave.put(self.shapes[row], self.times[row], &mut rows);
        }
        self.weave.forget_sets();
        self.at = until;
        rows
    }
}

/// What is there, read when it is first asked for.
fn once<T>(cell: &OnceCell<Arc<Vec<T>>>, read: impl Fn() -> Result<Arc<Vec<T>>>) -> Result<&[T]> {
    match cell.get() {
        Some(there) => Ok(there),
        None => {
            let read = read()?;
            Ok(cell.get_or_init(|| read))
        }
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
