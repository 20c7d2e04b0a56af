//! Rows, what steps make of them, and what becomes of all of them together. Not for where they come from (see `scan`).

use std::cmp::Ordering;

use hashbrown::HashSet;
use kymo_engine::labels::Labels;

use super::super::ast::Order;
use super::super::value::Value;
use super::compiled::{Compiled, Context};
use super::plan::{Grouping, Plan, Step, Whole};
use super::totals::{Groups, Place};
use crate::logql::eval::{EvalError, check};
use crate::promql::eval::Budget;

/// Bytes of a row beside its values.
const RECORD_BYTES: usize = 64;

/// A row that is kept.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// Of its entry; 0 for groups.
    pub(super) time: i64,
    pub(super) stream: Labels,
    pub(super) row: usize,
    pub(super) values: Vec<Value>,
}

impl Record {
    pub(super) fn bytes(&self) -> usize {
        let values = self.values.iter().map(|value| size_of::<Value>() + value.bytes());
        RECORD_BYTES + values.sum::<usize>()
    }

    /// The order of entries, the oldest first.
    pub(super) fn age(&self, other: &Record) -> Ordering {
        (self.time.cmp(&other.time))
            .then_with(|| self.stream.cmp(&other.stream))
            .then_with(|| self.row.cmp(&other.row))
    }
}

/// Takes a row through steps; false when it is dropped.
pub(super) fn apply(steps: &[Step], time: i64, values: &mut [Value]) -> bool {
    for step in steps {
        let context = Context {
            slots: values,
            totals: &[],
            time,
        };
        match step {
            Step::Filter(filter) => {
                if !filter.holds(context) {
                    return false;
                }
            }
            Step::Assign(assigned) => {
                let made: Vec<Value> = assigned.iter().map(|(_, expr)| expr.value(context)).collect();
                for ((slot, _), value) in assigned.iter().zip(made) {
                    values[*slot] = value;
                }
            }
            Step::Glob(from, glob, slots) => {
                let text = values[*from].shown();
                let fields = text.as_ref().and_then(|text| glob.fields(text));
                for (n, slot) in slots.iter().enumerate() {
                    values[*slot] = fields.as_ref().map_or(Value::Missing, |all| Value::text(all[n]));
                }
            }
            Step::Regex(from, regex, groups) => {
                let text = values[*from].shown();
                let found = text.as_ref().and_then(|text| regex.captures(text));
                for (group, slot) in groups {
                    let part = found.as_ref().and_then(|found| found.get(*group));
                    values[*slot] = part.map_or(Value::Missing, |part| Value::text(part.as_str()));
                }
            }
        }
    }
    true
}

/// Rows of groups.
pub(super) fn records(plan: &Plan, grouping: &Grouping, groups: Groups) -> Vec<Record> {
    let results = groups.results(&grouping.aggregates).into_iter().enumerate();
    let record = |(row, (key, totals)): (usize, (Vec<Value>, Vec<Value>))| {
        let mut values = vec![Value::Missing; plan.slots];
        let context = Context {
            slots: &[],
            totals: &totals,
            time: 0,
        };
        for (slot, expr) in &grouping.totals {
            values[*slot] = expr.value(context);
        }
        for (slot, value) in grouping.by_slots.iter().zip(key) {
            values[*slot] = value;
        }
        Record {
            time: 0,
            stream: Labels::empty(),
            row,
            values,
        }
    };
    results.map(record).collect()
}

/// The order that keys ask for; what is missing comes last, whichever way the others go.
pub(super) fn order(keys: &[(Compiled, Order)], a: &Record, b: &Record) -> Ordering {
    let context = |of: &Record, expr: &Compiled| {
        expr.value(Context {
            slots: &of.values,
            totals: &[],
            time: of.time,
        })
    };
    for (expr, order) in keys {
        let (x, y) = (context(a, expr), context(b, expr));
        let found = match (x.is_missing(), y.is_missing(), order) {
            (false, false, Order::Descending) => y.order(&x),
            _ => x.order(&y),
        };
        if found.is_ne() {
            return found;
        }
    }
    Ordering::Equal
}

/// Takes all rows through what is left of the plan.
pub(super) fn finish(
    plan: &Plan,
    mut all: Vec<Record>,
    budget: &Budget<'_>,
) -> Result<Vec<Record>, EvalError> {
    // The first grouping has been done where the entries were read.
    let done = usize::from(matches!(plan.whole.first(), Some(Whole::Stats(_))));
    for whole in &plan.whole[done..] {
        check(budget)?;
        match whole {
            Whole::Limit(most) => all.truncate(*most),
            Whole::Sort(keys) => all.sort_by(|a, b| order(keys, a, b)),
            Whole::Dedup(keys) => dedup(keys, &mut all),
            Whole::Steps(steps) => all.retain_mut(|record| apply(steps, record.time, &mut record.values)),
            Whole::Stats(grouping) => {
                let mut groups = Groups::default();
                for record in &all {
                    let context = Context {
                        slots: &record.values,
                        totals: &[],
                        time: record.time,
                    };
                    let place = || -> Place { (record.time, record.stream.clone(), record.row) };
                    groups.add(&grouping.by, &grouping.aggregates, context, &place);
                }
                budget.memory.reserve(groups.bytes)?;
                all = records(plan, grouping, groups);
            }
        }
    }
    Ok(all)
}

/// Keeps the first of the rows with the same values. A row that lacks one of them is like no other.
fn dedup(keys: &[Compiled], all: &mut Vec<Record>) {
    let mut seen: HashSet<Vec<Value>> = HashSet::new();
    all.retain(|record| {
        let context = Context {
            slots: &record.values,
            totals: &[],
            time: record.time,
        };
        let values: Vec<Value> = keys.iter().map(|key| key.value(context)).collect();
        values.iter().any(Value::is_missing) || seen.insert(values)
    });
}
