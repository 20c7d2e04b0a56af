//! Merges blocks of one day: traces stream by in the order of their starts; those with spans in several blocks are put
//! together, each span once. Memory is bounded by a group of each input and the vocabularies.

mod values;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hashbrown::HashSet;

use super::TraceId;
use super::block::cursor::{GroupCursor, Stored};
use super::block::rows::GroupRows;
use super::block::schema::Schema;
use super::block::writer::{Cell, Row, SpanWriter};
use super::layout::{ColumnName, Extra, Owner};
use super::signal::Traces;
use super::vocabulary::{Translation, Vocabulary};
use crate::block::BlockWriter;
use crate::block::writer::Written;
use crate::error::Result;
use crate::signal::MergeInput;
use values::Codes;

/// One block being read in its order.
struct Stream<'b> {
    input: &'b MergeInput<'b, Traces>,
    translation: Translation,
    cursor: Option<GroupCursor<'b>>,
    starts: Vec<i64>,
    group: usize,
    /// The next trace in the group.
    trace: usize,
    /// Where spans of split traces were read last.
    aside: Option<GroupCursor<'b>>,
    aside_next: usize,
}

impl<'b> Stream<'b> {
    /// Start and id of the trace that is next.
    fn peek(&mut self) -> Result<Option<(i64, TraceId)>> {
        loop {
            if let Some(cursor) = &self.cursor
                && self.trace < cursor.traces.len()
            {
                return Ok(Some((self.starts[self.trace], cursor.trace_id(self.trace))));
            }
            if self.group >= self.input.index.groups.len() {
                return Ok(None);
            }
            let rows = GroupRows::open(self.input.file, self.input.index, self.group)?;
            self.starts = rows.trace_starts()?;
            self.cursor = Some(GroupCursor::new(rows)?);
            self.group += 1;
            self.trace = 0;
        }
    }
}

