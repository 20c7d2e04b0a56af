//! Aggregates over the spans of a spanset. Not for those over time.

use std::cmp::Ordering;

use super::super::ast::{Aggregator, Static};
use super::super::value;
use super::cell::{Reading, integer};
use super::operand::Operand;
use super::select::Evaluated;

/// The aggregate over some rows in their order; `None` where none of them has a number.
pub(super) fn aggregate(
    op: Aggregator,
    values: Option<&Evaluated<'_, '_, '_>>,
    rows: &[u32],
) -> Option<Static> {
    let Some(values) = values else {
        return Some(Static::Int(rows.len() as i64));
    };
    if let Some((list, reading)) = values.operand().and_then(Operand::whole) {
        let numbers = rows.iter().map(|row| list[*row as usize]);
        return whole(op, numbers, rows.len(), reading);
    }
    let mut numbers = rows.iter().filter_map(|row| values.number(*row as usize));
    match op {
        Aggregator::Count => Some(Static::Int(rows.len() as i64)),
        Aggregator::Max => numbers.reduce(|a, b| better(a, b, Ordering::Greater)),
        Aggregator::Min => numbers.reduce(|a, b| better(a, b, Ordering::Less)),
        Aggregator::Sum | Aggregator::Avg => {
            let mut sum = Sum::default();
            numbers.by_ref().for_each(|number| sum.add(&number));
            if op == Aggregator::Sum {
                sum.total()
            } else {
                sum.average()
            }
        }
    }
}

/// The same over whole numbers, of which there are `count`.
pub(super) fn whole(
    op: Aggregator,
    mut numbers: impl Iterator<Item = i64>,
    count: usize,
    reading: Reading,
) -> Option<Static> {
    match op {
        Aggregator::Count => Some(Static::Int(count as i64)),
        Aggregator::Max => numbers.max().map(|n| integer(n, reading)),
        Aggregator::Min => numbers.min().map(|n| integer(n, reading)),
        Aggregator::Sum | Aggregator::Avg => {
            let count = count as u64;
            let durations = reading == Reading::Duration;
            let sum = Sum {
                count,
                ints: if durations { 0 } else { count },
                durations: if durations { count } else { 0 },
                whole: numbers.by_ref().map(i128::from).sum(),
                fraction: 0.0,
            };
            if op == Aggregator::Sum {
                sum.total()
            } else {
                sum.average()
            }
        }
    }
}

fn better(a: Static, b: Static, wanted: Ordering) -> Static {
    if value::order(&b, &a) == Some(wanted) {
        b
    } else {
        a
    }
}

/// A sum that stays exact while all are of one whole type.
#[derive(Default)]
struct Sum {
    count: u64,
    ints: u64,
    durations: u64,
    whole: i128,
    fraction: f64,
}

impl Sum {
    fn add(&mut self, number: &Static) {
        self.count += 1;
        match number {
            Static::Int(n) => (self.ints, self.whole) = (self.ints + 1, self.whole + i128::from(*n)),
            Static::Duration(n) => {
                (self.durations, self.whole) = (self.durations + 1, self.whole + i128::from(*n));
            }
            Static::Float(x) => self.fraction += x,
            _ => {}
        }
    }

    fn total(&self) -> Option<Static> {
        let whole = || i64::try_from(self.whole).ok();
        match self.count {
            0 => None,
            count if count == self.ints => whole().map(Static::Int),
            count if count == self.durations => whole().map(Static::Duration),
            _ => None,
        }
        .or_else(|| (self.count > 0).then_some(Static::Float(self.whole as f64 + self.fraction)))
    }

    fn average(&self) -> Option<Static> {
        if self.count > 0 && self.count == self.durations {
            // Division is much faster in 64 bits.
            if let (Ok(whole), Ok(count)) = (i64::try_from(self.whole), i64::try_from(self.count)) {
                return Some(Static::Duration(whole / count));
            }
            let nanos = self.whole / i128::from(self.count);
            return i64::try_from(nanos).ok().map(Static::Duration);
        }
        let total = self.whole as f64 + self.fraction;
        (self.count > 0).then(|| Static::Float(total / self.count as f64))
    }
}
