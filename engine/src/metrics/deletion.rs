//! Deletions of series: which samples of a block the tombstones hide.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::block::index::BlockReader;
use super::block::{ChunkRef, SeriesRows, read_rows};
use super::matcher::{MatchOp, Matcher};
use super::postings;
use crate::coding::{Malformed, Reader, put_bytes, put_uvarint};
use crate::error::{Error, Result};
use crate::tombstone::Tombstone;

/// Matchers as a tombstone keeps them.
pub fn encode_matchers(matchers: &[Matcher]) -> Vec<u8> {
    let mut out = Vec::new();
    put_uvarint(&mut out, matchers.len() as u64);
    for matcher in matchers {
        out.push(matcher.op() as u8);
        put_bytes(&mut out, matcher.name().as_bytes());
        put_bytes(&mut out, matcher.value().as_bytes());
    }
    out
}

/// Reads what [`encode_matchers`] wrote.
///
/// # Errors
/// [`Error::Corrupt`] naming the manifest.
pub fn decode_matchers(bytes: &[u8]) -> Result<Vec<Matcher>> {
    let decoded: std::result::Result<Vec<(MatchOp, String, String)>, Malformed> = (|| {
        let mut r = Reader::new(bytes);
        (0..r.count(3)?)
            .map(|_| {
                let op = match r.u8()? {
                    0 => MatchOp::Equal,
                    1 => MatchOp::NotEqual,
                    2 => MatchOp::Regex,
                    3 => MatchOp::NotRegex,
                    _ => return Err(Malformed("operator of a tombstone's matcher")),
                };
                Ok((op, r.str()?.to_owned(), r.str()?.to_owned()))
            })
            .collect()
    })();
    let parts = decoded.map_err(|Malformed(what)| Error::Corrupt {
        file: "manifest".into(),
        offset: 0,
        what,
    })?;
    parts
        .into_iter()
        .map(|(op, name, value)| Matcher::new(name, op, value))
        .collect()
}

/// What tombstones hide of one block.
#[derive(Debug, Default)]
pub struct Deleted {
    /// Numbers of the tombstones, ascending.
    tombstones: Vec<u64>,
    /// Series and the times deleted from them, both inclusive.
    parts: Vec<(RoaringBitmap, i64, i64)>,
    /// Series of which nothing is left.
    gone: RoaringBitmap,
}

impl Deleted {
    /// Looks up the series that the tombstones concern. `tombstones` are those of the block.
    pub fn find(reader: &BlockReader<'_>, tombstones: &[&Tombstone]) -> Result<Deleted> {
        let mut deleted = Deleted {
            tombstones: tombstones.iter().map(|t| t.id).collect(),
            ..Deleted::default()
        };
        let mut touched = RoaringBitmap::new();
        for tombstone in tombstones {
            let series = postings::select(reader, &decode_matchers(&tombstone.what)?)?;
            touched |= &series;
            if !series.is_empty() {
                deleted
                    .parts
                    .push((series, tombstone.min_time, tombstone.max_time));
            }
        }
        for (number, entry) in touched.iter().zip(reader.series(touched.iter())) {
            let times = deleted.times(number);
            if nothing_left(reader, &entry?.chunks, &times)? {
                deleted.gone.insert(number);
            }
        }
        Ok(deleted)
    }

    /// True when it is about these tombstones.
    pub fn is_of(&self, tombstones: &[&Tombstone]) -> bool {
        tombstones
            .iter()
            .map(|t| t.id)
            .eq(self.tombstones.iter().copied())
    }

    /// True when nothing is hidden.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Series of which nothing is left.
    pub fn gone(&self) -> &RoaringBitmap {
        &self.gone
    }

    /// The times deleted from a series, ascending and apart from each other.
    pub fn times(&self, series: u32) -> Times {
        let parts = self.parts.iter().filter(|(of, _, _)| of.contains(series));
        let mut times: Vec<(i64, i64)> = parts.map(|(_, min, max)| (*min, *max)).collect();
        times.sort_unstable();
        times.dedup_by(|later, earlier| {
            let touches = later.0 <= earlier.1.saturating_add(1);
            if touches {
                earlier.1 = earlier.1.max(later.1);
            }
            touches
        });
        Times(times)
    }
}

/// Times deleted from a series.
#[derive(Debug, Clone, Default)]
pub struct Times(Vec<(i64, i64)>);

/// How deleted times lie to a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// All of it stays.
    Nothing,
    /// All of it goes.
    Everything,
    /// It must be looked at.
    Some,
}

impl Times {
    /// True when nothing is deleted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when a time is deleted.
    pub fn contains(&self, time: i64) -> bool {
        let i = self.0.partition_point(|(min, _)| *min <= time);
        i > 0 && self.0[i - 1].1 >= time
    }

    /// How they lie to a run of samples.
    pub fn cut(&self, first: i64, last: i64) -> Cut {
        let mut over = self
            .0
            .iter()
            .filter(|(min, max)| *min <= last && *max >= first)
            .peekable();
        match over.peek() {
            None => Cut::Nothing,
            Some((min, max)) if *min <= first && *max >= last => Cut::Everything,
            _ => Cut::Some,
        }
    }
}

/// Reads what deletions left of a chunk.
pub(super) fn read_left(
    reader_file: &crate::block::BlockFile,
    chunk: &ChunkRef,
    times: &Times,
) -> Result<Arc<SeriesRows>> {
    let mut rows = SeriesRows::default();
    read_rows(reader_file, chunk, &mut rows)?;
    rows.retain(|time| !times.contains(time));
    Ok(Arc::new(rows))
}

fn nothing_left(reader: &BlockReader<'_>, chunks: &[ChunkRef], times: &Times) -> Result<bool> {
    for chunk in chunks {
        match times.cut(chunk.first_time, chunk.last_time) {
            Cut::Nothing => return Ok(false),
            Cut::Everything => {}
            Cut::Some if read_left(reader.file(), chunk, times)?.is_empty() => {}
            Cut::Some => return Ok(false),
        }
    }
    let meta = reader.file().meta();
    Ok(!chunks.is_empty() || times.cut(meta.min_time, meta.max_time) == Cut::Everything)
}
