//! Columns of a head's rows.

use crate::traces::TraceId;
use crate::traces::layout::{Owner, wide};
use crate::traces::value::{Value, ValueKind};
use crate::traces::vocabulary::{Shape, Vocabulary};

/// Spans.
#[derive(Debug, Default)]
pub(in crate::traces) struct HeadSpans {
    pub(in crate::traces) class: Vec<u32>,
    /// The row before of the same trace.
    pub(in crate::traces) previous: Vec<u32>,
    pub(in crate::traces) id: Vec<u64>,
    pub(in crate::traces) parent: Vec<u64>,
    pub(in crate::traces) start: Vec<i64>,
    pub(in crate::traces) duration: Vec<i64>,
    /// Where the cells of a row begin.
    pub(in crate::traces) cells_at: Vec<u32>,
    pub(in crate::traces) cells: Vec<u32>,
}

impl HeadSpans {
    pub(in crate::traces) fn len(&self) -> usize {
        self.class.len()
    }

    pub(super) fn reserve(&mut self, more: usize) {
        // Doubling at once would hold twice what is needed for long.
        let step = more.max(self.class.len() / 8);
        if self.class.capacity() - self.class.len() < more {
            self.class.reserve_exact(step);
            self.previous.reserve_exact(step);
            self.id.reserve_exact(step);
            self.parent.reserve_exact(step);
            self.start.reserve_exact(step);
            self.duration.reserve_exact(step);
            self.cells_at.reserve_exact(step);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a row is its columns")]
    pub(super) fn push(
        &mut self,
        class: u32,
        previous: u32,
        id: u64,
        parent: u64,
        start: i64,
        duration: i64,
        cells_at: u32,
    ) {
        self.class.push(class);
        self.previous.push(previous);
        self.id.push(id);
        self.parent.push(parent);
        self.start.push(start);
        self.duration.push(duration);
        self.cells_at.push(cells_at);
    }

    pub(super) fn memory(&self) -> usize {
        self.class.capacity() * 12 + self.id.capacity() * 32 + self.cells.capacity() * 4
    }
}

/// Events or links; each uses its columns.
#[derive(Debug, Default)]
pub(in crate::traces) struct Items {
    pub(in crate::traces) class: Vec<u32>,
    pub(in crate::traces) cells_at: Vec<u32>,
    pub(in crate::traces) cells: Vec<u32>,
    /// Events: since the start of the span.
    pub(in crate::traces) time: Vec<i64>,
    /// Links.
    pub(in crate::traces) trace_id: Vec<TraceId>,
    /// Links.
    pub(in crate::traces) span_id: Vec<u64>,
}

impl Items {
    pub(in crate::traces) fn len(&self) -> usize {
        self.class.len()
    }

    pub(super) fn begin(&mut self, class: u32) {
        self.class.push(class);
        self.cells_at.push(self.cells.len() as u32);
    }

    pub(super) fn memory(&self) -> usize {
        (self.class.capacity() + self.cells_at.capacity() + self.cells.capacity()) * 4
            + (self.time.capacity() + self.span_id.capacity()) * 8
            + self.trace_id.capacity() * 16
    }
}

/// The cells of one row with what they mean.
#[derive(Clone, Copy)]
pub(in crate::traces) struct Cells<'h> {
    pub(in crate::traces) vocabulary: &'h Vocabulary,
    pub(in crate::traces) shape: &'h Shape,
    pub(in crate::traces) cells: &'h [u32],
}

impl<'h> Cells<'h> {
    /// The cells of a row that begin at `at` among all.
    pub(in crate::traces) fn new(
        vocabulary: &'h Vocabulary,
        (owner, class): (Owner, u32),
        all: &'h [u32],
        at: u32,
    ) -> Cells<'h> {
        let shape = match owner {
            Owner::Span => vocabulary.shape_of_span(class),
            _ => vocabulary.shape_of_item(owner, class),
        };
        let cells = &all[at as usize..(at + shape.width) as usize];
        Cells {
            vocabulary,
            shape,
            cells,
        }
    }

    /// Columns and their cells in order.
    pub(in crate::traces) fn iter(&self) -> impl Iterator<Item = (u32, &'h [u32])> {
        let cells = self.cells;
        let pairs = self.shape.columns.iter().zip(&self.shape.offsets);
        pairs.map(move |(column, offset)| (*column, &cells[*offset as usize..]))
    }

    /// The value of a column's cell.
    pub(in crate::traces) fn value(&self, column: u32, cell: &[u32]) -> Value {
        let column = &self.vocabulary.columns()[column as usize];
        match column.key.kind {
            ValueKind::Empty => Value::Empty,
            ValueKind::Bool => Value::Bool(cell[0] != 0),
            ValueKind::Int => Value::Int(wide(cell).cast_signed()),
            ValueKind::Double => Value::Double(f64::from_bits(wide(cell))),
            // Batches are checked to hold text in string columns; lists were encoded by this process or checked below.
            kind => Value::from_payload(kind, column.values.get(cell[0])).unwrap_or_default(),
        }
    }
}
