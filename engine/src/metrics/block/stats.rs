//! Statistics of chunks: what a reader can know of a chunk's floats without decoding them.

use super::section;
use crate::block::BlockFile;
use crate::coding::{Malformed, Reader, put_uvarint};
use crate::error::Result;

/// Statistics of one chunk of floats.
#[derive(Debug, Clone, Copy)]
pub struct ChunkStats {
    /// Least value that is not NaN, NaN when there is none.
    pub min: f64,
    /// Greatest value that is not NaN, NaN when there is none.
    pub max: f64,
    /// Values that are NaN, staleness markers among them.
    pub nans: u32,
    /// Times a value is below the one before that is not NaN: resets, if the series is a counter.
    pub drops: u32,
}

impl ChunkStats {
    /// Looks through the values of a chunk.
    pub fn of(values: &[f64]) -> ChunkStats {
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut nans, mut drops) = (0, 0);
        let mut last = f64::NEG_INFINITY;
        for value in values {
            if value.is_nan() {
                nans += 1;
                continue;
            }
            min = min.min(*value);
            max = max.max(*value);
            drops += u32::from(*value < last);
            last = *value;
        }
        if nans as usize == values.len() {
            (min, max) = (f64::NAN, f64::NAN);
        }
        ChunkStats {
            min,
            max,
            nans,
            drops,
        }
    }
}

/// Encodes a page by columns; a greatest value that equals the least is not repeated.
pub(super) fn encode(stats: &[ChunkStats]) -> Vec<u8> {
    let mut out = Vec::with_capacity(stats.len() * 20);
    put_uvarint(&mut out, stats.len() as u64);
    stats.iter().for_each(|s| put_uvarint(&mut out, s.nans.into()));
    stats.iter().for_each(|s| put_uvarint(&mut out, s.drops.into()));
    let same = |s: &&ChunkStats| s.min.to_bits() == s.max.to_bits();
    out.extend(stats.iter().map(|s| u8::from(same(&s))));
    stats
        .iter()
        .for_each(|s| out.extend_from_slice(&s.min.to_bits().to_le_bytes()));
    for stats in stats.iter().filter(|s| !same(s)) {
        out.extend_from_slice(&stats.max.to_bits().to_le_bytes());
    }
    out
}

/// The statistics of the float chunks of a page of series, in their order; empty in blocks of version 1.
pub fn read(file: &BlockFile, page: u32) -> Result<Vec<ChunkStats>> {
    if !file.sections().iter().any(|s| s.kind == section::STATS) {
        return Ok(Vec::new());
    }
    let bytes = file.page(section::STATS, page)?;
    decode(&bytes).map_err(|Malformed(what)| file.corrupt(page.into(), what))
}

fn decode(bytes: &[u8]) -> std::result::Result<Vec<ChunkStats>, Malformed> {
    let mut r = Reader::new(bytes);
    let count = r.count(11)?;
    let column = |r: &mut Reader<'_>| {
        (0..count)
            .map(|_| r.uvarint32())
            .collect::<std::result::Result<Vec<_>, _>>()
    };
    let (nans, drops) = (column(&mut r)?, column(&mut r)?);
    let same = r.take(count)?;
    let mut stats = Vec::with_capacity(count);
    for (nans, drops) in nans.into_iter().zip(drops) {
        let min = f64::from_bits(r.u64()?);
        stats.push(ChunkStats {
            min,
            max: min,
            nans,
            drops,
        });
    }
    for (stats, _) in stats.iter_mut().zip(same).filter(|(_, same)| **same == 0) {
        stats.max = f64::from_bits(r.u64()?);
    }
    Ok(stats)
}
