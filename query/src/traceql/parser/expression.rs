//! What stands between pipes: spansets and their operators, numbers and their arithmetic, series in parentheses.
//! Not for what stands in braces (see `field`).

use super::super::ast::{
    Aggregator, Comparison, MathOp, Metrics, Pipeline, Scalar, ScalarFilter, ScalarOp, SpansetExpr,
    SpansetOp, Static,
};
use super::super::fold;
use super::super::token::{Kind, Payload};
use super::{Parsed, Parser, Thing};

/// What a spanset operator is followed by.
const SPANSETS: &[&str] = &["{", "("];

/// How tightly an operator binds; 0 for what is none.
fn precedence(symbol: &str) -> u8 {
    match symbol {
        "&&" | "||" => 1,
        "+" | "-" => 3,
        "*" | "/" | "%" => 4,
        "^" => 5,
        _ if Comparison::of(symbol).is_some() || SpansetOp::of(symbol).is_some() => 2,
        _ => 0,
    }
}

/// True when the operator may stand behind the thing.
fn follows(thing: &Thing, symbol: &str) -> bool {
    match thing {
        Thing::Spansets(_) | Thing::Pipeline(_) => SpansetOp::of(symbol).is_some(),
        Thing::Scalar(_) => ScalarOp::of(symbol).is_some() || Comparison::of(symbol).is_some(),
        Thing::Metrics(_) => MathOp::of(symbol).is_some(),
        Thing::Filter(_) => false,
    }
}

impl Parser {
    /// Operands joined by operators that bind at least as tightly as `least`.
    pub(super) fn expression(&mut self, least: u8) -> Parsed<Thing> {
        let entered = self.depth;
        self.deepen()?;
        let mut lhs = self.operand()?;
        loop {
            let symbol = self.symbol();
            let binds = precedence(symbol);
            if binds == 0 || binds < least || !follows(&lhs, symbol) {
                break;
            }
            self.deepen()?;
            self.advance();
            if matches!(lhs, Thing::Spansets(_) | Thing::Pipeline(_)) && !SPANSETS.contains(&self.symbol()) {
                return Err(self.unexpected(SPANSETS));
            }
            if matches!(lhs, Thing::Scalar(_) | Thing::Metrics(_)) && self.symbol() == "{" {
                return Err(self.unexpected(&[]));
            }
            let rhs = self.expression(if symbol == "^" { binds } else { binds + 1 })?;
            lhs = self.combine(symbol, lhs, rhs)?;
        }
        self.depth = entered;
        Ok(lhs)
    }

    fn combine(&mut self, symbol: &str, lhs: Thing, rhs: Thing) -> Parsed<Thing> {
        match (lhs, rhs) {
            (
                lhs @ (Thing::Spansets(_) | Thing::Pipeline(_)),
                rhs @ (Thing::Spansets(_) | Thing::Pipeline(_)),
            ) => {
                let op = SpansetOp::of(symbol).ok_or_else(|| self.unexpected(&[]))?;
                let (lhs, rhs) = (Box::new(spansets_of(lhs)), Box::new(spansets_of(rhs)));
                Ok(Thing::Spansets(SpansetExpr::Op { op, lhs, rhs }))
            }
            (Thing::Scalar(lhs), Thing::Scalar(rhs)) => self.combine_scalars(symbol, lhs, rhs),
            (lhs @ (Thing::Scalar(_) | Thing::Metrics(_)), rhs @ (Thing::Scalar(_) | Thing::Metrics(_))) => {
                let op = MathOp::of(symbol).ok_or_else(|| self.unexpected(&[]))?;
                let lhs = Box::new(self.math_operand(op, lhs)?);
                let rhs = Box::new(self.math_operand(op, rhs)?);
                Ok(Thing::Metrics(Metrics::Math { op, lhs, rhs }))
            }
            _ => Err(self.unexpected(&[])),
        }
    }

    fn combine_scalars(&mut self, symbol: &str, lhs: Scalar, rhs: Scalar) -> Parsed<Thing> {
        if let Some(op) = ScalarOp::of(symbol) {
            return Ok(Thing::Scalar(Scalar::Op {
                op,
                lhs: Box::new(lhs),
                rhs: Box::new(rhs),
            }));
        }
        let op = Comparison::of(symbol).ok_or_else(|| self.unexpected(&[]))?;
        if lhs.has_aggregate() || rhs.has_aggregate() {
            Ok(Thing::Filter(ScalarFilter { op, lhs, rhs }))
        } else {
            Err(self.unexpected(&[]))
        }
    }

