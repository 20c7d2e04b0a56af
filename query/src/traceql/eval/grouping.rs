//! `by(..)` of one trace after the other: rows in groups of equal values, in the order of their first rows.
//! Not for `by` of metrics, which counts groups over all traces.

use hashbrown::HashMap;

use super::super::ast::Static;
use super::compiled::Compiled;
use super::error::EvalError;
use super::frame::Frame;
use super::group::Grouper;
use super::key::Key;
use super::select::Evaluated;

/// Tells the group of a row.
enum Teller<'s, 'w, 't> {
    /// By the codes of an attribute.
    Attribute(Box<Grouper<'w, 't>>),
    /// By the value of an expression.
    Expression {
        values: Evaluated<'s, 'w, 't>,
        numbers: HashMap<Key, u32>,
        keys: Vec<Key>,
    },
}

/// The groups of one stage in one table.
pub(super) struct Grouping<'s, 'w, 't> {
    teller: Teller<'s, 'w, 't>,
    /// For each group when it was last seen, and its place among those of that time.
    seen: Vec<(u32, u32)>,
    now: u32,
    /// Places of the rows being split, and of the groups their next row.
    places: Vec<u32>,
    made: Vec<(usize, usize, u32)>,
}

impl<'s, 'w, 't> Grouping<'s, 'w, 't> {
    pub(super) fn new(expr: &'s Compiled, frame: &'w Frame<'t>) -> Result<Grouping<'s, 'w, 't>, EvalError> {
        let teller = match expr {
            Compiled::Attribute(number) => Teller::Attribute(Box::new(Grouper::new(frame, &[*number])?)),
            expr => Teller::Expression {
                values: Evaluated::new(expr, frame)?,
                numbers: HashMap::new(),
                keys: Vec::new(),
            },
        };
        Ok(Grouping {
            teller,
            seen: Vec::new(),
            now: 0,
            places: Vec::new(),
            made: Vec::new(),
        })
    }

    /// The value of a group.
    pub(super) fn key(&self, group: u32) -> Static {
        let key = match &self.teller {
            Teller::Attribute(grouper) => grouper.keys.get(group as usize).and_then(|key| key.first()),
            Teller::Expression { keys, .. } => keys.get(group as usize),
        };
        key.map_or(Static::Nil, |key| key.0.clone())
    }

    /// Copies some rows of a list to its end, group by group; for each group where its rows begin and end, and its number.
    pub(super) fn split(
        &mut self,
        rows: &mut Vec<u32>,
        set: std::ops::Range<usize>,
    ) -> &[(usize, usize, u32)] {
        self.now += 1;
        self.places.clear();
        self.made.clear();
        for row in &rows[set.clone()] {
            let group = self.teller.of(*row as usize);
            if group as usize >= self.seen.len() {
                self.seen.resize(group as usize + 1, (0, 0));
            }
            let seen = &mut self.seen[group as usize];
            if seen.0 != self.now {
                *seen = (self.now, self.made.len() as u32);
                self.made.push((0, 0, group));
            }
            self.places.push(seen.1);
            // Counted first; the stretches are laid out afterwards.
            self.made[seen.1 as usize].1 += 1;
        }
        let mut end = rows.len();
        for (from, to, _) in &mut self.made {
            let count = *to;
            (*from, *to) = (end, end);
            end += count;
        }
        rows.resize(end, 0);
        for (at, place) in set.zip(&self.places) {
            let to = &mut self.made[*place as usize].1;
            rows[*to] = rows[at];
            *to += 1;
        }
        &self.made
    }
}

impl Teller<'_, '_, '_> {
    fn of(&mut self, row: usize) -> u32 {
        match self {
            Teller::Attribute(grouper) => grouper.of(row),
            Teller::Expression {
                values,
                numbers,
                keys,
            } => {
                let key = Key(values.cell(row).first().unwrap_or(Static::Nil));
                let next = keys.len() as u32;
                *numbers.entry(key).or_insert_with_key(|key| {
                    keys.push(key.clone());
                    next
                })
            }
        }
    }
}
