//! Spans that are in no block yet: rows in the order of the log, and for each trace the list of its rows. A span that is
//! there already (same trace, id, kind and start) is not taken again, so a batch may be sent twice.

mod common;
mod rows;

use hashbrown::{HashMap, HashSet, HashTable};
use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use xxhash_rust::xxh3::xxh3_64;

use super::TraceId;
use super::batch::{Applied, Batch};
use super::layout::{ColumnName, Extra, Owner, is_interned, wide};
use super::vocabulary::{Shape, Translation, Vocabulary};
use crate::signal::HeadSize;
pub(super) use rows::{Cells, HeadSpans, Items};

/// Instead of a row: none.
pub(super) const NONE: u32 = u32::MAX;
/// From this many spans on, those of a trace are looked up in a set instead of one after the other.
const LONG_TRACE: u32 = 48;
const DAY_NS: i64 = 86_400_000_000_000;

/// Spans that are in no block yet.
#[derive(Debug, Default)]
pub struct TracesHead {
    state: RwLock<State>,
    /// Traces in common with blocks, by the number of the block's file. Not part of the state: it only saves work.
    common: Mutex<HashMap<u64, common::Common>>,
}

/// What a head holds.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) vocabulary: Vocabulary,
    pub(super) traces: Vec<HeadTrace>,
    numbers: HashTable<u32>,
    pub(super) spans: HeadSpans,
    pub(super) events: Items,
    pub(super) links: Items,
    /// Spans of long traces, by identity.
    known: HashMap<u32, HashSet<(u64, i32, i64)>>,
    /// Rows by UTC day of their start.
    days: std::collections::BTreeMap<i64, u64>,
}

/// One trace of a head.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeadTrace {
    pub(super) id: TraceId,
    /// Its newest row; the others hang behind it.
    pub(super) last: u32,
    pub(super) count: u32,
    /// Earliest start.
    pub(super) start: i64,
    /// Latest end, or start where a span ends before it starts.
    pub(super) end: i64,
}

/// What applying has to do with the cells of a class.
struct Plan {
    width: usize,
    /// Cells that hold numbers of values: offset and column.
    interned: Vec<(u32, u32)>,
    events: Option<u32>,
    links: Option<u32>,
}

impl Plan {
    fn of(shape: &Shape, vocabulary: &Vocabulary) -> Plan {
        let mut plan = Plan {
            width: shape.width as usize,
            interned: Vec::new(),
            events: None,
            links: None,
        };
        for (column, offset) in shape.columns.iter().zip(&shape.offsets) {
            let key = &vocabulary.columns()[*column as usize].key;
            match key.name {
                ColumnName::Extra(Extra::Events) => plan.events = Some(*offset),
                ColumnName::Extra(Extra::Links) => plan.links = Some(*offset),
                _ if is_interned(key.kind) => plan.interned.push((*offset, *column)),
                _ => {}
            }
        }
        plan
    }

    fn count(&self, offset: Option<u32>, cells: &[u32]) -> usize {
        offset.map_or(0, |at| wide(&cells[at as usize..]) as usize)
    }

    /// Appends the cells of a row with the numbers of the head.
    fn put(&self, cells: &[u32], values: &[Vec<u32>], into: &mut Vec<u32>) {
        let from = into.len();
        into.extend_from_slice(cells);
        for (offset, column) in &self.interned {
            let cell = &mut into[from + *offset as usize];
            *cell = values[*column as usize][*cell as usize];
        }
    }
}

/// Where in a batch applying is.
#[derive(Default)]
struct Place {
    cells: usize,
    event: usize,
    event_cells: usize,
    link: usize,
    link_cells: usize,
}

impl TracesHead {
    /// Takes a batch in.
    pub(super) fn apply(&self, batch: &Batch) -> Applied {
        self.state.write().apply(batch)
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read()
    }

    pub(super) fn size(&self) -> HeadSize {
        let state = self.state.read();
        HeadSize {
            rows: state.spans.len() as u64,
            groups: state.traces.len() as u64,
            bytes: state.memory() as u64,
        }
    }

    pub(super) fn row_count(&self) -> u64 {
        self.state.read().spans.len() as u64
    }

    pub(super) fn days(&self) -> Vec<i64> {
        self.state.read().days.keys().copied().collect()
    }
}