    fn math_operand(&mut self, op: MathOp, thing: Thing) -> Parsed<Metrics> {
        // A product is complete with its last token, a sum only when the next one shows that no product follows.
        let behind = matches!(op, MathOp::Mul | MathOp::Div);
        let place = if behind {
            self.at.saturating_sub(1)
        } else {
            self.at
        };
        match thing {
            Thing::Metrics(metrics) => Ok(metrics),
            Thing::Scalar(Scalar::Number(Static::Duration(_))) => {
                let message = "duration cannot be used as a scalar operand in metric arithmetic";
                Err(self.fault_at(&self.tokens.list[place], message.to_owned()))
            }
            Thing::Scalar(scalar) => {
                self.without_durations(&scalar, place)?;
                Ok(Metrics::Number(scalar))
            }
            _ => Err(self.unexpected(&[])),
        }
    }

    /// Refuses arithmetic that is no plain arithmetic of numbers; `place` is the token that shows it.
    pub(super) fn without_durations(&self, scalar: &Scalar, place: usize) -> Parsed<()> {
        match scalar {
            Scalar::Number(Static::Duration(_)) => {
                let message = "duration cannot be used in scalar arithmetic";
                Err(self.fault_at(&self.tokens.list[place], message.to_owned()))
            }
            Scalar::Number(_) => Ok(()),
            Scalar::Op { op, lhs, rhs } if MathOp::of(op.text()).is_some() => {
                self.without_durations(lhs, place)?;
                self.without_durations(rhs, place)
            }
            _ => Err(self.unexpected(&[])),
        }
    }

    fn operand(&mut self) -> Parsed<Thing> {
        match self.symbol() {
            "{" => self.spanset_filter().map(Thing::Spansets),
            "(" => {
                self.advance();
                self.parens += 1;
                let thing = self.pipeline()?;
                let expecting: &[&str] = if matches!(thing, Thing::Scalar(_)) {
                    &[]
                } else {
                    &[")", "|"]
                };
                self.expect(")", expecting)?;
                self.parens -= 1;
                Ok(thing)
            }
            symbol if Aggregator::of(symbol).is_some() => self.aggregate().map(Thing::Scalar),
            _ => self.number(&[]).map(|n| Thing::Scalar(Scalar::Number(n))),
        }
    }

    /// `{ .. }`.
    pub(super) fn spanset_filter(&mut self) -> Parsed<SpansetExpr> {
        self.expect("{", &["{"])?;
        if self.accept("}") {
            return Ok(SpansetExpr::Filter(None));
        }
        let expr = self.field_expr()?;
        self.expect("}", &[])?;
        Ok(SpansetExpr::Filter(Some(Box::new(expr))))
    }

    fn aggregate(&mut self) -> Parsed<Scalar> {
        let op = Aggregator::of(self.symbol()).ok_or_else(|| self.unexpected(&[]))?;
        self.advance();
        self.expect("(", &["("])?;
        let expr = match op {
            Aggregator::Count => None,
            _ => Some(Box::new(self.field_expr()?)),
        };
        let expecting: &[&str] = if expr.is_none() { &[")"] } else { &[] };
        self.expect(")", expecting)?;
        Ok(Scalar::Aggregate { op, expr })
    }

    /// An integer, float or duration, perhaps negative.
    pub(super) fn number(&mut self, expecting: &[&str]) -> Parsed<Static> {
        if self.symbol() == "-" {
            self.advance();
            let value = self.unsigned(&["INTEGER", "FLOAT", "DURATION"])?;
            return fold::negated(&value).ok_or_else(|| self.unexpected(&[]));
        }
        self.unsigned(expecting)
    }

    fn unsigned(&mut self, expecting: &[&str]) -> Parsed<Static> {
        let token = self.peek();
        let value = match (token.kind, &token.payload) {
            (Kind::Integer, Payload::Integer(n)) => Static::Int(*n),
            (Kind::Float, Payload::Float(x)) => Static::Float(*x),
            (Kind::Duration, Payload::Duration(n)) => Static::Duration(*n),
            _ => return Err(self.unexpected(expecting)),
        };
        self.advance();
        Ok(value)
    }
}

fn spansets_of(thing: Thing) -> SpansetExpr {
    match thing {
        Thing::Spansets(spansets) => spansets,
        Thing::Pipeline(pipeline) => SpansetExpr::Pipeline(Box::new(pipeline)),
        _ => SpansetExpr::Pipeline(Box::new(Pipeline { stages: Vec::new() })),
    }
}
