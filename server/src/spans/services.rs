//! Services, their operations, and which service calls which, from all spans there are or from those of a time.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use kymo_engine::traces::scan::{Scan, ScanBy};
use kymo_engine::traces::{ABSENT, Astride, AttributeScope, Column, Field, Filter, Table, TestOp, Value};

use super::Asking;
use crate::http::ApiError;

/// A name of spans and their kind, as OTLP's number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) kind: i64,
}

/// The attribute that names the service.
pub(crate) fn service_field() -> Field {
    Field::Attribute {
        scope: AttributeScope::Resource,
        key: "service.name".into(),
    }
}

impl Asking<'_> {
    /// The names of all services, sorted.
    ///
    /// # Errors
    /// What reading the store can bring.
    pub(crate) fn services(&self) -> Result<Vec<String>, ApiError> {
        let values = self
            .snapshot
            .attribute_values(&service_field(), (None, Astride::Told), usize::MAX)?;
        let names: BTreeSet<String> = values.iter().filter_map(plain_text).collect();
        Ok(names.into_iter().collect())
    }

    /// The operations of a service, or of all when it is empty.
    ///
    /// # Errors
    /// What reading the store can bring.
    pub(crate) fn operations(&self, service: &str) -> Result<Vec<Operation>, ApiError> {
        let need = match service {
            "" => Filter::Any,
            name => Filter::Test {
                field: service_field(),
                op: TestOp::Eq,
                values: vec![Value::String(name.into())],
            },
        };
        let asked = Scan {
            times: None,
            by: ScanBy::Overlap,
            need: vec![need],
        };
        let mut all = BTreeSet::new();
        for part in self.snapshot.scan(&asked)? {
            self.check()?;
            if let Some(table) = part.load()? {
                add_operations(&table, service, &mut all)?;
            }
        }
        Ok(all.into_iter().collect())
    }

    /// How often which service called which: pairs of spans, one the other's parent, of different services, that start
    /// within the times.
    ///
    /// # Errors
    /// What reading the store can bring.
    pub(crate) fn dependencies(
        &self,
        times: (i64, i64),
    ) -> Result<BTreeMap<(String, String), u64>, ApiError> {
        let asked = Scan {
            times: Some(times),
            by: ScanBy::SpanStart,
            need: Vec::new(),
        };
        let mut all = BTreeMap::new();
        for part in self.snapshot.scan(&asked)? {
            self.check()?;
            if let Some(table) = part.load()? {
                add_calls(&table, times, &mut all)?;
            }
        }
        Ok(all)
    }
}

fn add_operations(table: &Table, service: &str, into: &mut BTreeSet<Operation>) -> kymo_engine::Result<()> {
    let services = table.column(&service_field())?;
    let names = table.column(&Field::Name)?;
    let kinds = table.column(&Field::Kind)?;
    let mut seen = HashSet::new();
    for row in 0..table.rows() {
        let kind = integer_at(&kinds, row).unwrap_or(0);
        // Rows of the same codes say the same.
        let codes = (code_at(&services, row), code_at(&names, row), kind);
        if !seen.insert(codes) {
            continue;
        }
        if service.is_empty() || text_at(&services, row).is_some_and(|found| found == service) {
            let name = text_at(&names, row).unwrap_or_default().into_owned();
            into.insert(Operation { name, kind });
        }
    }
    Ok(())
}

fn add_calls(
    table: &Table,
    (first, last): (i64, i64),
    into: &mut BTreeMap<(String, String), u64>,
) -> kymo_engine::Result<()> {
    let services = table.column(&service_field())?;
    let (parents, starts) = (table.parents()?, table.starts()?);
    let mut pairs: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    let mut rows: BTreeMap<u32, usize> = BTreeMap::new();
    for (row, parent) in parents.iter().enumerate() {
        let within = (first..=last).contains(&starts[row]);
        let parent = *parent as usize;
        // Neither an absent parent nor one that was not received is a row.
        if within && parent < table.rows() {
            let (from, to) = (code_at(&services, parent), code_at(&services, row));
            if from != to {
                *pairs.entry((from, to)).or_default() += 1;
                rows.insert(from, parent);
                rows.insert(to, row);
            }
        }
    }
    for ((from, to), calls) in pairs {
        let name = |code: u32| text_at(&services, rows[&code]).map(Cow::into_owned);
        if let (Some(from), Some(to)) = (name(from), name(to))
            && from != to
        {
            *into.entry((from, to)).or_default() += calls;
        }
    }
    Ok(())
}

/// Something that is equal only for rows of the same value.
fn code_at(column: &Column, row: usize) -> u32 {
    match column {
        Column::Absent => ABSENT,
        Column::Coded { codes, .. } => codes[row],
        _ => row as u32,
    }
}

pub(super) fn text_at(column: &Column, row: usize) -> Option<Cow<'_, str>> {
    match column {
        Column::Coded { codes, values } => match values.get(codes[row] as usize)?.as_ref()? {
            Value::String(text) => Some(Cow::Borrowed(text)),
            other => plain_text(other).map(Cow::Owned),
        },
        _ => integer_at(column, row).map(|n| Cow::Owned(n.to_string())),
    }
}

fn integer_at(column: &Column, row: usize) -> Option<i64> {
    match column {
        Column::Ints { values, present } => {
            let there = present.as_ref().is_none_or(|present| present[row]);
            there.then(|| values[row])
        }
        Column::Coded { codes, values } => match values.get(codes[row] as usize)? {
            Some(Value::Int(n)) => Some(*n),
            _ => None,
        },
        _ => None,
    }
}

/// A scalar as text.
pub(crate) fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.as_ref().to_owned()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Int(value) => Some(value.to_string()),
        Value::Double(value) => Some(crate::go_float::value_text(*value)),
        Value::Empty | Value::Bytes(_) | Value::Array(_) | Value::KvList(_) => None,
    }
}
