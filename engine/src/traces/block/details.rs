//! What a group holds: its extent, for pruning without reading it, and where its columns are.

use crate::coding::{Malformed, Reader, put_svarint, put_uvarint};

/// Numbers of the columns that every group has; attributes come from [`stream::COLUMNS`] on.
pub(in crate::traces) mod stream {
    /// Ids of the traces, 16 bytes each.
    pub(crate) const TRACE_IDS: u32 = 0;
    /// Spans of each trace.
    pub(crate) const TRACE_ROWS: u32 = 1;
    /// Starts of the traces, each less the one before.
    pub(crate) const TRACE_STARTS: u32 = 2;
    /// Classes of the spans.
    pub(crate) const CLASSES: u32 = 3;
    /// Starts of all spans but the first of each trace, each less the one before.
    pub(crate) const STARTS: u32 = 4;
    /// Durations.
    pub(crate) const DURATIONS: u32 = 5;
    /// Ids of the spans, 8 bytes each.
    pub(crate) const SPAN_IDS: u32 = 6;
    /// Parents: 0 none, 1 not in the group, otherwise 2 and the zigzag distance in rows.
    pub(crate) const PARENTS: u32 = 7;
    /// Ids of parents that are not in the group, 8 bytes each.
    pub(crate) const ORPHANS: u32 = 8;
    /// Classes of the events.
    pub(crate) const EVENT_CLASSES: u32 = 9;
    /// Times of the events since the start of their spans.
    pub(crate) const EVENT_TIMES: u32 = 10;
    /// Classes of the links.
    pub(crate) const LINK_CLASSES: u32 = 11;
    /// Trace ids of the links, 16 bytes each.
    pub(crate) const LINK_TRACE_IDS: u32 = 12;
    /// Span ids of the links, 8 bytes each.
    pub(crate) const LINK_SPAN_IDS: u32 = 13;
    /// First number of attributes' columns.
    pub(crate) const COLUMNS: u32 = 32;
}

/// Extent of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::traces) struct Summary {
    pub(in crate::traces) rows: u32,
    pub(in crate::traces) traces: u32,
    /// Start of the first trace.
    pub(in crate::traces) first_start: i64,
    /// Start of the last trace.
    pub(in crate::traces) last_start: i64,
    /// Start of the latest span.
    pub(in crate::traces) last_span_start: i64,
    /// End of the latest span.
    pub(in crate::traces) last_end: i64,
    pub(in crate::traces) min_duration: i64,
    pub(in crate::traces) max_duration: i64,
}

impl Summary {
    pub(in crate::traces) fn encode(&self, out: &mut Vec<u8>) {
        put_uvarint(out, self.rows.into());
        put_uvarint(out, self.traces.into());
        put_svarint(out, self.first_start);
        for time in [self.last_start, self.last_span_start, self.last_end] {
            put_svarint(out, time.wrapping_sub(self.first_start));
        }
        put_svarint(out, self.min_duration);
        put_svarint(out, self.max_duration);
    }

    pub(in crate::traces) fn decode(r: &mut Reader<'_>) -> Result<Summary, Malformed> {
        let (rows, traces, first_start) = (r.uvarint32()?, r.uvarint32()?, r.svarint()?);
        if traces > rows || (traces == 0) != (rows == 0) {
            return Err(Malformed("traces of a group"));
        }
        let mut time = || Ok::<_, Malformed>(first_start.wrapping_add(r.svarint()?));
        Ok(Summary {
            rows,
            traces,
            first_start,
            last_start: time()?,
            last_span_start: time()?,
            last_end: time()?,
            min_duration: r.svarint()?,
            max_duration: r.svarint()?,
        })
    }
}

/// A column of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::traces) struct Stream {
    /// See [`stream`].
    pub(in crate::traces) number: u32,
    /// Its page.
    pub(in crate::traces) page: u32,
    /// Number of values.
    pub(in crate::traces) count: u32,
    /// Smallest number or code, and largest; of strings of the page nothing.
    pub(in crate::traces) min: i64,
    pub(in crate::traces) max: i64,
    /// One more than the page of the filter over its strings, 0 without.
    pub(in crate::traces) filter: u32,
}

/// What is in a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::traces) struct Details {
    /// Classes of spans that occur and how often, ascending.
    pub(in crate::traces) classes: Vec<(u32, u32)>,
    /// Columns by number.
    pub(in crate::traces) streams: Vec<Stream>,
    pub(in crate::traces) events: u32,
    pub(in crate::traces) links: u32,
    /// Some trace has several spans of one id.
    pub(in crate::traces) shared_ids: bool,
}

impl Details {
    pub(in crate::traces) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.shared_ids.into());
        put_uvarint(out, self.events.into());
        put_uvarint(out, self.links.into());
        put_uvarint(out, self.classes.len() as u64);
        let mut last = 0;
        for (class, count) in &self.classes {
            put_uvarint(out, (class - last).into());
            put_uvarint(out, (*count).into());
            last = *class;
        }
        put_uvarint(out, self.streams.len() as u64);
        let (mut number, mut page) = (0, 0);
        for s in &self.streams {
            put_uvarint(out, (s.number - number).into());
            put_svarint(out, i64::from(s.page) - page);
            put_uvarint(out, s.count.into());
            put_svarint(out, s.min);
            put_svarint(out, s.max.wrapping_sub(s.min));
            put_uvarint(out, s.filter.into());
            (number, page) = (s.number, s.page.into());
        }
    }

    pub(in crate::traces) fn decode(bytes: &[u8]) -> Result<Details, Malformed> {
        let mut r = Reader::new(bytes);
        let mut details = Details {
            shared_ids: r.u8()? != 0,
            events: r.uvarint32()?,
            links: r.uvarint32()?,
            ..Details::default()
        };
        let count = r.count(2)?;
        details.classes.reserve(count);
        let mut last = 0u32;
        for _ in 0..count {
            last = last.wrapping_add(r.uvarint32()?);
            details.classes.push((last, r.uvarint32()?));
        }
        let count = r.count(6)?;
        details.streams.reserve(count);
        let (mut number, mut page) = (0u32, 0i64);
        for _ in 0..count {
            number = number.wrapping_add(r.uvarint32()?);
            page = page.wrapping_add(r.svarint()?);
            let count = r.uvarint32()?;
            let min = r.svarint()?;
            details.streams.push(Stream {
                number,
                page: u32::try_from(page).map_err(|_| Malformed("page of a column"))?,
                count,
                min,
                max: min.wrapping_add(r.svarint()?),
                filter: r.uvarint32()?,
            });
        }
        match r.remaining() {
            0 => Ok(details),
            _ => Err(Malformed("bytes behind the details of a group")),
        }
    }

    /// The column with a number.
    pub(in crate::traces) fn stream(&self, number: u32) -> Option<&Stream> {
        let at = self.streams.binary_search_by_key(&number, |s| s.number).ok()?;
        Some(&self.streams[at])
    }
}
