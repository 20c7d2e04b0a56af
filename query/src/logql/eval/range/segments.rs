//! Stretches of time whose lines are in the same windows, so that one number can stand for them where windows add numbers up.

use hashbrown::HashMap;

use crate::logql::ast::RangeOp;
use crate::logql::eval::LabelSet;
use crate::logql::eval::metric::{Asked, Samples};

/// Numbers up to this one are exact, and so are sums of whole numbers that stay below.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Bytes of a point, and of a series beside its labels.
const POINT_BYTES: usize = 16;
const SERIES_BYTES: usize = 256;

/// The times at which windows begin and end.
#[derive(Debug, Clone)]
pub(in crate::logql::eval) struct Segments {
    /// Last time of each segment but the last, ascending; none when every line must be told by itself.
    ends: Option<Vec<i64>>,
}

impl Segments {
    pub(in crate::logql::eval) fn new(asked: &Asked<'_>) -> Segments {
        let adds_up = matches!(
            asked.of.op,
            RangeOp::CountOverTime
                | RangeOp::Rate
                | RangeOp::BytesRate
                | RangeOp::BytesOverTime
                | RangeOp::SumOverTime
                | RangeOp::AbsentOverTime
        );
        let (range, offset) = (asked.of.range.range, asked.of.range.offset);
        let ends = adds_up.then(|| {
            let ends = asked.grid.times().flat_map(|time| {
                let end = time.saturating_sub(offset);
                [end.saturating_sub(range), end]
            });
            let mut ends: Vec<i64> = ends.collect();
            ends.sort_unstable();
            ends.dedup();
            ends
        });
        Segments { ends }
    }

    /// True when the lines of a segment can be told by one number.
    pub(super) fn adds_up(&self) -> bool {
        self.ends.is_some()
    }

    /// The number of a time's segment and the last time in it.
    pub(super) fn of(&self, time: i64) -> (usize, i64) {
        let Some(ends) = &self.ends else {
            return (0, i64::MAX);
        };
        let n = ends.partition_point(|end| *end < time);
        (n, ends.get(n).copied().unwrap_or(i64::MAX))
    }
}

/// True for a whole number; one out of the range of integers counts as none.
fn is_whole(value: f64) -> bool {
    value as i64 as f64 == value
}

/// Series by the labels of their lines.
#[derive(Default)]
pub(super) struct Table {
    /// By a text that stands for the labels.
    keys: HashMap<String, usize>,
    numbers: HashMap<LabelSet, usize>,
    pub(super) series: Vec<Samples>,
    /// The segment of the last point of each series.
    last: Vec<usize>,
    /// The segment of the last time asked for, and its end.
    segment: Option<(usize, i64, i64)>,
}

impl Table {
    pub(super) fn number(&mut self, labels: LabelSet) -> usize {
        let next = self.series.len();
        let (series, last) = (&mut self.series, &mut self.last);
        *self.numbers.entry(labels).or_insert_with_key(|labels| {
            series.push(Samples {
                labels: labels.clone(),
                points: Vec::new(),
            });
            last.push(usize::MAX);
            next
        })
    }

    /// The number of a series by a text that only lines of the series have.
    pub(super) fn known(&self, key: &str) -> Option<usize> {
        self.keys.get(key).copied()
    }

    pub(super) fn know(&mut self, key: &str, number: usize) {
        self.keys.insert(key.to_owned(), number);
    }

    /// Adds the number of a line.
    #[inline]
    pub(super) fn add(&mut self, segments: &Segments, number: usize, time: i64, value: f64) {
        let points = &mut self.series[number].points;
        if !segments.adds_up() {
            return points.push((time, value));
        }
        let segment = match self.segment {
            Some((segment, from, to)) if from <= time && time <= to => segment,
            _ => {
                let (segment, to) = segments.of(time);
                self.segment = Some((segment, time, to));
                segment
            }
        };
        if let Some(last) = points.last_mut().filter(|_| self.last[number] == segment) {
            let sum = last.1 + value;
            if sum.abs() < EXACT && is_whole(value) && is_whole(last.1) {
                last.1 = sum;
                return;
            }
        }
        self.last[number] = segment;
        points.push((time, value));
    }

    pub(super) fn bytes(&self) -> usize {
        let points: usize = self.series.iter().map(|s| s.points.len() * POINT_BYTES).sum();
        points + self.series.len() * SERIES_BYTES
    }
}
