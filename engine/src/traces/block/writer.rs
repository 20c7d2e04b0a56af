//! Writes the spans of a block: traces in the order of their starts, their rows by start and id, with the numbers of the
//! schema it was begun with.

use super::details::Summary;
use super::group::Group;
use super::schema::{Schema, Storage};
use super::{GROUP_ROWS, column, directory, hash_of, section};
use crate::block::BlockWriter;
use crate::block::writer::Written;
use crate::error::Result;
use crate::metrics::values::Effort;
use crate::traces::TraceId;

/// The columns of a span that every span has.
#[derive(Debug, Clone, Copy)]
pub(in crate::traces) struct Row {
    pub(in crate::traces) class: u32,
    pub(in crate::traces) id: u64,
    pub(in crate::traces) parent: u64,
    pub(in crate::traces) start: i64,
    pub(in crate::traces) duration: i64,
}

/// The value of a column, with the number that the column's storage has for it.
#[derive(Debug, Clone, Copy)]
pub(in crate::traces) enum Cell<'v> {
    /// There is nothing but its presence.
    Nothing,
    /// A number; a code of the dictionary.
    Number(i64),
    /// A double.
    Double(f64),
    /// Bytes of a column without dictionary.
    Bytes(&'v [u8]),
}

/// A block being written.
pub(in crate::traces) struct SpanWriter<'w> {
    out: &'w mut BlockWriter,
    schema: Schema,
    effort: Effort,
    group: Group,
    groups: Vec<u8>,
    group_count: u64,
    hashes: Vec<u64>,
    written: Option<Written>,
}

impl<'w> SpanWriter<'w> {
    /// Begins with a schema, whose counts of values are filled while writing.
    pub(in crate::traces) fn new(out: &'w mut BlockWriter, mut schema: Schema) -> SpanWriter<'w> {
        let effort = column::effort_for(out.temperature());
        schema.counts = vec![0; schema.storages.len()];
        let group = Group::new(&schema);
        SpanWriter {
            out,
            schema,
            effort,
            group,
            groups: Vec::new(),
            group_count: 0,
            hashes: Vec::new(),
            written: None,
        }
    }

    pub(in crate::traces) fn begin_trace(&mut self, id: TraceId) {
        self.hashes.push(hash_of(&id));
        self.group.begin_trace(id);
    }

    pub(in crate::traces) fn row(&mut self, row: Row) {
        self.group.row(row);
    }

    /// The value of a column of the row, event or link begun last, in the order of its shape.
    #[inline]
    pub(in crate::traces) fn value(&mut self, column: u32, cell: Cell<'_>) {
        self.group.value(column, cell);
    }

    pub(in crate::traces) fn event(&mut self, class: u32, time: i64) {
        self.group.event(class, time);
    }

    pub(in crate::traces) fn link(&mut self, class: u32, trace_id: TraceId, span_id: u64) {
        self.group.link(class, trace_id, span_id);
    }

    /// Ends the trace, and the group when it is full.
    pub(in crate::traces) fn end_trace(&mut self) -> Result<()> {
        let rows = self.group.end_trace();
        self.out.half_done(rows as u64);
        if self.group.rows() >= GROUP_ROWS {
            self.end_group()?;
        }
        Ok(())
    }

    fn end_group(&mut self) -> Result<()> {
        let Some(summary) = self.group.write(self.out, self.effort, &mut self.schema.counts)? else {
            return Ok(());
        };
        summary.encode(&mut self.groups);
        self.group_count += 1;
        self.out.half_done(summary.rows.into());
        let written = self.written.get_or_insert(Written {
            min_time: summary.first_start,
            max_time: summary.last_span_start,
            rows: 0,
            groups: 0,
        });
        let Summary {
            rows,
            traces,
            first_start,
            last_span_start,
            ..
        } = summary;
        written.min_time = written.min_time.min(first_start);
        written.max_time = written.max_time.max(last_span_start);
        written.rows += u64::from(rows);
        written.groups += u64::from(traces);
        Ok(())
    }

    /// Ends the block.
    pub(in crate::traces) fn finish(mut self) -> Result<Written> {
        self.end_group()?;
        let mut groups = Vec::with_capacity(self.groups.len() + 8);
        crate::coding::put_uvarint(&mut groups, self.group_count);
        groups.append(&mut self.groups);
        self.out.section(section::GROUPS, &groups)?;
        directory::write(&self.hashes, self.out)?;
        self.schema.write(self.out)?;
        Ok(self.written.unwrap_or(Written {
            min_time: 0,
            max_time: 0,
            rows: 0,
            groups: 0,
        }))
    }
}

/// Distinct values that always make a dictionary. Hardly any in tests, whose blocks are small, so that they see both ways.
const FEW: usize = if cfg!(test) { 2 } else { 1_024 };

/// True when a column of so many values of which so many are distinct is better off with a dictionary.
pub(in crate::traces) fn wants_dictionary(distinct: usize, values: u64) -> bool {
    distinct <= FEW || (distinct as u64) * 3 <= values
}

/// The storage of a column that has no dictionary.
pub(in crate::traces) fn plain_storage(kind: crate::traces::ValueKind) -> Storage {
    if crate::traces::layout::is_interned(kind) {
        Storage::Local
    } else {
        Storage::Numbers
    }
}