/// Writes the rows of several blocks of one day, given in the order of the log.
pub(super) fn merge(inputs: &[MergeInput<'_, Traces>], writer: &mut BlockWriter) -> Result<Written> {
    let mut vocabulary = Vocabulary::default();
    let translations: Vec<Translation> = inputs
        .iter()
        .map(|input| vocabulary.take_in(&input.index.schema.vocabulary))
        .collect();
    let (storages, codes) = values::unite(inputs, &translations, &vocabulary, writer)?;
    let schema = Schema {
        vocabulary,
        storages,
        counts: Vec::new(),
    };
    let mut streams: Vec<Stream<'_>> = inputs
        .iter()
        .zip(translations)
        .map(|(input, translation)| Stream {
            input,
            translation,
            cursor: None,
            starts: Vec::new(),
            group: 0,
            trace: 0,
            aside: None,
            aside_next: 0,
        })
        .collect();
    let mut out = SpanWriter::new(writer, schema);
    let mut next = BinaryHeap::new();
    for (n, stream) in streams.iter_mut().enumerate() {
        next.extend(stream.peek()?.map(|(start, id)| Reverse((start, id, n))));
    }
    let mut done: HashSet<TraceId> = HashSet::new();
    while let Some(Reverse((_, id, n))) = next.pop() {
        merge_trace(&mut streams, n, id, &codes, &mut done, &mut out)?;
        next.extend(streams[n].peek()?.map(|(start, id)| Reverse((start, id, n))));
    }
    out.finish()
}

/// Writes the trace that is next in a stream, with what the others have of it.
fn merge_trace(
    streams: &mut [Stream<'_>],
    n: usize,
    id: TraceId,
    codes: &Codes,
    done: &mut HashSet<TraceId>,
    out: &mut SpanWriter<'_>,
) -> Result<()> {
    let elsewhere = places_elsewhere(streams, n, &id)?;
    let stream = &mut streams[n];
    let trace = stream.trace;
    stream.trace += 1;
    let Some(cursor) = &mut stream.cursor else {
        return Ok(());
    };
    let rows = cursor.traces[trace].clone();
    if elsewhere.is_empty() {
        out.begin_trace(id);
        for _ in rows {
            let (_, items) = copy_row(cursor, &stream.translation, &codes.of_input(n), out)?;
            copy_items(cursor, &stream.translation, &codes.of_input(n), items, out)?;
        }
        return out.end_trace();
    }
    if !done.insert(id) {
        // Written with the part that starts first.
        return cursor.seek(rows.end as usize);
    }
    let mut gathered = Gathered::default();
    for _ in rows {
        gathered.take(cursor, &stream.translation, &codes.of_input(n), n)?;
    }
    for (other, place) in elsewhere {
        gather_aside(&mut streams[other], other, place, codes, &mut gathered)?;
    }
    out.begin_trace(id);
    gathered.write(out);
    out.end_trace()
}

/// Where the other inputs have spans of a trace.
fn places_elsewhere(streams: &[Stream<'_>], n: usize, id: &TraceId) -> Result<Vec<(usize, u32)>> {
    let mut found = Vec::new();
    for (other, stream) in streams.iter().enumerate().filter(|(other, _)| *other != n) {
        let (file, index) = (stream.input.file, stream.input.index);
        for place in index.directory.places(file, id)? {
            let group = index.group_of(place);
            let rows = GroupRows::open(file, index, group)?;
            let ids = rows.trace_ids()?;
            let at = (place - index.first_traces[group]) as usize;
            if super::block::rows::trace_id(&ids, at) == Some(*id) {
                found.push((other, place));
            }
        }
    }
    Ok(found)
}

fn gather_aside(
    stream: &mut Stream<'_>,
    n: usize,
    place: u32,
    codes: &Codes,
    gathered: &mut Gathered,
) -> Result<()> {
    let (file, index) = (stream.input.file, stream.input.index);
    let group = index.group_of(place);
    let trace = (place - index.first_traces[group]) as usize;
    let usable = |c: &GroupCursor<'_>, next: usize| {
        c.rows.group == group
            && c.traces
                .get(trace)
                .is_some_and(|rows| rows.start as usize >= next)
    };
    let mut aside = match stream.aside.take() {
        Some(cursor) if usable(&cursor, stream.aside_next) => cursor,
        _ => GroupCursor::new(GroupRows::open(file, index, group)?)?,
    };
    let Some(rows) = aside.traces.get(trace).cloned() else {
        return Err(file.corrupt(place.into(), "place of a trace"));
    };
    aside.seek(rows.start as usize)?;
    for _ in rows.clone() {
        gathered.take(&mut aside, &stream.translation, &codes.of_input(n), n)?;
    }
    stream.aside = Some(aside);
    stream.aside_next = rows.end as usize;
    Ok(())
}

/// Events and links of a row.
type ItemCounts = (usize, usize);

/// Copies the next row of a cursor without its events and links.
fn copy_row(
    cursor: &mut GroupCursor<'_>,
    translation: &Translation,
    codes: &values::InputCodes<'_>,
    out: &mut impl Sink,
) -> Result<((Row, i32), ItemCounts)> {
    let base = cursor.row()?;
    let row = Row {
        class: translation.spans[base.class as usize],
        id: u64::from_le_bytes(base.id),
        parent: u64::from_le_bytes(base.parent),
        start: base.start,
        duration: base.duration,
    };
    out.row(row);
    let vocabulary = &cursor.rows.index.schema.vocabulary;
    let columns = vocabulary.columns();
    let kind = vocabulary.spans.items()[base.class as usize].kind;
    let mut items = (0, 0);
    for column in &cursor.shape_of_span(base.class).columns {
        let stored = cursor.value(*column)?;
        if let (Stored::Number(n), ColumnName::Extra(extra)) = (stored, &columns[*column as usize].key.name) {
            match extra {
                Extra::Events => items.0 = n as usize,
                Extra::Links => items.1 = n as usize,
                _ => {}
            }
        }
        codes.put(*column, stored, |cell| {
            out.value(translation.columns[*column as usize], cell)
        })?;
    }
    Ok(((row, kind), items))
}

fn copy_items(
    cursor: &mut GroupCursor<'_>,
    translation: &Translation,
    codes: &values::InputCodes<'_>,
    (events, links): ItemCounts,
    out: &mut impl Sink,
) -> Result<()> {
    for _ in 0..events {
        let (class, time) = cursor.event()?;
        out.event(translation.events[class as usize], time);
        for column in &cursor.shape_of_item(Owner::Event, class).columns {
            let stored = cursor.value(*column)?;
            codes.put(*column, stored, |cell| {
                out.value(translation.columns[*column as usize], cell)
            })?;
        }
    }
    for _ in 0..links {
        let (class, trace_id, span_id) = cursor.link()?;
        out.link(
            translation.links[class as usize],
            trace_id,
            u64::from_le_bytes(span_id),
        );
        for column in &cursor.shape_of_item(Owner::Link, class).columns {
            let stored = cursor.value(*column)?;
            codes.put(*column, stored, |cell| {
                out.value(translation.columns[*column as usize], cell)
            })?;
        }
    }
    Ok(())
}

/// Takes rows with everything they have.
trait Sink {
    fn row(&mut self, row: Row);
    fn value(&mut self, column: u32, cell: Cell<'_>);
    fn event(&mut self, class: u32, time: i64);
    fn link(&mut self, class: u32, trace_id: TraceId, span_id: u64);
}

impl Sink for SpanWriter<'_> {
    fn row(&mut self, row: Row) {
        SpanWriter::row(self, row);
    }

    #[inline]
    fn value(&mut self, column: u32, cell: Cell<'_>) {
        SpanWriter::value(self, column, cell);
    }

    fn event(&mut self, class: u32, time: i64) {
        SpanWriter::event(self, class, time);
    }

    fn link(&mut self, class: u32, trace_id: TraceId, span_id: u64) {
        SpanWriter::link(self, class, trace_id, span_id);
    }
}

/// One step of writing a row.
enum Step {
    Number(u32, i64),
    Double(u32, f64),
    Bytes(u32, Box<[u8]>),
    Nothing(u32),
    Event(u32, i64),
    Link(u32, TraceId, u64),
}

/// The rows of a trace from several blocks.
#[derive(Default)]
struct Gathered {
    rows: Vec<GatheredRow>,
}

struct GatheredRow {
    row: Row,
    kind: i32,
    input: usize,
    steps: Vec<Step>,
}

impl Gathered {
    fn take(
        &mut self,
        cursor: &mut GroupCursor<'_>,
        translation: &Translation,
        codes: &values::InputCodes<'_>,
        input: usize,
    ) -> Result<()> {
        let mut steps = Steps::default();
        let (row, items) = copy_row(cursor, translation, codes, &mut steps)?;
        copy_items(cursor, translation, codes, items, &mut steps)?;
        self.rows.push(GatheredRow {
            row: row.0,
            kind: row.1,
            input,
            steps: steps.0,
        });
        Ok(())
    }

    /// Writes each span once, the one that is first in the log where there are several.
    fn write(mut self, out: &mut SpanWriter<'_>) {
        let identity = |r: &GatheredRow| (r.row.start, r.row.id.swap_bytes(), r.kind);
        self.rows.sort_by_key(|r| (identity(r), r.input));
        self.rows.dedup_by_key(|r| identity(r));
        for gathered in &self.rows {
            out.row(gathered.row);
            for step in &gathered.steps {
                match step {
                    Step::Number(column, n) => out.value(*column, Cell::Number(*n)),
                    Step::Double(column, n) => out.value(*column, Cell::Double(*n)),
                    Step::Bytes(column, bytes) => out.value(*column, Cell::Bytes(bytes)),
                    Step::Nothing(column) => out.value(*column, Cell::Nothing),
                    Step::Event(class, time) => out.event(*class, *time),
                    Step::Link(class, trace_id, span_id) => out.link(*class, *trace_id, *span_id),
                }
            }
        }
    }
}

/// The steps of a row, kept.
#[derive(Default)]
struct Steps(Vec<Step>);

impl Sink for Steps {
    fn row(&mut self, _: Row) {}

    fn value(&mut self, column: u32, cell: Cell<'_>) {
        self.0.push(match cell {
            Cell::Nothing => Step::Nothing(column),
            Cell::Number(n) => Step::Number(column, n),
            Cell::Double(n) => Step::Double(column, n),
            Cell::Bytes(bytes) => Step::Bytes(column, bytes.into()),
        });
    }

    fn event(&mut self, class: u32, time: i64) {
        self.0.push(Step::Event(class, time));
    }

    fn link(&mut self, class: u32, trace_id: TraceId, span_id: u64) {
        self.0.push(Step::Link(class, trace_id, span_id));
    }
}
