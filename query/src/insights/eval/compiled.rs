//! Expressions over the slots of a row. Not for where names get their slots (see `plan`).

use std::cmp::Ordering;

use memchr::memmem::Finder;
use regex::Regex;

use super::super::ast::{BinaryOp, Function};
use super::super::value::Value;
use super::functions;

/// A compiled expression.
#[derive(Debug)]
pub(super) enum Compiled {
    Constant(Value),
    Slot(usize),
    /// The result of an aggregate, by number.
    Total(usize),
    Negate(Box<Compiled>),
    Not(Box<Compiled>),
    And(Vec<Compiled>),
    Or(Vec<Compiled>),
    Arithmetic(BinaryOp, Box<(Compiled, Compiled)>),
    /// With a text in quotes values are equal as texts.
    Compare(BinaryOp, As, Box<(Compiled, Compiled)>),
    Holds(Box<Compiled>, Box<Finder<'static>>),
    Matches(Box<Compiled>, Box<Regex>),
    In(Box<Compiled>, Vec<(As, Compiled)>),
    /// With the length of time that is an argument, 0 where none is.
    Call(Function, i64, Vec<Compiled>),
}

/// How values are taken where they are compared for equality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum As {
    Texts,
    Values,
}

/// What an expression is computed from.
#[derive(Clone, Copy)]
pub(super) struct Context<'c> {
    pub(super) slots: &'c [Value],
    /// Results of aggregates.
    pub(super) totals: &'c [Value],
    /// The time of the row.
    pub(super) time: i64,
}

impl Compiled {
    pub(super) fn value(&self, of: Context<'_>) -> Value {
        match self {
            Compiled::Constant(value) => value.clone(),
            Compiled::Slot(slot) => of.slots[*slot].clone(),
            Compiled::Total(number) => of.totals.get(*number).cloned().unwrap_or_default(),
            Compiled::Negate(inner) => match inner.value(of).number() {
                Some(number) => Value::Number(-number),
                None => Value::Missing,
            },
            Compiled::Arithmetic(op, sides) => {
                let (lhs, rhs) = (sides.0.value(of).number(), sides.1.value(of).number());
                match lhs.zip(rhs).map(|(a, b)| arithmetic(*op, a, b)) {
                    Some(number) if number.is_finite() => Value::Number(number),
                    _ => Value::Missing,
                }
            }
            Compiled::Call(function, period, args) => {
                let args: Vec<Value> = args.iter().map(|arg| arg.value(of)).collect();
                functions::call(*function, *period, of.time, &args)
            }
            truth => Value::Bool(truth.holds(of)),
        }
    }

    /// Shows it and all it is made of.
    pub(super) fn visit<'c>(&'c self, visit: &mut dyn FnMut(&'c Compiled)) {
        visit(self);
        match self {
            Compiled::Constant(_) | Compiled::Slot(_) | Compiled::Total(_) => {}
            Compiled::Negate(one)
            | Compiled::Not(one)
            | Compiled::Holds(one, _)
            | Compiled::Matches(one, _) => one.visit(visit),
            Compiled::And(all) | Compiled::Or(all) | Compiled::Call(_, _, all) => {
                all.iter().for_each(|one| one.visit(visit));
            }
            Compiled::Arithmetic(_, sides) | Compiled::Compare(_, _, sides) => {
                sides.0.visit(visit);
                sides.1.visit(visit);
            }
            Compiled::In(one, list) => {
                one.visit(visit);
                list.iter().for_each(|(_, one)| one.visit(visit));
            }
        }
    }

    /// Whether it is true.
    pub(super) fn holds(&self, of: Context<'_>) -> bool {
        match self {
            Compiled::Not(inner) => !inner.holds(of),
            Compiled::And(all) => all.iter().all(|one| one.holds(of)),
            Compiled::Or(all) => all.iter().any(|one| one.holds(of)),
            Compiled::Compare(op, taken, sides) => {
                compare(*op, *taken, &sides.0.value(of), &sides.1.value(of))
            }
            Compiled::Holds(inner, finder) => {
                let text = inner.value(of).shown();
                text.is_some_and(|text| finder.find(text.as_bytes()).is_some())
            }
            Compiled::Matches(inner, regex) => {
                let text = inner.value(of).shown();
                text.is_some_and(|text| regex.is_match(&text))
            }
            Compiled::In(inner, list) => {
                let value = inner.value(of);
                list.iter()
                    .any(|(taken, one)| is_equal(*taken, &value, &one.value(of)))
            }
            other => other.value(of).is_true(),
        }
    }
}

fn arithmetic(op: BinaryOp, a: f64, b: f64) -> f64 {
    match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Div => a / b,
        BinaryOp::Mod => a % b,
        _ => a.powf(b),
    }
}

/// What is missing equals nothing and has no order.
fn is_equal(taken: As, lhs: &Value, rhs: &Value) -> bool {
    match taken {
        As::Texts => lhs.shown().is_some() && lhs.shown() == rhs.shown(),
        As::Values => lhs.compare(rhs) == Some(Ordering::Equal),
    }
}

fn compare(op: BinaryOp, taken: As, lhs: &Value, rhs: &Value) -> bool {
    match op {
        BinaryOp::Equal => is_equal(taken, lhs, rhs),
        BinaryOp::NotEqual => !is_equal(taken, lhs, rhs),
        op => {
            // A number comes neither before nor behind what is no number.
            let numbers = |a: &Value, b: &Value| matches!(a, Value::Number(_)) && b.number().is_none();
            if numbers(lhs, rhs) || numbers(rhs, lhs) {
                return false;
            }
            let order = lhs.compare(rhs);
            order.is_some_and(|order| match op {
                BinaryOp::Less => order.is_lt(),
                BinaryOp::LessEqual => order.is_le(),
                BinaryOp::Greater => order.is_gt(),
                _ => order.is_ge(),
            })
        }
    }
}
