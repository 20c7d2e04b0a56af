//! Metrics as a signal: how its records, heads and blocks take part in the common life.

use super::batch::Applied;
use super::block::{BlockIndex, SeriesRows, SeriesWriter, merge};
use super::head::{Input, MetricsHead};
use super::record::Record;
use crate::block::writer::Written;
use crate::block::{BlockFile, BlockWriter};
use crate::coding::Malformed;
use crate::error::Result;
use crate::signal::{HeadSize, MergeInput, Signal};

/// The metrics signal. Times are milliseconds.
#[derive(Debug)]
pub struct Metrics;

impl Signal for Metrics {
    const ID: u8 = 1;
    const NAME: &'static str = "metrics";
    const UNITS_PER_MS: i64 = 1;

    type Input<'a> = &'a Input<'a>;
    type Record = Record;
    type Applied = Applied;
    type Head = MetricsHead;
    type Index = BlockIndex;

    fn new_head(previous: Option<&MetricsHead>) -> MetricsHead {
        previous.map_or_else(MetricsHead::default, MetricsHead::after)
    }

    fn resolve(head: &MetricsHead, input: &Input<'_>) -> Result<Record> {
        head.resolve(input)
    }

    fn encode(record: &Record) -> Vec<u8> {
        record.encode()
    }

    fn decode(bytes: &[u8]) -> Result<Record, Malformed> {
        Record::decode(bytes)
    }

    fn apply(head: &MetricsHead, record: Record) -> Applied {
        head.apply(record)
    }

    fn head_size(head: &MetricsHead) -> HeadSize {
        head.size()
    }

    fn head_rows(head: &MetricsHead) -> u64 {
        head.rows()
    }

    fn days(head: &MetricsHead) -> Vec<i64> {
        head.days()
    }

    fn flush(head: &MetricsHead, day: i64, writer: &mut BlockWriter) -> Result<Written> {
        flush_day(head, day, writer)
    }

    fn open(file: &BlockFile) -> Result<BlockIndex> {
        BlockIndex::open(file)
    }

    fn merge(inputs: &[MergeInput<'_, Metrics>], writer: &mut BlockWriter) -> Result<Written> {
        merge::merge(inputs, writer)
    }
}

/// The registry is shared with the head that takes writes, so it is read in short strokes.
fn flush_day(head: &MetricsHead, day: i64, writer: &mut BlockWriter) -> Result<Written> {
    let slots = head.slots_in_order();
    let (symbols, rank) = head.with_registry(|registry| registry.symbols_of(&slots));
    let mut out = SeriesWriter::new(writer, symbols.iter().map(String::as_str))?;
    let first = day * Metrics::units_per_day();
    let last = first + Metrics::units_per_day() - 1;
    let mut rows = SeriesRows::default();
    let mut pairs = Vec::new();
    for slot in slots {
        pairs.clear();
        head.with_registry(|registry| {
            let symbols = registry.symbol_pairs(slot).iter();
            pairs.extend(symbols.map(|[name, value]| [rank[*name as usize], rank[*value as usize]]));
        });
        rows.clear();
        if let Some(series) = head.series(slot) {
            series.read_day(first, last, &mut rows)?;
        }
        out.push(&pairs, &rows)?;
    }
    let metadata: Vec<_> = head
        .metadata()
        .into_iter()
        .filter(|m| Metrics::day_of(m.received_ms) == day)
        .collect();
    out.finish(&merge::dedup_metadata(metadata))
}
