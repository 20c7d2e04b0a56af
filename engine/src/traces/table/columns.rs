//! Columns of a group's rows from its pages: what depends on the class of a span is told by class, what a span has of its
//! own is spread over the rows that have it.

use std::sync::Arc;

use hashbrown::HashMap;

use super::{ABSENT, AttributeScope, Column, Field};
use crate::error::Result;
use crate::traces::assemble::text;
use crate::traces::block::column::Narrow;
use crate::traces::block::details::stream;
use crate::traces::block::index::{doubles, numbers, strings};
use crate::traces::block::rows::GroupRows;
use crate::traces::block::schema::Storage;
use crate::traces::layout::{ColumnName, Extra, Owner};
use crate::traces::model::Attribute;
use crate::traces::value::{Value, ValueKind};

/// Dictionaries up to this length are handed out whole. Few in tests, whose blocks are small, so that they see both ways.
const SHARED_MAX: u32 = if cfg!(test) { 3 } else { 1_024 };

/// Which column a class has first of those wanted, and how many values of each it has.
struct Pick {
    /// Place of the column among the wanted ones, and of its value among the class's values of that column.
    first: Option<(usize, u32)>,
    /// Values of each wanted column.
    counts: Vec<u32>,
}

/// The columns of one name, which differ in kind, and the classes' picks of them.
struct Wanted {
    columns: Vec<u32>,
    picks: Vec<Pick>,
}

impl Wanted {
    fn of(group: &GroupRows<'_>, owner: Owner, is_wanted: impl Fn(&ColumnName) -> bool) -> Option<Wanted> {
        let vocabulary = &group.index.schema.vocabulary;
        let all = vocabulary.columns().iter().enumerate();
        let wanted = all.filter(|(_, c)| c.key.owner == owner && is_wanted(&c.key.name));
        let columns: Vec<u32> = wanted.map(|(n, _)| n as u32).collect();
        if columns.is_empty() {
            return None;
        }
        let classes = match owner {
            Owner::Span => vocabulary.spans.items().len(),
            _ => vocabulary.item_classes(owner).len(),
        };
        let pick = |class: u32| {
            let shape = match owner {
                Owner::Span => vocabulary.shape_of_span(class),
                _ => vocabulary.shape_of_item(owner, class),
            };
            let mut pick = Pick {
                first: None,
                counts: vec![0; columns.len()],
            };
            for column in &shape.columns {
                if let Some(at) = columns.iter().position(|c| c == column) {
                    pick.first.get_or_insert((at, pick.counts[at]));
                    pick.counts[at] += 1;
                }
            }
            pick
        };
        let picks = (0..classes as u32).map(pick).collect();
        Some(Wanted { columns, picks })
    }
}

/// The values of one column, dense.
enum Dense {
    Coded(Arc<[u8]>, Arc<[Option<Value>]>),
    Codes(Vec<i64>, Arc<[Option<Value>]>),
    /// Codes of a long dictionary, whose values are looked up for the rows that are wanted.
    Long(Arc<[u8]>),
    Ints(Arc<[u8]>),
    Doubles(Vec<f64>),
    Nothing,
}

fn corrupt_length(group: &GroupRows<'_>) -> crate::Error {
    group.corrupt("values of a column end early")
}

fn load(group: &GroupRows<'_>, column: u32) -> Result<Option<Dense>> {
    let Some(stream) = group.details.stream(stream::COLUMNS + column) else {
        return Ok(None);
    };
    let schema = &group.index.schema;
    let kind = schema.vocabulary.columns()[column as usize].key.kind;
    let file = group.file;
    Ok(Some(match (&schema.storages[column as usize], kind) {
        (Storage::Numbers, ValueKind::Empty) => Dense::Nothing,
        (Storage::Numbers, ValueKind::Double) => Dense::Doubles(doubles(file, stream)?),
        (Storage::Numbers, ValueKind::Bool) => {
            let values = [false, true].map(|b| Some(Value::Bool(b)));
            Dense::Coded(numbers(file, stream)?, Arc::from(values))
        }
        (Storage::Numbers, _) => Dense::Ints(numbers(file, stream)?),
        (Storage::Local, kind) => {
            let strings = strings(file, stream)?;
            let value = |n: usize| Value::from_payload(kind, strings.get(n)).ok();
            let values = (0..strings.len()).map(value).collect();
            Dense::Codes(strings.codes, values)
        }
        (Storage::Dictionary(dictionary), kind) => {
            let codes = numbers(file, stream)?;
            if stream.min < 0 || stream.max >= dictionary.len.into() {
                return Err(group.corrupt("code outside the dictionary"));
            }
            if dictionary.len <= SHARED_MAX {
                let values = group.index.shared_values(file, column, dictionary, kind)?;
                return Ok(Some(Dense::Coded(codes, values)));
            }
            Dense::Long(codes)
        }
    }))
}

