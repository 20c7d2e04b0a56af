//! Aggregates over the rows of groups. Their results do not depend on the order in which rows come, nor on how they are spread
//! over partial groups. Not for which rows those are.

use hashbrown::{HashMap, HashSet};
use kymo_engine::labels::Labels;

use super::super::ast::Aggregator;
use super::super::value::Value;
use super::compiled::{Compiled, Context};
use super::functions::better;
use crate::exact::Exact;

/// Bytes that a group needs beside its key and an aggregate beside its values.
const GROUP_BYTES: usize = 96;
const TOTAL_BYTES: usize = 64;

/// An aggregate of a query.
#[derive(Debug)]
pub(super) struct Aggregate {
    pub(super) op: Aggregator,
    /// `None` for all rows.
    pub(super) of: Option<Compiled>,
    /// The percentage of `pct`.
    pub(super) param: f64,
}

/// The place of a row among all.
pub(super) type Place = (i64, Labels, usize);

/// What is known of an aggregate so far.
#[derive(Debug)]
enum Total {
    Count(u64),
    Distinct(HashSet<Value>),
    Sums {
        count: u64,
        sum: Exact,
        squares: Exact,
    },
    Best(Value),
    Numbers(Vec<f64>),
    /// The value at an end of time.
    Edge(Option<(Place, Value)>),
}

impl Total {
    fn new(op: Aggregator) -> Total {
        match op {
            Aggregator::Count => Total::Count(0),
            Aggregator::CountDistinct => Total::Distinct(HashSet::new()),
            Aggregator::Sum | Aggregator::Avg | Aggregator::Stddev => Total::Sums {
                count: 0,
                sum: Exact::default(),
                squares: Exact::default(),
            },
            Aggregator::Min | Aggregator::Max => Total::Best(Value::Missing),
            Aggregator::Pct => Total::Numbers(Vec::new()),
            Aggregator::Earliest | Aggregator::Latest => Total::Edge(None),
        }
    }

    /// Adds a value that is there; bytes that are held since.
    fn add(&mut self, op: Aggregator, value: &Value, place: &dyn Fn() -> Place) -> usize {
        match self {
            Total::Count(count) => *count += 1,
            Total::Distinct(seen) => {
                if !seen.contains(value) {
                    seen.insert(value.clone());
                    return TOTAL_BYTES + value.bytes();
                }
            }
            Total::Sums { count, sum, squares } => {
                if let Some(number) = value.number() {
                    *count += 1;
                    sum.add(number);
                    if op == Aggregator::Stddev {
                        squares.add(number * number);
                    }
                }
            }
            Total::Best(best) => {
                *best = better(std::mem::take(best), value, op == Aggregator::Max);
            }
            Total::Numbers(all) => {
                all.extend(value.number());
                return size_of::<f64>();
            }
            Total::Edge(edge) => keep_edge(edge, op, place(), value.clone()),
        }
        0
    }

    /// Adds a value of so many rows, whose places do not matter; bytes that are held since.
    fn add_rows(&mut self, op: Aggregator, value: &Value, rows: u64) -> usize {
        match self {
            Total::Count(count) => *count += rows,
            Total::Sums { count, sum, squares } => {
                if let Some(number) = value.number() {
                    *count += rows;
                    for _ in 0..rows {
                        sum.add(number);
                    }
                    if op == Aggregator::Stddev {
                        (0..rows).for_each(|_| squares.add(number * number));
                    }
                }
            }
            Total::Numbers(all) => {
                let before = all.len();
                if let Some(number) = value.number() {
                    all.resize(before + rows as usize, number);
                }
                return (all.len() - before) * size_of::<f64>();
            }
            Total::Distinct(_) | Total::Best(_) => {
                return self.add(op, value, &|| (0, Labels::empty(), 0));
            }
            // Asks for places.
            Total::Edge(_) => {}
        }
        0
    }

    /// Adds what is known of other rows; bytes that are held since.
    fn merge(&mut self, op: Aggregator, other: Total) -> usize {
        match (self, other) {
            (Total::Count(count), Total::Count(more)) => *count += more,
            (Total::Distinct(seen), Total::Distinct(more)) => {
                let new = more.into_iter().filter(|value| !seen.contains(value));
                let new: Vec<Value> = new.collect();
                let bytes = new.iter().map(|value| TOTAL_BYTES + value.bytes()).sum();
                seen.extend(new);
                return bytes;
            }
            (
                Total::Sums { count, sum, squares },
                Total::Sums {
                    count: more,
                    sum: other,
                    squares: of_squares,
                },
            ) => {
                *count += more;
                sum.merge(&other);
                squares.merge(&of_squares);
            }
            (Total::Best(best), Total::Best(other)) => {
                *best = better(std::mem::take(best), &other, op == Aggregator::Max);
            }
            (Total::Numbers(all), Total::Numbers(more)) => {
                let bytes = more.len() * size_of::<f64>();
                all.extend(more);
                return bytes;
            }
            (Total::Edge(edge), Total::Edge(Some((place, value)))) => keep_edge(edge, op, place, value),
            _ => {}
        }
        0
    }

