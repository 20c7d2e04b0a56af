//! Writes the spans of one day of a head to a block.

use super::block::dictionary;
use super::block::schema::{Schema, Storage};
use super::block::writer::{Cell, Row, SpanWriter, plain_storage, wants_dictionary};
use super::head::{State, TracesHead};
use super::layout::{ColumnName, Extra, Owner, is_interned, wide};
use super::signal::Traces;
use super::value::ValueKind;
use super::vocabulary::Vocabulary;
use crate::block::BlockWriter;
use crate::block::writer::Written;
use crate::error::Result;
use crate::signal::Signal;
use used::Used;

mod used;

/// How a block numbers what a head does.
struct Numbers {
    /// For each column the codes of the head's values, nothing without a dictionary.
    ranks: Vec<Vec<u32>>,
    /// Classes of spans, events and links.
    classes: [Vec<u32>; 3],
}

/// Rows of a trace: the first row in the list of all, and the number.
struct Part {
    trace: usize,
    start: i64,
    from: usize,
    len: usize,
}

/// Writes the rows of a head, which gets no more, whose start is on a day.
pub(super) fn flush_day(head: &TracesHead, day: i64, writer: &mut BlockWriter) -> Result<Written> {
    let state = head.read();
    let (parts, rows) = rows_of_day(&state, day);
    let (schema, numbers) = schema(&state, &rows, writer)?;
    let mut out = SpanWriter::new(writer, schema);
    for part in &parts {
        out.begin_trace(state.traces[part.trace].id);
        for row in &rows[part.from..part.from + part.len] {
            put_row(&state, *row as usize, &numbers, &mut out);
        }
        out.end_trace()?;
    }
    out.finish()
}

/// The traces with rows on a day by their first start that day and id, and their rows by start and id.
fn rows_of_day(state: &State, day: i64) -> (Vec<Part>, Vec<u32>) {
    let mut parts = Vec::with_capacity(state.traces.len());
    let mut rows = Vec::with_capacity(state.spans.len());
    for (trace, entry) in state.traces.iter().enumerate() {
        let from = rows.len();
        let of_day = |row: &u32| Traces::day_of(state.spans.start[*row as usize]) == day;
        rows.extend(state.ordered_rows(entry).into_iter().filter(of_day));
        if rows.len() > from {
            parts.push(Part {
                trace,
                start: state.spans.start[rows[from] as usize],
                from,
                len: rows.len() - from,
            });
        }
    }
    parts.sort_unstable_by_key(|part| (part.start, state.traces[part.trace].id));
    (parts, rows)
}

/// The schema of a block of rows, its dictionaries written, and its numbers. A block of one of several days names only what
/// its rows use: what is of other days is asked of their blocks.
fn schema(state: &State, rows: &[u32], writer: &mut BlockWriter) -> Result<(Schema, Numbers)> {
    let vocabulary = &state.vocabulary;
    let used = (state.days.len() > 1).then(|| Used::by(state, rows));
    let (named, classes) = match &used {
        Some(used) => vocabulary.with_classes(used.classes()),
        None => (vocabulary.without_values(), all_classes(vocabulary)),
    };
    let counts = match &used {
        Some(used) => used.counts.clone(),
        None => value_counts(state, rows),
    };
    let mut schema = Schema {
        vocabulary: named,
        ..Schema::default()
    };
    let mut ranks = Vec::with_capacity(counts.len());
    for (n, (column, count)) in vocabulary.columns().iter().zip(counts).enumerate() {
        let values = &column.values;
        let mut order: Vec<u32> = match &used {
            Some(used) => used.values_of(n),
            None if is_interned(column.key.kind) => (0..values.len() as u32).collect(),
            None => Vec::new(),
        };
        if !is_interned(column.key.kind) || !wants_dictionary(order.len(), count) {
            schema.storages.push(plain_storage(column.key.kind));
            ranks.push(Vec::new());
            continue;
        }
        order.sort_unstable_by_key(|n| values.get(*n));
        let sorted = order.iter().map(|n| values.get(*n));
        schema
            .storages
            .push(Storage::Dictionary(dictionary::write(sorted, writer)?));
        let mut rank = vec![0; values.len()];
        order
            .iter()
            .enumerate()
            .for_each(|(at, n)| rank[*n as usize] = at as u32);
        ranks.push(rank);
    }
    Ok((schema, Numbers { ranks, classes }))
}