/// A column of rows, and the column of the block whose dictionary its codes are of, when its values are not looked up yet.
pub(super) struct Spread {
    pub(super) column: Column,
    long: Option<u32>,
}

impl Spread {
    fn done(column: Column) -> Spread {
        Spread { column, long: None }
    }

    /// The same with another column of the same codes.
    pub(super) fn map(self, change: impl FnOnce(Column) -> Column) -> Spread {
        Spread {
            column: change(self.column),
            ..self
        }
    }

    /// The column with the values of its rows, from which rows may have been left out meanwhile.
    pub(super) fn finish(self, group: &GroupRows<'_>) -> Result<Column> {
        match (self.long, self.column) {
            (Some(column), Column::Coded { codes, .. }) => {
                let (codes, values) = look_up(group, column, codes.iter().copied())?;
                Ok(Column::Coded {
                    codes: codes.into(),
                    values,
                })
            }
            (_, column) => Ok(column),
        }
    }
}

/// Values of codes of a column's dictionary, and the codes' places among them.
type LookedUp = (Vec<u32>, Arc<[Option<Value>]>);

fn look_up(group: &GroupRows<'_>, column: u32, codes: impl Iterator<Item = u32> + Clone) -> Result<LookedUp> {
    let schema = &group.index.schema;
    let Storage::Dictionary(dictionary) = &schema.storages[column as usize] else {
        return Err(group.corrupt("storage of a column"));
    };
    let kind = schema.vocabulary.columns()[column as usize].key.kind;
    let mut distinct: Vec<u32> = codes.clone().filter(|code| *code != ABSENT).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let mut values = Vec::with_capacity(distinct.len());
    let mut places: HashMap<u32, u32> = HashMap::with_capacity(distinct.len());
    dictionary.many(group.file, &distinct, |code, bytes| {
        places.insert(code, values.len() as u32);
        values.push(Value::from_payload(kind, bytes).ok());
    })?;
    let place = |code: u32| places.get(&code).copied().unwrap_or(ABSENT);
    Ok((codes.map(place).collect(), values.into()))
}

/// Spreads the values of the wanted columns over rows of the classes given.
fn spread(group: &GroupRows<'_>, wanted: &Wanted, classes: Narrow<'_>) -> Result<Spread> {
    if let [column] = wanted.columns[..] {
        let Some(dense) = load(group, column)? else {
            return Ok(Spread::done(Column::Absent));
        };
        return Ok(Spread {
            column: spread_one(group, wanted, classes, &dense)?,
            long: matches!(dense, Dense::Long(_)).then_some(column),
        });
    }
    let mut parts = Vec::with_capacity(wanted.columns.len());
    for column in &wanted.columns {
        parts.push(match load(group, *column)? {
            Some(Dense::Long(codes)) => {
                let codes = Narrow::of(&codes).map(|code| code as u32);
                let (codes, values) = look_up(group, *column, codes.into_iter())?;
                Some(Dense::Codes(codes.into_iter().map(i64::from).collect(), values))
            }
            dense => dense,
        });
    }
    spread_mixed(group, wanted, classes, &parts).map(Spread::done)
}

fn spread_one(group: &GroupRows<'_>, wanted: &Wanted, classes: Narrow<'_>, dense: &Dense) -> Result<Column> {
    let counts: Vec<u32> = wanted.picks.iter().map(|p| p.counts[0]).collect();
    let mut total = 0;
    classes.each(|class| total += counts[class as usize] as usize);
    let len = match dense {
        Dense::Ints(values) | Dense::Coded(values, _) | Dense::Long(values) => Narrow::of(values).len(),
        Dense::Doubles(values) => values.len(),
        Dense::Codes(values, _) => values.len(),
        Dense::Nothing => total,
    };
    if total > len {
        return Err(corrupt_length(group));
    }
    let present = || Some(place(classes, &counts, false, |_| true).into());
    Ok(match dense {
        Dense::Ints(values) => {
            let values = Narrow::of(values);
            Column::Ints {
                values: place(classes, &counts, 0, |n| values.get(n)).into(),
                present: present(),
            }
        }
        Dense::Doubles(values) => Column::Doubles {
            values: place(classes, &counts, 0.0, |n| values[n]).into(),
            present: present(),
        },
        Dense::Coded(codes, values) => {
            let codes = Narrow::of(codes);
            Column::Coded {
                codes: place(classes, &counts, ABSENT, |n| codes.get(n) as u32).into(),
                values: values.clone(),
            }
        }
        Dense::Long(codes) => {
            let codes = Narrow::of(codes);
            Column::Coded {
                codes: place(classes, &counts, ABSENT, |n| codes.get(n) as u32).into(),
                values: Arc::from([]),
            }
        }
        Dense::Codes(codes, values) => Column::Coded {
            codes: place(classes, &counts, ABSENT, |n| codes[n] as u32).into(),
            values: values.clone(),
        },
        Dense::Nothing => Column::Coded {
            codes: place(classes, &counts, ABSENT, |_| 0).into(),
            values: Arc::from([Some(Value::Empty)]),
        },
    })
}

