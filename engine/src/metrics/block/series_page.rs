//! A page of series by columns: neighbours share their label names and most values, and the places of their chunks follow
//! each other, so that each column is nearly constant.

use super::chunk::{ChunkRef, SAMPLES_MAX, Values};
use super::index::SeriesEntry;
use super::times;
use crate::coding::{Malformed, Reader, put_svarint, put_uvarint};

/// A chunk as the page names it: its timestamp column by number.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChunkPlace {
    pub(super) times: u32,
    pub(super) values: Values,
    pub(super) starts: Option<(u32, u32)>,
    pub(super) delta: bool,
}

/// A series of the page being filled.
#[derive(Debug, Default)]
pub(super) struct PageSeries {
    pub(super) pairs: Vec<[u32; 2]>,
    pub(super) chunks: Vec<ChunkPlace>,
}

const HISTOGRAMS: u8 = 1;
const STARTS: u8 = 2;
const DELTA: u8 = 4;

impl ChunkPlace {
    fn flags(&self) -> u8 {
        let histograms = matches!(self.values, Values::Histograms { .. });
        let of = |set: bool, flag: u8| if set { flag } else { 0 };
        of(histograms, HISTOGRAMS) | of(self.starts.is_some(), STARTS) | of(self.delta, DELTA)
    }

    fn place(&self) -> [u32; 2] {
        match self.values {
            Values::Group { page, index } => [page, index],
            Values::Histograms { page, offset } | Values::V1 { page, offset } => [page, offset],
        }
    }
}

/// Encodes a page.
pub(super) fn encode(series: &[PageSeries]) -> Vec<u8> {
    let mut out = Vec::new();
    put_uvarint(&mut out, series.len() as u64);
    encode_labels(series, &mut out);
    series
        .iter()
        .for_each(|s| put_uvarint(&mut out, s.chunks.len() as u64));
    let chunks: Vec<&ChunkPlace> = series.iter().flat_map(|s| &s.chunks).collect();
    out.extend(chunks.iter().map(|c| c.flags()));
    put_deltas(chunks.iter().map(|c| c.times), &mut out);
    put_deltas(chunks.iter().map(|c| c.place()[0]), &mut out);
    put_deltas(chunks.iter().map(|c| c.place()[1]), &mut out);
    let starts = || chunks.iter().filter_map(|c| c.starts);
    put_deltas(starts().map(|s| s.0), &mut out);
    put_deltas(starts().map(|s| s.1), &mut out);
    out
}

fn put_deltas(numbers: impl Iterator<Item = u32>, out: &mut Vec<u8>) {
    let mut last = 0i64;
    for n in numbers {
        put_svarint(out, i64::from(n) - last);
        last = n.into();
    }
}

fn encode_labels(series: &[PageSeries], out: &mut Vec<u8>) {
    let mut lists: Vec<Vec<u32>> = Vec::new();
    let mut list_of = Vec::with_capacity(series.len());
    for one in series {
        let names = || one.pairs.iter().map(|p| p[0]);
        // The newest list is the likeliest.
        let known = lists.iter().rposition(|list| list.iter().copied().eq(names()));
        list_of.push(known.unwrap_or_else(|| {
            lists.push(names().collect());
            lists.len() - 1
        }));
    }
    put_uvarint(out, lists.len() as u64);
    for list in &lists {
        put_uvarint(out, list.len() as u64);
        put_deltas(list.iter().copied(), out);
    }
    list_of.iter().for_each(|i| put_uvarint(out, *i as u64));
    for (i, list) in lists.iter().enumerate() {
        for position in 0..list.len() {
            let with_list = series.iter().zip(&list_of).filter(|(_, l)| **l == i);
            put_deltas(with_list.map(|(s, _)| s.pairs[position][1]), out);
        }
    }
}

/// Reads a column in place of another.
fn get_deltas(r: &mut Reader<'_>, count: usize, out: &mut Vec<u32>) -> Result<(), Malformed> {
    out.clear();
    let mut last = 0i64;
    for _ in 0..count {
        last = last.wrapping_add(r.svarint()?);
        out.push(u32::try_from(last).map_err(|_| Malformed("number of a column over 32 bits"))?);
    }
    Ok(())
}

/// The series of a page in columns.
#[derive(Debug, Default)]
pub struct SeriesPage {
    /// Symbols of label names and values, one series after the other.
    pairs: Vec<[u32; 2]>,
    /// Ends of the series in `pairs`.
    pair_ends: Vec<u32>,
    chunks: Vec<ChunkRef>,
    /// Ends of the series in `chunks`.
    chunk_ends: Vec<u32>,
    scratch: Scratch,
}

/// Columns on their way into chunks.
#[derive(Debug, Default)]
struct Scratch {
    times: Vec<u32>,
    pages: Vec<u32>,
    offsets: Vec<u32>,
    /// Where the pairs of each series begin, by its list of names.
    members: Vec<Vec<u32>>,
    names: Vec<Vec<u32>>,
}