/// All classes under the numbers they have.
fn all_classes(vocabulary: &Vocabulary) -> [Vec<u32>; 3] {
    let items = |owner| vocabulary.item_classes(owner).len();
    let lens = [
        vocabulary.spans.items().len(),
        items(Owner::Event),
        items(Owner::Link),
    ];
    lens.map(|len| (0..len as u32).collect())
}

/// How many values each column has in the rows; those of events and links are taken for all of the head's.
fn value_counts(state: &State, rows: &[u32]) -> Vec<u64> {
    let vocabulary = &state.vocabulary;
    let mut counts = vec![0u64; vocabulary.columns().len()];
    let mut add = |columns: &[u32], n: u64| columns.iter().for_each(|c| counts[*c as usize] += n);
    let mut classes = vec![0u64; vocabulary.spans.items().len()];
    rows.iter()
        .for_each(|row| classes[state.spans.class[*row as usize] as usize] += 1);
    for (class, n) in classes.into_iter().enumerate() {
        add(&vocabulary.shape_of_span(class as u32).columns, n);
    }
    for (owner, items) in [(Owner::Event, &state.events), (Owner::Link, &state.links)] {
        let mut classes = vec![0u64; vocabulary.item_classes(owner).len()];
        items.class.iter().for_each(|class| classes[*class as usize] += 1);
        for (class, n) in classes.into_iter().enumerate() {
            add(&vocabulary.shape_of_item(owner, class as u32).columns, n);
        }
    }
    counts
}

fn put_row(state: &State, row: usize, numbers: &Numbers, out: &mut SpanWriter<'_>) {
    let (vocabulary, spans) = (&state.vocabulary, &state.spans);
    let (class, ranks) = (spans.class[row], &numbers.ranks);
    out.row(Row {
        class: numbers.classes[0][class as usize],
        id: spans.id[row],
        parent: spans.parent[row],
        start: spans.start[row],
        duration: spans.duration[row],
    });
    let shape = vocabulary.shape_of_span(class);
    let cells = &spans.cells[spans.cells_at[row] as usize..];
    let (mut events, mut links) = (0..0, 0..0);
    for (column, offset) in shape.columns.iter().zip(&shape.offsets) {
        let cell = &cells[*offset as usize..];
        let items = || cell[1] as usize..(cell[1] + cell[0]) as usize;
        match vocabulary.columns()[*column as usize].key.name {
            ColumnName::Extra(Extra::Events) => events = items(),
            ColumnName::Extra(Extra::Links) => links = items(),
            _ => {
                put_cell(vocabulary, *column, cell, ranks, out);
                continue;
            }
        }
        out.value(*column, Cell::Number(cell[0].into()));
    }
    for n in events {
        let class = state.events.class[n];
        out.event(numbers.classes[1][class as usize], state.events.time[n]);
        put_item(state, (Owner::Event, class), n, ranks, out);
    }
    for n in links {
        let class = state.links.class[n];
        let number = numbers.classes[2][class as usize];
        out.link(number, state.links.trace_id[n], state.links.span_id[n]);
        put_item(state, (Owner::Link, class), n, ranks, out);
    }
}

fn put_item(
    state: &State,
    (owner, class): (Owner, u32),
    n: usize,
    ranks: &[Vec<u32>],
    out: &mut SpanWriter<'_>,
) {
    let items = match owner {
        Owner::Event => &state.events,
        _ => &state.links,
    };
    let shape = state.vocabulary.shape_of_item(owner, class);
    let cells = &items.cells[items.cells_at[n] as usize..];
    for (column, offset) in shape.columns.iter().zip(&shape.offsets) {
        put_cell(&state.vocabulary, *column, &cells[*offset as usize..], ranks, out);
    }
}

#[inline]
fn put_cell(
    vocabulary: &Vocabulary,
    column: u32,
    cell: &[u32],
    ranks: &[Vec<u32>],
    out: &mut SpanWriter<'_>,
) {
    let info = &vocabulary.columns()[column as usize];
    let cell = match info.key.kind {
        ValueKind::Empty => Cell::Nothing,
        ValueKind::Bool => Cell::Number(cell[0].into()),
        ValueKind::Int => Cell::Number(wide(cell).cast_signed()),
        ValueKind::Double => Cell::Double(f64::from_bits(wide(cell))),
        _ => match ranks[column as usize].get(cell[0] as usize) {
            Some(rank) => Cell::Number((*rank).into()),
            None => Cell::Bytes(info.values.get(cell[0])),
        },
    };
    out.value(column, cell);
}
