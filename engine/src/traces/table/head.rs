//! Traces of a head as a table. The rows are those there were when the table was made; what they refer to stays.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use hashbrown::HashMap;

use super::columns::is_of_class;
use super::{ABSENT, AttributeScope, Column, Field, Source, resolve_parents};
use crate::error::Result;
use crate::store::Head;
use crate::traces::assemble::{Assembly, text};
use crate::traces::blob;
use crate::traces::head::{Cells, State};
use crate::traces::layout::{ColumnName, Extra, Owner, SpanClass};
use crate::traces::model::{Attribute, SpanId, Trace};
use crate::traces::signal::Traces;
use crate::traces::value::{Value, ValueKind};
use crate::traces::{TraceId, vocabulary::Vocabulary};

/// Traces of a head.
pub(in crate::traces) struct HeadTraces {
    head: Arc<Head<Traces>>,
    traces: Vec<(TraceId, Range<u32>)>,
    /// Rows of the head in the order of the table.
    rows: Vec<u32>,
    classes: OnceLock<Arc<[u32]>>,
}

impl HeadTraces {
    /// The traces with the numbers given.
    pub(in crate::traces) fn new(head: Arc<Head<Traces>>, numbers: &[u32]) -> HeadTraces {
        let mut rows = Vec::new();
        let mut traces = Vec::with_capacity(numbers.len());
        {
            let state = head.state.read();
            for n in numbers {
                let trace = &state.traces[*n as usize];
                let from = rows.len() as u32;
                rows.extend(state.ordered_rows(trace));
                traces.push((trace.id, from..rows.len() as u32));
            }
        }
        HeadTraces {
            head,
            traces,
            rows,
            classes: OnceLock::new(),
        }
    }

    fn each<T>(&self, of_row: impl Fn(&State, usize) -> T) -> Vec<T> {
        let state = self.head.state.read();
        self.rows
            .iter()
            .map(|row| of_row(&state, *row as usize))
            .collect()
    }

    fn class_codes(&self) -> Arc<[u32]> {
        let codes = || self.each(|state, row| state.spans.class[row]).into();
        self.classes.get_or_init(codes).clone()
    }

    fn by_class(&self, value: impl Fn(&Vocabulary, &SpanClass) -> Option<Value>) -> Column {
        // The codes first: classes may be added after them, and never before.
        let codes = self.class_codes();
        let state = self.head.state.read();
        let vocabulary = &state.vocabulary;
        let classes = vocabulary.spans.items().iter();
        Column::Coded {
            codes,
            values: classes.map(|class| value(vocabulary, class)).collect(),
        }
    }

    fn own_column(&self, is_wanted: impl Fn(&ColumnName) -> bool) -> Column {
        let state = self.head.state.read();
        let vocabulary = &state.vocabulary;
        let picks = picks(vocabulary, Owner::Span, &is_wanted);
        let cells = self.rows.iter().map(|row| {
            let at = *row as usize;
            let (column, offset) = picks[state.spans.class[at] as usize]?;
            Some((
                column,
                &state.spans.cells[(state.spans.cells_at[at] + offset) as usize..],
            ))
        });
        column_of(vocabulary, cells)
    }

    /// The rows of events or links that belong to each row.
    fn items(&self, state: &State, extra: Extra) -> (Vec<u32>, Vec<u32>) {
        let picks = picks(&state.vocabulary, Owner::Span, &|name| {
            *name == ColumnName::Extra(extra)
        });
        let (mut firsts, mut items) = (vec![0u32], Vec::new());
        for row in &self.rows {
            let at = *row as usize;
            if let Some((_, offset)) = picks[state.spans.class[at] as usize] {
                let cell = &state.spans.cells[(state.spans.cells_at[at] + offset) as usize..];
                items.extend(cell[1]..cell[1] + cell[0]);
            }
            firsts.push(items.len() as u32);
        }
        (firsts, items)
    }

