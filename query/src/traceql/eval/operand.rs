//! The values of an attribute for every row of a table. Not for what is asked of them.

use std::sync::Arc;

use kymo_engine::traces::{ABSENT, Column, SpanId, Value};

use super::super::ast::Static;
use super::cell::{Cell, Reading, hex, integer};

/// The values of an attribute for every row.
pub(super) enum Operand<'t> {
    Absent,
    /// The same in every row.
    Constant(Static),
    Coded {
        codes: Arc<[u32]>,
        values: Arc<[Option<Value>]>,
        reading: Reading,
        /// Bytes among the values are ids.
        ids: bool,
    },
    Ints {
        values: Ints<'t>,
        present: Option<Arc<[bool]>>,
        reading: Reading,
    },
    Floats {
        values: Arc<[f64]>,
        present: Option<Arc<[bool]>>,
    },
    /// Ids of spans, as hex; zeros are an empty text.
    Ids(&'t [SpanId]),
    /// Values of events or links.
    Many {
        firsts: Arc<[u32]>,
        inner: Box<Operand<'t>>,
    },
    /// The first of these that has a value.
    First(Vec<Operand<'t>>),
}

/// Whole numbers of a column, or borrowed from the table.
pub(super) enum Ints<'t> {
    Shared(Arc<[i64]>),
    Borrowed(&'t [i64]),
    Own(Vec<i64>),
}

impl Ints<'_> {
    pub(super) fn list(&self) -> &[i64] {
        match self {
            Ints::Shared(list) => list,
            Ints::Borrowed(list) => list,
            Ints::Own(list) => list,
        }
    }
}

impl<'t> Operand<'t> {
    pub(super) fn of(column: Column, reading: Reading, ids: bool) -> Operand<'t> {
        match column {
            Column::Absent => Operand::Absent,
            Column::Coded { codes, values } => Operand::Coded {
                codes,
                values,
                reading,
                ids,
            },
            Column::Ints { values, present } => Operand::Ints {
                values: Ints::Shared(values),
                present,
                reading,
            },
            Column::Doubles { values, present } => Operand::Floats { values, present },
            Column::Many { firsts, inner } => Operand::Many {
                firsts,
                inner: Box::new(Operand::of(*inner, reading, ids)),
            },
        }
    }

    /// A value per trace, spread over its rows.
    pub(super) fn per_run(codes: Vec<u32>, values: Vec<Option<Value>>) -> Operand<'t> {
        Operand::Coded {
            codes: codes.into(),
            values: values.into(),
            reading: Reading::Plain,
            ids: true,
        }
    }

    /// Its value in a row.
    pub(super) fn cell(&self, row: usize) -> Cell {
        match self {
            Operand::Absent => Cell::Absent,
            Operand::Constant(value) => Cell::One(value.clone()),
            Operand::Coded {
                codes,
                values,
                reading,
                ids,
            } => coded_cell(codes[row], values, *reading, *ids),
            Operand::Ints {
                values,
                present,
                reading,
            } => match is_present(present, row) {
                true => Cell::One(integer(values.list()[row], *reading)),
                false => Cell::Absent,
            },
            Operand::Floats { values, present } => match is_present(present, row) {
                true => Cell::One(Static::Float(values[row])),
                false => Cell::Absent,
            },
            Operand::Ids(ids) => Cell::One(Static::String(id_text(&ids[row]).into())),
            Operand::Many { firsts, inner } => {
                let items = firsts[row] as usize..firsts[row + 1] as usize;
                let cells: Vec<Cell> = items
                    .map(|item| inner.cell(item))
                    .filter(|cell| *cell != Cell::Absent)
                    .collect();
                if cells.is_empty() {
                    Cell::Absent
                } else {
                    Cell::Many(cells)
                }
            }
            Operand::First(list) => list
                .iter()
                .map(|operand| operand.cell(row))
                .find(|cell| *cell != Cell::Absent)
                .unwrap_or(Cell::Absent),
        }
    }

    /// The stored value in a row, the first of several.
    pub(super) fn stored(&self, row: usize) -> Option<Value> {
        match self {
            Operand::Coded {
                codes,
                values,
                reading: Reading::Plain,
                ids: false,
            } => values
                .get(codes[row] as usize)?
                .clone()
                .filter(|v| *v != Value::Empty),
            Operand::Many { firsts, inner } => {
                (firsts[row] as usize..firsts[row + 1] as usize).find_map(|item| inner.stored(item))
            }
            Operand::First(list) => list.iter().find_map(|operand| operand.stored(row)),
            other => other.cell(row).first().map(|value| answered(&value)),
        }
    }

    /// Its whole number in a row, or that there is none; `None` for other operands.
    pub(super) fn whole_at(&self, row: usize) -> Option<Option<i64>> {
        match self {
            Operand::Ints { values, present, .. } => {
                Some(is_present(present, row).then(|| values.list()[row]))
            }
            _ => None,
        }
    }

    /// Its whole numbers where every row has one.
    pub(super) fn whole(&self) -> Option<(&[i64], Reading)> {
        match self {
            Operand::Ints {
                values,
                present: None,
                reading: reading @ (Reading::Plain | Reading::Duration),
            } => Some((values.list(), *reading)),
            _ => None,
        }
    }

    /// The number in a row, the first of several.
    pub(super) fn number(&self, row: usize) -> Option<Static> {
        let value = match self {
            Operand::Ints {
                values,
                present,
                reading: reading @ (Reading::Plain | Reading::Duration),
            } => return is_present(present, row).then(|| integer(values.list()[row], *reading)),
            Operand::Coded {
                codes,
                values,
                reading: Reading::Plain,
                ..
            } => match values.get(codes[row] as usize)?.as_ref()? {
                Value::Int(n) => return Some(Static::Int(*n)),
                Value::Double(x) => return Some(Static::Float(*x)),
                Value::Array(_) => self.cell(row).first()?,
                _ => return None,
            },
            other => other.cell(row).first()?,
        };
        matches!(value, Static::Int(_) | Static::Float(_) | Static::Duration(_)).then_some(value)
    }
}

pub(super) fn coded_cell(code: u32, values: &[Option<Value>], reading: Reading, ids: bool) -> Cell {
    if code == ABSENT {
        return Cell::Absent;
    }
    match values.get(code as usize) {
        Some(Some(value)) => Cell::of(value, reading, ids),
        _ => Cell::Absent,
    }
}

pub(super) fn is_present(present: &Option<Arc<[bool]>>, row: usize) -> bool {
    present.as_ref().is_none_or(|present| present[row])
}

pub(super) fn id_text(id: &SpanId) -> String {
    if *id == [0; 8] { String::new() } else { hex(id) }
}

/// A value as answers show it.
pub(super) fn answered(value: &Static) -> Value {
    match value {
        Static::Int(n) => Value::Int(*n),
        Static::Float(x) => Value::Double(*x),
        Static::Bool(b) => Value::Bool(*b),
        Static::String(text) => Value::String(text.clone()),
        other => Value::String(other.to_string().into()),
    }
}