/// The first value of each row, given how many values rows of a class have.
#[inline]
fn place<T: Copy>(classes: Narrow<'_>, counts: &[u32], absent: T, value: impl Fn(usize) -> T) -> Vec<T> {
    let mut next = 0;
    let mut out = Vec::with_capacity(classes.len());
    classes.each(|class| {
        let count = counts[class as usize] as usize;
        out.push(if count > 0 { value(next) } else { absent });
        next += count;
    });
    out
}

/// Rows have values of different kinds under one name.
fn spread_mixed(
    group: &GroupRows<'_>,
    wanted: &Wanted,
    classes: Narrow<'_>,
    parts: &[Option<Dense>],
) -> Result<Column> {
    let mut values: Vec<Option<Value>> = Vec::new();
    let mut known: HashMap<(usize, u64), u32> = HashMap::new();
    let mut next = vec![0usize; parts.len()];
    let mut codes = Vec::with_capacity(classes.len());
    let mut short = false;
    classes.each(|class| {
        let pick = &wanted.picks[class as usize];
        let code = match pick.first {
            None => ABSENT,
            Some((at, offset)) => {
                let n = next[at] + offset as usize;
                match value_of(parts[at].as_ref(), n) {
                    None => {
                        short = true;
                        ABSENT
                    }
                    Some((bits, value)) => *known.entry((at, bits)).or_insert_with(|| {
                        values.push(value);
                        values.len() as u32 - 1
                    }),
                }
            }
        };
        codes.push(code);
        next.iter_mut()
            .zip(&pick.counts)
            .for_each(|(n, count)| *n += *count as usize);
    });
    if short {
        return Err(corrupt_length(group));
    }
    Ok(Column::Coded {
        codes: codes.into(),
        values: values.into(),
    })
}

/// Bits that tell a value from the others of its column, and the value.
fn value_of(part: Option<&Dense>, n: usize) -> Option<(u64, Option<Value>)> {
    let coded = |code: i64, values: &Arc<[Option<Value>]>| {
        values
            .get(code as usize)
            .map(|value| (code.cast_unsigned(), value.clone()))
    };
    match part? {
        Dense::Nothing => Some((0, Some(Value::Empty))),
        // Looked up before kinds are mixed.
        Dense::Long(_) => None,
        Dense::Doubles(values) => values.get(n).map(|v| (v.to_bits(), Some(Value::Double(*v)))),
        Dense::Ints(values) => {
            let values = Narrow::of(values);
            (n < values.len()).then(|| (values.get(n).cast_unsigned(), Some(Value::Int(values.get(n)))))
        }
        Dense::Coded(codes, values) => {
            let codes = Narrow::of(codes);
            (n < codes.len())
                .then(|| codes.get(n))
                .and_then(|code| coded(code, values))
        }
        Dense::Codes(codes, values) => codes.get(n).and_then(|code| coded(*code, values)),
    }
}

/// The values of a field of the span itself for all rows of a group.
pub(super) fn span_column(group: &GroupRows<'_>, is_wanted: impl Fn(&ColumnName) -> bool) -> Result<Spread> {
    let Some(wanted) = Wanted::of(group, Owner::Span, is_wanted) else {
        return Ok(Spread::done(Column::Absent));
    };
    let classes = group.classes()?;
    spread(group, &wanted, Narrow::of(&classes))
}

/// The values of a field of events or links for all rows of a group.
pub(super) fn item_column(group: &GroupRows<'_>, field: &Field) -> Result<Column> {
    let owner = owner_of(field);
    let (items, extra, class_stream) = match owner {
        Owner::Event => (group.details.events, Extra::Events, stream::EVENT_CLASSES),
        _ => (group.details.links, Extra::Links, stream::LINK_CLASSES),
    };
    let items = items as usize;
    let Some(classes) = group.numbers(class_stream, Some(items))? else {
        return Ok(Column::Absent);
    };
    let counts = span_column(group, |name| *name == ColumnName::Extra(extra))?.column;
    let mut firsts = Vec::with_capacity(group.len() + 1);
    let mut at = 0u64;
    firsts.push(0u32);
    for row in 0..group.len() {
        at = at.saturating_add(int_at(&counts, row).cast_unsigned());
        firsts.push(at as u32);
    }
    if at != items as u64 {
        return Err(group.corrupt("number of events or links"));
    }
    let narrow = Narrow::of(&classes);
    let known = group.index.schema.vocabulary.item_classes(owner).len() as i64;
    let mut outside = false;
    narrow.each(|class| outside |= !(0..known).contains(&class));
    if outside {
        return Err(group.corrupt("class of an event or link"));
    }
    Ok(Column::Many {
        firsts: firsts.into(),
        inner: Box::new(inner_column(group, field, owner, narrow)?),
    })
}

