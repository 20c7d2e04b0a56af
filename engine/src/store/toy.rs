//! The smallest signal there can be: numbers by time, the later write wins. It proves that the life cycle knows nothing
//! of metrics. For tests only.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::block::writer::Written;
use crate::block::{BlockFile, BlockWriter};
use crate::coding::{Malformed, Reader, put_svarint};
use crate::error::Result;
use crate::signal::{HeadSize, MergeInput, Signal};
use crate::tombstone::Tombstone;

pub(super) struct Toy;
pub(super) type Rows = BTreeMap<i64, i64>;

impl Signal for Toy {
    const ID: u8 = 200;
    const NAME: &'static str = "toy";
    const UNITS_PER_MS: i64 = 1;
    type Input<'a> = (i64, i64);
    type Record = (i64, i64);
    type Applied = ();
    type Head = Mutex<Rows>;
    type Index = ();

    fn new_head(_: Option<&Mutex<Rows>>) -> Mutex<Rows> {
        Mutex::default()
    }
    fn resolve(_: &Mutex<Rows>, input: (i64, i64)) -> Result<(i64, i64)> {
        Ok(input)
    }
    fn encode(record: &(i64, i64)) -> Vec<u8> {
        encode([record].into_iter().map(|(t, v)| (t, v)))
    }
    fn decode(bytes: &[u8]) -> Result<(i64, i64), Malformed> {
        decode(bytes)?.pop_first().ok_or(Malformed("empty"))
    }
    fn apply(head: &Mutex<Rows>, (time, value): (i64, i64)) {
        head.lock().insert(time, value);
    }
    fn head_size(head: &Mutex<Rows>) -> HeadSize {
        HeadSize {
            rows: head.lock().len() as u64,
            ..HeadSize::default()
        }
    }
    fn days(head: &Mutex<Rows>) -> Vec<i64> {
        let mut days: Vec<i64> = head.lock().keys().map(|t| Self::day_of(*t)).collect();
        days.dedup();
        days
    }
    fn flush(head: &Mutex<Rows>, day: i64, writer: &mut BlockWriter) -> Result<Written> {
        write(
            head.lock()
                .iter()
                .filter(|(t, _)| Self::day_of(**t) == day)
                .map(|(t, v)| (*t, *v))
                .collect(),
            writer,
        )
    }
    fn open(_: &BlockFile) -> Result<()> {
        Ok(())
    }
    fn merge(inputs: &[MergeInput<'_, Toy>], writer: &mut BlockWriter) -> Result<Written> {
        let mut rows = Rows::new();
        for input in inputs {
            rows.extend(left(input.file, &input.tombstones)?);
        }
        write(rows, writer)
    }
}

fn encode<'a>(rows: impl Iterator<Item = (&'a i64, &'a i64)>) -> Vec<u8> {
    let mut out = Vec::new();
    rows.for_each(|(t, v)| [*t, *v].into_iter().for_each(|n| put_svarint(&mut out, n)));
    out
}

fn decode(bytes: &[u8]) -> Result<Rows, Malformed> {
    let (mut r, mut rows) = (Reader::new(bytes), Rows::new());
    while r.remaining() > 0 {
        rows.insert(r.svarint()?, r.svarint()?);
    }
    Ok(rows)
}

fn write(rows: Rows, writer: &mut BlockWriter) -> Result<Written> {
    writer.section(1, &encode(rows.iter()))?;
    let ends = (
        rows.keys().next().copied().unwrap_or(0),
        rows.keys().next_back().copied().unwrap_or(0),
    );
    Ok(Written {
        min_time: ends.0,
        max_time: ends.1,
        rows: rows.len() as u64,
        groups: 1,
    })
}

/// The rows of a block without those that tombstones hide.
pub(super) fn left(file: &BlockFile, tombstones: &[&Tombstone]) -> Result<Rows> {
    let mut rows = read(file)?;
    rows.retain(|t, _| !tombstones.iter().any(|s| (s.min_time..=s.max_time).contains(t)));
    Ok(rows)
}

/// The rows of a block.
pub(super) fn read(file: &BlockFile) -> Result<Rows> {
    decode(&file.section(1)?).map_err(|Malformed(what)| file.corrupt(0, what))
}
