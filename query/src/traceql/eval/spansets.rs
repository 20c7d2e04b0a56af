//! Pipelines made ready for many tables, and which spans their spanset expressions keep, for all traces of a table at once.
//! Not for what happens trace by trace (see `pipeline`).

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use kymo_engine::traces::Run;

use super::super::ast::{self, Aggregator, Comparison, ScalarOp, SpansetExpr, SpansetOp, Static};
use super::compiled::{Attributes, Compiled};
use super::error::{EvalError, Refusal};
use super::frame::Frame;
use super::mask::Mask;
use super::pipeline::Runner;
use super::relation::{Kin, inverse};
use super::select::{Evaluated, select, select_dividing};

/// A compiled stage.
pub(super) enum Stage {
    Spansets(Spansets),
    Group {
        expr: Compiled,
        text: Arc<str>,
        /// Among the query's groupings.
        number: usize,
    },
    Coalesce,
    Select,
    Filter(Filter),
}

/// A compiled comparison of scalars.
pub(super) struct Filter {
    pub(super) op: Comparison,
    pub(super) lhs: Scalar,
    pub(super) rhs: Scalar,
}

/// A compiled scalar.
pub(super) enum Scalar {
    Number(Static),
    Aggregate {
        op: Aggregator,
        expr: Option<Compiled>,
        text: Arc<str>,
    },
    Pipeline {
        stages: Vec<Stage>,
        scalar: Box<Scalar>,
    },
    Op {
        op: ScalarOp,
        lhs: Box<Scalar>,
        rhs: Box<Scalar>,
    },
}

/// A compiled spanset expression.
pub(super) enum Spansets {
    All,
    /// By number.
    Filter(usize),
    Op {
        op: SpansetOp,
        lhs: Box<Spansets>,
        rhs: Box<Spansets>,
    },
    Pipeline(Vec<Stage>),
}

/// An expression in braces.
pub(super) struct Braces {
    expr: Compiled,
    /// It may divide whole numbers by zero.
    divides: bool,
}

/// What is compiled of a query.
#[derive(Default)]
pub(super) struct Compiler {
    pub(super) attributes: Attributes,
    /// The expressions in braces.
    pub(super) filters: Vec<Braces>,
    groupings: usize,
}

impl Compiler {
    pub(super) fn pipeline(&mut self, pipeline: &ast::Pipeline) -> Result<Vec<Stage>, EvalError> {
        pipeline.stages.iter().map(|stage| self.stage(stage)).collect()
    }

    fn stage(&mut self, stage: &ast::Stage) -> Result<Stage, EvalError> {
        Ok(match stage {
            ast::Stage::Spansets(expr) => Stage::Spansets(self.spansets(expr)?),
            ast::Stage::Group(expr) => Stage::Group {
                expr: self.attributes.compile(expr)?,
                text: format!("by({expr})").into(),
                number: {
                    self.groupings += 1;
                    self.groupings - 1
                },
            },
            ast::Stage::Coalesce => Stage::Coalesce,
            ast::Stage::Select(attributes) => {
                attributes.iter().for_each(|attribute| {
                    self.attributes.number(attribute);
                });
                Stage::Select
            }
            ast::Stage::Filter(filter) => Stage::Filter(Filter {
                op: filter.op,
                lhs: self.scalar(&filter.lhs)?,
                rhs: self.scalar(&filter.rhs)?,
            }),
        })
    }

    pub(super) fn spansets(&mut self, expr: &SpansetExpr) -> Result<Spansets, EvalError> {
        Ok(match expr {
            SpansetExpr::Filter(None) => Spansets::All,
            SpansetExpr::Filter(Some(expr)) => self.filter(expr)?,
            SpansetExpr::Op { op, lhs, rhs } => Spansets::Op {
                op: *op,
                lhs: Box::new(self.spansets(lhs)?),
                rhs: Box::new(self.spansets(rhs)?),
            },
            SpansetExpr::Pipeline(inner) => Spansets::Pipeline(self.pipeline(inner)?),
        })
    }

    pub(super) fn filter(&mut self, expr: &ast::FieldExpr) -> Result<Spansets, EvalError> {
        self.filters.push(Braces {
            divides: expr.may_divide_by_zero(),
            expr: self.attributes.compile(expr)?,
        });
        Ok(Spansets::Filter(self.filters.len() - 1))
    }

    fn scalar(&mut self, scalar: &ast::Scalar) -> Result<Scalar, EvalError> {
        Ok(match scalar {
            ast::Scalar::Number(value) => Scalar::Number(value.clone()),
            ast::Scalar::Aggregate { op, expr } => Scalar::Aggregate {
                op: *op,
                expr: expr.as_deref().map(|e| self.attributes.compile(e)).transpose()?,
                text: scalar.to_string().into(),
            },
            ast::Scalar::Pipeline { pipeline, scalar } => Scalar::Pipeline {
                stages: self.pipeline(pipeline)?,
                scalar: Box::new(self.scalar(scalar)?),
            },
            ast::Scalar::Op { op, lhs, rhs } => Scalar::Op {
                op: *op,
                lhs: Box::new(self.scalar(lhs)?),
                rhs: Box::new(self.scalar(rhs)?),
            },
        })
    }
}