impl State {
    fn apply(&mut self, batch: &Batch) -> Applied {
        let translation = self.vocabulary.take_in(&batch.vocabulary);
        let traces: Vec<u32> = batch.traces.iter().map(|id| self.trace_number(id)).collect();
        let vocabulary = &batch.vocabulary;
        let spans = (0..vocabulary.spans.items().len() as u32)
            .map(|class| Plan::of(vocabulary.shape_of_span(class), vocabulary));
        let spans: Vec<Plan> = spans.collect();
        let items = |owner: Owner| -> Vec<Plan> {
            let classes = 0..vocabulary.item_classes(owner).len() as u32;
            classes
                .map(|class| Plan::of(vocabulary.shape_of_item(owner, class), vocabulary))
                .collect()
        };
        let plans = Plans {
            spans,
            events: items(Owner::Event),
            links: items(Owner::Link),
        };
        let mut place = Place::default();
        let mut applied = Applied::default();
        self.spans.reserve(batch.len());
        for row in 0..batch.len() {
            let trace = traces[batch.spans.trace[row] as usize];
            if self.apply_span(batch, row, trace, &plans, &translation, &mut place) {
                applied.spans += 1;
            } else {
                applied.duplicates += 1;
                applied.duplicate_rows.push(row as u32);
            }
        }
        applied
    }

    /// False when the span is there already.
    fn apply_span(
        &mut self,
        batch: &Batch,
        row: usize,
        trace: u32,
        plans: &Plans,
        translation: &Translation,
        place: &mut Place,
    ) -> bool {
        let spans = &batch.spans;
        let class = spans.class[row];
        let plan = &plans.spans[class as usize];
        let cells = &spans.cells[place.cells..place.cells + plan.width];
        place.cells += plan.width;
        let events = plan.count(plan.events, cells);
        let links = plan.count(plan.links, cells);
        let (id, start) = (spans.id[row], spans.start[row]);
        let kind = batch.vocabulary.spans.items()[class as usize].kind;
        let is_new = !self.has_span(trace, id, kind, start);
        let (first_event, first_link) = (self.events.len() as u64, self.links.len() as u64);
        self.apply_items(batch, is_new, (events, links), plans, translation, place);
        if !is_new {
            return false;
        }
        let at = self.spans.cells.len();
        plan.put(cells, &translation.values, &mut self.spans.cells);
        for (offset, first) in [(plan.events, first_event), (plan.links, first_link)] {
            // The count stays in the low half; the high half tells where the rows are in this head.
            if let Some(offset) = offset {
                self.spans.cells[at + offset as usize + 1] = first as u32;
            }
        }
        let entry = &mut self.traces[trace as usize];
        let end = start.wrapping_add(spans.duration[row]);
        self.spans.push(
            translation.spans[class as usize],
            entry.last,
            id,
            spans.parent[row],
            start,
            spans.duration[row],
            at as u32,
        );
        entry.last = self.spans.len() as u32 - 1;
        entry.count += 1;
        entry.start = entry.start.min(start);
        entry.end = entry.end.max(end).max(start);
        *self.days.entry(start.div_euclid(DAY_NS)).or_insert(0) += 1;
        true
    }

    fn apply_items(
        &mut self,
        batch: &Batch,
        keep: bool,
        (events, links): (usize, usize),
        plans: &Plans,
        translation: &Translation,
        place: &mut Place,
    ) {
        for n in place.event..place.event + events {
            let class = batch.events.class[n];
            let plan = &plans.events[class as usize];
            let cells = &batch.events.cells[place.event_cells..place.event_cells + plan.width];
            place.event_cells += plan.width;
            if keep {
                self.events.begin(translation.events[class as usize]);
                self.events.time.push(batch.events.time[n]);
                plan.put(cells, &translation.values, &mut self.events.cells);
            }
        }
        place.event += events;
        for n in place.link..place.link + links {
            let class = batch.links.class[n];
            let plan = &plans.links[class as usize];
            let cells = &batch.links.cells[place.link_cells..place.link_cells + plan.width];
            place.link_cells += plan.width;
            if keep {
                self.links.begin(translation.links[class as usize]);
                self.links.trace_id.push(batch.links.trace_id[n]);
                self.links.span_id.push(batch.links.span_id[n]);
                plan.put(cells, &translation.values, &mut self.links.cells);
            }
        }
        place.link += links;
    }

