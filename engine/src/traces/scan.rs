//! A question about many traces, cut into parts that can be answered one by one, newest first. A trace whose spans lie in
//! several blocks or heads is put together first, so every table has whole traces and every trace is in one table.

use std::ops::Range;
use std::sync::Arc;

use super::TraceId;
use super::block::column::Narrow;
use super::block::rows::{GroupRows, trace_id};
use super::block::section;
use super::filter::Filter;
use super::plan::{Plan, Rows};
use super::signal::Traces;
use super::splits::Splits;
use super::table::Table;
use super::table::group::GroupTraces;
use super::table::head::HeadTraces;
use crate::error::Result;
use crate::store::{Block, Head, Snapshot};

/// Traces of a head in one part.
const HEAD_PART: usize = 1_024;
/// Traces in one part that are put together one by one.
const SPLIT_PART: usize = 128;

/// Spans of a trace, about.
const ROWS_OF_TRACE: usize = 16;

/// Which traces are asked for.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// First and last time in nanoseconds since 1970; none for all.
    pub times: Option<(i64, i64)>,
    /// What the times bound.
    pub by: ScanBy,
    /// Each must hold for some span of a trace. Traces for which one does not may be left out.
    pub need: Vec<Filter>,
}

/// What the times of a scan bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScanBy {
    /// Traces that overlap them, whole.
    #[default]
    Overlap,
    /// Traces with spans that start within them, whole.
    SpanStart,
}

/// What all parts of a scan share.
struct Shared {
    scan: Scan,
    snapshot: Snapshot<Traces>,
    splits: Splits,
}

/// Some of the traces.
pub struct Part {
    /// No trace of the part starts later, in nanoseconds since 1970.
    pub newest_start: i64,
    /// No span of the part starts later.
    pub last_start: i64,
    /// Spans to look at, about.
    pub rows: usize,
    shared: Arc<Shared>,
    content: Content,
}

enum Content {
    Group(Arc<Block<Traces>>, Arc<Vec<Plan>>, usize),
    Head(Arc<Head<Traces>>, Vec<u32>),
    /// Put together one by one.
    Single(Vec<TraceId>),
}

impl Snapshot<Traces> {
    /// The parts that answer a question, those with the newest traces first.
    ///
    /// # Errors
    /// What reading a block can bring.
    pub fn scan(&self, scan: &Scan) -> Result<Vec<Part>> {
        if let Some(ids) = scan.need.iter().find_map(Filter::traces) {
            return Ok(self.parts_of_ids(scan, ids));
        }
        let (first, last) = scan.times.unwrap_or((i64::MIN, i64::MAX));
        let mut relevant = Vec::new();
        for block in self.blocks.iter() {
            let groups = block.index().groups.iter().enumerate();
            let end = |g: &super::block::details::Summary| match scan.by {
                ScanBy::Overlap => g.last_end.max(g.last_span_start),
                ScanBy::SpanStart => g.last_span_start,
            };
            let wanted = groups.filter(|(_, g)| g.first_start <= last && end(g) >= first);
            let groups: Vec<usize> = wanted.map(|(n, _)| n).collect();
            if !groups.is_empty() {
                relevant.push((block.clone(), groups));
            }
        }
        let blocks: Vec<&Arc<Block<Traces>>> = relevant.iter().map(|(block, _)| block).collect();
        let shared = Arc::new(Shared {
            scan: scan.clone(),
            snapshot: self.clone(),
            splits: Splits::of(self, &blocks, (first, last))?,
        });
        let mut parts = Vec::new();
        for (block, groups) in &relevant {
            parts.extend(parts_of_block(&shared, block, groups)?);
        }
        for head in &self.heads {
            parts.extend(parts_of_head(&shared, head, first, last));
        }
        for splits in shared.splits.ordered().chunks(SPLIT_PART) {
            parts.push(Part {
                newest_start: splits[0].newest_start,
                last_start: i64::MAX,
                rows: splits.len() * ROWS_OF_TRACE,
                shared: shared.clone(),
                content: Content::Single(splits.iter().map(|s| s.id).collect()),
            });
        }
        parts.sort_by_key(|part| std::cmp::Reverse(part.newest_start));
        Ok(parts)
    }
}

