//! Entries of one stream that share all values that matter: what comes of one comes of all. Not for which values these are.

use hashbrown::HashMap;
use kymo_engine::labels::Labels;

use super::super::compiled::Context;
use super::super::totals::Groups;
use super::asked::{Asked, Grouped};
use super::shapes::{KEYS_MAX, Shapes};
use crate::insights::value::Value;

/// No class is known.
const UNKNOWN: u32 = u32::MAX;

/// The class of entries that are left out.
const DROPPED: u32 = 0;

/// What comes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is left out.
    Dropped,
    /// It must be put together.
    Whole,
    /// It is in its group.
    Counted,
}

/// Entries that share what matters.
#[derive(Default)]
struct Class {
    shape: usize,
    values: Vec<Value>,
    /// Entries of the segment at hand.
    count: u64,
    /// Their group, once it is known.
    group: Option<usize>,
}

/// The classes of one stream in a group.
pub(super) struct Classes<'c> {
    asked: &'c Asked<'c>,
    shapes: &'c Shapes<'c>,
    labels: Labels,
    time: i64,
    all: Vec<Class>,
    /// For each shape with one deciding column at most, by its code.
    by_code: Vec<Vec<u32>>,
    /// By shape and codes.
    by_codes: HashMap<(usize, u64), u32>,
    text: Vec<u8>,
}

impl<'c> Classes<'c> {
    pub(super) fn new(asked: &'c Asked<'_>, shapes: &'c Shapes<'_>) -> Classes<'c> {
        Classes {
            asked,
            shapes,
            labels: Labels::empty(),
            time: 0,
            all: Vec::new(),
            by_code: Vec::new(),
            by_codes: HashMap::new(),
            text: Vec::new(),
        }
    }

    /// Begins a stream.
    pub(super) fn begin(&mut self, labels: &Labels) {
        self.labels = labels.clone();
        self.forget();
    }

    fn forget(&mut self) {
        self.all.clear();
        // Entries that are left out.
        self.all.push(Class::default());
        let codes = |keys: &[u32]| match keys {
            [] => 1,
            [one] => self.shapes.coded(*one).map_or(0, |coded| coded.distinct()),
            _ => 0,
        };
        let shapes = self.shapes.all.iter();
        self.by_code = shapes.map(|look| vec![UNKNOWN; codes(&look.keys)]).collect();
        self.by_codes.clear();
    }

    /// Begins entries whose results do not depend on their times.
    pub(super) fn segment(&mut self, time: i64) {
        self.time = time;
        if self.asked.groups.as_ref().is_some_and(|groups| groups.is_timed) {
            self.forget();
        }
    }

    /// What comes of an entry.
    #[inline]
    pub(super) fn outcome(&mut self, shape: usize, row: usize, groups: &mut Groups) -> Outcome {
        let (asked, shapes) = (self.asked, self.shapes);
        let look = &shapes.all[shape];
        if look.whole {
            return Outcome::Whole;
        }
        let class = self.class(shape, row);
        if class == DROPPED {
            return Outcome::Dropped;
        }
        let Some(grouped) = &asked.groups else {
            return Outcome::Whole;
        };
        self.all[class as usize].count += 1;
        for (n, column) in look.singly.iter().enumerate() {
            if let Some(column) = column {
                let group = self.group(class, grouped, groups);
                self.add(group, n, (*column, shape, row), groups);
            }
        }
        Outcome::Counted
    }

    fn class(&mut self, shape: usize, row: usize) -> u32 {
        let shapes = self.shapes;
        let code = |column: &u32| shapes.coded(*column).map_or(0, |coded| coded.code(row));
        let keys = shapes.all[shape].keys.as_slice();
        let (at, known) = match keys {
            [] => (Some(0), self.by_code[shape][0]),
            [one] => {
                let at = usize::from(code(one));
                (Some(at), self.by_code[shape][at])
            }
            keys if keys.len() > KEYS_MAX => (None, UNKNOWN),
            keys => {
                let key = keys
                    .iter()
                    .fold(0, |key, column| key << 16 | u64::from(code(column)));
                let known = self.by_codes.get(&(shape, key)).copied().unwrap_or(UNKNOWN);
                if known == UNKNOWN {
                    let class = self.make(shape, row);
                    self.by_codes.insert((shape, key), class);
                    return class;
                }
                (None, known)
            }
        };
        if known != UNKNOWN {
            return known;
        }
        let class = self.make(shape, row);
        if let Some(at) = at {
            self.by_code[shape][at] = class;
        }
        class
    }

    /// The class of an entry that is like none before.
    fn make(&mut self, shape: usize, row: usize) -> u32 {
        let mut values = self.shapes.values(&self.labels, shape, row, &mut self.text);
        if !self.asked.passes(self.time, &mut values) {
            return DROPPED;
        }
        let values = match self.asked.groups {
            Some(_) => values,
            None => Vec::new(),
        };
        self.all.push(Class {
            shape,
            values,
            ..Class::default()
        });
        (self.all.len() - 1) as u32
    }

    fn group(&mut self, class: u32, grouped: &Grouped<'_>, groups: &mut Groups) -> usize {
        let class = &mut self.all[class as usize];
        *class.group.get_or_insert_with(|| {
            let context = Context {
                slots: &class.values,
                totals: &[],
                time: self.time,
            };
            let key = grouped
                .grouping
                .by
                .iter()
                .map(|expr| expr.value(context))
                .collect();
            groups.group(key, &grouped.grouping.aggregates)
        })
    }

    /// Adds the value of a column of one entry to an aggregate.
    fn add(
        &mut self,
        group: usize,
        aggregate: usize,
        (column, shape, row): (u32, usize, usize),
        groups: &mut Groups,
    ) {
        let Some(grouped) = &self.asked.groups else {
            return;
        };
        let of = &grouped.grouping.aggregates[aggregate];
        let coded = self.shapes.coded(column);
        if let Some(number) = coded.and_then(|coded| coded.plain_number(row))
            && groups.add_number(group, aggregate, of, number)
        {
            return;
        }
        let value = self.shapes.text(column, row, &mut self.text).unwrap_or_else(|| {
            let values = self.shapes.values(&self.labels, shape, row, &mut self.text);
            let source = grouped.singly[aggregate].map(|n| self.asked.plan.sources[n].0);
            source.map_or(Value::Missing, |slot| values[slot].clone())
        });
        groups.add_value(group, aggregate, of, &value, 1);
    }

    /// Takes the entries of the segment into their groups.
    pub(super) fn count(&mut self, groups: &mut Groups) {
        let Some(grouped) = &self.asked.groups else {
            return;
        };
        for n in 1..self.all.len() {
            let count = std::mem::take(&mut self.all[n].count);
            if count == 0 {
                continue;
            }
            let group = self.group(n as u32, grouped, groups);
            let class = &mut self.all[n];
            class.group = None;
            let singly = &self.shapes.all[class.shape].singly;
            let context = Context {
                slots: &class.values,
                totals: &[],
                time: self.time,
            };
            for (at, of) in grouped.grouping.aggregates.iter().enumerate() {
                if singly[at].is_some() {
                    continue;
                }
                let value = match &of.of {
                    None => Value::Bool(true),
                    Some(expr) => expr.value(context),
                };
                groups.add_value(group, at, of, &value, count);
            }
        }
    }
}
