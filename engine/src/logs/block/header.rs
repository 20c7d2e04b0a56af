//! The header of a group: the streams its entries belong to, the shapes they have, and where their columns lie.

use crate::coding::{Malformed, Reader, put_bytes, put_svarint, put_uvarint};
use crate::logs::line::{LineKind, SlotName, slot_names};
use crate::logs::values::Form;

/// Bits of a column's flags below those of its form.
const FORM_SHIFT: u32 = 3;

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ColumnName {
    /// Values of a slot of lines; the number tells apart slots of one line with the same name.
    Slot(SlotName, u32),
    /// Values of structured metadata.
    Metadata(String),
}

/// Where a column lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::logs) enum ColumnPlace {
    /// A page of its own.
    Page(u32),
    /// In the header.
    Inline(Vec<u8>),
}

/// A column of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnHeader {
    /// What it holds.
    pub name: ColumnName,
    /// Number of its values.
    pub rows: u32,
    /// Smallest and largest value when all are whole numbers.
    pub range: Option<(i64, i64)>,
    /// How its values are written; blocks that were written before headers told it do not say.
    pub(in crate::logs) form: Option<Form>,
    pub(in crate::logs) place: ColumnPlace,
}

/// Lines of one kind with the same text around their slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skeleton {
    /// What they were taken apart as.
    pub kind: LineKind,
    /// The text with a marker for each slot.
    pub text: Box<[u8]>,
    /// The column of each slot.
    pub columns: Vec<u32>,
}

/// What entries have in common: the skeleton of the line and the names of metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Number of the skeleton.
    pub skeleton: u32,
    /// Columns of metadata, by name.
    pub metadata: Vec<u32>,
    /// Entries that stay although another equals them.
    pub kept: bool,
    /// Number of entries.
    pub rows: u32,
}

/// Entries of one stream in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamRun {
    /// Number of the stream in the block.
    pub stream: u32,
    /// First entry.
    pub first: u32,
    /// Number of entries.
    pub rows: u32,
    /// Earliest time.
    pub min_time: i64,
    /// Latest time.
    pub max_time: i64,
}

/// Header of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupHeader {
    /// Number of entries.
    pub rows: u32,
    /// Ascending by stream.
    pub runs: Vec<StreamRun>,
    /// Skeletons of lines.
    pub skeletons: Vec<Skeleton>,
    /// Shapes of entries.
    pub shapes: Vec<Shape>,
    /// Columns.
    pub columns: Vec<ColumnHeader>,
    /// Pages of the times and of the shapes of entries.
    pub(in crate::logs) times_page: u32,
    pub(in crate::logs) shapes_page: u32,
}

impl GroupHeader {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_uvarint(&mut out, self.rows.into());
        put_uvarint(&mut out, self.runs.len() as u64);
        let mut stream = 0;
        for run in &self.runs {
            put_uvarint(&mut out, (run.stream - stream).into());
            stream = run.stream;
            put_uvarint(&mut out, run.rows.into());
            put_svarint(&mut out, run.min_time);
            put_uvarint(&mut out, run.max_time.abs_diff(run.min_time));
        }
        put_uvarint(&mut out, self.columns.len() as u64);
        self.columns
            .iter()
            .for_each(|column| put_column(column, &mut out));
        put_uvarint(&mut out, self.skeletons.len() as u64);
        for skeleton in &self.skeletons {
            out.push(skeleton.kind as u8);
            put_bytes(&mut out, &skeleton.text);
            skeleton
                .columns
                .iter()
                .for_each(|c| put_uvarint(&mut out, (*c).into()));
        }
        put_uvarint(&mut out, self.shapes.len() as u64);
        for shape in &self.shapes {
            put_uvarint(&mut out, shape.skeleton.into());
            out.push(shape.kept.into());
            put_uvarint(&mut out, shape.rows.into());
            put_uvarint(&mut out, shape.metadata.len() as u64);
            shape
                .metadata
                .iter()
                .for_each(|c| put_uvarint(&mut out, (*c).into()));
        }
        put_uvarint(&mut out, self.times_page.into());
        put_uvarint(&mut out, self.shapes_page.into());
        out
    }

    pub(in crate::logs) fn decode(bytes: &[u8]) -> Result<GroupHeader, Malformed> {
        let mut r = Reader::new(bytes);
        let rows = r.uvarint32()?;
        let runs = read_runs(&mut r, rows)?;
        let count = r.count(3)?;
        let mut names = Vec::with_capacity(count);
        let mut columns = (0..count)
            .map(|_| read_column(&mut r, &mut names))
            .collect::<Result<Vec<_>, _>>()?;
        let skeletons = (0..r.count(2)?)
            .map(|_| read_skeleton(&mut r, &mut columns, &mut names))
            .collect::<Result<Vec<_>, _>>()?;
        let shapes = (0..r.count(4)?)
            .map(|_| read_shape(&mut r, &skeletons, &columns))
            .collect::<Result<Vec<_>, _>>()?;
        if names.iter().any(|named| !named) {
            return Err(Malformed("column that no entry has"));
        }
        let of_shapes: u64 = shapes.iter().map(|s| u64::from(s.rows)).sum();
        if of_shapes != u64::from(rows) {
            return Err(Malformed("entries of the shapes"));
        }
        Ok(GroupHeader {
            rows,
            runs,
            skeletons,
            shapes,
            columns,
            times_page: r.uvarint32()?,
            shapes_page: r.uvarint32()?,
        })
    }

    /// The columns of a shape in their order: those of the line's slots, then metadata.
    pub fn columns_of<'h>(&'h self, shape: &'h Shape) -> impl Iterator<Item = u32> + 'h {
        let slots = &self.skeletons[shape.skeleton as usize].columns;
        slots.iter().chain(&shape.metadata).copied()
    }
}