impl Snapshot<Traces> {
    /// Parts of the traces with some ids, which are looked up.
    fn parts_of_ids(&self, scan: &Scan, mut ids: Vec<TraceId>) -> Vec<Part> {
        ids.sort_unstable();
        ids.dedup();
        let shared = Arc::new(Shared {
            scan: scan.clone(),
            snapshot: self.clone(),
            splits: Splits::default(),
        });
        let part = |ids: &[TraceId]| Part {
            newest_start: i64::MAX,
            last_start: i64::MAX,
            rows: ids.len() * ROWS_OF_TRACE,
            shared: shared.clone(),
            content: Content::Single(ids.to_vec()),
        };
        ids.chunks(SPLIT_PART).map(part).collect()
    }
}

fn parts_of_block(shared: &Arc<Shared>, block: &Arc<Block<Traces>>, groups: &[usize]) -> Result<Vec<Part>> {
    let Some(first) = groups.first() else {
        return Ok(Vec::new());
    };
    let any = GroupRows::open(block.file(), block.index(), *first)?;
    let mut plans = Vec::new();
    for filter in &shared.scan.need {
        match Plan::new(filter, &any)? {
            Plan::All => {}
            Plan::None => return Ok(Vec::new()),
            plan => plans.push(plan),
        }
    }
    let plans = Arc::new(plans);
    let part = |group: &usize| {
        let summary = &block.index().groups[*group];
        Part {
            newest_start: summary.last_start,
            last_start: summary.last_span_start,
            rows: summary.rows as usize,
            shared: shared.clone(),
            content: Content::Group(block.clone(), plans.clone(), *group),
        }
    };
    Ok(groups.iter().map(part).collect())
}

fn parts_of_head(shared: &Arc<Shared>, head: &Arc<Head<Traces>>, first: i64, last: i64) -> Vec<Part> {
    let state = head.state.read();
    let mut parts = Vec::new();
    let numbered: Vec<u32> = (0..state.traces.len() as u32).collect();
    for numbers in numbered.chunks(HEAD_PART) {
        let wanted = numbers.iter().filter(|n| {
            let trace = &state.traces[**n as usize];
            trace.start <= last && trace.end >= first && !shared.splits.contains(&trace.id)
        });
        let wanted: Vec<u32> = wanted.copied().collect();
        let traces = || wanted.iter().map(|n| &state.traces[*n as usize]);
        let newest = traces().map(|t| (t.start, t.end));
        let Some((newest_start, last_start)) = newest.reduce(|a, b| (a.0.max(b.0), a.1.max(b.1))) else {
            continue;
        };
        parts.push(Part {
            newest_start,
            last_start,
            rows: traces().map(|t| t.count as usize).sum(),
            shared: shared.clone(),
            content: Content::Head(head.clone(), wanted),
        });
    }
    parts
}

impl Part {
    /// The traces; none when a closer look shows that none can be part of the answer.
    ///
    /// # Errors
    /// What reading a block can bring.
    pub fn load(&self) -> Result<Option<Table>> {
        match &self.content {
            Content::Group(block, plans, group) => self.load_group(block, plans, *group),
            Content::Head(head, numbers) => Ok(Some(Table::over(Box::new(HeadTraces::new(
                head.clone(),
                numbers,
            ))))),
            Content::Single(ids) => self.load_single(ids),
        }
    }

