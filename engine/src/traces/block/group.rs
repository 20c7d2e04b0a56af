//! A group of traces being gathered, and its pages once it is full.

use hashbrown::HashMap;

use super::details::{Details, Stream, Summary, stream};
use super::schema::{Schema, Storage};
use super::writer::{Cell, Row};
use super::{bloom, column, section};
use crate::block::{BlockWriter, Codec};
use crate::error::Result;
use crate::metrics::values::{self, Effort};
use crate::traces::TraceId;
use crate::traces::interner::Interner;

/// Spans of a trace above which parents are looked up in a map.
const LONG_TRACE: usize = 32;

/// The values of a column.
enum Values {
    Numbers(Vec<i64>),
    Doubles(Vec<f64>),
    Strings(Interner, Vec<i64>),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Values::Numbers(v) | Values::Strings(_, v) => v.len(),
            Values::Doubles(v) => v.len(),
        }
    }
}

/// A group being gathered.
pub(super) struct Group {
    trace_ids: Vec<TraceId>,
    trace_rows: Vec<i64>,
    trace_starts: Vec<i64>,
    class: Vec<i64>,
    starts: Vec<i64>,
    durations: Vec<i64>,
    ids: Vec<u64>,
    parents: Vec<u64>,
    parent_codes: Vec<i64>,
    orphans: Vec<u64>,
    shared_ids: bool,
    event_class: Vec<i64>,
    event_time: Vec<i64>,
    link_class: Vec<i64>,
    link_trace_id: Vec<TraceId>,
    link_span_id: Vec<u64>,
    columns: Vec<Values>,
    /// First row of the trace.
    from: usize,
    known: HashMap<u64, u32>,
}

