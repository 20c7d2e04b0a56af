//! Stages of a pipeline over the spansets of one trace. Not for the stages that a table goes through as a whole.
//!
//! Many traces pass one [`Runner`], whose memory they share: spansets are stretches of one list of rows, and what stages say of
//! a spanset is a chain of notes that is spelled out for answers only.

use std::ops::Range;
use std::sync::Arc;

use kymo_engine::traces::Value;

use super::super::ast::{BinaryOp, Comparison, ScalarOp, Static};
use super::super::value;
use super::aggregate::aggregate;
use super::error::{EvalError, Refusal};
use super::grouping::Grouping;
use super::operand::answered;
use super::select::Evaluated;
use super::spansets::{Filter, Scalar, Spansets, Stage, Work};

/// No note.
const NOTHING: u32 = u32::MAX;

/// Spans of one trace: a stretch of the runner's rows, in ascending order, and the last of what was said of it.
#[derive(Debug, Clone, Copy)]
struct Set {
    from: usize,
    to: usize,
    note: u32,
}

/// What a stage says of a spanset.
enum Note<'s> {
    /// It is a group: its number in the grouping of the stage.
    Group(&'s Arc<str>, usize, u32),
    /// An aggregate of it.
    Aggregate(&'s Arc<str>, Static),
}

/// Takes one trace after the other through stages.
pub(super) struct Runner<'s, 'w, 't> {
    work: &'w Work<'t>,
    stages: &'s [Stage],
    rows: Vec<u32>,
    sets: Vec<Set>,
    /// The sets that a stage makes.
    made: Vec<Set>,
    /// Each with the one before it.
    notes: Vec<(u32, Note<'s>)>,
    said: Vec<Note<'s>>,
    groupings: Vec<Option<Grouping<'s, 'w, 't>>>,
}

/// A spanset that is left in the end.
pub(super) struct Kept<'r> {
    pub(super) rows: &'r [u32],
    /// What stages have said of it.
    pub(super) attributes: Vec<(Arc<str>, Value)>,
}

