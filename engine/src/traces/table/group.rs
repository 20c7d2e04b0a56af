//! Traces of one group of a block as a table: all of them, or those that may answer the question.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::columns::{class_values, is_of_class, item_column, span_column};
use super::each::GroupBytes;
use super::extent::Extent;
use super::{AttributeScope, Column, Field, NO_PARENT, ORPHAN, Run, Source, resolve_parents};
use crate::error::Result;
use crate::store::Block;
use crate::traces::TraceId;
use crate::traces::assemble::Assembly;
use crate::traces::block::column::Narrow;
use crate::traces::block::cursor::GroupCursor;
use crate::traces::block::details::Details;
use crate::traces::block::rows::{GroupRows, Parent, parent, span_id, starts_from, trace_id};
use crate::traces::block::section;
use crate::traces::layout::{ColumnName, Extra};
use crate::traces::model::{SpanId, Trace};
use crate::traces::signal::Traces;

/// Traces of a group.
pub(in crate::traces) struct GroupTraces {
    block: Arc<Block<Traces>>,
    group: usize,
    details: Arc<Details>,
    /// Rows of all traces of the group.
    all: Arc<Vec<Range<u32>>>,
    /// Which of them are in the table, ascending; none for all.
    chosen: Option<Vec<u32>>,
    rows: usize,
    classes: OnceLock<Arc<[u32]>>,
}

impl GroupTraces {
    pub(in crate::traces) fn new(
        block: Arc<Block<Traces>>,
        group: usize,
        details: Arc<Details>,
        all: Arc<Vec<Range<u32>>>,
        chosen: Option<Vec<u32>>,
    ) -> GroupTraces {
        let rows = match &chosen {
            Some(chosen) => chosen.iter().map(|n| all[*n as usize].len()).sum(),
            None => all.last().map_or(0, |rows| rows.end as usize),
        };
        GroupTraces {
            block,
            group,
            details,
            all,
            chosen,
            rows,
            classes: OnceLock::new(),
        }
    }

    fn group(&self) -> GroupRows<'_> {
        GroupRows::with(
            self.block.file(),
            self.block.index(),
            self.group,
            self.details.clone(),
        )
    }

    /// The rows of the group that are in the table, in order; none for all.
    fn each_range(&self) -> Option<impl Iterator<Item = Range<usize>> + '_> {
        let chosen = self.chosen.as_ref()?;
        Some(chosen.iter().map(|n| {
            let rows = &self.all[*n as usize];
            rows.start as usize..rows.end as usize
        }))
    }

    fn gather<T: Copy>(&self, values: Vec<T>) -> Vec<T> {
        match self.each_range() {
            None => values,
            Some(ranges) => ranges.flat_map(|range| values[range].iter().copied()).collect(),
        }
    }

    fn gather_from<T>(&self, of_row: impl Fn(usize) -> T) -> Vec<T> {
        match self.each_range() {
            None => (0..self.rows).map(of_row).collect(),
            Some(ranges) => ranges.flatten().map(of_row).collect(),
        }
    }

    fn class_codes(&self) -> Result<Arc<[u32]>> {
        if let Some(codes) = self.classes.get() {
            return Ok(codes.clone());
        }
        let codes: Arc<[u32]> = match self.each_range() {
            None => {
                let file = self.block.file();
                let codes = file.made(section::CODES, self.group as u32, || {
                    let classes = self.group().classes()?;
                    let codes: Arc<[u32]> = Narrow::of(&classes).shared(|class| class as u32);
                    let bytes = std::mem::size_of_val(&*codes);
                    Ok((codes, bytes))
                })?;
                (*codes).clone()
            }
            Some(ranges) => {
                let classes = self.group().classes()?;
                let narrow = Narrow::of(&classes);
                ranges.flatten().map(|row| narrow.get(row) as u32).collect()
            }
        };
        Ok(self.classes.get_or_init(|| codes).clone())
    }

    fn choose(&self, column: Column) -> Column {
        let gather_codes = |codes: &Arc<[u32]>| -> Arc<[u32]> { self.gather_from(|row| codes[row]).into() };
        if self.chosen.is_none() {
            return column;
        }
        match column {
            Column::Absent => Column::Absent,
            Column::Coded { codes, values } => Column::Coded {
                codes: gather_codes(&codes),
                values,
            },
            Column::Ints { values, present } => Column::Ints {
                values: self.gather_from(|row| values[row]).into(),
                present: present.map(|p| self.gather_from(|row| p[row]).into()),
            },
            Column::Doubles { values, present } => Column::Doubles {
                values: self.gather_from(|row| values[row]).into(),
                present: present.map(|p| self.gather_from(|row| p[row]).into()),
            },
            Column::Many { firsts, inner } => {
                let ranges: Vec<Range<usize>> =
                    self.gather_from(|row| firsts[row] as usize..firsts[row + 1] as usize);
                let mut chosen = vec![0u32];
                let mut at = 0;
                for range in &ranges {
                    at += range.len() as u32;
                    chosen.push(at);
                }
                Column::Many {
                    firsts: chosen.into(),
                    inner: Box::new(gather_items(&inner, &ranges)),
                }
            }
        }
    }
}

