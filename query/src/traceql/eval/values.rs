//! The values that an attribute has on spans for which conditions hold, as editors complete them. Not for values without
//! conditions, which stores list without reading spans.

use std::cmp::Ordering;

use hashbrown::HashSet;
use kymo_engine::traces::Value;

use super::super::ast::{Attribute, FieldExpr, Static};
use super::super::options::Part;
use super::super::value;
use super::cell::Cell;
use super::compiled::Attributes;
use super::error::{EvalError, check};
use super::frame::Frame;
use super::key::Key;
use super::operand::{Operand, answered, coded_cell};
use super::parallel::in_parallel;
use super::select::select;
use crate::promql::eval::Budget;

/// Parts of a wave; between waves it is seen whether there are enough values.
const WAVE: usize = 8;

/// The distinct values of an attribute on the spans of `parts` for which `filter` holds, sorted, at most `limit`. Kinds and
/// statuses are their keywords.
///
/// # Errors
/// [`EvalError`]; the first part that fails decides.
pub fn values_where(
    parts: &[Part<'_>],
    filter: &FieldExpr,
    attribute: &Attribute,
    limit: usize,
    budget: &Budget<'_>,
) -> Result<Vec<Value>, EvalError> {
    let mut attributes = Attributes::default();
    let compiled = attributes.compile(filter)?;
    let wanted = attributes.number(attribute);
    let all: Vec<&Part<'_>> = parts.iter().collect();
    let mut found: HashSet<Key> = HashSet::new();
    for wave in all.chunks(WAVE) {
        let of_part = |part: &Part<'_>| -> Result<HashSet<Key>, EvalError> {
            check(budget)?;
            let Some(table) = (part.load)()? else {
                return Ok(HashSet::new());
            };
            let frame = Frame::new(&table, &attributes.list);
            let rows = select(&compiled, &frame)?.into_rows(frame.rows());
            Ok(values(frame.operand(wanted)?, &rows))
        };
        for keys in in_parallel(wave, budget, of_part) {
            found.extend(keys?);
        }
        if found.len() >= limit {
            break;
        }
    }
    let mut values: Vec<Static> = found.into_iter().map(|key| key.0).collect();
    values.sort_by(ordered);
    values.truncate(limit);
    Ok(values.iter().map(answered).collect())
}

/// Values of one type by size or by letters, numbers before texts.
fn ordered(a: &Static, b: &Static) -> Ordering {
    let rank = |value: &Static| match value {
        Static::Int(_) | Static::Duration(_) => 0,
        Static::Float(_) => 1,
        Static::Bool(_) => 2,
        _ => 3,
    };
    let by_value = || value::order(a, b).unwrap_or_else(|| a.to_string().cmp(&b.to_string()));
    rank(a).cmp(&rank(b)).then_with(by_value)
}

fn values(operand: &Operand<'_>, rows: &[bool]) -> HashSet<Key> {
    let kept = || {
        rows.iter()
            .enumerate()
            .filter(|(_, kept)| **kept)
            .map(|(row, _)| row)
    };
    let mut found = HashSet::new();
    if let Operand::Coded {
        codes,
        values,
        reading,
        ids,
    } = operand
    {
        let mut seen = vec![false; values.len()];
        for row in kept() {
            if let Some(seen) = seen.get_mut(codes[row] as usize)
                && !std::mem::replace(seen, true)
            {
                add(coded_cell(codes[row], values, *reading, *ids), &mut found);
            }
        }
    } else {
        kept().for_each(|row| add(operand.cell(row), &mut found));
    }
    found
}

/// Adds every value of a cell.
fn add(cell: Cell, found: &mut HashSet<Key>) {
    match cell {
        Cell::Absent | Cell::Opaque | Cell::Fault => {}
        Cell::One(value) => {
            found.insert(Key(value));
        }
        Cell::List(items) => found.extend(items.into_iter().map(Key)),
        Cell::Many(cells) => cells.into_iter().for_each(|cell| add(cell, found)),
    }
}
