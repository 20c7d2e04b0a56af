//! What the manifest and the footer both know about a block.

use crate::coding::{Malformed, Reader, put_svarint, put_uvarint};
use crate::log::Seq;

/// How often the rows of a block were merged: 0 for a flushed head.
pub type Level = u8;

/// Identity and extent of a block. Times are in the signal's unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockMeta {
    /// Number of the block in its store, never reused.
    pub id: u64,
    /// How often its rows were merged.
    pub level: Level,
    /// UTC day of all its rows, counted from 1970-01-01.
    pub day: i64,
    /// Time of its first row.
    pub min_time: i64,
    /// Time of its last row.
    pub max_time: i64,
    /// Place of the first log record it may hold.
    pub min_seq: Seq,
    /// Place of the last log record it may hold.
    pub max_seq: Seq,
    /// Samples, spans or entries.
    pub rows: u64,
    /// Series, traces or streams.
    pub groups: u64,
    /// Length of the file.
    pub bytes: u64,
}

impl BlockMeta {
    /// Appends the encoded form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_uvarint(out, self.id);
        out.push(self.level);
        put_svarint(out, self.day);
        put_svarint(out, self.min_time);
        put_svarint(out, self.max_time);
        for n in [self.min_seq, self.max_seq, self.rows, self.groups, self.bytes] {
            put_uvarint(out, n);
        }
    }

    /// Reads the encoded form.
    pub fn decode(r: &mut Reader<'_>) -> Result<BlockMeta, Malformed> {
        Ok(BlockMeta {
            id: r.uvarint()?,
            level: r.u8()?,
            day: r.svarint()?,
            min_time: r.svarint()?,
            max_time: r.svarint()?,
            min_seq: r.uvarint()?,
            max_seq: r.uvarint()?,
            rows: r.uvarint()?,
            groups: r.uvarint()?,
            bytes: r.uvarint()?,
        })
    }

    /// True when it may hold rows between the two times, both inclusive.
    pub fn overlaps(&self, min_time: i64, max_time: i64) -> bool {
        self.min_time <= max_time && self.max_time >= min_time
    }
}
