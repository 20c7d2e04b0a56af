//! Which rows an expression holds for: on distinct values where columns have codes, over whole columns where they are numbers,
//! row by row for the rest. Not for sets of spans of one trace.

use std::sync::Arc;

use kymo_engine::metrics::re2::Anchored;
use kymo_engine::traces::Value;

use super::super::ast::{BinaryOp, LogicOp, Static};
use super::super::value;
use super::cell::{Cell, Reading, holds, integer};
use super::compiled::Compiled;
use super::error::EvalError;
use super::frame::Frame;
use super::mask::Mask;
use super::operand::{Operand, coded_cell, id_text, is_present};
use super::row;

/// A test of one attribute.
enum Probe<'a> {
    Compare(BinaryOp, &'a Static),
    Match(&'a Anchored, bool),
    Is(bool),
    Exists,
}

impl Probe<'_> {
    fn static_holds(&self, found: &Static) -> Option<bool> {
        match self {
            Probe::Compare(op, with) => value::compare(*op, found, with),
            Probe::Match(pattern, negated) => match found {
                Static::String(text) => Some(pattern.is_match(text) != *negated),
                _ => None,
            },
            Probe::Is(truth) => Some(*found == Static::Bool(*truth)),
            Probe::Exists => Some(true),
        }
    }

    fn cell_holds(&self, cell: &Cell) -> bool {
        let op = match self {
            Probe::Exists => return *cell != Cell::Absent,
            Probe::Compare(op, _) => *op,
            Probe::Match(_, true) => BinaryOp::NotRegex,
            Probe::Match(_, false) => BinaryOp::Regex,
            Probe::Is(_) => {
                return match cell {
                    Cell::One(value) => self.static_holds(value) == Some(true),
                    Cell::Many(cells) => cells.iter().any(|cell| self.cell_holds(cell)),
                    _ => false,
                };
            }
        };
        holds(cell, op, &|value| self.static_holds(value))
    }

    /// Without copying texts.
    fn stored_holds(&self, stored: &Value, reading: Reading, ids: bool) -> bool {
        match (self, stored) {
            (Probe::Compare(op, Static::String(text)), Value::String(found)) => {
                value::holds(*op, Some(found.as_bytes().cmp(text.as_bytes())))
            }
            (Probe::Compare(..), Value::String(_)) => false,
            (Probe::Match(pattern, negated), Value::String(found)) => pattern.is_match(found) != *negated,
            (Probe::Compare(op, with), Value::Int(n)) => {
                value::compare(*op, &integer(*n, reading), with).unwrap_or(false)
            }
            (Probe::Exists, stored) => *stored != Value::Empty,
            _ => self.cell_holds(&Cell::of(stored, reading, ids)),
        }
    }
}

/// The rows that an expression holds for.
pub(super) fn select(expr: &Compiled, frame: &Frame<'_>) -> Result<Mask, EvalError> {
    let rows = frame.rows();
    match expr {
        Compiled::Static(value) => Ok(if *value == Static::Bool(true) {
            Mask::All
        } else {
            Mask::None
        }),
        Compiled::Attribute(number) => probe(frame.operand(*number)?, &Probe::Is(true), rows),
        Compiled::Not(inner) => match &**inner {
            Compiled::Attribute(number) => probe(frame.operand(*number)?, &Probe::Is(false), rows),
            inner if is_truth(inner) => Ok(select(inner, frame)?.not()),
            _ => by_rows(expr, frame),
        },
        Compiled::Exists { expr: inner, absent } => match &**inner {
            Compiled::Attribute(number) => {
                let found = probe(frame.operand(*number)?, &Probe::Exists, rows)?;
                Ok(if *absent { found.not() } else { found })
            }
            _ => by_rows(expr, frame),
        },
        Compiled::Match {
            expr: inner,
            pattern,
            negated,
        } => match &**inner {
            Compiled::Attribute(number) => {
                probe(frame.operand(*number)?, &Probe::Match(pattern, *negated), rows)
            }
            _ => by_rows(expr, frame),
        },
        Compiled::Binary { op, lhs, rhs } => match (&**lhs, &**rhs) {
            (Compiled::Attribute(number), Compiled::Static(with)) if op.is_comparison() => {
                probe(frame.operand(*number)?, &Probe::Compare(*op, with), rows)
            }
            (Compiled::Static(with), Compiled::Attribute(number)) if op.is_comparison() => {
                probe(frame.operand(*number)?, &Probe::Compare(flipped(*op), with), rows)
            }
            _ => by_rows(expr, frame),
        },
        Compiled::Logic { op, operands } => logic(*op, operands, frame),
        Compiled::Negate(_) => Ok(Mask::None),
    }
}

