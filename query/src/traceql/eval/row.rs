//! Expressions row by row: the plain way, for what has no faster one. Not for sets of rows (see `select`).

use super::super::ast::{BinaryOp, LogicOp, Static};
use super::cell::{self, Cell};
use super::compiled::Compiled;

/// The value of an expression; `attribute` gives those of its attributes by number.
pub(super) fn eval(expr: &Compiled, attribute: &dyn Fn(usize) -> Cell) -> Cell {
    match expr {
        Compiled::Static(Static::Nil) => Cell::Absent,
        Compiled::Static(value) => Cell::One(value.clone()),
        Compiled::Attribute(number) => attribute(*number),
        Compiled::Not(expr) => cell::not(&eval(expr, attribute)),
        Compiled::Negate(expr) => cell::negate(&eval(expr, attribute)),
        Compiled::Exists { expr, absent } => match eval(expr, attribute) {
            Cell::Fault => Cell::Fault,
            cell => Cell::truth((cell == Cell::Absent) == *absent),
        },
        Compiled::Match {
            expr,
            pattern,
            negated,
        } => {
            let op = if *negated {
                BinaryOp::NotRegex
            } else {
                BinaryOp::Regex
            };
            let matches = |value: &Static| match value {
                Static::String(text) => Some(pattern.is_match(text) != *negated),
                _ => None,
            };
            match eval(expr, attribute) {
                Cell::Fault => Cell::Fault,
                cell => Cell::truth(cell::holds(&cell, op, &matches)),
            }
        }
        Compiled::Binary { op, lhs, rhs } => cell::binary(*op, &eval(lhs, attribute), &eval(rhs, attribute)),
        Compiled::Logic { op, operands } => {
            let decisive = *op == LogicOp::Or;
            for operand in operands {
                let cell = eval(operand, attribute);
                if cell.is_fault() {
                    return Cell::Fault;
                }
                if cell.is_true() == decisive {
                    return Cell::truth(decisive);
                }
            }
            Cell::truth(!decisive)
        }
    }
}