/// The rows a filter keeps, once computed.
enum Kept {
    None,
    All,
    Rows(Vec<bool>),
    /// The rows that are kept, and those for which the query is refused.
    Faulty(Vec<bool>, Vec<bool>),
}

/// A table under one query with the filters that have been computed.
pub(super) struct Work<'t> {
    pub(super) frame: Frame<'t>,
    filters: &'t [Braces],
    kept: Vec<OnceCell<Kept>>,
}

impl<'t> Work<'t> {
    pub(super) fn new(frame: Frame<'t>, filters: &'t [Braces]) -> Work<'t> {
        Work {
            frame,
            filters,
            kept: filters.iter().map(|_| OnceCell::new()).collect(),
        }
    }

    /// Reads the columns that stages ask for trace by trace.
    pub(super) fn prepare(&self, stages: &[Stage]) -> Result<(), EvalError> {
        for stage in stages {
            match stage {
                Stage::Group { expr, .. } => self.read(expr)?,
                Stage::Filter(filter) => {
                    self.prepare_scalar(&filter.lhs)?;
                    self.prepare_scalar(&filter.rhs)?;
                }
                Stage::Spansets(_) | Stage::Coalesce | Stage::Select => {}
            }
        }
        Ok(())
    }

    fn prepare_scalar(&self, scalar: &Scalar) -> Result<(), EvalError> {
        match scalar {
            Scalar::Aggregate { expr: Some(expr), .. } => self.read(expr),
            Scalar::Pipeline { stages, scalar } => {
                self.prepare(stages)?;
                self.prepare_scalar(scalar)
            }
            Scalar::Op { lhs, rhs, .. } => {
                self.prepare_scalar(lhs)?;
                self.prepare_scalar(rhs)
            }
            Scalar::Number(_) | Scalar::Aggregate { expr: None, .. } => Ok(()),
        }
    }

    fn read(&self, expr: &Compiled) -> Result<(), EvalError> {
        Evaluated::new(expr, &self.frame).map(|_| ())
    }

    fn kept(&self, number: usize) -> Result<&Kept, EvalError> {
        if let Some(kept) = self.kept[number].get() {
            return Ok(kept);
        }
        let Braces { expr, divides } = &self.filters[number];
        if *divides {
            let (rows, faults) = select_dividing(expr, &self.frame)?;
            return Ok(self.kept[number].get_or_init(|| Kept::Faulty(rows, faults)));
        }
        let kept = match select(expr, &self.frame)? {
            Mask::None => Kept::None,
            Mask::All => Kept::All,
            mask => Kept::Rows(mask.into_rows(self.frame.rows())),
        };
        Ok(self.kept[number].get_or_init(|| kept))
    }

    /// The spans of whole traces that an expression keeps of `input` (without it, of all): a truth for each row of `rows`.
    /// `None` when it keeps none.
    pub(super) fn spansets(
        &self,
        expr: &Spansets,
        rows: &Range<usize>,
        input: Option<&[bool]>,
    ) -> Result<Option<Vec<bool>>, EvalError> {
        match expr {
            Spansets::All => Ok(Some(copied(input, rows))),
            Spansets::Filter(number) => Ok(match self.kept(*number)? {
                Kept::None => None,
                Kept::All => Some(copied(input, rows)),
                Kept::Rows(list) => among(&list[rows.clone()], input),
                Kept::Faulty(list, faults) => {
                    if among(&faults[rows.clone()], input).is_some() {
                        return Err(Refusal::DivisionByZero.into());
                    }
                    among(&list[rows.clone()], input)
                }
            }),
            Spansets::Op { op, lhs, rhs } => self.operation(*op, lhs, rhs, rows, input),
            Spansets::Pipeline(stages) => self.nested(stages, rows, input),
        }
    }

    fn operation(
        &self,
        op: SpansetOp,
        lhs: &Spansets,
        rhs: &Spansets,
        rows: &Range<usize>,
        input: Option<&[bool]>,
    ) -> Result<Option<Vec<bool>>, EvalError> {
        let left = self.spansets(lhs, rows, input)?;
        if left.is_none() && matches!(op, SpansetOp::And | SpansetOp::Related(_) | SpansetOp::Union(_)) {
            return Ok(None);
        }
        // Where the left side has decided, a pipeline on the right is not asked, as it may refuse its spansets.
        let needs_both = matches!(op, SpansetOp::And | SpansetOp::Related(_) | SpansetOp::Union(_));
        let right = match &left {
            Some(left) if needs_both && has_pipeline(rhs) => {
                let open = self.open(left, rows, input)?;
                self.spansets(rhs, rows, Some(&open))?
            }
            _ => self.spansets(rhs, rows, input)?,
        };
        let (left, mut right) = match (left, right) {
            (left, None) => return Ok(left.filter(|_| op == SpansetOp::Or)),
            (None, right) => return Ok(right),
            (Some(left), Some(right)) => (left, right),
        };
        match op {
            SpansetOp::Or => unite(&mut right, &left),
            SpansetOp::And => both(self.runs_in(rows)?, &mut right, &left, rows),
            SpansetOp::Related(relation) => {
                let related = self.kin()?.related(relation, &left, rows);
                right.iter_mut().zip(related).for_each(|(r, yes)| *r &= yes);
            }
            SpansetOp::NotRelated(relation) => {
                let related = self.kin()?.related(relation, &left, rows);
                right.iter_mut().zip(related).for_each(|(r, yes)| *r &= !yes);
            }
            SpansetOp::Union(relation) => {
                let kin = self.kin()?;
                let below = kin.related(relation, &left, rows);
                let above = kin.related(inverse(relation), &right, rows);
                for (at, r) in right.iter_mut().enumerate() {
                    *r = (*r && below[at]) || (left[at] && above[at]);
                }
            }
        }
        Ok(right.contains(&true).then_some(right))
    }

    /// The input in the traces that have spans of the left side.
    fn open(
        &self,
        left: &[bool],
        rows: &Range<usize>,
        input: Option<&[bool]>,
    ) -> Result<Vec<bool>, EvalError> {
        let mut open = copied(input, rows);
        for run in self.runs_in(rows)? {
            let at = run.rows.start as usize - rows.start..run.rows.end as usize - rows.start;
            if !left[at.clone()].contains(&true) {
                open[at].fill(false);
            }
        }
        Ok(open)
    }

    fn kin(&self) -> Result<Kin<'_>, EvalError> {
        Kin::new(self.frame.tree()?, self.frame.table)
    }

    /// The traces within some rows by number.
    fn runs_in(&self, rows: &Range<usize>) -> Result<&'t [Run], EvalError> {
        let runs = self.frame.runs()?;
        let first = runs.partition_point(|run| (run.rows.start as usize) < rows.start);
        let last = runs.partition_point(|run| (run.rows.start as usize) < rows.end);
        Ok(&runs[first..last])
    }

    /// A pipeline in parentheses must leave one spanset of a trace.
    fn nested(
        &self,
        stages: &[Stage],
        rows: &Range<usize>,
        input: Option<&[bool]>,
    ) -> Result<Option<Vec<bool>>, EvalError> {
        let mut all = vec![false; rows.len()];
        let mut runner = Runner::new(self, stages)?;
        for run in self.runs_in(rows)? {
            let kept = |row: &u32| input.is_none_or(|input| input[*row as usize - rows.start]);
            if !runner.run(&run.rows, run.rows.clone().filter(kept))? {
                continue;
            }
            if runner.count() > 1 {
                return Err(Refusal::ManySpansets.into());
            }
            for row in runner.kept_rows() {
                all[row as usize - rows.start] = true;
            }
        }
        Ok(all.contains(&true).then_some(all))
    }
}

