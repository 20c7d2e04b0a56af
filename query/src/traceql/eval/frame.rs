//! A table under one query: the columns that the query names, read once, and the trees of its traces.
//! Not for what is computed over them.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;

use kymo_engine::traces::{ABSENT, AttributeScope, Field, NO_PARENT, ORPHAN, Run, Table, Value};

use super::super::ast::{Attribute, Intrinsic, Scope, Static};
use super::cell::Reading;
use super::error::{EvalError, Refusal};
use super::operand::{Ints, Operand};
use super::tree::Tree;

/// The name of the attribute that holds the service.
const SERVICE: &str = "service.name";

/// A table and what has been read of it.
pub(super) struct Frame<'t> {
    pub(super) table: &'t Table,
    /// The attributes of the query by number.
    attributes: &'t [Attribute],
    operands: Vec<OnceCell<Operand<'t>>>,
    tree: OnceCell<Tree>,
    services: OnceCell<Operand<'t>>,
    statuses: OnceCell<Operand<'t>>,
    names: OnceCell<Operand<'t>>,
    fault: Cell<bool>,
}

impl<'t> Frame<'t> {
    pub(super) fn new(table: &'t Table, attributes: &'t [Attribute]) -> Frame<'t> {
        Frame {
            table,
            attributes,
            operands: attributes.iter().map(|_| OnceCell::new()).collect(),
            tree: OnceCell::new(),
            services: OnceCell::new(),
            statuses: OnceCell::new(),
            names: OnceCell::new(),
            fault: Cell::new(false),
        }
    }

    /// Remembers that a value divides by zero.
    pub(super) fn note_fault(&self) {
        self.fault.set(true);
    }

    /// Refuses the query when a value divided by zero since this was asked last.
    pub(super) fn refuse_fault(&self) -> Result<(), Refusal> {
        match self.fault.replace(false) {
            true => Err(Refusal::DivisionByZero),
            false => Ok(()),
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.table.rows()
    }

    /// The traces.
    pub(super) fn runs(&self) -> Result<&'t [Run], EvalError> {
        Ok(self.table.traces()?)
    }

    pub(super) fn starts(&self) -> Result<&'t [i64], EvalError> {
        Ok(self.table.starts()?)
    }

    /// The values of an attribute of the query.
    pub(super) fn operand(&self, number: usize) -> Result<&Operand<'t>, EvalError> {
        once(&self.operands[number], || self.read(&self.attributes[number]))
    }

    /// The same where it has been read.
    pub(super) fn known(&self, number: usize) -> Option<&Operand<'t>> {
        self.operands[number].get()
    }

    pub(super) fn tree(&self) -> Result<&Tree, EvalError> {
        let (runs, parents) = (self.runs()?, self.table.parents()?);
        Ok(self.tree.get_or_init(|| Tree::of(runs, parents)))
    }

    /// Services of the spans.
    pub(super) fn services(&self) -> Result<&Operand<'t>, EvalError> {
        once(&self.services, || {
            self.column(attribute(AttributeScope::Resource, SERVICE), Reading::Plain)
        })
    }

    /// Statuses of the spans.
    pub(super) fn statuses(&self) -> Result<&Operand<'t>, EvalError> {
        once(&self.statuses, || self.column(Field::Status, Reading::Status))
    }

    /// Names of the spans.
    pub(super) fn names(&self) -> Result<&Operand<'t>, EvalError> {
        once(&self.names, || self.column(Field::Name, Reading::Plain))
    }

    pub(super) fn column(&self, field: Field, reading: Reading) -> Result<Operand<'t>, EvalError> {
        let ids = matches!(field, Field::LinkTraceId | Field::LinkSpanId);
        Ok(Operand::of(self.table.column(&field)?, reading, ids))
    }

    /// Reads any attribute.
    pub(super) fn read(&self, attribute: &Attribute) -> Result<Operand<'t>, EvalError> {
        match attribute {
            Attribute::Intrinsic(intrinsic) => self.intrinsic(*intrinsic),
            Attribute::Named { parent: true, .. } => Ok(Operand::Absent),
            Attribute::Named { scope, name, .. } => self.named(*scope, name),
        }
    }

    fn named(&self, scope: Scope, name: &str) -> Result<Operand<'t>, EvalError> {
        let scopes: &[AttributeScope] = match scope {
            Scope::Any => &[
                AttributeScope::Span,
                AttributeScope::Resource,
                AttributeScope::Event,
                AttributeScope::Link,
                AttributeScope::Instrumentation,
            ],
            Scope::Resource => &[AttributeScope::Resource],
            Scope::Span => &[AttributeScope::Span],
            Scope::Event => &[AttributeScope::Event],
            Scope::Link => &[AttributeScope::Link],
            Scope::Instrumentation => &[AttributeScope::Instrumentation],
        };
        let mut found = Vec::new();
        for scope in scopes {
            match self.column(self::attribute(*scope, name), Reading::Plain)? {
                Operand::Absent => {}
                operand => found.push(operand),
            }
        }
        Ok(match found.len() {
            0 => Operand::Absent,
            1 => found.remove(0),
            _ => Operand::First(found),
        })
    }

    fn intrinsic(&self, intrinsic: Intrinsic) -> Result<Operand<'t>, EvalError> {
        Ok(match intrinsic {
            Intrinsic::Duration => Operand::Ints {
                values: Ints::Borrowed(self.table.durations()?),
                present: None,
                reading: Reading::Duration,
            },
            Intrinsic::Name => self.column(Field::Name, Reading::Plain)?,
            Intrinsic::Status => self.column(Field::Status, Reading::Status)?,
            Intrinsic::Kind => self.column(Field::Kind, Reading::Kind)?,
            Intrinsic::StatusMessage => {
                let empty = Operand::Constant(Static::String("".into()));
                match self.column(Field::StatusMessage, Reading::Plain)? {
                    Operand::Absent => empty,
                    message => Operand::First(vec![message, empty]),
                }
            }
            Intrinsic::Parent => Operand::Absent,
            Intrinsic::SpanId => Operand::Ids(self.table.span_ids()?),
            Intrinsic::ParentId => Operand::Ids(self.table.parent_ids()?),
            Intrinsic::EventName => self.column(Field::EventName, Reading::Plain)?,
            Intrinsic::EventTimeSinceStart => self.column(Field::EventTime, Reading::Duration)?,
            Intrinsic::LinkTraceId => self.column(Field::LinkTraceId, Reading::Plain)?,
            Intrinsic::LinkSpanId => self.column(Field::LinkSpanId, Reading::Plain)?,
            Intrinsic::InstrumentationName => self.column(Field::ScopeName, Reading::Plain)?,
            Intrinsic::InstrumentationVersion => self.column(Field::ScopeVersion, Reading::Plain)?,
            Intrinsic::TraceId
            | Intrinsic::TraceRootName
            | Intrinsic::TraceRootService
            | Intrinsic::TraceDuration => self.of_trace(intrinsic)?,
            Intrinsic::ChildCount
            | Intrinsic::NestedSetLeft
            | Intrinsic::NestedSetRight
            | Intrinsic::NestedSetParent => self.of_tree(intrinsic)?,
        })
    }

    /// What all spans of a trace share.
    fn of_trace(&self, intrinsic: Intrinsic) -> Result<Operand<'t>, EvalError> {
        let runs = self.runs()?;
        if intrinsic == Intrinsic::TraceDuration {
            let mut values = Vec::with_capacity(self.rows());
            for run in runs {
                values.extend(run.rows.clone().map(|_| run.end.saturating_sub(run.start)));
            }
            return Ok(Operand::Ints {
                values: Ints::Own(values),
                present: None,
                reading: Reading::Duration,
            });
        }
        let mut codes = Vec::with_capacity(self.rows());
        let mut values = Vec::with_capacity(runs.len());
        for (number, run) in runs.iter().enumerate() {
            values.push(match (intrinsic, run.root) {
                (Intrinsic::TraceId, _) => Some(Value::Bytes(Arc::from(run.id))),
                (_, None) => None,
                (Intrinsic::TraceRootName, Some(root)) => self.names()?.stored(root as usize),
                (_, Some(root)) => self.services()?.stored(root as usize),
            });
            let code = if values[number].is_some() {
                number as u32
            } else {
                ABSENT
            };
            codes.extend(run.rows.clone().map(|_| code));
        }
        Ok(Operand::per_run(codes, values))
    }

    /// Numbers that come from the tree of the trace.
    fn of_tree(&self, intrinsic: Intrinsic) -> Result<Operand<'t>, EvalError> {
        let tree = self.tree()?;
        let wide = |list: &[u32]| list.iter().map(|n| i64::from(*n)).collect();
        let values: Vec<i64> = match intrinsic {
            Intrinsic::ChildCount => wide(&tree.children),
            Intrinsic::NestedSetLeft => wide(&tree.left),
            Intrinsic::NestedSetRight => wide(&tree.right),
            _ => {
                let parents = self.table.parents()?;
                let number = |parent: &u32| match *parent {
                    NO_PARENT => -1,
                    ORPHAN => 0,
                    parent => i64::from(tree.left[parent as usize]),
                };
                parents.iter().map(number).collect()
            }
        };
        Ok(Operand::Ints {
            values: Ints::Own(values),
            present: None,
            reading: Reading::Plain,
        })
    }
}

fn attribute(scope: AttributeScope, key: &str) -> Field {
    Field::Attribute {
        scope,
        key: Arc::from(key),
    }
}

/// What a cell holds, computed when it holds nothing.
pub(super) fn once<T>(
    cell: &OnceCell<T>,
    compute: impl FnOnce() -> Result<T, EvalError>,
) -> Result<&T, EvalError> {
    if let Some(value) = cell.get() {
        return Ok(value);
    }
    let value = compute()?;
    Ok(cell.get_or_init(|| value))
}
