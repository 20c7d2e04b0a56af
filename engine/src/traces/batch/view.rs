//! Reads a batch span by span, for what is derived from spans as they come.

use std::sync::Arc;

use super::super::TraceId;
use super::super::assemble::text;
use super::super::blob;
use super::super::head::Cells;
use super::super::layout::{ColumnName, Extra, Owner};
use super::super::model::{Resource, SpanId};
use super::super::value::Value;
use super::Batch;

/// What many spans of a batch share.
#[derive(Debug, Clone)]
pub struct SharedFields {
    /// The resource.
    pub resource: Arc<Resource>,
    /// Name of the span.
    pub name: Arc<str>,
    /// OTLP kind.
    pub kind: i32,
    /// OTLP status code.
    pub status_code: i32,
    /// Names of the span's attributes, in their order.
    pub keys: Vec<Arc<str>>,
}

/// A span of a batch.
#[derive(Clone, Copy)]
pub struct BatchSpan<'b> {
    batch: &'b Batch,
    row: usize,
    cells_at: usize,
}

impl Batch {
    /// What spans share, by the number that [`BatchSpan::shared`] gives.
    pub fn shared_fields(&self) -> Vec<SharedFields> {
        let vocabulary = &self.vocabulary;
        let resources: Vec<Arc<Resource>> = vocabulary
            .resources
            .iter()
            .map(|bytes| Arc::new(blob::resource(bytes).unwrap_or_default()))
            .collect();
        let fields = vocabulary.spans.items().iter().map(|class| SharedFields {
            resource: resources[class.resource as usize].clone(),
            name: text(vocabulary.names.get(class.name)),
            kind: class.kind,
            status_code: class.status,
            keys: self.keys_of(class.shape),
        });
        fields.collect()
    }

    fn keys_of(&self, shape: u32) -> Vec<Arc<str>> {
        let columns = self.vocabulary.shapes()[shape as usize].columns.iter();
        let name = |column: &u32| match &self.vocabulary.columns()[*column as usize].key.name {
            ColumnName::Attribute(name) => Some(Arc::from(&**name)),
            ColumnName::Extra(_) => None,
        };
        columns.filter_map(name).collect()
    }

    /// The spans in their order.
    pub fn spans(&self) -> impl Iterator<Item = BatchSpan<'_>> {
        let mut cells_at = 0;
        (0..self.len()).map(move |row| {
            let span = BatchSpan {
                batch: self,
                row,
                cells_at,
            };
            cells_at += self.vocabulary.shape_of_span(self.spans.class[row]).width as usize;
            span
        })
    }
}

impl BatchSpan<'_> {
    /// Number of what it shares with others.
    pub fn shared(&self) -> usize {
        self.batch.spans.class[self.row] as usize
    }

    /// Its trace.
    pub fn trace_id(&self) -> TraceId {
        self.batch.traces[self.batch.spans.trace[self.row] as usize]
    }

    /// Its id.
    pub fn id(&self) -> SpanId {
        self.batch.spans.id[self.row].to_le_bytes()
    }

    /// Id of its parent, zeros for none.
    pub fn parent(&self) -> SpanId {
        self.batch.spans.parent[self.row].to_le_bytes()
    }

    /// Start in nanoseconds since 1970.
    pub fn start(&self) -> i64 {
        self.batch.spans.start[self.row]
    }

    /// End less start in nanoseconds.
    pub fn duration(&self) -> i64 {
        self.batch.spans.duration[self.row]
    }

    /// Bytes of its message as its sender encoded it.
    pub fn size(&self) -> u32 {
        self.batch.sizes.get(self.row).copied().unwrap_or_default()
    }

    /// The first attribute of a name.
    pub fn attribute(&self, key: &str) -> Option<Value> {
        self.value(|name| matches!(name, ColumnName::Attribute(name) if **name == *key))
    }

    /// Text of its status, empty without.
    pub fn status_message(&self) -> Arc<str> {
        self.extra_text(Extra::StatusMessage)
    }

    /// Its W3C trace state, empty without.
    pub fn trace_state(&self) -> Arc<str> {
        self.extra_text(Extra::TraceState)
    }

    fn extra_text(&self, wanted: Extra) -> Arc<str> {
        match self.value(|name| matches!(name, ColumnName::Extra(extra) if *extra == wanted)) {
            Some(Value::String(text)) => text,
            _ => Arc::from(""),
        }
    }

    /// The value of the first column whose name is wanted.
    fn value(&self, is_wanted: impl Fn(&ColumnName) -> bool) -> Option<Value> {
        let vocabulary = &self.batch.vocabulary;
        let class = (Owner::Span, self.batch.spans.class[self.row]);
        let cells = Cells::new(vocabulary, class, &self.batch.spans.cells, self.cells_at as u32);
        let mut found = cells
            .iter()
            .filter(|(column, _)| is_wanted(&vocabulary.columns()[*column as usize].key.name));
        found.next().map(|(column, cell)| cells.value(column, cell))
    }
}
