//! Writes blocks: entries come in order of stream, time and arrival, and are closed into groups.

use hashbrown::HashMap;

use super::header::{ColumnHeader, ColumnName, ColumnPlace, GroupHeader, Shape, Skeleton, StreamRun};
use super::{GroupSummary, ids, section};
use crate::block::writer::Written;
use crate::block::{BlockWriter, Codec, Temperature};
use crate::coding::{put_bytes, put_svarint, put_uvarint};
use crate::error::Result;
use crate::labels::Labels;
use crate::logs::grams::Gather;
use crate::logs::labels::StreamExtent;
use crate::logs::line::{Course, LineKind, Scanned, SlotName, slot_names};
use crate::logs::values::{Form, Texts, encode};
use crate::metrics::values::Effort;
use crate::traces::{effort_for, encode_ints};

/// Most entries of a group.
const GROUP_ROWS: u32 = if cfg!(test) { 50 } else { 16_384 };
/// Bytes of lines at which a group is closed.
const GROUP_BYTES: u64 = if cfg!(test) { 4 << 10 } else { 6 << 20 };
/// Most skeletons of a group; lines of others are kept whole.
const SKELETONS_MAX: usize = if cfg!(test) { 8 } else { 512 };
/// Most columns of a group.
const COLUMNS_MAX: usize = 2_000;
/// Rows that are told of together when they are taken.
const ROWS_TOLD: usize = 128;
/// Columns up to this many bytes lie in the header.
const INLINE_MAX: usize = 128;

/// A block being written.
pub(in crate::logs) struct LogWriter<'w> {
    writer: &'w mut BlockWriter,
    effort: Effort,
    streams: Vec<(Labels, StreamExtent)>,
    open: Open,
    scanned: Scanned,
    gather: Gather,
    groups: Vec<GroupSummary>,
    /// Key of each id and a group that has it.
    ids: Vec<(u32, u32)>,
}

/// The group being filled.
#[derive(Default)]
struct Open {
    times: Vec<i64>,
    runs: Vec<StreamRun>,
    line_bytes: u64,
    skeletons: Vec<Skeleton>,
    /// How the lines of each skeleton are taken apart, and the skeleton of the line that came last behind one with it.
    courses: Vec<(Option<Course>, u32)>,
    /// Skeleton of the line before.
    last_skeleton: u32,
    /// By kind and text.
    skeleton_numbers: HashMap<Box<[u8]>, u32>,
    shapes: Vec<Shape>,
    shape_numbers: HashMap<(u32, Vec<u32>, bool), u32>,
    shape_of: Vec<u32>,
    columns: Vec<(ColumnName, Texts)>,
    column_numbers: HashMap<ColumnName, u32>,
    key: Vec<u8>,
    metadata: Vec<u32>,
    /// Room of columns of groups before.
    spare: Vec<Texts>,
}