fn gather_items(column: &Column, ranges: &[Range<usize>]) -> Column {
    fn pick<T: Copy>(values: &[T], ranges: &[Range<usize>]) -> Arc<[T]> {
        ranges
            .iter()
            .flat_map(|r| values[r.clone()].iter().copied())
            .collect()
    }
    match column {
        Column::Coded { codes, values } => Column::Coded {
            codes: pick(codes, ranges),
            values: values.clone(),
        },
        Column::Ints { values, present } => Column::Ints {
            values: pick(values, ranges),
            present: present.as_ref().map(|p| pick(p, ranges)),
        },
        Column::Doubles { values, present } => Column::Doubles {
            values: pick(values, ranges),
            present: present.as_ref().map(|p| pick(p, ranges)),
        },
        _ => Column::Absent,
    }
}

impl Source for GroupTraces {
    fn rows(&self) -> usize {
        self.rows
    }

    fn trace_count(&self) -> usize {
        self.chosen.as_ref().map_or(self.all.len(), Vec::len)
    }

    fn trace_rows(&self) -> Result<Vec<(TraceId, Range<u32>)>> {
        let ids = self.group().trace_ids()?;
        let id = |n: usize| trace_id(&ids, n).unwrap_or_default();
        let Some(chosen) = &self.chosen else {
            let rows = self.all.iter().enumerate();
            return Ok(rows.map(|(n, rows)| (id(n), rows.clone())).collect());
        };
        let mut from = 0;
        let runs = chosen.iter().map(|n| {
            let rows = from..from + self.all[*n as usize].len() as u32;
            from = rows.end;
            (id(*n as usize), rows)
        });
        Ok(runs.collect())
    }

    fn runs(&self) -> Result<Option<Vec<Run>>> {
        let (ids, extents) = (self.group().trace_ids()?, self.extents()?);
        let extents = extents.as_chunks().0;
        let run = |n: usize, rows: Range<u32>| {
            Extent::decode(&extents[n]).run(trace_id(&ids, n).unwrap_or_default(), rows)
        };
        let Some(chosen) = &self.chosen else {
            let all = self.all.iter().enumerate();
            return Ok(Some(all.map(|(n, rows)| run(n, rows.clone())).collect()));
        };
        let mut from = 0;
        let runs = chosen.iter().map(|n| {
            let rows = from..from + self.all[*n as usize].len() as u32;
            from = rows.end;
            run(*n as usize, rows)
        });
        Ok(Some(runs.collect()))
    }