impl Group {
    pub(super) fn new(schema: &Schema) -> Group {
        let kinds = schema.vocabulary.columns().iter().map(|c| c.key.kind);
        let columns = kinds.zip(&schema.storages).map(|(kind, storage)| match storage {
            Storage::Local => Values::Strings(Interner::default(), Vec::new()),
            Storage::Numbers if kind == crate::traces::ValueKind::Double => Values::Doubles(Vec::new()),
            _ => Values::Numbers(Vec::new()),
        });
        Group {
            columns: columns.collect(),
            trace_ids: Vec::new(),
            trace_rows: Vec::new(),
            trace_starts: Vec::new(),
            class: Vec::new(),
            starts: Vec::new(),
            durations: Vec::new(),
            ids: Vec::new(),
            parents: Vec::new(),
            parent_codes: Vec::new(),
            orphans: Vec::new(),
            shared_ids: false,
            event_class: Vec::new(),
            event_time: Vec::new(),
            link_class: Vec::new(),
            link_trace_id: Vec::new(),
            link_span_id: Vec::new(),
            from: 0,
            known: HashMap::new(),
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.class.len()
    }

    pub(super) fn begin_trace(&mut self, id: TraceId) {
        self.trace_ids.push(id);
        self.from = self.rows();
    }

    pub(super) fn row(&mut self, row: Row) {
        self.class.push(row.class.into());
        self.starts.push(row.start);
        self.durations.push(row.duration);
        self.ids.push(row.id);
        self.parents.push(row.parent);
    }

    #[inline]
    pub(super) fn value(&mut self, column: u32, cell: Cell<'_>) {
        match (&mut self.columns[column as usize], cell) {
            (Values::Numbers(numbers), Cell::Number(n)) => numbers.push(n),
            (Values::Numbers(numbers), _) => numbers.push(0),
            (Values::Doubles(doubles), Cell::Double(n)) => doubles.push(n),
            (Values::Doubles(doubles), _) => doubles.push(0.0),
            (Values::Strings(strings, codes), Cell::Bytes(bytes)) => codes.push(strings.intern(bytes).into()),
            (Values::Strings(strings, codes), _) => codes.push(strings.intern(b"").into()),
        }
    }

    pub(super) fn event(&mut self, class: u32, time: i64) {
        self.event_class.push(class.into());
        self.event_time.push(time);
    }

    pub(super) fn link(&mut self, class: u32, trace_id: TraceId, span_id: u64) {
        self.link_class.push(class.into());
        self.link_trace_id.push(trace_id);
        self.link_span_id.push(span_id);
    }

    /// The rows of the trace.
    pub(super) fn end_trace(&mut self) -> usize {
        let rows = self.rows() - self.from;
        self.trace_rows.push(rows as i64);
        self.trace_starts.push(self.starts[self.from]);
        self.known.clear();
        let ids = &self.ids[self.from..];
        if rows > LONG_TRACE {
            for (row, id) in ids.iter().enumerate() {
                self.shared_ids |= self.known.insert(*id, row as u32).is_some();
            }
        } else {
            let twice = |(row, id): (usize, &u64)| ids[..row].contains(id);
            self.shared_ids |= ids.iter().enumerate().any(twice);
        }
        for row in 0..rows {
            let parent = self.parents[self.from + row];
            if parent == 0 {
                self.parent_codes.push(0);
                continue;
            }
            let at = if rows > LONG_TRACE {
                self.known.get(&parent).map(|row| *row as usize)
            } else {
                ids.iter().position(|id| *id == parent)
            };
            match at {
                Some(at) => {
                    let distance = row as i64 - at as i64;
                    self.parent_codes.push(2 + ((distance << 1) ^ (distance >> 63)));
                }
                None => {
                    self.parent_codes.push(1);
                    self.orphans.push(parent);
                }
            }
        }
        rows
    }

    fn summary(&self) -> Option<Summary> {
        let ends = self
            .starts
            .iter()
            .zip(&self.durations)
            .map(|(start, d)| start.wrapping_add(*d));
        Some(Summary {
            rows: self.rows() as u32,
            traces: self.trace_ids.len() as u32,
            first_start: *self.trace_starts.first()?,
            last_start: *self.trace_starts.last()?,
            last_span_start: *self.starts.iter().max()?,
            last_end: ends.max()?,
            min_duration: *self.durations.iter().min()?,
            max_duration: *self.durations.iter().max()?,
        })
    }

    /// Writes the pages and begins anew; none without rows.
    pub(super) fn write(
        &mut self,
        writer: &mut BlockWriter,
        effort: Effort,
        counts: &mut [u64],
    ) -> Result<Option<Summary>> {
        let Some(summary) = self.summary() else {
            return Ok(None);
        };
        let mut out = Pages {
            writer,
            effort,
            details: Details {
                classes: histogram(&self.class),
                events: self.event_class.len() as u32,
                links: self.link_class.len() as u32,
                shared_ids: self.shared_ids,
                ..Details::default()
            },
        };
        out.raw(stream::TRACE_IDS, self.trace_ids.len(), &self.trace_ids.concat())?;
        out.ints(stream::TRACE_ROWS, &self.trace_rows)?;
        let mut last = 0;
        for start in &mut self.trace_starts {
            (*start, last) = (start.wrapping_sub(last), *start);
        }
        out.ints(stream::TRACE_STARTS, &self.trace_starts)?;
        out.ints(stream::CLASSES, &self.class)?;
        out.ints(stream::STARTS, &gaps(&self.starts, &self.trace_rows))?;
        out.ints(stream::DURATIONS, &self.durations)?;
        out.raw(stream::SPAN_IDS, self.ids.len(), &le_bytes(&self.ids))?;
        out.ints(stream::PARENTS, &self.parent_codes)?;
        out.raw(stream::ORPHANS, self.orphans.len(), &le_bytes(&self.orphans))?;
        out.ints(stream::EVENT_CLASSES, &self.event_class)?;
        out.ints(stream::EVENT_TIMES, &self.event_time)?;
        out.ints(stream::LINK_CLASSES, &self.link_class)?;
        out.raw(
            stream::LINK_TRACE_IDS,
            self.link_trace_id.len(),
            &self.link_trace_id.concat(),
        )?;
        out.raw(
            stream::LINK_SPAN_IDS,
            self.link_span_id.len(),
            &le_bytes(&self.link_span_id),
        )?;
        for (n, values) in self.columns.iter_mut().enumerate() {
            counts[n] += values.len() as u64;
            out.values(stream::COLUMNS + n as u32, values)?;
        }
        let mut bytes = Vec::new();
        out.details.encode(&mut bytes);
        out.writer.page(section::DETAILS, &bytes, Codec::Zstd)?;
        self.clear();
        Ok(Some(summary))
    }

    fn clear(&mut self) {
        self.trace_ids.clear();
        self.link_trace_id.clear();
        for numbers in [
            &mut self.trace_rows,
            &mut self.trace_starts,
            &mut self.class,
            &mut self.starts,
            &mut self.durations,
            &mut self.parent_codes,
            &mut self.event_class,
            &mut self.event_time,
            &mut self.link_class,
        ] {
            numbers.clear();
        }
        for ids in [
            &mut self.ids,
            &mut self.parents,
            &mut self.orphans,
            &mut self.link_span_id,
        ] {
            ids.clear();
        }
        self.shared_ids = false;
    }
}

/// Starts of all rows but the first of each trace, less the one before.
fn gaps(starts: &[i64], trace_rows: &[i64]) -> Vec<i64> {
    let mut gaps = Vec::with_capacity(starts.len());
    let mut from = 0;
    for rows in trace_rows {
        let to = from + *rows as usize;
        gaps.extend(starts[from..to].windows(2).map(|w| w[1].wrapping_sub(w[0])));
        from = to;
    }
    gaps
}

fn histogram(classes: &[i64]) -> Vec<(u32, u32)> {
    let largest = classes.iter().max().map_or(0, |c| *c as usize + 1);
    let mut counts = vec![0u32; largest];
    classes.iter().for_each(|c| counts[*c as usize] += 1);
    let counted = counts.into_iter().enumerate().filter(|(_, n)| *n > 0);
    counted.map(|(class, n)| (class as u32, n)).collect()
}

fn le_bytes(ids: &[u64]) -> Vec<u8> {
    ids.iter().flat_map(|id| id.to_le_bytes()).collect()
}

/// The pages of a group being written.
struct Pages<'w> {
    writer: &'w mut BlockWriter,
    effort: Effort,
    details: Details,
}

