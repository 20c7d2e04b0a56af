//! Logs as a signal: how its records, heads and blocks take part in the common life.

use std::sync::Arc;

use super::batch::Batch;
use super::block::BlockIndex;
use super::head::{Applied, LogsHead};
use super::{flush, merge};
use crate::block::writer::Written;
use crate::block::{BlockFile, BlockWriter};
use crate::coding::Malformed;
use crate::error::Result;
use crate::signal::{HeadSize, MergeInput, Signal};

/// The logs signal. Times are nanoseconds.
#[derive(Debug)]
pub struct Logs;

impl Signal for Logs {
    const ID: u8 = 3;
    const NAME: &'static str = "logs";
    const UNITS_PER_MS: i64 = 1_000_000;

    type Input<'a> = Arc<Batch>;
    type Record = Arc<Batch>;
    type Applied = Applied;
    type Head = LogsHead;
    type Index = BlockIndex;

    fn new_head(previous: Option<&LogsHead>) -> LogsHead {
        LogsHead::after(previous)
    }

    fn resolve(_: &LogsHead, batch: Arc<Batch>) -> Result<Arc<Batch>> {
        Ok(batch)
    }

    fn encode(batch: &Arc<Batch>) -> Vec<u8> {
        batch.encode()
    }

    fn decode(bytes: &[u8]) -> Result<Arc<Batch>, Malformed> {
        Batch::decode(bytes.to_vec()).map(Arc::new)
    }

    fn apply(head: &LogsHead, batch: Arc<Batch>) -> Applied {
        head.apply(&batch)
    }

    fn head_size(head: &LogsHead) -> HeadSize {
        head.size()
    }

    fn days(head: &LogsHead) -> Vec<i64> {
        head.days()
    }

    fn flush(head: &LogsHead, day: i64, writer: &mut BlockWriter) -> Result<Written> {
        flush::flush_day(head, day, writer)
    }

    fn open(file: &BlockFile) -> Result<BlockIndex> {
        BlockIndex::open(file)
    }

    fn merge(inputs: &[MergeInput<'_, Logs>], writer: &mut BlockWriter) -> Result<Written> {
        merge::merge(inputs, writer)
    }
}
