//! One operator between two samples of either kind. Not for which samples meet.

use std::sync::Arc;

use kymo_engine::metrics::ResetHint;

use super::{arithmetic, compare};
use crate::lex::Span;
use crate::promql::ast::BinaryOp;
use crate::promql::eval::annotations::{Notes, Severity};
use crate::promql::eval::context::Context;
use crate::promql::eval::series::Sample;
use crate::promql::histogram::{Combined, FloatHistogram, Incompatible, Keep};

/// What an operator makes of two samples.
pub(in crate::promql::eval) enum Outcome {
    /// A value; of a comparison that holds, the left one.
    Keep(Sample),
    /// A comparison that does not hold.
    Reject,
    /// The two do not go together, which has been said.
    Nothing,
}

/// An operator with its place in the query.
pub(in crate::promql::eval) struct Operator<'c, 'q> {
    pub(in crate::promql::eval) context: &'c Context<'q>,
    pub(in crate::promql::eval) op: BinaryOp,
    pub(in crate::promql::eval) span: Span,
}

impl Operator<'_, '_> {
    /// The result for two samples.
    #[inline]
    pub(in crate::promql::eval) fn apply(&self, l: &Sample, r: &Sample) -> Outcome {
        match (l, r) {
            (Sample::Float(l), Sample::Float(r)) => self.floats(*l, *r),
            (Sample::Float(l), Sample::Histogram(r)) if self.op == BinaryOp::Mul => {
                scaled(r, |h| h.multiply(*l))
            }
            (Sample::Histogram(l), Sample::Float(r)) => match self.op {
                BinaryOp::Mul => scaled(l, |h| h.multiply(*r)),
                BinaryOp::Div => scaled(l, |h| h.divide(*r)),
                BinaryOp::TrimUpper => kept(l.trimmed(*r, Keep::Below)),
                BinaryOp::TrimLower => kept(l.trimmed(*r, Keep::Above)),
                _ => self.incompatible("histogram", "float"),
            },
            (Sample::Histogram(l), Sample::Histogram(r)) => self.histograms(l, r),
            (Sample::Float(_), Sample::Histogram(_)) => self.incompatible("float", "histogram"),
        }
    }

    fn floats(&self, l: f64, r: f64) -> Outcome {
        match self.op {
            op if op.is_comparison() => match compare(op, l, r) {
                true => Outcome::Keep(Sample::Float(l)),
                false => Outcome::Reject,
            },
            BinaryOp::TrimLower | BinaryOp::TrimUpper => self.incompatible("float", "float"),
            op => Outcome::Keep(Sample::Float(arithmetic(op, l, r))),
        }
    }

    fn histograms(&self, l: &Arc<FloatHistogram>, r: &FloatHistogram) -> Outcome {
        let mut result = match self.op {
            BinaryOp::Equal | BinaryOp::NotEqual => {
                return match l.same_as(r) == (self.op == BinaryOp::Equal) {
                    true => Outcome::Keep(Sample::Histogram(l.clone())),
                    false => Outcome::Reject,
                };
            }
            BinaryOp::Add | BinaryOp::Sub => FloatHistogram::clone(l),
            _ => return self.incompatible("histogram", "histogram"),
        };
        let (done, operation) = match self.op {
            BinaryOp::Add => (result.add(r), "addition"),
            _ => (result.subtract(r), "subtraction"),
        };
        match done {
            Ok(combined) => self.tell(combined, operation),
            Err(Incompatible) => {
                let op = self.op.as_str();
                let message = format!("incompatible bucket layout encountered for binary operator {op}");
                self.context.warn(self.span, message);
                return Outcome::Nothing;
            }
        }
        if self.op == BinaryOp::Sub {
            // A difference is no counter.
            result.reset_hint = ResetHint::Gauge;
        }
        result.compact();
        kept(result)
    }

    fn tell(&self, combined: Combined, operation: &str) {
        let mut notes: std::cell::RefMut<'_, Notes> = self.context.notes();
        if combined.conflict {
            let message = format!("conflicting counter resets during histogram {operation}");
            notes.add(Severity::Warning, message, self.span);
        }
        if combined.reconciled {
            let message = format!("mismatched custom buckets were reconciled during {operation}");
            notes.add(Severity::Info, message, self.span);
        }
    }

    fn incompatible(&self, l: &str, r: &str) -> Outcome {
        let op = self.op.as_str();
        self.context.inform(
            self.span,
            format!("incompatible sample types encountered for binary operator \"{op}\": {l} {op} {r}"),
        );
        Outcome::Nothing
    }
}

fn kept(histogram: FloatHistogram) -> Outcome {
    Outcome::Keep(Sample::Histogram(Arc::new(histogram)))
}

fn scaled(histogram: &FloatHistogram, change: impl FnOnce(&mut FloatHistogram)) -> Outcome {
    let mut result = histogram.clone();
    change(&mut result);
    result.compact();
    kept(result)
}
