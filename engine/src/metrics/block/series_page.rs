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

fn get_deltas(r: &mut Reader<'_>, count: usize) -> Result<Vec<u32>, Malformed> {
    let mut last = 0i64;
    (0..count)
        .map(|_| {
            last = last.wrapping_add(r.svarint()?);
            u32::try_from(last).map_err(|_| Malformed("number of a column over 32 bits"))
        })
        .collect()
}

/// Decodes a page; `directory` is that of the timestamp columns.
pub(super) fn decode(bytes: &[u8], directory: &[u8]) -> Result<Vec<SeriesEntry>, Malformed> {
    let mut r = Reader::new(bytes);
    let count = r.count(1)?;
    let mut series = decode_labels(&mut r, count)?;
    let counts: Vec<usize> = (0..count).map(|_| r.count(1)).collect::<Result<_, _>>()?;
    let total = counts.iter().try_fold(0usize, |sum, n| sum.checked_add(*n));
    let total = total.ok_or(Malformed("number of chunks"))?;
    let flags = r.take(total)?.to_vec();
    let times = get_deltas(&mut r, total)?;
    let pages = get_deltas(&mut r, total)?;
    let offsets = get_deltas(&mut r, total)?;
    let with_starts = flags.iter().filter(|f| **f & STARTS != 0).count();
    let start_pages = get_deltas(&mut r, with_starts)?;
    let start_offsets = get_deltas(&mut r, with_starts)?;
    let mut starts = start_pages.into_iter().zip(start_offsets);
    let mut at = 0;
    for (entry, count) in series.iter_mut().zip(counts) {
        entry.chunks.reserve_exact(count);
        for i in at..at + count {
            let flags = flags[i];
            let times = times::entry(directory, times[i])?;
            if times.count == 0 || times.count as usize > SAMPLES_MAX {
                return Err(Malformed("sample count of a chunk"));
            }
            let (page, offset) = (pages[i], offsets[i]);
            entry.chunks.push(ChunkRef {
                count: times.count,
                first_time: times.first,
                last_time: times.last,
                times: (times.page, times.offset),
                values: match flags & HISTOGRAMS {
                    0 => Values::Group { page, index: offset },
                    _ => Values::Histograms { page, offset },
                },
                starts: if flags & STARTS != 0 { starts.next() } else { None },
                delta: flags & DELTA != 0,
            });
        }
        at += count;
    }
    Ok(series)
}

fn decode_labels(r: &mut Reader<'_>, count: usize) -> Result<Vec<SeriesEntry>, Malformed> {
    let lists = r.count(1)?;
    let mut names = Vec::with_capacity(lists);
    for _ in 0..lists {
        let len = r.count(1)?;
        names.push(get_deltas(r, len)?);
    }
    let mut list_of = Vec::with_capacity(count);
    for _ in 0..count {
        let list = r.uvarint()? as usize;
        if list >= names.len() {
            return Err(Malformed("no such list of label names"));
        }
        list_of.push(list);
    }
    let mut series: Vec<SeriesEntry> = list_of
        .iter()
        .map(|list| SeriesEntry {
            pairs: names[*list].iter().map(|name| [*name, 0]).collect(),
            ..SeriesEntry::default()
        })
        .collect();
    for (i, list) in names.iter().enumerate() {
        let members = list_of.iter().filter(|l| **l == i).count();
        for position in 0..list.len() {
            let values = get_deltas(r, members)?;
            let with_list = series.iter_mut().zip(&list_of).filter(|(_, l)| **l == i);
            for ((entry, _), value) in with_list.zip(values) {
                entry.pairs[position][1] = value;
            }
        }
    }
    Ok(series)
}