    fn item_column(&self, field: &Field) -> Column {
        let (owner, extra) = match field {
            Field::LinkTraceId | Field::LinkSpanId => (Owner::Link, Extra::Links),
            Field::Attribute {
                scope: AttributeScope::Link,
                ..
            } => (Owner::Link, Extra::Links),
            _ => (Owner::Event, Extra::Events),
        };
        let state = self.head.state.read();
        let (firsts, items) = self.items(&state, extra);
        if items.is_empty() {
            return Column::Absent;
        }
        let vocabulary = &state.vocabulary;
        let each = |value: &dyn Fn(usize) -> Value| -> Column {
            let values: Vec<Option<Value>> = items.iter().map(|n| Some(value(*n as usize))).collect();
            Column::Coded {
                codes: (0..values.len() as u32).collect(),
                values: values.into(),
            }
        };
        let inner = match field {
            Field::EventName => {
                let names = vocabulary.events.items().iter();
                let name = names.map(|c| Some(Value::String(text(vocabulary.event_names.get(c.label)))));
                Column::Coded {
                    values: name.collect(),
                    codes: items.iter().map(|n| state.events.class[*n as usize]).collect(),
                }
            }
            Field::EventTime => Column::Ints {
                values: items.iter().map(|n| state.events.time[*n as usize]).collect(),
                present: None,
            },
            Field::LinkTraceId => each(&|n| Value::Bytes(Arc::from(state.links.trace_id[n]))),
            Field::LinkSpanId => each(&|n| Value::Bytes(Arc::from(state.links.span_id[n].to_le_bytes()))),
            Field::Attribute { key, .. } => {
                let named = |name: &ColumnName| matches!(name, ColumnName::Attribute(n) if **n == **key);
                let picks = picks(vocabulary, owner, &named);
                let rows = match owner {
                    Owner::Event => &state.events,
                    _ => &state.links,
                };
                let cells = items.iter().map(|n| {
                    let at = *n as usize;
                    let (column, offset) = picks[rows.class[at] as usize]?;
                    Some((column, &rows.cells[(rows.cells_at[at] + offset) as usize..]))
                });
                column_of(vocabulary, cells)
            }
            _ => Column::Absent,
        };
        Column::Many {
            firsts: firsts.into(),
            inner: Box::new(inner),
        }
    }
}

/// What a class of a head has for a field that depends on the class alone.
pub(in crate::traces) fn class_value(
    vocabulary: &Vocabulary,
    class: &SpanClass,
    field: &Field,
) -> Option<Value> {
    // Resources and scopes of a head were encoded by this process or checked when their record was read.
    let scope = || blob::scope(vocabulary.scopes.get(class.scope)).unwrap_or_default();
    let first = |attributes: Vec<Attribute>, key: &str| {
        attributes.into_iter().find(|a| *a.key == *key).map(|a| a.value)
    };
    match field {
        Field::Name => Some(Value::String(text(vocabulary.names.get(class.name)))),
        Field::Kind => Some(Value::Int(class.kind.into())),
        Field::Status => Some(Value::Int(class.status.into())),
        Field::ScopeName => Some(Value::String(scope().name)),
        Field::ScopeVersion => Some(Value::String(scope().version)),
        Field::Attribute {
            scope: AttributeScope::Resource,
            key,
        } => {
            let resource = blob::resource(vocabulary.resources.get(class.resource)).unwrap_or_default();
            first(resource.attributes, key)
        }
        Field::Attribute { key, .. } => first(scope().attributes, key),
        _ => None,
    }
}

/// For each class the first of the wanted columns it has, and the place of its cell.
fn picks(
    vocabulary: &Vocabulary,
    owner: Owner,
    is_wanted: &dyn Fn(&ColumnName) -> bool,
) -> Vec<Option<(u32, u32)>> {
    let wanted: Vec<bool> = vocabulary
        .columns()
        .iter()
        .map(|c| c.key.owner == owner && is_wanted(&c.key.name))
        .collect();
    let pick = |shape: &crate::traces::vocabulary::Shape| {
        let mut pairs = shape.columns.iter().zip(&shape.offsets);
        let found = pairs.find(|(column, _)| wanted[**column as usize]);
        found.map(|(column, offset)| (*column, *offset))
    };
    match owner {
        Owner::Span => {
            let classes = 0..vocabulary.spans.items().len() as u32;
            classes
                .map(|class| pick(vocabulary.shape_of_span(class)))
                .collect()
        }
        _ => {
            let classes = 0..vocabulary.item_classes(owner).len() as u32;
            classes
                .map(|class| pick(vocabulary.shape_of_item(owner, class)))
                .collect()
        }
    }
}