    fn load_group(&self, block: &Arc<Block<Traces>>, plans: &[Plan], group: usize) -> Result<Option<Table>> {
        let rows = GroupRows::open(block.file(), block.index(), group)?;
        let mut matched = Vec::new();
        for plan in plans {
            match plan.rows(&rows)? {
                Rows::All => {}
                Rows::None => return Ok(None),
                Rows::Some(rows) => matched.push(rows),
            }
        }
        let all = block.file().made(section::ROWS, group as u32, || {
            let all = rows.trace_rows()?;
            let bytes = std::mem::size_of_val(all.as_slice());
            Ok((all, bytes))
        })?;
        let mut chosen: Option<Vec<u32>> = None;
        if !matched.is_empty() {
            let hits = |range: &Range<u32>| {
                let range = range.start as usize..range.end as usize;
                matched.iter().all(|rows| rows[range.clone()].contains(&true))
            };
            let found = all.iter().enumerate().filter(|(_, range)| hits(range));
            chosen = Some(found.map(|(n, _)| n as u32).collect());
        }
        self.narrow_to_times(&rows, &all, &mut chosen)?;
        self.leave_out_splits(block, &rows, &mut chosen)?;
        if chosen.as_ref().is_some_and(Vec::is_empty) {
            return Ok(None);
        }
        if chosen.as_ref().is_some_and(|chosen| chosen.len() == all.len()) {
            chosen = None;
        }
        let table = GroupTraces::new(block.clone(), group, rows.details.clone(), all, chosen);
        Ok(Some(Table::over(Box::new(table))))
    }

    /// Leaves out traces that do not overlap the times. Spans outside of them stay: traces are whole.
    fn narrow_to_times(
        &self,
        rows: &GroupRows<'_>,
        all: &[Range<u32>],
        chosen: &mut Option<Vec<u32>>,
    ) -> Result<()> {
        let Some((first, last)) = self.shared.scan.times else {
            return Ok(());
        };
        let summary = &rows.index.groups[rows.group];
        if self.shared.scan.by == ScanBy::SpanStart
            || (summary.first_start >= first && summary.last_start <= last)
        {
            return Ok(());
        }
        let starts = rows.starts(all)?;
        let durations = rows.durations()?;
        let durations = Narrow::of(&durations);
        let overlaps = |n: u32| {
            let range = &all[n as usize];
            let begins = starts[range.start as usize] <= last;
            let ends =
                |row: u32| starts[row as usize].saturating_add(durations.get(row as usize).max(0)) >= first;
            begins && range.clone().any(ends)
        };
        match chosen {
            Some(chosen) => chosen.retain(|n| overlaps(*n)),
            None => *chosen = Some((0..all.len() as u32).filter(|n| overlaps(*n)).collect()),
        }
        Ok(())
    }

    fn leave_out_splits(
        &self,
        block: &Block<Traces>,
        rows: &GroupRows<'_>,
        chosen: &mut Option<Vec<u32>>,
    ) -> Result<()> {
        let splits = &self.shared.splits;
        if !splits.concern(block) {
            return Ok(());
        }
        let ids = rows.trace_ids()?;
        let is_split = |n: u32| trace_id(&ids, n as usize).is_some_and(|id| splits.contains(&id));
        match chosen {
            Some(chosen) => chosen.retain(|n| !is_split(*n)),
            None => {
                let traces = 0..rows.trace_count() as u32;
                if traces.clone().any(is_split) {
                    *chosen = Some(traces.filter(|n| !is_split(*n)).collect());
                }
            }
        }
        Ok(())
    }

    fn load_single(&self, ids: &[TraceId]) -> Result<Option<Table>> {
        let (first, last) = self.shared.scan.times.unwrap_or((i64::MIN, i64::MAX));
        let mut traces = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(trace) = self.shared.snapshot.trace(id)? else {
                continue;
            };
            let start = trace.spans.iter().map(|s| s.start).min().unwrap_or(i64::MAX);
            let end = trace
                .spans
                .iter()
                .map(|s| s.end.max(s.start))
                .max()
                .unwrap_or(i64::MIN);
            if start <= last && end >= first {
                traces.push(trace);
            }
        }
        traces.sort_by_key(|trace| (trace.spans.first().map(|s| s.start), trace.id));
        Ok((!traces.is_empty()).then(|| Table::of_traces(traces)))
    }
}