fn inner_column(group: &GroupRows<'_>, field: &Field, owner: Owner, classes: Narrow<'_>) -> Result<Column> {
    let vocabulary = &group.index.schema.vocabulary;
    let bytes = |ids: &[u8], len: usize| -> Column {
        let values: Vec<Option<Value>> = ids
            .chunks_exact(len)
            .map(|id| Some(Value::Bytes(Arc::from(id))))
            .collect();
        Column::Coded {
            codes: (0..values.len() as u32).collect(),
            values: values.into(),
        }
    };
    Ok(match field {
        Field::EventName => {
            let name = |n: &super::super::layout::ItemClass| {
                Some(Value::String(text(vocabulary.event_names.get(n.label))))
            };
            let values: Vec<Option<Value>> = vocabulary.events.items().iter().map(name).collect();
            let mut codes = Vec::with_capacity(classes.len());
            classes.each(|class| codes.push(class as u32));
            Column::Coded {
                codes: codes.into(),
                values: values.into(),
            }
        }
        Field::EventTime => {
            let times = group.numbers(stream::EVENT_TIMES, Some(classes.len()))?;
            let mut values = Vec::with_capacity(classes.len());
            if let Some(times) = times {
                Narrow::of(&times).each(|time| values.push(time));
            }
            Column::Ints {
                values: values.into(),
                present: None,
            }
        }
        Field::LinkTraceId => bytes(&group.link_ids()?.0, 16),
        Field::LinkSpanId => bytes(&group.link_ids()?.1, 8),
        Field::Attribute { key, .. } => {
            let named = |name: &ColumnName| matches!(name, ColumnName::Attribute(n) if **n == **key);
            match Wanted::of(group, owner, named) {
                Some(wanted) => spread(group, &wanted, classes)?.finish(group)?,
                None => Column::Absent,
            }
        }
        _ => Column::Absent,
    })
}

fn owner_of(field: &Field) -> Owner {
    match field {
        Field::LinkTraceId | Field::LinkSpanId => Owner::Link,
        Field::Attribute {
            scope: AttributeScope::Link,
            ..
        } => Owner::Link,
        _ => Owner::Event,
    }
}

/// The number of a row in a column of whole numbers, 0 where there is none.
pub(super) fn int_at(column: &Column, row: usize) -> i64 {
    match column {
        Column::Ints { values, present } if present.as_ref().is_none_or(|p| p[row]) => values[row],
        _ => 0,
    }
}

/// The value that a class has for a field that depends on the class alone.
pub(in crate::traces) fn class_values(group: &GroupRows<'_>, field: &Field) -> Result<Arc<[Option<Value>]>> {
    if let Some(values) = group.index.remembered(field) {
        return Ok(values);
    }
    let (file, index) = (group.file, group.index);
    let vocabulary = &index.schema.vocabulary;
    let mut values = Vec::with_capacity(vocabulary.spans.items().len());
    for class in vocabulary.spans.items() {
        let attribute = |attributes: &[Attribute], key: &str| {
            attributes
                .iter()
                .find(|a| *a.key == *key)
                .map(|a| a.value.clone())
        };
        values.push(match field {
            Field::Name => Some(Value::String(text(vocabulary.names.get(class.name)))),
            Field::Kind => Some(Value::Int(class.kind.into())),
            Field::Status => Some(Value::Int(class.status.into())),
            Field::ScopeName => Some(Value::String(index.scope(file, class.scope)?.name.clone())),
            Field::ScopeVersion => Some(Value::String(index.scope(file, class.scope)?.version.clone())),
            Field::Attribute {
                scope: AttributeScope::Resource,
                key,
            } => attribute(&index.resource(file, class.resource)?.attributes, key),
            Field::Attribute { key, .. } => attribute(&index.scope(file, class.scope)?.attributes, key),
            _ => None,
        });
    }
    Ok(index.remember(field, values.into()))
}

/// True for fields that depend on the class of a span alone.
pub(in crate::traces) fn is_of_class(field: &Field) -> bool {
    match field {
        Field::Attribute { scope, .. } => {
            matches!(scope, AttributeScope::Resource | AttributeScope::Instrumentation)
        }
        Field::Name | Field::Kind | Field::Status | Field::ScopeName | Field::ScopeVersion => true,
        _ => false,
    }
}
