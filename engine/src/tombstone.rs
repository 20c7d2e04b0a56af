//! Tombstones: what was deleted from blocks and not yet taken out of them. They live in the manifest, hide rows from every
//! reader at once, and are applied for good when a block is merged or cleaned.

use crate::block::BlockMeta;
use crate::coding::{Malformed, Reader, put_bytes, put_svarint, put_uvarint};
use crate::log::Seq;

/// One deletion. It concerns rows of records up to its place only: what is written later is not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// Number, unique in its store.
    pub id: u64,
    /// Last record it concerns. All of them were in blocks when it was made.
    pub seq: Seq,
    /// First time deleted, inclusive, in the signal's unit.
    pub min_time: i64,
    /// Last time deleted, inclusive.
    pub max_time: i64,
    /// Which rows, in the signal's own encoding.
    pub what: Vec<u8>,
}

impl Tombstone {
    /// True when a block may hold rows it deletes.
    pub fn concerns(&self, block: &BlockMeta) -> bool {
        block.max_seq <= self.seq && block.overlaps(self.min_time, self.max_time)
    }

    /// Appends the encoded form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_uvarint(out, self.id);
        put_uvarint(out, self.seq);
        put_svarint(out, self.min_time);
        put_svarint(out, self.max_time);
        put_bytes(out, &self.what);
    }

    /// Reads the encoded form.
    pub fn decode(r: &mut Reader<'_>) -> Result<Tombstone, Malformed> {
        Ok(Tombstone {
            id: r.uvarint()?,
            seq: r.uvarint()?,
            min_time: r.svarint()?,
            max_time: r.svarint()?,
            what: r.bytes()?.to_vec(),
        })
    }
}
