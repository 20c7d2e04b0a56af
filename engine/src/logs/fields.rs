//! Which fields entries have and with what values: structured metadata, members of JSON lines and pairs of logfmt lines, from the
//! columns of blocks and from the lines of heads. Values may be told more than once; how often says nothing.

use hashbrown::{HashMap, HashSet};
use roaring::RoaringBitmap;

use super::block::group::{Group, OpenGroup};
use super::block::header::{ColumnName, StreamRun};
use super::catalogue::rows_left;
use super::deletion::Hidden;
use super::line::{ARRAY, BARE, LineKind, QUOTED, Scanned, SlotName, slot_names, unescape};
use super::rows::Rows;
use super::signal::Logs;
use super::values::Values;
use crate::error::Result;
use crate::labels::Labels;
use crate::metrics::matcher::Matcher;
use crate::store::{Block, Snapshot};

/// Skeletons that are remembered.
const SKELETONS_MAX: usize = 10_000;

/// What a value is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldName<'f> {
    /// Structured metadata.
    Metadata(&'f str),
    /// A member of a JSON line by its path of keys.
    Json(&'f [String]),
    /// A value of a logfmt line by its key.
    Logfmt(&'f str),
}

/// Takes fields and their values.
pub trait FieldSink {
    /// The number of a field of entries of a stream; none for one that is not asked for.
    fn field(&mut self, stream: &Labels, name: FieldName<'_>) -> Option<usize>;
    /// A value of a field, escapes resolved.
    fn value(&mut self, field: usize, value: &[u8]);
    /// A line that is neither JSON nor logfmt as a whole.
    fn line(&mut self, stream: &Labels, line: &[u8]);
    /// Asked now and then; false ends the walk.
    fn goes_on(&mut self) -> bool;
}

impl Snapshot<Logs> {
    /// Tells the fields of the entries between two times, the first inclusive, the second not, of the streams that pass all
    /// matchers.
    ///
    /// # Errors
    /// What reading a block can bring.
    pub fn fields(
        &self,
        matchers: &[Matcher],
        (from, until): (i64, i64),
        sink: &mut dyn FieldSink,
    ) -> Result<()> {
        if from >= until {
            return Ok(());
        }
        let mut of_lines = OfLines::default();
        let blocks: Vec<_> = self.blocks_between(from, until - 1).cloned().collect();
        for (block, hidden) in blocks.iter().zip(self.hidden(&blocks)?) {
            let streams = block.index().streams(block.file())?;
            let selected = streams.index.select(matchers)?;
            for (n, group) in block.index().groups.iter().enumerate() {
                let overlaps = group.times.0 < until && group.times.1 >= from;
                if !overlaps || selected.range_cardinality(group.streams.0..=group.streams.1) == 0 {
                    continue;
                }
                if !sink.goes_on() {
                    return Ok(());
                }
                let group = Group::open(block.file(), n as u32)?.read();
                let mut walk = Walk {
                    block,
                    open: &group,
                    hidden: hidden.as_deref(),
                    times: (from, until),
                    of_lines: &mut of_lines,
                };
                walk.run(&selected, sink)?;
            }
        }
        for head in &self.heads {
            let state = head.state.read();
            for n in state.index.select(matchers)? {
                if !sink.goes_on() {
                    return Ok(());
                }
                let labels = state.index.labels(n);
                of_lines.begin();
                for run in &state.streams[n as usize].runs {
                    run.contents(
                        from,
                        until,
                        |pairs| of_lines.metadata(labels, pairs, sink),
                        |_| {},
                    );
                }
                for run in &state.streams[n as usize].runs {
                    run.contents(from, until, |_| {}, |line| of_lines.line(labels, line, sink));
                }
            }
        }
        Ok(())
    }
}

/// Tells the fields of one line.
pub fn of_line(stream: &Labels, line: &[u8], sink: &mut dyn FieldSink) {
    let mut of = OfLines::default();
    of.begin();
    of.line(stream, line, sink);
}

/// Fields of lines, one by one. Numbers of fields are remembered for the lines of one stream.
#[derive(Default)]
struct OfLines {
    scanned: Scanned,
    skeletons: HashMap<Box<[u8]>, Slots>,
    metadata: HashMap<Box<str>, (u64, Option<usize>)>,
    /// Number of the stream, which changes with each.
    stream: u64,
}

/// What the slots of a skeleton are of.
struct Slots {
    names: Vec<SlotName>,
    fields: Vec<Option<usize>>,
    /// The stream whose fields these are.
    stream: u64,
}

impl OfLines {
    /// Begins with another stream.
    fn begin(&mut self) {
        self.stream += 1;
    }

    fn metadata(&mut self, labels: &Labels, pairs: &[(&str, &str)], sink: &mut dyn FieldSink) {
        for (name, value) in pairs {
            let known = self.metadata.get(*name).filter(|(of, _)| *of == self.stream);
            let field = match known {
                Some((_, field)) => *field,
                None => {
                    let field = sink.field(labels, FieldName::Metadata(name));
                    self.metadata.insert((*name).into(), (self.stream, field));
                    field
                }
            };
            if let Some(field) = field {
                sink.value(field, value.as_bytes());
            }
        }
    }

    fn line(&mut self, labels: &Labels, line: &[u8], sink: &mut dyn FieldSink) {
        let kind = self.scanned.scan(line);
        if kind == LineKind::Text {
            return sink.line(labels, line);
        }
        let skeleton = self.scanned.skeleton.as_slice();
        if !self.skeletons.contains_key(skeleton) {
            let slots = Slots {
                names: slot_names(kind, skeleton).unwrap_or_default(),
                fields: Vec::new(),
                stream: 0,
            };
            if self.skeletons.len() >= SKELETONS_MAX {
                self.skeletons.clear();
            }
            self.skeletons.insert(skeleton.into(), slots);
        }
        let Some(slots) = self.skeletons.get_mut(skeleton) else {
            return;
        };
        if slots.stream != self.stream {
            slots.stream = self.stream;
            let names = slots.names.iter().enumerate();
            // Of slots with one name the first counts.
            let field = |(n, name): (usize, &SlotName)| {
                let field = field_of(name).filter(|_| !slots.names[..n].contains(name))?;
                sink.field(labels, field)
            };
            slots.fields = names.map(field).collect();
        }
        let slots = slots.names.iter().zip(&slots.fields).zip(&self.scanned.slots);
        for ((name, field), (from, to)) in slots {
            if let Some(field) = field {
                put_value(name, *field, &line[*from as usize..*to as usize], sink);
            }
        }
    }

    fn rows(&mut self, labels: &Labels, rows: &Rows, sink: &mut dyn FieldSink) {
        self.begin();
        for row in 0..rows.len() {
            let pairs: Vec<(&str, &str)> = rows.metadata(row).collect();
            self.metadata(labels, &pairs, sink);
            self.line(labels, rows.line(row), sink);
        }
    }
}

/// The field that a slot is of; none for arrays.
fn field_of(name: &SlotName) -> Option<FieldName<'_>> {
    match name {
        SlotName::Text | SlotName::Json(_, ARRAY) => None,
        SlotName::Json(path, _) => Some(FieldName::Json(path)),
        SlotName::Logfmt(key, _) => Some(FieldName::Logfmt(key)),
    }
}

/// Tells the value of a slot as it stands in the line.
fn put_value(name: &SlotName, field: usize, raw: &[u8], sink: &mut dyn FieldSink) {
    match name {
        SlotName::Json(_, BARE) if raw == b"null" => {}
        SlotName::Json(_, QUOTED) | SlotName::Logfmt(_, QUOTED) if raw.contains(&b'\\') => {
            sink.value(field, unescape(raw).as_bytes());
        }
        _ => sink.value(field, raw),
    }
}

/// A group being walked through.
struct Walk<'w> {
    block: &'w Block<Logs>,
    open: &'w OpenGroup<'w>,
    hidden: Option<&'w Hidden>,
    times: (i64, i64),
    of_lines: &'w mut OfLines,
}

/// No run that is asked for.
const NO_RUN: u32 = u32::MAX;

impl Walk<'_> {
    fn run(&mut self, selected: &RoaringBitmap, sink: &mut dyn FieldSink) -> Result<()> {
        let index = &self.block.index().streams(self.block.file())?.index;
        let (from, until) = self.times;
        let open = self.open;
        let (header, times) = (open.header(), open.times()?);
        let mut runs: Vec<(&Labels, &StreamRun)> = Vec::new();
        let mut run_of = vec![NO_RUN; header.rows as usize];
        for run in header.runs.iter().filter(|run| selected.contains(run.stream)) {
            if run.min_time >= until || run.max_time < from {
                continue;
            }
            let labels = index.labels(run.stream);
            let reach = (run.min_time, run.max_time);
            if let Some(hidden) = self.hidden.and_then(|hidden| hidden.of_stream(labels, reach)) {
                let left = rows_left(open, run, labels, &hidden)?;
                let within = left.between(from, until);
                self.of_lines.rows(labels, &left.slice(within), sink);
                continue;
            }
            let first = run.first as usize;
            let rows = first..first + run.rows as usize;
            for (of, time) in run_of[rows.clone()].iter_mut().zip(&times[rows]) {
                if *time >= from && *time < until {
                    *of = runs.len() as u32;
                }
            }
            runs.push((labels, run));
        }
        for column in 0..header.columns.len() as u32 {
            self.column(column, &runs, &run_of, sink)?;
        }
        Ok(())
    }

    fn column(
        &mut self,
        column: u32,
        runs: &[(&Labels, &StreamRun)],
        run_of: &[u32],
        sink: &mut dyn FieldSink,
    ) -> Result<()> {
        let open = self.open;
        let header = &open.header().columns[column as usize];
        let is_text = header.name == ColumnName::Slot(SlotName::Text, 0);
        let name = match &header.name {
            ColumnName::Metadata(name) => Some(FieldName::Metadata(name)),
            ColumnName::Slot(slot, 0) => field_of(slot),
            ColumnName::Slot(..) => None,
        };
        if name.is_none() && !is_text {
            return Ok(());
        }
        let fields: Vec<Option<usize>> = runs
            .iter()
            .map(|(labels, _)| name.and_then(|name| sink.field(labels, name)))
            .collect();
        if !is_text && fields.iter().all(Option::is_none) {
            return Ok(());
        }
        let has = open.has(column);
        let mut places = Vec::new();
        let mut next = 0usize;
        for (shape, run) in open.shapes()?.iter().zip(run_of) {
            if has[*shape as usize] {
                if *run != NO_RUN {
                    places.push((next, *run as usize));
                }
                next += 1;
            }
        }
        if places.is_empty() {
            return Ok(());
        }
        let values = open.column(column)?;
        let mut last = usize::MAX;
        let mut seen: HashSet<(usize, u32)> = HashSet::new();
        let mut text = Vec::new();
        for (n, run) in places {
            let code = match &*values {
                Values::Const(_) => Some(0),
                Values::Dictionary(_, codes) => Some(u32::from(codes[n])),
                _ => None,
            };
            let of = if is_text { Some(run) } else { fields[run] };
            let Some(of) = of.filter(|of| code.is_none_or(|code| seen.insert((*of, code)))) else {
                continue;
            };
            text.clear();
            values.put(n, &mut text);
            match &header.name {
                ColumnName::Metadata(_) => sink.value(of, &text),
                ColumnName::Slot(SlotName::Text, _) => {
                    if std::mem::replace(&mut last, run) != run {
                        self.of_lines.begin();
                    }
                    self.of_lines.line(runs[run].0, &text, sink);
                }
                ColumnName::Slot(slot, _) => put_value(slot, of, &text, sink),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