impl<'w> LogWriter<'w> {
    pub(in crate::logs) fn new(writer: &'w mut BlockWriter) -> LogWriter<'w> {
        let effort = effort_for(writer.temperature());
        LogWriter {
            effort,
            writer,
            streams: Vec::new(),
            open: Open::default(),
            scanned: Scanned::default(),
            gather: Gather::default(),
            groups: Vec::new(),
            ids: Vec::new(),
        }
    }

    /// Begins a stream; they come in order of labels.
    pub(in crate::logs) fn begin_stream(&mut self, labels: &Labels) {
        debug_assert!(self.streams.last().is_none_or(|(last, _)| last < labels));
        // One that got no entries gives its number to the next.
        if self.streams.last().is_some_and(|(_, extent)| extent.rows == 0) {
            self.streams.pop();
        }
        self.streams.push((labels.clone(), StreamExtent::default()));
    }

    /// Appends an entry of the stream begun last. Metadata is UTF-8, sorted by name, names unique.
    pub(in crate::logs) fn row<'p>(
        &mut self,
        time: i64,
        line: &[u8],
        metadata: impl Iterator<Item = (&'p [u8], &'p [u8])>,
        kept: bool,
    ) -> Result<()> {
        let full = self.open.times.len() as u32 >= GROUP_ROWS || self.open.line_bytes >= GROUP_BYTES;
        if full {
            self.close()?;
        }
        let stream = self.streams.len() as u32 - 1;
        let skeleton = self.open.line(line, &mut self.scanned);
        let metadata_bytes = self.open.metadata(metadata);
        self.open.end_row(stream, time, skeleton, kept);
        self.open.line_bytes += line.len() as u64;
        if self.open.times.len().is_multiple_of(ROWS_TOLD) {
            self.writer.half_done(ROWS_TOLD as u64);
        }
        self.streams[stream as usize]
            .1
            .add(time, line.len() + metadata_bytes);
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let mut open = std::mem::take(&mut self.open);
        if open.times.is_empty() {
            return Ok(());
        }
        self.open.spare = std::mem::take(&mut open.spare);
        let group = self.groups.len() as u32;
        let mut out = Vec::new();
        encode_ints(&open.times, self.effort, &mut out);
        let times_page = self.writer.page(section::COLUMNS, &out, Codec::Plain)?;
        out.clear();
        let shape_of: Vec<i64> = open.shape_of.iter().map(|s| i64::from(*s)).collect();
        encode_ints(&shape_of, self.effort, &mut out);
        let shapes_page = self.writer.page(section::COLUMNS, &out, Codec::Zstd)?;
        self.writer.half_done((open.times.len() % ROWS_TOLD) as u64);
        let columns = self.columns(&mut open)?;
        let (first, last) = (open.runs[0], open.runs[open.runs.len() - 1]);
        self.groups.push(GroupSummary {
            rows: open.times.len() as u32,
            line_bytes: open.line_bytes,
            streams: (first.stream, last.stream),
            times: (
                open.runs.iter().map(|r| r.min_time).min().unwrap_or(0),
                open.runs.iter().map(|r| r.max_time).max().unwrap_or(0),
            ),
            id_len_max: 0,
            odd_ids: false,
        });
        let header = GroupHeader {
            rows: open.times.len() as u32,
            runs: open.runs,
            skeletons: open.skeletons,
            shapes: open.shapes,
            columns,
            times_page,
            shapes_page,
        };
        self.writer
            .page(section::HEADERS, &header.encode(), Codec::Zstd)?;
        let mut grams = Vec::new();
        let ids = std::mem::take(&mut self.gather.ids);
        self.ids
            .extend(ids.into_iter().map(|hash| (ids::key(hash), group)));
        let found = self.gather.finish();
        found.encode(&mut grams);
        if let Some(summary) = self.groups.last_mut() {
            (summary.id_len_max, summary.odd_ids) = found.ids();
        }
        self.writer.page(section::GRAMS, &grams, Codec::Zstd)?;
        Ok(())
    }

    fn columns(&mut self, open: &mut Open) -> Result<Vec<ColumnHeader>> {
        for skeleton in &open.skeletons {
            self.gather.text(&skeleton.text);
        }
        let mut headers = Vec::with_capacity(open.columns.len());
        let columns = std::mem::take(&mut open.columns);
        let all_bytes: usize = columns.iter().map(|(_, texts)| texts.byte_len()).sum();
        let (rows, mut bytes, mut told) = (open.times.len() as u64, 0, 0);
        let level = if self.writer.temperature() == Temperature::Young {
            1
        } else {
            3
        };
        for (n, (name, texts)) in columns.into_iter().enumerate() {
            let times = open.times_of(n as u32, texts.len());
            let encoded = encode(&texts, &times, self.effort, &mut self.gather);
            let form = Form::of(&encoded.bytes);
            let place = match encoded.bytes.len() <= INLINE_MAX {
                true => ColumnPlace::Inline(encoded.bytes),
                false => ColumnPlace::Page(self.writer.page_at(section::COLUMNS, &encoded.bytes, level)?),
            };
            headers.push(ColumnHeader {
                name,
                rows: texts.len() as u32,
                range: encoded.range,
                form,
                place,
            });
            bytes += texts.byte_len() as u64;
            let done = rows * bytes / all_bytes.max(1) as u64;
            self.writer.half_done(done - told);
            told = done;
            self.open.spare.push(texts.cleared());
        }
        self.writer.half_done(rows - told);
        // The first column takes what was last put in.
        self.open.spare.reverse();
        Ok(headers)
    }

