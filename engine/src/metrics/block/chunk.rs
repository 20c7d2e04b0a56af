//! One run of samples of a series in a block: where its shared timestamp column and its values lie, and how to read them.

use super::{SeriesRows, section, starts, times, v1};
use crate::block::BlockFile;
use crate::coding::Malformed;
use crate::error::Result;
use crate::metrics::batch::HistogramWrite;
use crate::metrics::histogram::columns;
use crate::metrics::series::Samples;
use crate::metrics::values::Group;

/// Most samples in a chunk of a block.
pub const SAMPLES_MAX: usize = 1024;

/// Where a chunk lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkRef {
    /// Number of samples.
    pub count: u32,
    /// Time of the first.
    pub first_time: i64,
    /// Time of the last.
    pub last_time: i64,
    /// Page of the timestamp column and its first byte there.
    pub times: (u32, u32),
    /// Number of the column in its directory; none in blocks of version 1.
    pub column: Option<u32>,
    /// Where the values lie.
    pub values: Values,
    /// Page of the start timestamps and their first byte there.
    pub starts: Option<(u32, u32)>,
    /// The samples are deltas.
    pub delta: bool,
}

/// Where the values of a chunk lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// As version 1 wrote them.
    V1 {
        /// Page.
        page: u32,
        /// First byte in the page.
        offset: u32,
    },
    /// In a row group.
    Group {
        /// Page of the group.
        page: u32,
        /// Position in the group.
        index: u32,
    },
    /// They are native histograms.
    Histograms {
        /// Page.
        page: u32,
        /// First byte in the page.
        offset: u32,
    },
}

impl ChunkRef {
    /// True for native histograms.
    pub fn is_histograms(&self) -> bool {
        matches!(self.values, Values::Histograms { .. })
    }
}

/// Appends all float samples of a chunk to `out`.
///
/// # Errors
/// [`crate::Error::Corrupt`] naming the block, besides I/O errors.
pub fn read_chunk(file: &BlockFile, chunk: &ChunkRef, out: &mut Samples) -> Result<()> {
    let count = chunk.count as usize;
    if count == 0 || count > SAMPLES_MAX {
        return Err(file.corrupt(chunk.times.1.into(), "sample count of a chunk"));
    }
    times::read(file, chunk.times, chunk.count, &mut out.timestamps)?;
    let before = out.values.len();
    let decoded = match chunk.values {
        Values::V1 { page, offset } => {
            let page = file.page(section::VALUES_V1, page)?;
            page.get(offset as usize..)
                .ok_or(Malformed("values behind their page"))
                .and_then(|bytes| v1::values(bytes, count, &mut out.values))
        }
        Values::Group { page, index } => {
            let page = file.page(section::VALUES, page)?;
            Group::open(&page).and_then(|mut group| group.decode(index as usize, &mut out.values))
        }
        Values::Histograms { .. } => Err(Malformed("histograms where samples were expected")),
    };
    decoded.map_err(|Malformed(what)| file.corrupt(chunk.times.1.into(), what))?;
    if out.values.len() - before != count {
        return Err(file.corrupt(chunk.times.1.into(), "number of values in a group"));
    }
    Ok(())
}

/// Appends the timestamps of a chunk's samples to `out`.
///
/// # Errors
/// [`crate::Error::Corrupt`] naming the block, besides I/O errors.
pub fn read_times(file: &BlockFile, chunk: &ChunkRef, out: &mut Vec<i64>) -> Result<()> {
    let count = chunk.count as usize;
    if count == 0 || count > SAMPLES_MAX {
        return Err(file.corrupt(chunk.times.1.into(), "sample count of a chunk"));
    }
    times::read(file, chunk.times, chunk.count, out)
}

/// Appends the start timestamps of a chunk's samples to `out`, 0 where unset. `times` are the chunk's.
pub fn read_starts(file: &BlockFile, chunk: &ChunkRef, times: &[i64], out: &mut Vec<i64>) -> Result<()> {
    match chunk.starts {
        Some(place) => starts::read(file, place, times, out),
        None => {
            out.resize(out.len() + times.len(), 0);
            Ok(())
        }
    }
}

/// Appends everything a chunk holds to `rows`, which has nothing later yet.
pub fn read_rows(file: &BlockFile, chunk: &ChunkRef, rows: &mut SeriesRows) -> Result<()> {
    rows.delta = chunk.delta;
    if chunk.is_histograms() {
        return read_histograms(file, chunk, &mut rows.histograms);
    }
    let from = rows.floats.len();
    read_chunk(file, chunk, &mut rows.floats)?;
    if chunk.starts.is_some() || !rows.starts.is_empty() {
        rows.starts.resize(from, 0);
        read_starts(file, chunk, &rows.floats.timestamps[from..], &mut rows.starts)?;
    }
    Ok(())
}

/// Appends all native histograms of a chunk to `out`.
///
/// # Errors
/// [`crate::Error::Corrupt`] naming the block, besides I/O errors.
pub fn read_histograms(file: &BlockFile, chunk: &ChunkRef, out: &mut Vec<HistogramWrite>) -> Result<()> {
    let Values::Histograms { page, offset } = chunk.values else {
        return Ok(());
    };
    if chunk.count == 0 || chunk.count as usize > SAMPLES_MAX {
        return Err(file.corrupt(offset.into(), "histogram count of a chunk"));
    }
    let (mut times, mut starts) = (Vec::new(), Vec::new());
    times::read(file, chunk.times, chunk.count, &mut times)?;
    read_starts(file, chunk, &times, &mut starts)?;
    let page = file.page(section::HISTOGRAMS, page)?;
    let decoded = page
        .get(offset as usize..)
        .ok_or(Malformed("histograms behind their page"))
        .and_then(|bytes| columns::decode(bytes, times.len()));
    let histograms = decoded.map_err(|Malformed(what)| file.corrupt(offset.into(), what))?;
    let rows = times.into_iter().zip(starts).zip(histograms);
    out.extend(rows.map(|((time, start), histogram)| HistogramWrite {
        start,
        time,
        histogram,
    }));
    Ok(())
}
