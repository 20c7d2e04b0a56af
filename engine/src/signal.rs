//! What a signal brings to the life all signals share: its records, its head, its blocks. Only the write side: the
//! questions a signal answers are its own methods on [`crate::store::Snapshot`].

use crate::block::writer::Written;
use crate::block::{BlockFile, BlockWriter};
use crate::coding::Malformed;
use crate::error::Result;
use crate::tombstone::Tombstone;

/// A kind of data with its own representation.
pub trait Signal: Sized + Send + Sync + 'static {
    /// Number of the signal in log records. Never reused.
    const ID: u8;
    /// Name of its directory within a tenant.
    const NAME: &'static str;
    /// How many units of its time make a millisecond: 1 or 1,000,000.
    const UNITS_PER_MS: i64;

    /// What a caller wants stored.
    type Input<'a>;
    /// The same, resolved against a head: what the log keeps.
    type Record: Send;
    /// What becomes of a record.
    type Applied: Send + 'static;
    /// Applied records that are in no block yet. A pure function of the records applied, in their order.
    type Head: Send + Sync;
    /// What an open block keeps in memory besides its file.
    type Index: Send + Sync;

    /// A head without records, which follows `previous` in the same process if there was one.
    fn new_head(previous: Option<&Self::Head>) -> Self::Head;
    /// Resolves an input against the head it will be applied to.
    fn resolve(head: &Self::Head, input: Self::Input<'_>) -> Result<Self::Record>;
    /// The record as the log keeps it.
    fn encode(record: &Self::Record) -> Vec<u8>;
    /// Reads a record of the log.
    fn decode(bytes: &[u8]) -> Result<Self::Record, Malformed>;
    /// Applies a durable record.
    fn apply(head: &Self::Head, record: Self::Record) -> Self::Applied;
    /// How much the head holds.
    fn head_size(head: &Self::Head) -> HeadSize;
    /// Number of rows in the head, without the cost of the full size.
    fn head_rows(head: &Self::Head) -> u64 {
        Self::head_size(head).rows
    }
    /// The UTC days the head's rows fall in, ascending.
    fn days(head: &Self::Head) -> Vec<i64>;
    /// Writes the rows of one day. The head gets no more records by then.
    fn flush(head: &Self::Head, day: i64, writer: &mut BlockWriter) -> Result<Written>;
    /// Prepares an opened block for reading.
    fn open(file: &BlockFile) -> Result<Self::Index>;
    /// Writes the rows of several blocks of one day, given in ascending order of their places in the log, without those
    /// that each block's tombstones hide.
    fn merge(inputs: &[MergeInput<'_, Self>], writer: &mut BlockWriter) -> Result<Written>;

    /// The UTC day of a time in the signal's unit, counted from 1970-01-01.
    fn day_of(time: i64) -> i64 {
        time.div_euclid(Self::units_per_day())
    }

    /// Units of time in a day.
    fn units_per_day() -> i64 {
        86_400_000 * Self::UNITS_PER_MS
    }
}

/// A block to be merged.
pub struct MergeInput<'b, S: Signal> {
    /// Its file.
    pub file: &'b BlockFile,
    /// What the signal keeps of it in memory.
    pub index: &'b S::Index,
    /// The tombstones that may hide rows of it, by number.
    pub tombstones: Vec<&'b Tombstone>,
}

/// How much a head holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeadSize {
    /// Samples, spans or entries.
    pub rows: u64,
    /// Series, traces or streams.
    pub groups: u64,
    /// Estimate of the memory in bytes.
    pub bytes: u64,
}