/// A column of cells that may be of several of a vocabulary's columns.
fn column_of<'c>(vocabulary: &Vocabulary, cells: impl Iterator<Item = Option<(u32, &'c [u32])>>) -> Column {
    let mut known: HashMap<(u32, u64), u32> = HashMap::new();
    let mut values = Vec::new();
    let codes = cells.map(|cell| {
        let Some((column, cell)) = cell else { return ABSENT };
        let info = &vocabulary.columns()[column as usize];
        let bits = match info.key.kind {
            ValueKind::Empty => 0,
            ValueKind::Int | ValueKind::Double => crate::traces::layout::wide(cell),
            _ => cell[0].into(),
        };
        *known.entry((column, bits)).or_insert_with(|| {
            values.push(Some(Cells::value_of(vocabulary, column, cell)));
            values.len() as u32 - 1
        })
    });
    let codes: Arc<[u32]> = codes.collect();
    if values.is_empty() {
        return Column::Absent;
    }
    Column::Coded {
        codes,
        values: values.into(),
    }
}

impl Source for HeadTraces {
    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn trace_count(&self) -> usize {
        self.traces.len()
    }

    fn trace_rows(&self) -> Result<Vec<(TraceId, Range<u32>)>> {
        Ok(self.traces.clone())
    }

    fn starts(&self) -> Result<Vec<i64>> {
        Ok(self.each(|state, row| state.spans.start[row]))
    }

    fn durations(&self) -> Result<Vec<i64>> {
        Ok(self.each(|state, row| state.spans.duration[row]))
    }

    fn span_ids(&self) -> Result<Vec<SpanId>> {
        Ok(self.each(|state, row| state.spans.id[row].to_le_bytes()))
    }

    fn parent_ids(&self) -> Result<Vec<SpanId>> {
        Ok(self.each(|state, row| state.spans.parent[row].to_le_bytes()))
    }

    fn parents(&self) -> Result<Vec<u32>> {
        let spans = self.each(|state, row| {
            let (id, parent) = (state.spans.id[row], state.spans.parent[row]);
            (id.to_le_bytes(), parent.to_le_bytes(), state.kind(row as u32))
        });
        let mut parents = Vec::with_capacity(spans.len());
        for (_, rows) in &self.traces {
            let range = rows.start as usize..rows.end as usize;
            parents.extend(resolve_parents(&spans[range], rows.start));
        }
        Ok(parents)
    }

    fn column(&self, field: &Field) -> Result<Column> {
        if is_of_class(field) {
            return Ok(self.by_class(|vocabulary, class| class_value(vocabulary, class, field)));
        }
        Ok(match field {
            Field::Attribute {
                scope: AttributeScope::Span,
                key,
            } => self.own_column(|n| matches!(n, ColumnName::Attribute(name) if **name == **key)),
            Field::StatusMessage => self.own_column(|n| *n == ColumnName::Extra(Extra::StatusMessage)),
            Field::TraceState => self.own_column(|n| *n == ColumnName::Extra(Extra::TraceState)),
            Field::Duration => Column::Ints {
                values: self.durations()?.into(),
                present: None,
            },
            _ => self.item_column(field),
        })
    }

    fn trace(&self, id: TraceId, rows: Range<u32>) -> Result<Trace> {
        let mut assembly = Assembly::new(id);
        let rows = &self.rows[rows.start as usize..rows.end as usize];
        assembly.add_head(&self.head.state.read(), rows);
        Ok(assembly.finish().unwrap_or_default())
    }
}
