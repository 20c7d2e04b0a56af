//! Reads the rows of a group one after the other with everything they have: for whole traces and for merges.

use std::ops::Range;
use std::sync::Arc;

use super::column::{Narrow, Strings};
use super::details::stream;
use super::index::{doubles, strings};
use super::rows::{GroupRows, Parent, parent, span_id, trace_id};
use super::schema::Storage;
use crate::error::Result;
use crate::traces::TraceId;
use crate::traces::layout::{ColumnName, Extra, Owner};
use crate::traces::model::SpanId;
use crate::traces::value::ValueKind;
use crate::traces::vocabulary::Shape;

/// The values of a column in a group and which comes next.
struct Values {
    data: Data,
    next: usize,
}

enum Data {
    Numbers(Arc<[u8]>),
    Doubles(Vec<f64>),
    Strings(Strings),
    Nothing,
}

/// A value as the block has it.
#[derive(Debug, Clone, Copy)]
pub(in crate::traces) enum Stored<'c> {
    Nothing,
    /// A number, or the code of a dictionary.
    Number(i64),
    Double(f64),
    Bytes(&'c [u8]),
}

/// What every span has.
#[derive(Debug, Clone, Copy)]
pub(in crate::traces) struct BaseRow {
    pub(in crate::traces) class: u32,
    pub(in crate::traces) id: SpanId,
    pub(in crate::traces) parent: SpanId,
    pub(in crate::traces) start: i64,
    pub(in crate::traces) duration: i64,
}

/// Reads rows in their order.
pub(in crate::traces) struct GroupCursor<'b> {
    pub(in crate::traces) rows: GroupRows<'b>,
    pub(in crate::traces) traces: Vec<Range<u32>>,
    trace_ids: Arc<[u8]>,
    classes: Arc<[u8]>,
    starts: Vec<i64>,
    durations: Arc<[u8]>,
    ids: Arc<[u8]>,
    parents: Arc<[u8]>,
    orphans: Arc<[u8]>,
    next_orphan: usize,
    event_classes: Option<Arc<[u8]>>,
    event_times: Option<Arc<[u8]>>,
    next_event: usize,
    link_classes: Option<Arc<[u8]>>,
    link_ids: (Arc<[u8]>, Arc<[u8]>),
    next_link: usize,
    columns: Vec<Option<Values>>,
    next: usize,
}

impl<'b> GroupCursor<'b> {
    /// A cursor before the first row.
    pub(in crate::traces) fn new(rows: GroupRows<'b>) -> Result<GroupCursor<'b>> {
        let traces = rows.trace_rows()?;
        let details = rows.details.clone();
        let (events, links) = (details.events as usize, details.links as usize);
        Ok(GroupCursor {
            trace_ids: rows.trace_ids()?,
            classes: rows.classes()?,
            starts: rows.starts(&traces)?,
            durations: rows.durations()?,
            ids: rows.span_ids()?,
            parents: rows.parent_codes()?,
            orphans: rows.orphans()?,
            next_orphan: 0,
            event_classes: rows.numbers(stream::EVENT_CLASSES, Some(events))?,
            event_times: rows.numbers(stream::EVENT_TIMES, Some(events))?,
            next_event: 0,
            link_classes: rows.numbers(stream::LINK_CLASSES, Some(links))?,
            link_ids: rows.link_ids()?,
            next_link: 0,
            columns: (0..rows.index.schema.storages.len()).map(|_| None).collect(),
            next: 0,
            traces,
            rows,
        })
    }

    /// The id of a trace of the group.
    pub(in crate::traces) fn trace_id(&self, trace: usize) -> TraceId {
        trace_id(&self.trace_ids, trace).unwrap_or_default()
    }

    /// Goes to a row behind the one that is next.
    pub(in crate::traces) fn seek(&mut self, row: usize) -> Result<()> {
        let vocabulary = &self.rows.index.schema.vocabulary;
        let classes = Narrow::of(&self.classes);
        let mut counts = vec![0usize; vocabulary.spans.items().len()];
        (self.next..row).for_each(|at| counts[classes.get(at) as usize] += 1);
        let parents = Narrow::of(&self.parents);
        self.next_orphan += (self.next..row).filter(|at| parents.get(*at) == 1).count();
        self.next = row;
        let mut skips = vec![0usize; self.columns.len()];
        for (class, count) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
            for column in &vocabulary.shape_of_span(class as u32).columns {
                skips[*column as usize] += count;
            }
        }
        let (mut events, mut links) = (0, 0);
        for (column, skip) in skips.into_iter().enumerate().filter(|(_, n)| *n > 0) {
            match vocabulary.columns()[column].key.name {
                ColumnName::Extra(Extra::Events) => events = self.sum(column as u32, skip)?,
                ColumnName::Extra(Extra::Links) => links = self.sum(column as u32, skip)?,
                _ => self.values(column as u32)?.next += skip,
            }
        }
        self.skip_items(Owner::Event, events)?;
        self.skip_items(Owner::Link, links)
    }

    /// Goes past some numbers of a column and adds them up.
    fn sum(&mut self, column: u32, skip: usize) -> Result<usize> {
        let mut total = 0u64;
        for _ in 0..skip {
            if let Stored::Number(n) = self.value(column)? {
                total = total.saturating_add(n.cast_unsigned());
            }
        }
        Ok(usize::try_from(total).unwrap_or(usize::MAX))
    }