impl<'s, 'w, 't> Runner<'s, 'w, 't> {
    pub(super) fn new(work: &'w Work<'t>, stages: &'s [Stage]) -> Result<Runner<'s, 'w, 't>, EvalError> {
        work.prepare(stages)?;
        Ok(Runner {
            work,
            stages,
            rows: Vec::new(),
            sets: Vec::new(),
            made: Vec::new(),
            notes: Vec::new(),
            said: Vec::new(),
            groupings: Vec::new(),
        })
    }

    /// Takes some rows of a trace, all of whose rows are `trace`, through the stages. True when something is left.
    pub(super) fn run(
        &mut self,
        trace: &Range<u32>,
        rows: impl Iterator<Item = u32>,
    ) -> Result<bool, EvalError> {
        self.rows.clear();
        self.notes.clear();
        self.sets.clear();
        self.rows.extend(rows);
        if self.rows.is_empty() {
            return Ok(false);
        }
        self.sets.push(Set {
            from: 0,
            to: self.rows.len(),
            note: NOTHING,
        });
        for stage in self.stages {
            self.made.clear();
            match stage {
                Stage::Spansets(expr) => self.keep(expr, trace)?,
                Stage::Group { expr, text, number } => {
                    let work = self.work;
                    while self.groupings.len() <= *number {
                        self.groupings.push(None);
                    }
                    let grouping = &mut self.groupings[*number];
                    let grouping = match grouping {
                        Some(grouping) => grouping,
                        None => grouping.insert(Grouping::new(expr, &work.frame)?),
                    };
                    for set in &self.sets {
                        let notes = &mut self.notes;
                        let mut note = |group| {
                            notes.push((set.note, Note::Group(text, *number, group)));
                            notes.len() as u32 - 1
                        };
                        for (from, to, group) in grouping.split(&mut self.rows, set.from..set.to) {
                            let note = note(*group);
                            self.made.push(Set {
                                from: *from,
                                to: *to,
                                note,
                            });
                        }
                    }
                }
                Stage::Coalesce => self.coalesce(),
                Stage::Select => continue,
                Stage::Filter(filter) => {
                    for at in 0..self.sets.len() {
                        self.compare(filter, trace, self.sets[at])?;
                    }
                }
            }
            self.work.frame.refuse_fault()?;
            std::mem::swap(&mut self.sets, &mut self.made);
            if self.sets.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How many spansets are left of the last trace.
    pub(super) fn count(&self) -> usize {
        self.sets.len()
    }

    /// The rows of all spansets that are left of the last trace.
    pub(super) fn kept_rows(&self) -> impl Iterator<Item = u32> {
        let rows = |set: &Set| self.rows[set.from..set.to].iter().copied();
        self.sets.iter().flat_map(rows)
    }

    /// The spansets that are left of the last trace, in full.
    pub(super) fn kept(&self) -> Vec<Kept<'_>> {
        let kept = |set: &Set| Kept {
            rows: &self.rows[set.from..set.to],
            attributes: self.attributes(set.note),
        };
        self.sets.iter().map(kept).collect()
    }

    fn attributes(&self, mut note: u32) -> Vec<(Arc<str>, Value)> {
        let mut said = Vec::new();
        while let Some((before, what)) = self.notes.get(note as usize) {
            said.push(match what {
                Note::Aggregate(text, value) => (Arc::clone(text), answered(value)),
                Note::Group(text, number, group) => {
                    let grouping = self.groupings.get(*number).and_then(Option::as_ref);
                    let key = grouping.map_or(Static::Nil, |grouping| grouping.key(*group));
                    (Arc::clone(text), answered(&key))
                }
            });
            note = *before;
        }
        said.reverse();
        said
    }

    fn keep(&mut self, expr: &Spansets, trace: &Range<u32>) -> Result<(), EvalError> {
        if self.sets.len() > 1 && matches!(expr, Spansets::Op { .. } | Spansets::Pipeline(_)) {
            return Err(Refusal::ManySpansets.into());
        }
        let at = trace.start as usize..trace.end as usize;
        for set in &self.sets {
            let mut input = vec![false; at.len()];
            for row in &self.rows[set.from..set.to] {
                input[*row as usize - at.start] = true;
            }
            let Some(found) = self.work.spansets(expr, &at, Some(&input))? else {
                continue;
            };
            let from = self.rows.len();
            let kept = trace.clone().filter(|row| found[*row as usize - at.start]);
            self.rows.extend(kept);
            let to = self.rows.len();
            self.made.push(Set { from, to, ..*set });
        }
        Ok(())
    }

    /// All rows in order, once each, and nothing said of them.
    fn coalesce(&mut self) {
        let mut rows: Vec<u32> = self.kept_rows().collect();
        rows.sort_unstable();
        rows.dedup();
        let from = self.rows.len();
        self.rows.extend(rows);
        self.made.push(Set {
            from,
            to: self.rows.len(),
            note: NOTHING,
        });
    }

    /// Keeps a spanset when the comparison holds, with its aggregates. Where pipelines are compared it is what they kept.
    fn compare(&mut self, filter: &'s Filter, trace: &Range<u32>, set: Set) -> Result<(), EvalError> {
        self.said.clear();
        let mut kept: Option<Vec<u32>> = None;
        let rows = &self.rows[set.from..set.to];
        let lhs = scalar(self.work, &filter.lhs, trace, rows, &mut self.said, &mut kept)?;
        let rhs = scalar(self.work, &filter.rhs, trace, rows, &mut self.said, &mut kept)?;
        let (Some(lhs), Some(rhs)) = (lhs, rhs) else {
            return Ok(());
        };
        if value::compare(comparison(filter.op), &lhs, &rhs) != Some(true) {
            return Ok(());
        }
        let mut made = set;
        for note in self.said.drain(..) {
            self.notes.push((made.note, note));
            made.note = self.notes.len() as u32 - 1;
        }
        if let Some(mut rows) = kept {
            rows.sort_unstable();
            rows.dedup();
            made.from = self.rows.len();
            self.rows.extend(rows);
            made.to = self.rows.len();
        }
        if made.from < made.to {
            self.made.push(made);
        }
        Ok(())
    }
}

pub(super) fn comparison(op: Comparison) -> BinaryOp {
    match op {
        Comparison::Equal => BinaryOp::Equal,
        Comparison::NotEqual => BinaryOp::NotEqual,
        Comparison::Less => BinaryOp::Less,
        Comparison::LessEqual => BinaryOp::LessEqual,
        Comparison::Greater => BinaryOp::Greater,
        Comparison::GreaterEqual => BinaryOp::GreaterEqual,
    }
}

fn arithmetic(op: ScalarOp) -> BinaryOp {
    match op {
        ScalarOp::Add => BinaryOp::Add,
        ScalarOp::Sub => BinaryOp::Sub,
        ScalarOp::Mul => BinaryOp::Mul,
        ScalarOp::Div => BinaryOp::Div,
        ScalarOp::Mod => BinaryOp::Mod,
        ScalarOp::Pow => BinaryOp::Pow,
    }
}

/// The number for some spans of a trace; `None` where nothing has one. `said` takes the aggregates, `kept` the spans of
/// pipelines.
fn scalar<'s>(
    work: &Work<'_>,
    of: &'s Scalar,
    trace: &Range<u32>,
    rows: &[u32],
    said: &mut Vec<Note<'s>>,
    kept: &mut Option<Vec<u32>>,
) -> Result<Option<Static>, EvalError> {
    Ok(match of {
        Scalar::Number(value) => Some(value.clone()),
        Scalar::Aggregate { op, expr, text } => {
            let values = expr.as_ref().map(|expr| Evaluated::prepared(expr, &work.frame));
            let found = aggregate(*op, values.as_ref(), rows);
            said.extend(found.clone().map(|value| Note::Aggregate(text, value)));
            found
        }
        Scalar::Pipeline {
            stages,
            scalar: inner,
        } => {
            let mut runner = Runner::new(work, stages)?;
            let rows: Vec<u32> = match runner.run(trace, rows.iter().copied())? {
                true => runner.kept_rows().collect(),
                false => Vec::new(),
            };
            kept.get_or_insert_default().extend(&rows);
            scalar(work, inner, trace, &rows, said, kept)?
        }
        Scalar::Op { op, lhs, rhs } => {
            let lhs = scalar(work, lhs, trace, rows, said, kept)?;
            let rhs = scalar(work, rhs, trace, rows, said, kept)?;
            let Some((lhs, rhs)) = lhs.zip(rhs) else {
                return Ok(None);
            };
            let op = arithmetic(*op);
            if value::divides_by_zero(op, &lhs, &rhs) {
                return Err(Refusal::DivisionByZero.into());
            }
            Some(value::apply(op, &lhs, &rhs)).filter(|value| *value != Static::Nil)
        }
    })
}
