//! Which traces of a table may pass the stages at the front of a pipeline, told without taking them through: most traces fail
//! the first comparison of an aggregate. Not for what is kept of those that pass (see `pipeline`).

use std::ops::Range;

use super::super::ast::{Aggregator, BinaryOp, Static};
use super::super::value;
use super::aggregate::whole;
use super::cell::Reading;
use super::compiled::Compiled;
use super::error::EvalError;
use super::group::Grouper;
use super::operand::Operand;
use super::pipeline::comparison;
use super::spansets::{Filter, Scalar, Stage, Work};

/// Numbers of spans for which the outcome of a comparison is remembered.
const REMEMBERED: usize = 512;

/// Lets through every trace of which something may be left, and few others.
pub(super) struct Sieve<'s, 'w, 't> {
    test: Option<Test<'s, 'w>>,
    groups: Option<Groups<'w, 't>>,
}

/// A comparison of an aggregate with a number.
struct Test<'s, 'w> {
    op: BinaryOp,
    than: &'s Static,
    of: Of<'w>,
    /// Whether a number of spans passes, where that has been asked.
    counts: Vec<Option<bool>>,
}

/// What is aggregated.
enum Of<'w> {
    Count,
    /// Whole numbers that every row has.
    Whole(Aggregator, &'w [i64], Reading),
}

/// The groups of a trace's spans.
struct Groups<'w, 't> {
    grouper: Grouper<'w, 't>,
    /// For each group in which trace it was last seen, and how many spans of that it has.
    seen: Vec<(u32, u32)>,
    now: u32,
    /// Groups of the trace.
    met: Vec<u32>,
}

impl<'s, 'w, 't> Sieve<'s, 'w, 't> {
    /// A sieve for the stages that are left.
    pub(super) fn new(work: &'w Work<'t>, stages: &'s [Stage]) -> Result<Sieve<'s, 'w, 't>, EvalError> {
        let (by, filter) = match stages {
            [Stage::Filter(filter), ..] => (None, Some(filter)),
            [
                Stage::Group {
                    expr: Compiled::Attribute(number),
                    ..
                },
                Stage::Filter(filter),
                ..,
            ] => (Some(*number), Some(filter)),
            _ => (None, None),
        };
        let test = match filter {
            Some(filter) => Test::of(work, filter)?,
            None => None,
        };
        let counts = test.as_ref().is_some_and(|test| matches!(test.of, Of::Count));
        Ok(match by {
            Some(_) if !counts => Sieve {
                test: None,
                groups: None,
            },
            Some(number) => Sieve {
                test,
                groups: Some(Groups {
                    grouper: Grouper::new(&work.frame, &[number])?,
                    seen: Vec::new(),
                    now: 0,
                    met: Vec::new(),
                }),
            },
            None => Sieve { test, groups: None },
        })
    }

    /// False when nothing would be left of the kept rows of a trace.
    pub(super) fn lets_through(&mut self, rows: &Range<u32>, kept: Option<&[bool]>) -> bool {
        let rows = rows.start as usize..rows.end as usize;
        let kept = kept.map(|kept| &kept[rows.clone()]);
        let Some(test) = &mut self.test else {
            return kept.is_none_or(|kept| kept.contains(&true));
        };
        let count = kept.map_or(rows.len(), |kept| kept.iter().filter(|kept| **kept).count());
        if count == 0 {
            return false;
        }
        match (&mut self.groups, &test.of) {
            (Some(groups), _) => groups.any_passes(test, rows, kept, count),
            (None, Of::Count) => test.passes_count(count),
            (None, Of::Whole(op, list, reading)) => {
                let list = &list[rows];
                let found = match kept {
                    None => whole(*op, list.iter().copied(), count, *reading),
                    Some(kept) => {
                        let numbers = list.iter().zip(kept).filter(|(_, kept)| **kept);
                        whole(*op, numbers.map(|(number, _)| *number), count, *reading)
                    }
                };
                found.is_some_and(|found| test.passes(&found))
            }
        }
    }
}

impl<'s, 'w> Test<'s, 'w> {
    /// The test that a filter is; `None` when it is more than a test of an aggregate that is had cheaply.
    fn of(work: &'w Work<'_>, filter: &'s Filter) -> Result<Option<Test<'s, 'w>>, EvalError> {
        let (Scalar::Aggregate { op, expr, .. }, Scalar::Number(than)) = (&filter.lhs, &filter.rhs) else {
            return Ok(None);
        };
        let of = match expr {
            None => Of::Count,
            Some(Compiled::Attribute(number)) => match Operand::whole(work.frame.operand(*number)?) {
                Some((list, reading)) => Of::Whole(*op, list, reading),
                None => return Ok(None),
            },
            Some(_) => return Ok(None),
        };
        Ok(Some(Test {
            op: comparison(filter.op),
            than,
            of,
            counts: vec![None; REMEMBERED],
        }))
    }

    fn passes(&self, found: &Static) -> bool {
        value::compare(self.op, found, self.than) == Some(true)
    }

    fn passes_count(&mut self, count: usize) -> bool {
        let passes = |test: &Test<'_, '_>| test.passes(&Static::Int(count as i64));
        if count >= self.counts.len() {
            return passes(self);
        }
        match self.counts[count] {
            Some(known) => known,
            None => {
                let found = passes(self);
                self.counts[count] = Some(found);
                found
            }
        }
    }
}

impl Groups<'_, '_> {
    /// Whether a group of a trace has a number of spans that passes. `count` spans are kept in all.
    fn any_passes(
        &mut self,
        test: &mut Test<'_, '_>,
        rows: Range<usize>,
        kept: Option<&[bool]>,
        count: usize,
    ) -> bool {
        // No group has more spans than all have together.
        if matches!(test.op, BinaryOp::Greater | BinaryOp::GreaterEqual) && !test.passes_count(count) {
            return false;
        }
        self.now += 1;
        self.met.clear();
        let first = rows.start;
        for row in rows.filter(|row| kept.is_none_or(|kept| kept[row - first])) {
            let group = self.grouper.of(row);
            if group as usize >= self.seen.len() {
                self.seen.resize(group as usize + 1, (0, 0));
            }
            let seen = &mut self.seen[group as usize];
            if seen.0 != self.now {
                *seen = (self.now, 0);
                self.met.push(group);
            }
            seen.1 += 1;
        }
        let seen = &self.seen;
        self.met
            .iter()
            .any(|group| test.passes_count(seen[*group as usize].1 as usize))
    }
}