    /// Ends the block.
    pub(in crate::logs) fn finish(mut self) -> Result<Written> {
        self.close()?;
        if self.streams.last().is_some_and(|(_, extent)| extent.rows == 0) {
            self.streams.pop();
        }
        self.writer
            .section(section::STREAMS, &put_streams(&self.streams))?;
        let mut out = Vec::new();
        put_uvarint(&mut out, self.groups.len() as u64);
        for group in &self.groups {
            put_uvarint(&mut out, group.rows.into());
            put_uvarint(&mut out, group.line_bytes);
            put_uvarint(&mut out, group.streams.0.into());
            put_uvarint(&mut out, group.streams.1.into());
            put_svarint(&mut out, group.times.0);
            put_svarint(&mut out, group.times.1);
            put_uvarint(&mut out, group.id_len_max.into());
            out.push(group.odd_ids.into());
        }
        self.writer.section(section::GROUPS, &out)?;
        ids::write(self.ids, self.effort, self.writer)?;
        Ok(Written {
            min_time: self.groups.iter().map(|g| g.times.0).min().unwrap_or(0),
            max_time: self.groups.iter().map(|g| g.times.1).max().unwrap_or(0),
            rows: self.groups.iter().map(|g| u64::from(g.rows)).sum(),
            groups: self.streams.len() as u64,
        })
    }
}

impl Open {
    /// Takes a line apart and returns the number of its skeleton.
    fn line(&mut self, line: &[u8], scanned: &mut Scanned) -> u32 {
        let number = self.guessed(line, scanned).unwrap_or_else(|| {
            let kind = scanned.scan(line);
            self.skeleton(kind, scanned).unwrap_or_else(|| {
                scanned.whole(line);
                self.skeleton(LineKind::Text, scanned)
                    .expect("there is always room for text")
            })
        });
        if let Some((_, next)) = self.courses.get_mut(self.last_skeleton as usize) {
            *next = number;
        }
        self.last_skeleton = number;
        for (column, (from, to)) in self.skeletons[number as usize].columns.iter().zip(&scanned.slots) {
            self.columns[*column as usize]
                .1
                .push(&line[*from as usize..*to as usize]);
        }
        number
    }

    /// The number of the skeleton that a line has after the one of the line before it, or of that one.
    fn guessed(&self, line: &[u8], scanned: &mut Scanned) -> Option<u32> {
        let (_, next) = *self.courses.get(self.last_skeleton as usize).as_ref()?;
        let has = |number: &u32| {
            let course = self.courses[*number as usize].0.as_ref();
            course.is_some_and(|course| course.follow(line, &mut scanned.slots))
        };
        [*next, self.last_skeleton].into_iter().find(has)
    }

    /// The number of a skeleton; none when there are too many.
    fn skeleton(&mut self, kind: LineKind, scanned: &Scanned) -> Option<u32> {
        self.key.clear();
        self.key.push(kind as u8);
        self.key.extend_from_slice(&scanned.skeleton);
        if let Some(n) = self.skeleton_numbers.get(self.key.as_slice()) {
            return Some(*n);
        }
        let is_full = self.skeletons.len() >= SKELETONS_MAX || self.columns.len() >= COLUMNS_MAX;
        if is_full && kind != LineKind::Text {
            return None;
        }
        let names = slot_names(kind, &scanned.skeleton).filter(|names| names.len() == scanned.slots.len())?;
        let mut seen: HashMap<SlotName, u32> = HashMap::new();
        let mut columns = Vec::with_capacity(names.len());
        for name in names {
            let occurrence = seen.entry(name.clone()).and_modify(|n| *n += 1).or_insert(0);
            columns.push(self.column(ColumnName::Slot(name, *occurrence)));
        }
        let n = self.skeletons.len() as u32;
        self.skeletons.push(Skeleton {
            kind,
            text: scanned.skeleton.as_slice().into(),
            columns,
        });
        self.courses.push((Course::of(kind, &scanned.skeleton), n));
        self.skeleton_numbers.insert(self.key.as_slice().into(), n);
        Some(n)
    }

    fn column(&mut self, name: ColumnName) -> u32 {
        let (columns, next) = (&mut self.columns, self.column_numbers.len() as u32);
        let spare = &mut self.spare;
        *self.column_numbers.entry(name).or_insert_with_key(|name| {
            columns.push((name.clone(), spare.pop().unwrap_or_default()));
            next
        })
    }