fn put_column(column: &ColumnHeader, out: &mut Vec<u8>) {
    let is_inline = matches!(column.place, ColumnPlace::Inline(_));
    let is_metadata = matches!(column.name, ColumnName::Metadata(_));
    let flags = u8::from(is_inline) | u8::from(is_metadata) << 1 | u8::from(column.range.is_some()) << 2;
    out.push(flags | column.form.map_or(0, |form| form.number() + 1) << FORM_SHIFT);
    match &column.name {
        // Names of slots follow from the skeletons.
        ColumnName::Slot(_, occurrence) => put_uvarint(out, (*occurrence).into()),
        ColumnName::Metadata(name) => put_bytes(out, name.as_bytes()),
    }
    put_uvarint(out, column.rows.into());
    if let Some((min, max)) = column.range {
        put_svarint(out, min);
        put_uvarint(out, max.abs_diff(min));
    }
    match &column.place {
        ColumnPlace::Page(page) => put_uvarint(out, (*page).into()),
        ColumnPlace::Inline(bytes) => put_bytes(out, bytes),
    }
}

fn read_column(r: &mut Reader<'_>, named: &mut Vec<bool>) -> Result<ColumnHeader, Malformed> {
    let flags = r.u8()?;
    let is_metadata = flags & 2 != 0;
    named.push(is_metadata);
    let name = match is_metadata {
        true => ColumnName::Metadata(r.str()?.to_owned()),
        false => ColumnName::Slot(SlotName::Text, r.uvarint32()?),
    };
    let rows = r.uvarint32()?;
    let range = match flags & 4 != 0 {
        true => {
            let min = r.svarint()?;
            Some((min, min.wrapping_add_unsigned(r.uvarint()?)))
        }
        false => None,
    };
    let place = match flags & 1 != 0 {
        true => ColumnPlace::Inline(r.bytes()?.to_vec()),
        false => ColumnPlace::Page(r.uvarint32()?),
    };
    let form = match flags >> FORM_SHIFT {
        0 => match &place {
            ColumnPlace::Inline(bytes) => Form::of(bytes),
            ColumnPlace::Page(_) => None,
        },
        n => Some(Form::from_number(n - 1).ok_or(Malformed("form of a column of logs"))?),
    };
    Ok(ColumnHeader {
        name,
        rows,
        range,
        form,
        place,
    })
}

fn read_runs(r: &mut Reader<'_>, rows: u32) -> Result<Vec<StreamRun>, Malformed> {
    let (mut runs, mut stream, mut first) = (Vec::new(), 0u32, 0u32);
    for _ in 0..r.count(4)? {
        stream = stream
            .checked_add(r.uvarint32()?)
            .ok_or(Malformed("number of a stream"))?;
        let of_run = r.uvarint32()?;
        let min_time = r.svarint()?;
        runs.push(StreamRun {
            stream,
            first,
            rows: of_run,
            min_time,
            max_time: min_time.wrapping_add_unsigned(r.uvarint()?),
        });
        first = first
            .checked_add(of_run)
            .ok_or(Malformed("entries of a stream"))?;
    }
    if first != rows {
        return Err(Malformed("entries of the streams"));
    }
    Ok(runs)
}

fn read_skeleton(
    r: &mut Reader<'_>,
    columns: &mut [ColumnHeader],
    named: &mut [bool],
) -> Result<Skeleton, Malformed> {
    let kind = LineKind::from_number(r.u8()?).ok_or(Malformed("kind of lines"))?;
    let text: Box<[u8]> = r.bytes()?.into();
    let names = slot_names(kind, &text).ok_or(Malformed("skeleton of lines"))?;
    let mut of = Vec::with_capacity(names.len());
    for name in names {
        let n = r.uvarint32()?;
        let column = columns
            .get_mut(n as usize)
            .ok_or(Malformed("number of a column"))?;
        match &mut column.name {
            ColumnName::Slot(of, _) => *of = name,
            ColumnName::Metadata(_) => return Err(Malformed("column of metadata in a line")),
        }
        named[n as usize] = true;
        of.push(n);
    }
    Ok(Skeleton {
        kind,
        text,
        columns: of,
    })
}

fn read_shape(
    r: &mut Reader<'_>,
    skeletons: &[Skeleton],
    columns: &[ColumnHeader],
) -> Result<Shape, Malformed> {
    let skeleton = r.uvarint32()?;
    if skeleton as usize >= skeletons.len() {
        return Err(Malformed("number of a skeleton"));
    }
    let kept = r.u8()? != 0;
    let rows = r.uvarint32()?;
    let mut metadata = Vec::new();
    for _ in 0..r.count(1)? {
        let n = r.uvarint32()?;
        let of = columns.get(n as usize).ok_or(Malformed("number of a column"))?;
        if !matches!(of.name, ColumnName::Metadata(_)) {
            return Err(Malformed("column of a line in metadata"));
        }
        metadata.push(n);
    }
    Ok(Shape {
        skeleton,
        metadata,
        kept,
        rows,
    })
}
