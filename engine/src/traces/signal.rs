//! Traces as a signal: how its records, heads and blocks take part in the common life.

use std::sync::Arc;

use super::batch::{Applied, Batch};
use super::block::BlockIndex;
use super::head::TracesHead;
use super::{flush, merge};
use crate::block::writer::Written;
use crate::block::{BlockFile, BlockWriter};
use crate::coding::Malformed;
use crate::error::Result;
use crate::signal::{HeadSize, MergeInput, Signal};

/// The traces signal. Times are nanoseconds.
#[derive(Debug)]
pub struct Traces;

impl Signal for Traces {
    const ID: u8 = 2;
    const NAME: &'static str = "traces";
    const UNITS_PER_MS: i64 = 1_000_000;

    type Input<'a> = Arc<Batch>;
    type Record = Arc<Batch>;
    type Applied = Applied;
    type Head = TracesHead;
    type Index = BlockIndex;

    fn new_head(_: Option<&TracesHead>) -> TracesHead {
        TracesHead::default()
    }

    fn resolve(_: &TracesHead, batch: Arc<Batch>) -> Result<Arc<Batch>> {
        Ok(batch)
    }

    fn encode(batch: &Arc<Batch>) -> Vec<u8> {
        batch.encode()
    }

    fn decode(bytes: &[u8]) -> Result<Arc<Batch>, Malformed> {
        Batch::decode(bytes).map(Arc::new)
    }

    fn apply(head: &TracesHead, batch: Arc<Batch>) -> Applied {
        head.apply(&batch)
    }

    fn head_size(head: &TracesHead) -> HeadSize {
        head.size()
    }

    fn head_rows(head: &TracesHead) -> u64 {
        head.row_count()
    }

    fn days(head: &TracesHead) -> Vec<i64> {
        head.days()
    }

    fn flush(head: &TracesHead, day: i64, writer: &mut BlockWriter) -> Result<Written> {
        flush::flush_day(head, day, writer)
    }

    fn open(file: &BlockFile) -> Result<BlockIndex> {
        BlockIndex::open(file)
    }

    fn merge(inputs: &[MergeInput<'_, Traces>], writer: &mut BlockWriter) -> Result<Written> {
        merge::merge(inputs, writer)
    }
}