fn logic(op: LogicOp, operands: &[Compiled], frame: &Frame<'_>) -> Result<Mask, EvalError> {
    let rows = frame.rows();
    let mut all = if op == LogicOp::And { Mask::All } else { Mask::None };
    for operand in operands {
        let mask = select(operand, frame)?;
        all = match op {
            LogicOp::And => all.and(mask, rows),
            LogicOp::Or => all.or(mask, rows),
        };
        let decided = match op {
            LogicOp::And => all.is_none(),
            LogicOp::Or => matches!(all, Mask::All),
        };
        if decided {
            break;
        }
    }
    Ok(all)
}

/// True for what is true or false for every span.
fn is_truth(expr: &Compiled) -> bool {
    match expr {
        Compiled::Exists { .. } | Compiled::Match { .. } | Compiled::Logic { .. } => true,
        Compiled::Binary { op, .. } => op.is_comparison(),
        Compiled::Static(value) => matches!(value, Static::Bool(_)),
        Compiled::Not(inner) => is_truth(inner),
        Compiled::Attribute(_) | Compiled::Negate(_) => false,
    }
}

fn flipped(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessEqual => BinaryOp::GreaterEqual,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterEqual => BinaryOp::LessEqual,
        other => other,
    }
}

/// The rows whose value passes a test. `rows` counts items where the operand is of events or links.
fn probe(operand: &Operand<'_>, test: &Probe<'_>, rows: usize) -> Result<Mask, EvalError> {
    Ok(match operand {
        Operand::Absent => Mask::None,
        Operand::Constant(value) => match test.static_holds(value) {
            Some(true) => Mask::All,
            _ => Mask::None,
        },
        Operand::Coded {
            codes,
            values,
            reading,
            ids,
        } => {
            let hit = |value: &Option<Value>| {
                value
                    .as_ref()
                    .is_some_and(|v| test.stored_holds(v, *reading, *ids))
            };
            Mask::coded(codes.clone(), values.iter().map(hit).collect(), false)
        }
        Operand::Ints {
            values,
            present,
            reading,
        } => {
            let mut hits = integers(values.list(), *reading, test);
            if let Some(present) = present {
                for (hit, present) in hits.iter_mut().zip(present.iter()) {
                    *hit &= *present;
                }
            }
            Mask::Rows(hits)
        }
        Operand::Floats { values, present } => {
            let hit = |(row, x): (usize, &f64)| {
                is_present(present, row) && test.static_holds(&Static::Float(*x)) == Some(true)
            };
            Mask::Rows(values.iter().enumerate().map(hit).collect())
        }
        Operand::Ids(ids) => {
            let hit = |id| test.static_holds(&Static::String(id_text(id).into())) == Some(true);
            match test {
                Probe::Compare(op @ (BinaryOp::Equal | BinaryOp::NotEqual), Static::String(text)) => {
                    let wanted = parse_id(text);
                    let equal = *op == BinaryOp::Equal;
                    Mask::Rows(ids.iter().map(|id| (Some(*id) == wanted) == equal).collect())
                }
                _ => Mask::Rows(ids.iter().map(hit).collect()),
            }
        }
        Operand::Many { firsts, inner } => {
            let items = firsts.last().copied().unwrap_or(0) as usize;
            let hits = match probe(inner, test, items)? {
                Mask::None => return Ok(Mask::None),
                mask => mask.into_rows(items),
            };
            let any = |pair: &[u32]| hits[pair[0] as usize..pair[1] as usize].contains(&true);
            Mask::Rows(firsts.windows(2).map(any).collect())
        }
        Operand::First(list) => first_of(list, test, rows)?,
    })
}