fn has_pipeline(expr: &Spansets) -> bool {
    match expr {
        Spansets::All | Spansets::Filter(_) => false,
        Spansets::Pipeline(_) => true,
        Spansets::Op { lhs, rhs, .. } => has_pipeline(lhs) || has_pipeline(rhs),
    }
}

/// Those of the input; `None` when there are none.
fn among(list: &[bool], input: Option<&[bool]>) -> Option<Vec<bool>> {
    let mut list = list.to_vec();
    if let Some(input) = input {
        list.iter_mut().zip(input).for_each(|(a, b)| *a &= b);
    }
    list.contains(&true).then_some(list)
}

fn copied(input: Option<&[bool]>, rows: &Range<usize>) -> Vec<bool> {
    input.map_or_else(|| vec![true; rows.len()], <[bool]>::to_vec)
}

fn unite(into: &mut [bool], from: &[bool]) {
    into.iter_mut().zip(from).for_each(|(a, b)| *a |= b);
}

/// Unites the sides in the traces that have spans of both, and empties the others.
fn both(runs: &[Run], right: &mut [bool], left: &[bool], rows: &Range<usize>) {
    for run in runs {
        let at = run.rows.start as usize - rows.start..run.rows.end as usize - rows.start;
        let (l, r) = (&left[at.clone()], &mut right[at]);
        if l.contains(&true) && r.contains(&true) {
            unite(r, l);
        } else {
            r.fill(false);
        }
    }
}