fn slice_of<'a, T>(all: &'a [T], ends: &[u32], i: usize) -> Option<&'a [T]> {
    let end = *ends.get(i)? as usize;
    let start = if i == 0 { 0 } else { ends[i - 1] as usize };
    all.get(start..end)
}

impl SeriesPage {
    /// Number of series.
    pub fn count(&self) -> usize {
        self.pair_ends.len()
    }

    /// Symbols of the labels of a series, sorted by name.
    pub fn pairs(&self, i: usize) -> Option<&[[u32; 2]]> {
        slice_of(&self.pairs, &self.pair_ends, i)
    }

    /// The chunks of a series, ascending.
    pub fn chunks(&self, i: usize) -> Option<&[ChunkRef]> {
        slice_of(&self.chunks, &self.chunk_ends, i)
    }

    pub(super) fn clear(&mut self) {
        self.pairs.clear();
        self.pair_ends.clear();
        self.chunks.clear();
        self.chunk_ends.clear();
    }

    /// Adds a series.
    pub(super) fn push(&mut self, entry: &SeriesEntry) {
        self.pairs.extend_from_slice(&entry.pairs);
        self.pair_ends.push(self.pairs.len() as u32);
        self.chunks.extend_from_slice(&entry.chunks);
        self.chunk_ends.push(self.chunks.len() as u32);
    }
}

/// Decodes a page in place of another; `directory` is that of the timestamp columns.
pub(super) fn decode(bytes: &[u8], directory: &[u8], page: &mut SeriesPage) -> Result<(), Malformed> {
    page.clear();
    let mut r = Reader::new(bytes);
    let count = r.count(1)?;
    decode_labels(&mut r, count, page)?;
    let mut total = 0usize;
    for _ in 0..count {
        total = total
            .checked_add(r.count(1)?)
            .filter(|n| *n <= bytes.len())
            .ok_or(Malformed("number of chunks"))?;
        page.chunk_ends.push(total as u32);
    }
    decode_chunks(&mut r, total, directory, page)
}

fn decode_chunks(
    r: &mut Reader<'_>,
    total: usize,
    directory: &[u8],
    page: &mut SeriesPage,
) -> Result<(), Malformed> {
    let SeriesPage { chunks, scratch, .. } = page;
    let flags = r.take(total)?;
    get_deltas(r, total, &mut scratch.times)?;
    get_deltas(r, total, &mut scratch.pages)?;
    get_deltas(r, total, &mut scratch.offsets)?;
    let with_starts = flags.iter().filter(|f| **f & STARTS != 0).count();
    let (mut start_pages, mut start_offsets) = (Vec::new(), Vec::new());
    get_deltas(r, with_starts, &mut start_pages)?;
    get_deltas(r, with_starts, &mut start_offsets)?;
    let mut starts = start_pages.into_iter().zip(start_offsets);
    for (i, flags) in flags.iter().enumerate() {
        let column = scratch.times[i];
        let times = times::entry(directory, column)?;
        if times.count == 0 || times.count as usize > SAMPLES_MAX {
            return Err(Malformed("sample count of a chunk"));
        }
        let (page, offset) = (scratch.pages[i], scratch.offsets[i]);
        chunks.push(ChunkRef {
            count: times.count,
            first_time: times.first,
            last_time: times.last,
            times: (times.page, times.offset),
            column: Some(column),
            values: match flags & HISTOGRAMS {
                0 => Values::Group { page, index: offset },
                _ => Values::Histograms { page, offset },
            },
            starts: if flags & STARTS != 0 { starts.next() } else { None },
            delta: flags & DELTA != 0,
        });
    }
    Ok(())
}

fn decode_labels(r: &mut Reader<'_>, count: usize, page: &mut SeriesPage) -> Result<(), Malformed> {
    let SeriesPage {
        pairs,
        pair_ends,
        scratch,
        ..
    } = page;
    let lists = r.count(1)?;
    scratch
        .names
        .resize_with(scratch.names.len().max(lists), Vec::new);
    scratch
        .members
        .resize_with(scratch.members.len().max(lists), Vec::new);
    for (names, members) in scratch.names.iter_mut().zip(&mut scratch.members).take(lists) {
        let len = r.count(1)?;
        get_deltas(r, len, names)?;
        members.clear();
    }
    for _ in 0..count {
        let list = r.uvarint()? as usize;
        if list >= lists {
            return Err(Malformed("no such list of label names"));
        }
        let names = &scratch.names[list];
        scratch.members[list].push(pairs.len() as u32);
        if pairs.len() + names.len() > r.remaining() {
            return Err(Malformed("more labels than bytes"));
        }
        pairs.extend(names.iter().map(|name| [*name, 0]));
        pair_ends.push(pairs.len() as u32);
    }
    for (list, members) in scratch.names.iter().zip(&scratch.members).take(lists) {
        for position in 0..list.len() {
            let mut last = 0i64;
            for start in members {
                last = last.wrapping_add(r.svarint()?);
                let value = u32::try_from(last);
                pairs[*start as usize + position][1] =
                    value.map_err(|_| Malformed("number of a column over 32 bits"))?;
            }
        }
    }
    Ok(())
}