    /// Takes metadata and returns its bytes.
    fn metadata<'p>(&mut self, pairs: impl Iterator<Item = (&'p [u8], &'p [u8])>) -> usize {
        let mut metadata = std::mem::take(&mut self.metadata);
        let mut bytes = 0;
        metadata.clear();
        for (name, value) in pairs {
            // Columns of metadata come in much the same order in each entry.
            let guess = metadata.last().map_or(0, |last| *last as usize + 1);
            let is_it =
                |n: &usize| matches!(&self.columns[*n].0, ColumnName::Metadata(of) if of.as_bytes() == name);
            let column = match Some(guess).filter(|n| *n < self.columns.len()).filter(is_it) {
                Some(n) => n as u32,
                None => self.column(ColumnName::Metadata(String::from_utf8_lossy(name).into_owned())),
            };
            self.columns[column as usize].1.push(value);
            metadata.push(column);
            bytes += name.len() + value.len();
        }
        self.metadata = metadata;
        bytes
    }

    fn end_row(&mut self, stream: u32, time: i64, skeleton: u32, kept: bool) {
        let row = self.times.len() as u32;
        self.times.push(time);
        match self.runs.last_mut().filter(|run| run.stream == stream) {
            Some(run) => {
                run.rows += 1;
                run.max_time = time;
            }
            None => self.runs.push(StreamRun {
                stream,
                first: row,
                rows: 1,
                min_time: time,
                max_time: time,
            }),
        }
        let last = self.shape_of.last().map(|n| *n as usize);
        let same = |shape: &Shape| {
            shape.skeleton == skeleton && shape.kept == kept && shape.metadata == self.metadata
        };
        let number = match last.filter(|n| same(&self.shapes[*n])) {
            Some(n) => n as u32,
            None => self.shape(skeleton, kept),
        };
        self.shapes[number as usize].rows += 1;
        self.shape_of.push(number);
    }

    fn shape(&mut self, skeleton: u32, kept: bool) -> u32 {
        let key = (skeleton, self.metadata.clone(), kept);
        let next = self.shapes.len() as u32;
        let shapes = &mut self.shapes;
        *self
            .shape_numbers
            .entry(key)
            .or_insert_with_key(|(_, metadata, _)| {
                shapes.push(Shape {
                    skeleton,
                    metadata: metadata.clone(),
                    kept,
                    rows: 0,
                });
                next
            })
    }

    /// Times of the entries that have a column.
    fn times_of(&self, column: u32, count: usize) -> Vec<i64> {
        let has = |shape: &Shape| {
            let slots = &self.skeletons[shape.skeleton as usize].columns;
            slots.contains(&column) || shape.metadata.contains(&column)
        };
        let has: Vec<bool> = self.shapes.iter().map(has).collect();
        let mut times = Vec::with_capacity(count);
        let rows = self.shape_of.iter().zip(&self.times);
        times.extend(
            rows.filter(|(shape, _)| has[**shape as usize])
                .map(|(_, time)| *time),
        );
        times
    }
}

fn put_streams(streams: &[(Labels, StreamExtent)]) -> Vec<u8> {
    let mut texts: HashMap<&str, u64> = HashMap::new();
    let (mut table, mut out) = (Vec::new(), Vec::new());
    put_uvarint(&mut out, streams.len() as u64);
    for (labels, extent) in streams {
        put_uvarint(&mut out, labels.len() as u64);
        for text in labels.iter().flat_map(|(name, value)| [name, value]) {
            let next = texts.len() as u64;
            let n = *texts.entry(text).or_insert(next);
            if n == next {
                put_bytes(&mut table, text.as_bytes());
            }
            put_uvarint(&mut out, n);
        }
        put_uvarint(&mut out, extent.rows);
        put_uvarint(&mut out, extent.bytes);
        put_svarint(&mut out, extent.min_time);
        put_svarint(&mut out, extent.max_time);
    }
    let mut all = Vec::with_capacity(table.len() + out.len() + 8);
    put_uvarint(&mut all, texts.len() as u64);
    all.append(&mut table);
    all.append(&mut out);
    all
}