    fn has_span(&mut self, trace: u32, id: u64, kind: i32, start: i64) -> bool {
        let entry = self.traces[trace as usize];
        if entry.count < LONG_TRACE {
            let mut row = entry.last;
            while row != NONE {
                let at = row as usize;
                if self.spans.id[at] == id && self.spans.start[at] == start && self.kind(row) == kind {
                    return true;
                }
                row = self.spans.previous[at];
            }
            return false;
        }
        let mut known = self.known.remove(&trace).unwrap_or_else(|| {
            let rows = self.rows_of(&entry);
            let identity = |row: u32| {
                (
                    self.spans.id[row as usize],
                    self.kind(row),
                    self.spans.start[row as usize],
                )
            };
            rows.map(identity).collect()
        });
        let is_new = known.insert((id, kind, start));
        self.known.insert(trace, known);
        !is_new
    }

    /// Calls `visit` with every value of a column, those that rows repeat too.
    pub(super) fn each_cell(&self, owner: Owner, column: u32, mut visit: impl FnMut(super::Value)) {
        let (classes, places, cells) = match owner {
            Owner::Span => (&self.spans.class, &self.spans.cells_at, &self.spans.cells),
            Owner::Event => (&self.events.class, &self.events.cells_at, &self.events.cells),
            Owner::Link => (&self.links.class, &self.links.cells_at, &self.links.cells),
        };
        for (class, at) in classes.iter().zip(places) {
            let cells = Cells::new(&self.vocabulary, (owner, *class), cells, *at);
            for (of, cell) in cells.iter() {
                if of == column {
                    visit(cells.value(column, cell));
                }
            }
        }
    }

    pub(super) fn kind(&self, row: u32) -> i32 {
        self.vocabulary.spans.items()[self.spans.class[row as usize] as usize].kind
    }

    /// The rows of a trace, newest in the log first.
    pub(super) fn rows_of(&self, trace: &HeadTrace) -> impl Iterator<Item = u32> + '_ {
        let first = (trace.last != NONE).then_some(trace.last);
        std::iter::successors(first, |row| {
            let previous = self.spans.previous[*row as usize];
            (previous != NONE).then_some(previous)
        })
    }

    /// The rows of a trace by start and id.
    pub(super) fn ordered_rows(&self, trace: &HeadTrace) -> Vec<u32> {
        let mut rows: Vec<u32> = self.rows_of(trace).collect();
        rows.sort_unstable_by_key(|row| {
            let at = *row as usize;
            (
                self.spans.start[at],
                self.spans.id[at].swap_bytes(),
                self.kind(*row),
            )
        });
        rows
    }

    fn trace_number(&mut self, id: &TraceId) -> u32 {
        let hash = xxh3_64(id);
        if let Some(n) = self.find_hashed(hash, id) {
            return n;
        }
        let n = self.traces.len() as u32;
        self.traces.push(HeadTrace {
            id: *id,
            last: NONE,
            count: 0,
            start: i64::MAX,
            end: i64::MIN,
        });
        self.numbers
            .insert_unique(hash, n, |n| xxh3_64(&self.traces[*n as usize].id));
        n
    }

    fn find_hashed(&self, hash: u64, id: &TraceId) -> Option<u32> {
        self.numbers
            .find(hash, |n| self.traces[*n as usize].id == *id)
            .copied()
    }

    /// The trace with an id.
    pub(super) fn find(&self, id: &TraceId) -> Option<&HeadTrace> {
        let n = self.find_hashed(xxh3_64(id), id)?;
        Some(&self.traces[n as usize])
    }

    fn memory(&self) -> usize {
        let traces = self.traces.capacity() * size_of::<HeadTrace>() + self.numbers.capacity() * 5;
        let known: usize = self.known.values().map(|set| set.capacity() * 29).sum();
        self.vocabulary.memory()
            + self.spans.memory()
            + self.events.memory()
            + self.links.memory()
            + traces
            + known
    }
}

/// The plans of all classes of a batch.
struct Plans {
    spans: Vec<Plan>,
    events: Vec<Plan>,
    links: Vec<Plan>,
}

#[cfg(test)]
mod tests;