    fn each_trace(&self) -> Result<Option<GroupBytes<'_>>> {
        if self.chosen.is_some() {
            return Ok(None);
        }
        let (ids, extents) = (self.group().trace_ids()?, self.extents()?);
        let summary = &self.block.index().groups[self.group];
        Ok(Some(GroupBytes {
            ids,
            extents,
            rows: &self.all,
            reach: (summary.first_start, summary.last_span_start),
        }))
    }

    fn starts(&self) -> Result<Vec<i64>> {
        Ok(self.gather(self.group().starts(&self.all)?))
    }

    fn starts_of(&self, trace: usize) -> Result<Option<Vec<i64>>> {
        let n = self
            .chosen
            .as_ref()
            .map_or(trace, |chosen| chosen[trace] as usize);
        let extents = self.extents()?;
        let start = Extent::decode(&extents.as_chunks().0[n]).start;
        let gaps = self.group().start_gaps(n, &self.all[n])?;
        Ok(Some(starts_from(start, gaps)))
    }

    fn durations(&self) -> Result<Vec<i64>> {
        let durations = self.group().durations()?;
        let narrow = Narrow::of(&durations);
        if self.chosen.is_none() {
            return Ok(narrow.map(|duration| duration));
        }
        Ok(self.gather_from(|row| narrow.get(row)))
    }

    fn span_ids(&self) -> Result<Vec<SpanId>> {
        let ids = self.group().span_ids()?;
        Ok(self.gather_from(|row| span_id(&ids, row).unwrap_or_default()))
    }

    fn span_id(&self, row: usize) -> Result<Option<SpanId>> {
        let ids = self.group().span_ids()?;
        let at = match self.each_range() {
            None => Some(row),
            Some(mut ranges) => {
                let mut before = 0;
                ranges.find_map(|range| {
                    let from = before;
                    before += range.len();
                    (row < before).then(|| range.start + row - from)
                })
            }
        };
        Ok(at.and_then(|at| span_id(&ids, at)))
    }

    fn parent_ids(&self) -> Result<Vec<SpanId>> {
        let group = self.group();
        let (ids, orphans, codes) = (group.span_ids()?, group.orphans()?, group.parent_codes()?);
        let mut next = 0;
        let mut all = Vec::with_capacity(group.len());
        Narrow::of(&codes).each(|code| {
            all.push(match parent(code, all.len()) {
                Parent::None => SpanId::default(),
                Parent::Row(row) => span_id(&ids, row).unwrap_or_default(),
                Parent::Orphan => {
                    next += 1;
                    span_id(&orphans, next - 1).unwrap_or_default()
                }
            });
        });
        Ok(self.gather(all))
    }

    fn parents(&self) -> Result<Vec<u32>> {
        if self.details.shared_ids {
            return self.shared_parents();
        }
        let codes = self.group().parent_codes()?;
        let narrow = Narrow::of(&codes);
        let resolve = |row: usize, shift: u32| match parent(narrow.get(row), row) {
            Parent::None => NO_PARENT,
            Parent::Orphan => ORPHAN,
            // A span that names itself.
            Parent::Row(parent) if parent == row => ORPHAN,
            Parent::Row(parent) => (parent as u32).wrapping_sub(shift),
        };
        let Some(chosen) = &self.chosen else {
            return Ok((0..self.rows).map(|row| resolve(row, 0)).collect());
        };
        let mut out = Vec::with_capacity(self.rows);
        for n in chosen {
            let rows = self.all[*n as usize].clone();
            let shift = rows.start - out.len() as u32;
            out.extend((rows.start..rows.end).map(|row| resolve(row as usize, shift)));
        }
        Ok(out)
    }

    fn column(&self, field: &Field) -> Result<Column> {
        let group = self.group();
        if is_of_class(field) {
            let values = class_values(&group, field)?;
            if values.iter().all(Option::is_none) {
                return Ok(Column::Absent);
            }
            return Ok(Column::Coded {
                codes: self.class_codes()?,
                values,
            });
        }
        let spread = match field {
            Field::Duration => {
                return Ok(Column::Ints {
                    values: self.durations()?.into(),
                    present: None,
                });
            }
            Field::StatusMessage => span_column(&group, |n| *n == ColumnName::Extra(Extra::StatusMessage))?,
            Field::TraceState => span_column(&group, |n| *n == ColumnName::Extra(Extra::TraceState))?,
            Field::Attribute {
                scope: AttributeScope::Span,
                key,
            } => span_column(
                &group,
                |n| matches!(n, ColumnName::Attribute(name) if **name == **key),
            )?,
            _ => return Ok(self.choose(item_column(&group, field)?)),
        };
        // Rows are left out before values are looked up.
        let spread = spread.map(|column| self.choose(column));
        spread.finish(&group)
    }

    fn code_counts(&self, codes: &[u32]) -> Option<&[(u32, u32)]> {
        let are_classes = self
            .classes
            .get()
            .is_some_and(|known| std::ptr::eq(&**known, codes));
        (are_classes && self.chosen.is_none()).then_some(&self.details.classes)
    }

    fn trace(&self, id: TraceId, rows: Range<u32>) -> Result<Trace> {
        let mut cursor = GroupCursor::new(self.group())?;
        let first = match &self.chosen {
            None => rows.start as usize,
            Some(chosen) => {
                let mut at = 0;
                let found = chosen.iter().find(|n| {
                    let from = at;
                    at += self.all[**n as usize].len() as u32;
                    from == rows.start
                });
                found.map_or(0, |n| self.all[*n as usize].start as usize)
            }
        };
        let mut assembly = Assembly::new(id);
        cursor.seek(first)?;
        assembly.add_group(&mut cursor, rows.len())?;
        Ok(assembly.finish().unwrap_or_default())
    }
}

impl GroupTraces {
    /// Extents of all traces of the group, computed once and kept in the cache.
    fn extents(&self) -> Result<Arc<[u8]>> {
        let (file, group) = (self.block.file(), self.group());
        file.derived(section::EXTENTS, self.group as u32, || {
            let (starts, durations) = (group.starts(&self.all)?, group.durations()?);
            let durations = Narrow::of(&durations);
            let whole = GroupTraces::new(
                self.block.clone(),
                self.group,
                self.details.clone(),
                self.all.clone(),
                None,
            );
            let parents = whole.parents()?;
            let mut out = Vec::with_capacity(self.all.len() * Extent::LEN);
            for rows in self.all.iter() {
                let at = rows.start as usize..rows.end as usize;
                let is_root = |n: usize| parents[at.start + n] == NO_PARENT;
                let extent = Extent::of(&starts[at.clone()], |n| durations.get(at.start + n), is_root);
                extent.encode(&mut out);
            }
            Ok(out.into())
        })
    }

    /// Parents where several spans of a trace have one id.
    fn shared_parents(&self) -> Result<Vec<u32>> {
        let (ids, parents) = (self.span_ids()?, self.parent_ids()?);
        let classes = self.class_codes()?;
        let kinds = self.block.index().schema.vocabulary.spans.items();
        let mut out = Vec::with_capacity(self.rows);
        for (_, rows) in self.trace_rows()? {
            let row = |n: u32| {
                let at = n as usize;
                (ids[at], parents[at], kinds[classes[at] as usize].kind)
            };
            let spans: Vec<(SpanId, SpanId, i32)> = (rows.start..rows.end).map(row).collect();
            out.extend(resolve_parents(&spans, rows.start));
        }
        Ok(out)
    }
}