    fn skip_items(&mut self, owner: Owner, items: usize) -> Result<()> {
        for _ in 0..items {
            let class = self.next_item_class(owner)?;
            for column in &self.shape_of_item(owner, class).columns {
                self.values(*column)?.next += 1;
            }
            match owner {
                Owner::Event => self.next_event += 1,
                _ => self.next_link += 1,
            }
        }
        Ok(())
    }

    fn next_item_class(&self, owner: Owner) -> Result<u32> {
        let (classes, at) = match owner {
            Owner::Event => (&self.event_classes, self.next_event),
            _ => (&self.link_classes, self.next_link),
        };
        let classes = classes
            .as_deref()
            .map(Narrow::of)
            .filter(|classes| at < classes.len());
        let class = classes.map(|classes| classes.get(at));
        let known = self.rows.index.schema.vocabulary.item_classes(owner).len() as i64;
        match class.filter(|class| (0..known).contains(class)) {
            Some(class) => Ok(class as u32),
            None => Err(self.rows.corrupt("events or links of a group")),
        }
    }

    /// The shape of a class of spans.
    pub(in crate::traces) fn shape_of_span(&self, class: u32) -> &'b Shape {
        self.rows.index.schema.vocabulary.shape_of_span(class)
    }

    /// The shape of a class of events or links.
    pub(in crate::traces) fn shape_of_item(&self, owner: Owner, class: u32) -> &'b Shape {
        self.rows.index.schema.vocabulary.shape_of_item(owner, class)
    }

    /// The next row. Its values follow from [`GroupCursor::value`] in the order of its shape.
    pub(in crate::traces) fn row(&mut self) -> Result<BaseRow> {
        let at = self.next;
        let short = || self.rows.corrupt("row of a group");
        let id = span_id(&self.ids, at).ok_or_else(short)?;
        let parent = match parent(Narrow::of(&self.parents).get(at), at) {
            Parent::None => SpanId::default(),
            Parent::Row(row) => span_id(&self.ids, row).ok_or_else(short)?,
            Parent::Orphan => {
                self.next_orphan += 1;
                span_id(&self.orphans, self.next_orphan - 1).ok_or_else(short)?
            }
        };
        self.next += 1;
        Ok(BaseRow {
            class: Narrow::of(&self.classes).get(at) as u32,
            id,
            parent,
            start: self.starts[at],
            duration: Narrow::of(&self.durations).get(at),
        })
    }

    /// The next event: class and time since the start of its span. Its values follow.
    pub(in crate::traces) fn event(&mut self) -> Result<(u32, i64)> {
        let class = self.next_item_class(Owner::Event)?;
        let time = self
            .event_times
            .as_deref()
            .map(|times| Narrow::of(times).get(self.next_event));
        self.next_event += 1;
        Ok((class, time.unwrap_or_default()))
    }

    /// The next link: class and ids. Its values follow.
    pub(in crate::traces) fn link(&mut self) -> Result<(u32, TraceId, SpanId)> {
        let class = self.next_item_class(Owner::Link)?;
        let at = self.next_link;
        self.next_link += 1;
        match (trace_id(&self.link_ids.0, at), span_id(&self.link_ids.1, at)) {
            (Some(trace), Some(span)) => Ok((class, trace, span)),
            _ => Err(self.rows.corrupt("ids of a link")),
        }
    }

    /// The next value of a column.
    pub(in crate::traces) fn value(&mut self, column: u32) -> Result<Stored<'_>> {
        let values = self.values(column)?;
        let at = values.next;
        values.next += 1;
        let found = match &self.columns[column as usize].as_ref().map(|v| &v.data) {
            Some(Data::Numbers(numbers)) => {
                let numbers = Narrow::of(numbers);
                (at < numbers.len()).then(|| Stored::Number(numbers.get(at)))
            }
            Some(Data::Doubles(doubles)) => doubles.get(at).map(|d| Stored::Double(*d)),
            Some(Data::Strings(strings)) => {
                let code = strings.codes.get(at);
                code.map(|code| Stored::Bytes(strings.get(*code as usize)))
            }
            Some(Data::Nothing) => Some(Stored::Nothing),
            None => None,
        };
        found.ok_or_else(|| self.rows.corrupt("values of a column end early"))
    }

    fn values(&mut self, column: u32) -> Result<&mut Values> {
        let at = column as usize;
        if self.columns[at].is_none() {
            let data = self.load(column)?;
            self.columns[at] = Some(Values { data, next: 0 });
        }
        match &mut self.columns[at] {
            Some(values) => Ok(values),
            None => Err(self.rows.corrupt("column of a group")),
        }
    }

    fn load(&self, column: u32) -> Result<Data> {
        let schema = &self.rows.index.schema;
        let kind = schema.vocabulary.columns()[column as usize].key.kind;
        let Some(stream) = self.rows.details.stream(stream::COLUMNS + column) else {
            return match kind {
                ValueKind::Empty => Ok(Data::Nothing),
                _ => Err(self.rows.corrupt("column of a group is not there")),
            };
        };
        let file = self.rows.file;
        Ok(match &schema.storages[column as usize] {
            Storage::Local => Data::Strings(strings(file, stream)?),
            Storage::Numbers if kind == ValueKind::Double => Data::Doubles(doubles(file, stream)?),
            Storage::Numbers => Data::Numbers(super::index::numbers(file, stream)?),
            Storage::Dictionary(dictionary) => {
                if stream.min < 0 || stream.max >= dictionary.len.into() {
                    return Err(self.rows.corrupt("code outside the dictionary"));
                }
                Data::Numbers(super::index::numbers(file, stream)?)
            }
        })
    }
}