    fn result(self, of: &Aggregate) -> Value {
        match self {
            Total::Count(count) => Value::Number(count as f64),
            Total::Distinct(seen) => Value::Number(seen.len() as f64),
            Total::Sums { count: 0, .. } => Value::Missing,
            Total::Sums { count, sum, squares } => {
                let (n, sum) = (count as f64, sum.value());
                Value::Number(match of.op {
                    Aggregator::Sum => sum,
                    Aggregator::Avg => sum / n,
                    _ => (squares.value() / n - (sum / n) * (sum / n)).max(0.0).sqrt(),
                })
            }
            Total::Best(best) => best,
            Total::Numbers(all) => percentile(all, of.param).map_or(Value::Missing, Value::Number),
            Total::Edge(edge) => edge.map_or(Value::Missing, |(_, value)| value),
        }
    }
}

fn keep_edge(edge: &mut Option<(Place, Value)>, op: Aggregator, place: Place, value: Value) {
    let latest = op == Aggregator::Latest;
    let is_better = edge.as_ref().is_none_or(|(known, _)| match latest {
        true => place > *known,
        false => place < *known,
    });
    if is_better {
        *edge = Some((place, value));
    }
}

fn percentile(mut all: Vec<f64>, percent: f64) -> Option<f64> {
    all.sort_unstable_by(f64::total_cmp);
    let rank = percent / 100.0 * all.len().checked_sub(1)? as f64;
    let (lower, upper) = (rank.floor() as usize, rank.ceil() as usize);
    let weight = rank - rank.floor();
    Some(all[lower] + (all[upper] - all[lower]) * weight)
}

/// Groups of rows by what they have in common.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Numbers of groups.
    numbers: HashMap<Vec<Value>, usize>,
    totals: Vec<Vec<Total>>,
    /// About what they hold.
    pub(super) bytes: usize,
}

impl Groups {
    /// Adds a row to its group.
    pub(super) fn add(
        &mut self,
        by: &[Compiled],
        aggregates: &[Aggregate],
        row: Context<'_>,
        place: &dyn Fn() -> Place,
    ) {
        let group = self.group(by.iter().map(|expr| expr.value(row)).collect(), aggregates);
        let bytes = &mut self.bytes;
        for (total, of) in self.totals[group].iter_mut().zip(aggregates) {
            let value = match &of.of {
                Some(expr) => expr.value(row),
                None => Value::Bool(true),
            };
            if !value.is_missing() {
                *bytes += total.add(of.op, &value, place);
            }
        }
    }

    /// The number of the group of a key.
    pub(super) fn group(&mut self, key: Vec<Value>, aggregates: &[Aggregate]) -> usize {
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        self.bytes += group_bytes(&key, aggregates.len());
        self.totals
            .push(aggregates.iter().map(|of| Total::new(of.op)).collect());
        self.numbers.insert(key, self.totals.len() - 1);
        self.totals.len() - 1
    }

    /// Adds a value that so many rows of a group have to an aggregate that does not ask for their places.
    pub(super) fn add_value(
        &mut self,
        group: usize,
        number: usize,
        of: &Aggregate,
        value: &Value,
        rows: u64,
    ) {
        if !value.is_missing() {
            self.bytes += self.totals[group][number].add_rows(of.op, value, rows);
        }
    }

    /// Adds a field that reads as a number; false when its text must be known.
    pub(super) fn add_number(&mut self, group: usize, number: usize, of: &Aggregate, value: f64) -> bool {
        self.bytes += match &mut self.totals[group][number] {
            Total::Best(best) => {
                let known = best.number();
                return known.is_some_and(|known| match of.op {
                    Aggregator::Max => value < known,
                    _ => value > known,
                });
            }
            Total::Distinct(_) | Total::Edge(_) => return false,
            total => total.add_rows(of.op, &Value::Number(value), 1),
        };
        true
    }

    /// Adds the groups of other rows.
    pub(super) fn merge(&mut self, aggregates: &[Aggregate], mut other: Groups) {
        for (key, number) in other.numbers {
            let group = self.group(key, aggregates);
            let more = std::mem::take(&mut other.totals[number]);
            for ((total, more), of) in self.totals[group].iter_mut().zip(more).zip(aggregates) {
                self.bytes += total.merge(of.op, more);
            }
        }
    }

    /// What each group has in common and its results, in the order of the former.
    pub(super) fn results(mut self, aggregates: &[Aggregate]) -> Vec<(Vec<Value>, Vec<Value>)> {
        let result = |totals: Vec<Total>| {
            let each = totals.into_iter().zip(aggregates);
            each.map(|(total, of)| total.result(of)).collect()
        };
        let mut all: Vec<(Vec<Value>, Vec<Value>)> = Vec::with_capacity(self.totals.len());
        for (key, number) in self.numbers {
            all.push((key, result(std::mem::take(&mut self.totals[number]))));
        }
        all.sort_by(|(a, _), (b, _)| {
            let pairs = a.iter().zip(b);
            let mut orders = pairs.map(|(a, b)| a.order(b).then_with(|| a.shown().cmp(&b.shown())));
            orders
                .find(|order| order.is_ne())
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        all
    }
}

fn group_bytes(key: &[Value], aggregates: usize) -> usize {
    let values: usize = key.iter().map(|value| size_of::<Value>() + value.bytes()).sum();
    GROUP_BYTES + values + aggregates * TOTAL_BYTES
}