impl Pages<'_> {
    fn put(&mut self, stream: Stream, bytes: &[u8]) -> Result<()> {
        let page = self.writer.page(section::VALUES, bytes, Codec::Plain)?;
        self.details.streams.push(Stream { page, ..stream });
        Ok(())
    }

    fn raw(&mut self, number: u32, count: usize, bytes: &[u8]) -> Result<()> {
        if count == 0 {
            return Ok(());
        }
        let stream = Stream {
            number,
            count: count as u32,
            ..Stream::default()
        };
        self.put(stream, bytes)
    }

    fn ints(&mut self, number: u32, numbers: &[i64]) -> Result<()> {
        let (Some(min), Some(max)) = (numbers.iter().min(), numbers.iter().max()) else {
            return Ok(());
        };
        let mut bytes = Vec::new();
        column::encode_ints(numbers, self.effort, &mut bytes);
        let stream = Stream {
            number,
            count: numbers.len() as u32,
            min: *min,
            max: *max,
            ..Stream::default()
        };
        self.put(stream, &bytes)
    }

    /// Writes the values of a column and forgets them.
    fn values(&mut self, number: u32, values: &mut Values) -> Result<()> {
        match values {
            Values::Numbers(numbers) => {
                self.ints(number, numbers)?;
                numbers.clear();
            }
            Values::Doubles(doubles) => {
                if !doubles.is_empty() {
                    let mut bytes = Vec::new();
                    values::encode_alone(doubles, self.effort, &mut bytes);
                    let stream = Stream {
                        number,
                        count: doubles.len() as u32,
                        ..Stream::default()
                    };
                    self.put(stream, &bytes)?;
                    doubles.clear();
                }
            }
            Values::Strings(strings, codes) => {
                if !codes.is_empty() {
                    self.strings(number, strings, codes)?;
                    strings.clear();
                    codes.clear();
                }
            }
        }
        Ok(())
    }

    fn strings(&mut self, number: u32, strings: &Interner, codes: &[i64]) -> Result<()> {
        let hashes: Vec<u64> = (0..strings.len() as u32).map(|n| strings.hash(n)).collect();
        let filter = self
            .writer
            .page(section::VALUE_FILTERS, &bloom::build(&hashes), Codec::Plain)?;
        let distinct: Vec<&[u8]> = strings.iter().collect();
        let mut bytes = Vec::new();
        column::encode_strings(&distinct, codes, self.effort, &mut bytes);
        let stream = Stream {
            number,
            count: codes.len() as u32,
            filter: filter + 1,
            ..Stream::default()
        };
        self.put(stream, &bytes)
    }
}
