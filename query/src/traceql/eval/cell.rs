//! What an attribute has for one span: nothing, a value, a list, or a value for each of several events or links.
//! Not for columns.

use kymo_engine::traces::Value;

use super::super::ast::{BinaryOp, Kind, Static, Status};
use super::super::value;

/// The value of an expression for a span.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Absent,
    /// There, but nothing that the language compares: bytes and named values.
    Opaque,
    /// A whole number was divided by zero.
    Fault,
    One(Static),
    /// A list: it equals what one of its items equals.
    List(Vec<Static>),
    /// Of several events or links, without those that have none.
    Many(Vec<Cell>),
}

/// How the numbers and bytes of a column are to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Plain,
    Duration,
    Status,
    Kind,
}

/// A whole number as it is to be taken.
pub(super) fn integer(n: i64, reading: Reading) -> Static {
    match reading {
        Reading::Plain => Static::Int(n),
        Reading::Duration => Static::Duration(n),
        Reading::Status => Static::Status(Status::of(n)),
        Reading::Kind => Static::Kind(Kind::of(n)),
    }
}

/// Hexadecimal digits of an id.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|b| [b >> 4, b & 15]);
    digits.map(|d| char::from(DIGITS[usize::from(d)])).collect()
}

impl Cell {
    /// A stored value. Bytes that are ids are their hex.
    pub(super) fn of(stored: &Value, reading: Reading, ids: bool) -> Cell {
        match stored {
            Value::Empty => Cell::Absent,
            Value::Bytes(bytes) if ids => Cell::One(Static::String(hex(bytes).into())),
            Value::Bytes(_) | Value::KvList(_) => Cell::Opaque,
            Value::Array(items) => {
                let scalars: Vec<Static> = items.iter().filter_map(scalar).collect();
                if scalars.len() == items.len() {
                    Cell::List(scalars)
                } else {
                    Cell::Opaque
                }
            }
            Value::Int(n) => Cell::One(integer(*n, reading)),
            other => scalar(other).map_or(Cell::Opaque, Cell::One),
        }
    }

    pub(super) fn truth(b: bool) -> Cell {
        Cell::One(Static::Bool(b))
    }

    /// True when it says so; of several one must.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Cell::One(Static::Bool(b)) => *b,
            Cell::Many(cells) => cells.iter().any(Cell::is_true),
            _ => false,
        }
    }

    pub(super) fn is_fault(&self) -> bool {
        matches!(self, Cell::Fault)
    }

    /// The first value where there are several.
    pub(super) fn first(self) -> Option<Static> {
        match self {
            Cell::One(value) => Some(value),
            Cell::List(items) => items.into_iter().next(),
            Cell::Many(cells) => cells.into_iter().find_map(Cell::first),
            Cell::Absent | Cell::Opaque | Cell::Fault => None,
        }
    }
}

fn scalar(stored: &Value) -> Option<Static> {
    Some(match stored {
        Value::String(text) => Static::String(text.clone()),
        Value::Bool(b) => Static::Bool(*b),
        Value::Int(n) => Static::Int(*n),
        Value::Double(x) => Static::Float(*x),
        _ => return None,
    })
}

/// A test of one value.
pub(super) type Test<'a> = dyn Fn(&Static) -> Option<bool> + 'a;

/// Whether a comparison holds for a cell. `test` says it for one value, or that types do not go together.
pub(super) fn holds(cell: &Cell, op: BinaryOp, test: &Test<'_>) -> bool {
    match cell {
        Cell::Absent | Cell::Opaque | Cell::Fault => false,
        Cell::One(value) => test(value).unwrap_or(false),
        Cell::List(items) => {
            let mut results = items.iter().map(test);
            if matches!(op, BinaryOp::NotEqual | BinaryOp::NotRegex) {
                // No item may be the value; a list of other types does not go together with it.
                let comparable = items.is_empty() || items.iter().any(|item| test(item).is_some());
                comparable && results.all(|r| r != Some(false))
            } else {
                results.any(|r| r == Some(true))
            }
        }
        Cell::Many(cells) => cells.iter().any(|cell| holds(cell, op, test)),
    }
}

/// The result of an operator other than a regular expression.
pub(super) fn binary(op: BinaryOp, lhs: &Cell, rhs: &Cell) -> Cell {
    if op.is_arithmetic() {
        return arithmetic(op, lhs, rhs);
    }
    if lhs.is_fault() || rhs.is_fault() {
        return Cell::Fault;
    }
    Cell::truth(match (lhs, rhs) {
        (Cell::Many(cells), _) => cells.iter().any(|cell| binary(op, cell, rhs).is_true()),
        (_, Cell::Many(cells)) => cells.iter().any(|cell| binary(op, lhs, cell).is_true()),
        (_, Cell::One(right)) => holds(lhs, op, &|left| value::compare(op, left, right)),
        (Cell::One(left), _) => holds(rhs, op, &|right| value::compare(op, left, right)),
        (Cell::List(left), Cell::List(right)) => lists(op, left, right),
        _ => false,
    })
}

/// Two lists are equal when they have an item in common.
fn lists(op: BinaryOp, left: &[Static], right: &[Static]) -> bool {
    let pairs = |op: BinaryOp| {
        left.iter()
            .any(|l| right.iter().any(|r| value::compare(op, l, r) == Some(true)))
    };
    match op {
        BinaryOp::NotEqual => pairs(BinaryOp::NotEqual) && !pairs(BinaryOp::Equal),
        op => pairs(op),
    }
}

fn arithmetic(op: BinaryOp, lhs: &Cell, rhs: &Cell) -> Cell {
    match (lhs, rhs) {
        (Cell::Fault, _) | (_, Cell::Fault) => Cell::Fault,
        (Cell::Many(cells), _) => many(cells.iter().map(|cell| arithmetic(op, cell, rhs))),
        (_, Cell::Many(cells)) => many(cells.iter().map(|cell| arithmetic(op, lhs, cell))),
        (Cell::One(left), Cell::One(right)) if value::divides_by_zero(op, left, right) => Cell::Fault,
        (Cell::One(left), Cell::One(right)) => match value::apply(op, left, right) {
            Static::Nil => Cell::Absent,
            value => Cell::One(value),
        },
        _ => Cell::Absent,
    }
}

/// Those that are there; a fault when one is.
fn many(cells: impl Iterator<Item = Cell>) -> Cell {
    let present: Vec<Cell> = cells.filter(|c| *c != Cell::Absent).collect();
    if present.contains(&Cell::Fault) {
        Cell::Fault
    } else if present.is_empty() {
        Cell::Absent
    } else {
        Cell::Many(present)
    }
}

/// The opposite truth of a truth; of nothing else.
pub(super) fn not(cell: &Cell) -> Cell {
    match cell {
        Cell::One(Static::Bool(b)) => Cell::truth(!b),
        Cell::Many(cells) => many(cells.iter().map(not)),
        Cell::Fault => Cell::Fault,
        _ => Cell::Absent,
    }
}

/// The negative of a number.
pub(super) fn negate(cell: &Cell) -> Cell {
    match cell {
        Cell::One(value) => super::super::fold::negated(value).map_or(Cell::Absent, Cell::One),
        Cell::Many(cells) => many(cells.iter().map(negate)),
        Cell::Fault => Cell::Fault,
        _ => Cell::Absent,
    }
}
