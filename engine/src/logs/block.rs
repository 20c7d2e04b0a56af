//! A block of entries: streams by their labels, and groups of entries in order of stream, time and arrival. In a group every
//! slot of the lines and every name of metadata is a column. Byte layout in FORMAT.md, "Logs block".

pub mod contains;
pub(super) mod group;
pub mod header;
pub(super) mod ids;
pub(super) mod search;
pub mod tally;
mod weave;
pub(super) mod writer;

use std::sync::OnceLock;

use roaring::RoaringBitmap;

use super::grams::TextFilter;
use super::labels::{StreamExtent, StreamIndex};
use super::needle::Needle;
use crate::block::BlockFile;
use crate::coding::{Malformed, Reader};
use crate::error::Result;
use crate::labels::Labels;

/// Kinds of sections.
pub(super) mod section {
    /// Labels and extents of the streams.
    pub(in crate::logs) const STREAMS: u16 = 200;
    /// What is known of each group without opening it.
    pub(in crate::logs) const GROUPS: u16 = 201;
    /// Headers of the groups.
    pub(in crate::logs) const HEADERS: u16 = 202;
    /// Columns.
    pub(in crate::logs) const COLUMNS: u16 = 203;
    /// Text filters of the groups.
    pub(in crate::logs) const GRAMS: u16 = 204;
    /// Hashes of ids and the groups that have them.
    pub(in crate::logs) const IDS: u16 = 205;
    /// First hash of each page of ids.
    pub(in crate::logs) const ID_FENCES: u16 = 206;
}

/// A group without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GroupSummary {
    /// Entries.
    pub(super) rows: u32,
    /// Bytes of their lines.
    pub(super) line_bytes: u64,
    /// First and last stream.
    pub(super) streams: (u32, u32),
    /// Earliest and latest time.
    pub(super) times: (i64, i64),
    /// Length of the longest id.
    pub(super) id_len_max: u32,
    /// Something that is not an id by itself may have one in it.
    pub(super) odd_ids: bool,
}

/// What an open block keeps in memory.
#[derive(Debug)]
pub struct BlockIndex {
    pub(super) groups: Vec<GroupSummary>,
    streams: OnceLock<BlockStreams>,
    pub(super) ids: ids::IdFences,
}

/// The streams of a block.
#[derive(Debug, Default)]
pub(super) struct BlockStreams {
    /// In order of labels.
    pub(super) index: StreamIndex,
    pub(super) extents: Vec<StreamExtent>,
}

impl BlockIndex {
    /// Reads what stays in memory.
    pub(super) fn open(file: &BlockFile) -> Result<BlockIndex> {
        let bytes = file.section(section::GROUPS)?;
        let groups = read_groups(&bytes).map_err(|Malformed(what)| file.corrupt(0, what))?;
        let rows: u64 = groups.iter().map(|g| u64::from(g.rows)).sum();
        if rows != file.meta().rows {
            return Err(file.corrupt(0, "entries of the groups"));
        }
        Ok(BlockIndex {
            groups,
            streams: OnceLock::new(),
            ids: ids::IdFences::open(file)?,
        })
    }

    /// The streams, read when they are first asked for.
    pub(super) fn streams(&self, file: &BlockFile) -> Result<&BlockStreams> {
        if let Some(streams) = self.streams.get() {
            return Ok(streams);
        }
        let bytes = file.section(section::STREAMS)?;
        let streams = read_streams(&bytes).map_err(|Malformed(what)| file.corrupt(0, what))?;
        Ok(self.streams.get_or_init(|| streams))
    }

    /// The groups where an id of so many characters may be a part of something longer.
    pub(super) fn longer_ids(&self, len: usize) -> RoaringBitmap {
        let groups = self.groups.iter().enumerate();
        let longer = groups.filter(|(_, g)| g.odd_ids || g.id_len_max as usize > len);
        longer.map(|(n, _)| n as u32).collect()
    }

    /// False when the text filter of a group says that no entry of it passes.
    pub(super) fn may_hold(&self, file: &BlockFile, group: usize, needles: &[Needle]) -> Result<bool> {
        if needles.is_empty() {
            return Ok(true);
        }
        let bytes = file.page(section::GRAMS, group as u32)?;
        let filter = TextFilter::read(&bytes).map_err(|Malformed(what)| file.corrupt(group as u64, what))?;
        let holds = |text: &String| filter.may_hold(text.as_bytes());
        Ok(needles.iter().all(|needle| needle.any.iter().any(holds)))
    }
}

fn read_groups(bytes: &[u8]) -> std::result::Result<Vec<GroupSummary>, Malformed> {
    let mut r = Reader::new(bytes);
    (0..r.count(8)?)
        .map(|_| {
            Ok(GroupSummary {
                rows: r.uvarint32()?,
                line_bytes: r.uvarint()?,
                streams: (r.uvarint32()?, r.uvarint32()?),
                times: (r.svarint()?, r.svarint()?),
                id_len_max: r.uvarint32()?,
                odd_ids: r.u8()? != 0,
            })
        })
        .collect()
}

fn read_streams(bytes: &[u8]) -> std::result::Result<BlockStreams, Malformed> {
    let mut r = Reader::new(bytes);
    let texts: Vec<&str> = (0..r.count(1)?)
        .map(|_| r.str())
        .collect::<std::result::Result<_, _>>()?;
    let text = |n: u64| {
        texts
            .get(n as usize)
            .copied()
            .ok_or(Malformed("number of a label's text"))
    };
    let mut streams = BlockStreams::default();
    for n in 0..r.count(5)? {
        let mut pairs = Vec::new();
        for _ in 0..r.count(2)? {
            pairs.push((text(r.uvarint()?)?, text(r.uvarint()?)?));
        }
        let ascends = pairs.windows(2).all(|w| w[0].0 < w[1].0) && pairs.iter().all(|(_, v)| !v.is_empty());
        if !ascends {
            return Err(Malformed("labels of a stream"));
        }
        if streams.index.number(&Labels::from_sorted(pairs)) as usize != n {
            return Err(Malformed("stream told twice"));
        }
        streams.extents.push(StreamExtent {
            rows: r.uvarint()?,
            bytes: r.uvarint()?,
            min_time: r.svarint()?,
            max_time: r.svarint()?,
        });
    }
    Ok(streams)
}