/// The first operand that has a value decides.
fn first_of(list: &[Operand<'_>], test: &Probe<'_>, rows: usize) -> Result<Mask, EvalError> {
    let (mut found, mut open) = (Mask::None, Mask::All);
    for operand in list {
        let hits = probe(operand, test, rows)?;
        let here = open.and(hits, rows);
        found = found.or(here, rows);
        open = missing_so_far(list, operand, rows)?;
        if open.is_none() {
            break;
        }
    }
    Ok(found)
}

/// The rows in which no operand up to and with `last` has a value.
fn missing_so_far(list: &[Operand<'_>], last: &Operand<'_>, rows: usize) -> Result<Mask, EvalError> {
    let mut open = Mask::All;
    for operand in list {
        let there = probe(operand, &Probe::Exists, rows)?;
        open = open.and(there.not(), rows);
        if std::ptr::eq(operand, last) || open.is_none() {
            break;
        }
    }
    Ok(open)
}

/// The id that a text of 16 digits spells, zeros for an empty one.
fn parse_id(text: &str) -> Option<[u8; 8]> {
    match text.len() {
        0 => Some([0; 8]),
        16 if text.bytes().all(|b| b.is_ascii_hexdigit()) => {
            u64::from_str_radix(text, 16).ok().map(u64::to_be_bytes)
        }
        _ => None,
    }
}

fn integers(values: &[i64], reading: Reading, test: &Probe<'_>) -> Vec<bool> {
    let numeric = matches!(reading, Reading::Plain | Reading::Duration);
    if let (true, Probe::Compare(op, Static::Int(n) | Static::Duration(n))) = (numeric, test) {
        let n = *n;
        let each = |of: fn(i64, i64) -> bool| values.iter().map(|v| of(*v, n)).collect();
        return match op {
            BinaryOp::Equal => each(|a, b| a == b),
            BinaryOp::NotEqual => each(|a, b| a != b),
            BinaryOp::Less => each(|a, b| a < b),
            BinaryOp::LessEqual => each(|a, b| a <= b),
            BinaryOp::Greater => each(|a, b| a > b),
            _ => each(|a, b| a >= b),
        };
    }
    let hit = |v: &i64| test.static_holds(&integer(*v, reading)) == Some(true);
    values.iter().map(hit).collect()
}

/// Row by row, or code by code where everything in the expression has the same codes.
fn by_rows(expr: &Compiled, frame: &Frame<'_>) -> Result<Mask, EvalError> {
    let mut numbers = Vec::new();
    expr.attributes(&mut |number| numbers.push(number));
    if let Some((codes, len)) = shared_codes(&numbers, frame)? {
        let cell_of = |number: usize, code: u32| match frame.known(number) {
            Some(Operand::Coded {
                values, reading, ids, ..
            }) => coded_cell(code, values, *reading, *ids),
            _ => Cell::Absent,
        };
        let hit = |code| row::eval(expr, &|number| cell_of(number, code)).is_true();
        let absent = row::eval(expr, &|_| Cell::Absent).is_true();
        return Ok(Mask::coded(codes, (0..len as u32).map(hit).collect(), absent));
    }
    let values = Evaluated::new(expr, frame)?;
    let hits = (0..frame.rows()).map(|row| values.cell(row).is_true());
    Ok(Mask::Rows(hits.collect()))
}

/// The rows that an expression holds for, and those in which it divides by zero.
pub(super) fn select_dividing(
    expr: &Compiled,
    frame: &Frame<'_>,
) -> Result<(Vec<bool>, Vec<bool>), EvalError> {
    let values = Evaluated::new(expr, frame)?;
    let of_row = |row| {
        let cell = values.plain(row);
        (cell.is_true(), cell.is_fault())
    };
    Ok((0..frame.rows()).map(of_row).unzip())
}

/// An expression over a table whose columns are all there.
pub(super) struct Evaluated<'s, 'a, 't> {
    expr: &'s Compiled,
    frame: &'a Frame<'t>,
}

impl<'s, 'a, 't> Evaluated<'s, 'a, 't> {
    pub(super) fn new(expr: &'s Compiled, frame: &'a Frame<'t>) -> Result<Evaluated<'s, 'a, 't>, EvalError> {
        let mut numbers = Vec::new();
        expr.attributes(&mut |number| numbers.push(number));
        for number in numbers {
            frame.operand(number)?;
        }
        Ok(Evaluated { expr, frame })
    }

    /// The same where the columns have been read.
    pub(super) fn prepared(expr: &'s Compiled, frame: &'a Frame<'t>) -> Evaluated<'s, 'a, 't> {
        Evaluated { expr, frame }
    }

    /// The operand where the expression is nothing but an attribute.
    pub(super) fn operand(&self) -> Option<&'a Operand<'t>> {
        match self.expr {
            Compiled::Attribute(number) => self.frame.known(*number),
            _ => None,
        }
    }

    /// Its value in a row. The frame remembers a fault.
    pub(super) fn cell(&self, row: usize) -> Cell {
        let cell = self.plain(row);
        if cell.is_fault() {
            self.frame.note_fault();
        }
        cell
    }

    /// Its value in a row.
    fn plain(&self, row: usize) -> Cell {
        row::eval(self.expr, &|number| match self.frame.known(number) {
            Some(operand) => operand.cell(row),
            None => Cell::Absent,
        })
    }

    /// Its number in a row, the first of several.
    pub(super) fn number(&self, row: usize) -> Option<Static> {
        match self.operand() {
            Some(operand) => operand.number(row),
            None => self.cell(row).first().filter(|value| value.as_f64().is_some()),
        }
    }
}

/// Codes and how many there are.
type Shared = (Arc<[u32]>, usize);

/// The codes that all of the attributes have.
fn shared_codes(numbers: &[usize], frame: &Frame<'_>) -> Result<Option<Shared>, EvalError> {
    let mut shared: Option<Shared> = None;
    for number in numbers {
        let Operand::Coded { codes, values, .. } = frame.operand(*number)? else {
            return Ok(None);
        };
        shared = match shared {
            None => Some((codes.clone(), values.len())),
            Some((known, len)) if Arc::ptr_eq(&known, codes) => Some((known, len.max(values.len()))),
            Some(_) => return Ok(None),
        };
    }
    Ok(shared)
}
