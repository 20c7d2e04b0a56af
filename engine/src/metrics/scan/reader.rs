//! Goes through the series of a set: labels, keys of groups, samples. A reader keeps what neighbours share, so it is fast in
//! ascending order; each thread has its own.

use super::block_cursor::BlockCursor;
use super::head_cursor::HeadCursor;
use super::identity::{Grouping, Identity, add, of_text};
use super::{Part, SeriesSet, has_histograms};
use crate::error::Result;
use crate::labels::Labels;
use crate::metrics::block::ChunkRef;
use crate::metrics::deletion::Cut;
use crate::metrics::deletion::read_left;
use crate::metrics::series::{Run, Samples, SeriesData};

/// Reads one part.
pub(super) enum Cursor<'s> {
    Block(Box<BlockCursor<'s>>),
    Head(HeadCursor<'s>),
    Plain(&'s [SeriesData]),
}

impl<'s> Cursor<'s> {
    pub(super) fn of(part: &'s Part) -> Result<Cursor<'s>> {
        Ok(match part {
            Part::Block(part) => Cursor::Block(Box::new(BlockCursor::new(part)?)),
            Part::Head(part) => Cursor::Head(HeadCursor::new(part)),
            Part::Plain(series) => Cursor::Plain(series),
        })
    }

    pub(super) fn identity(&mut self, at: usize) -> Result<Identity> {
        match self {
            Cursor::Block(cursor) => cursor.identity(at),
            Cursor::Head(cursor) => Ok(cursor.identity(at)),
            Cursor::Plain(series) => Ok(key_of(series[at].labels(), |_| true)),
        }
    }

    pub(super) fn labels(&mut self, at: usize) -> Result<Labels> {
        match self {
            Cursor::Block(cursor) => cursor.labels(at),
            Cursor::Head(cursor) => Ok(cursor.labels(at)),
            Cursor::Plain(series) => Ok(series[at].labels().clone()),
        }
    }

    fn key(&mut self, at: usize, grouping: &Grouping) -> Result<Identity> {
        match self {
            Cursor::Block(cursor) => cursor.key(at, grouping),
            Cursor::Head(cursor) => Ok(cursor.key(at, grouping)),
            Cursor::Plain(series) => Ok(key_of(series[at].labels(), |name| grouping.keeps(name))),
        }
    }
}

fn key_of(labels: &Labels, keep: impl Fn(&str) -> bool) -> Identity {
    let mut key = Identity::default();
    for (name, value) in labels.iter().filter(|(name, _)| keep(name)) {
        add(&mut key, of_text(name), of_text(value));
    }
    key
}

/// What a series turned out to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// Floats only, which have been read.
    Floats,
    /// Native histograms among others: nothing has been read.
    Histograms,
}

/// Reads the series of a set.
pub struct SetReader<'s> {
    set: &'s SeriesSet,
    cursors: Vec<Cursor<'s>>,
    at: usize,
    /// The part that tells the labels, and the place in it.
    told_by: (usize, usize),
    wanted: Vec<Wanted>,
}

/// Samples to read, in log order.
#[derive(Clone, Copy)]
struct Wanted {
    part: usize,
    at: usize,
    chunk: Option<ChunkRef>,
    first: i64,
    last: i64,
}

impl<'s> SetReader<'s> {
    pub(super) fn new(set: &'s SeriesSet) -> Result<SetReader<'s>> {
        let cursors = set.parts.iter().map(Cursor::of).collect::<Result<_>>()?;
        Ok(SetReader {
            set,
            cursors,
            at: 0,
            told_by: (0, 0),
            wanted: Vec::new(),
        })
    }

    /// Goes to a series. There is one of this number.
    pub fn seek(&mut self, series: usize) -> Result<()> {
        self.at = series;
        let parts = 0..self.cursors.len();
        let found = parts.filter_map(|part| Some((part, self.set.place(part, series)?)));
        if let Some(place) = { found }.next() {
            self.told_by = place;
        }
        Ok(())
    }

    /// The labels of the series.
    ///
    /// # Errors
    /// Storage errors of blocks.
    pub fn labels(&mut self) -> Result<Labels> {
        let (part, at) = self.told_by;
        self.cursors[part].labels(at)
    }

    /// An identity of those labels of the series that the grouping keeps.
    ///
    /// # Errors
    /// Storage errors of blocks.
    pub fn key(&mut self, grouping: &Grouping) -> Result<Identity> {
        if grouping.is_nothing() {
            return Ok(Identity::default());
        }
        let (part, at) = self.told_by;
        self.cursors[part].key(at, grouping)
    }

    /// Reads the floats of the series in the selected time into `out`, which loses what it had.
    ///
    /// # Errors
    /// Storage errors of blocks.
    pub fn read(&mut self, out: &mut Samples) -> Result<Read> {
        out.clear();
        let (min_time, max_time) = (self.set.min_time, self.set.max_time);
        let Some(in_order) = self.find(out)? else {
            return match self.series()? {
                None => Ok(Read::Floats),
                Some(series) if series.has_histograms(min_time, max_time) => Ok(Read::Histograms),
                Some(series) => series.read(min_time, max_time, out).map(|()| Read::Floats),
            };
        };
        if !in_order {
            self.wanted.sort_by_key(|wanted| wanted.first);
        }
        for i in 0..self.wanted.len() {
            let wanted = self.wanted[i];
            let from = out.len();
            match (&mut self.cursors[wanted.part], wanted.chunk) {
                (Cursor::Block(cursor), Some(chunk)) => cursor.read(&chunk, out)?,
                (Cursor::Head(cursor), _) => cursor.read(wanted.at, min_time, max_time, out)?,
                _ => {}
            }
            if wanted.first < min_time || wanted.last > max_time {
                out.trim_from(from, min_time, max_time);
            }
        }
        Ok(Read::Floats)
    }

    /// Finds the samples of the series; true when they lie in the order of time. None when they overlap, or when there is
    /// more to them than floats.
    fn find(&mut self, out: &mut Samples) -> Result<Option<bool>> {
        self.wanted.clear();
        let (min_time, max_time) = (self.set.min_time, self.set.max_time);
        for part in 0..self.cursors.len() {
            let Some(at) = self.set.place(part, self.at) else {
                continue;
            };
            match &mut self.cursors[part] {
                Cursor::Plain(_) => return Ok(None),
                Cursor::Head(cursor) => {
                    let series = cursor.series(at);
                    if series.histograms().is_some() {
                        return Ok(None);
                    }
                    out.delta = series.is_delta();
                    if let Some((first, last)) = cursor.span(at) {
                        self.wanted.push(Wanted {
                            part,
                            at,
                            chunk: None,
                            first: first.max(min_time),
                            last: last.min(max_time),
                        });
                    }
                }
                Cursor::Block(cursor) => {
                    if !cursor.part().deleted.is_empty() {
                        return Ok(None);
                    }
                    let with_histograms = has_histograms(&cursor.part().block);
                    for chunk in cursor.chunks(at)? {
                        if chunk.first_time > max_time || chunk.last_time < min_time {
                            continue;
                        }
                        if with_histograms && chunk.is_histograms() {
                            return Ok(None);
                        }
                        out.delta = chunk.delta;
                        self.wanted.push(Wanted {
                            part,
                            at,
                            chunk: Some(*chunk),
                            first: chunk.first_time,
                            last: chunk.last_time,
                        });
                    }
                }
            }
        }
        let apart = |wanted: &[Wanted]| wanted.windows(2).all(|w| w[0].last < w[1].first);
        if apart(&self.wanted) {
            return Ok(Some(true));
        }
        let overlaps = |w: &Wanted| {
            self.wanted
                .iter()
                .filter(|o| o.first <= w.last && o.last >= w.first)
                .count()
                > 1
        };
        Ok((!self.wanted.iter().any(overlaps)).then_some(false))
    }

    /// The series by itself, unless nothing of it lies in the selected time.
    ///
    /// # Errors
    /// Storage errors of blocks.
    pub fn series(&mut self) -> Result<Option<SeriesData>> {
        let mut runs: Vec<Run> = Vec::new();
        for part in 0..self.cursors.len() {
            let Some(at) = self.set.place(part, self.at) else {
                continue;
            };
            match &mut self.cursors[part] {
                Cursor::Plain(series) => return Ok(Some(series[at].clone())),
                Cursor::Head(cursor) => runs.push(Run::Head(cursor.series(at).clone())),
                Cursor::Block(cursor) => {
                    let (min_time, max_time) = self.set.times();
                    let from = min_time.saturating_sub(self.set.histogram_lookback);
                    block_runs(cursor, at, (from, max_time), &mut runs)?;
                }
            }
        }
        if runs.is_empty() {
            return Ok(None);
        }
        Ok(Some(SeriesData::new(self.labels()?, runs)))
    }
}

fn block_runs(
    cursor: &mut BlockCursor<'_>,
    at: usize,
    (min_time, max_time): (i64, i64),
    runs: &mut Vec<Run>,
) -> Result<()> {
    let part = cursor.part();
    let times = (!part.deleted.is_empty()).then(|| part.deleted.times(part.series[at]));
    for chunk in cursor.chunks(at)? {
        let wanted = chunk.first_time <= max_time && chunk.last_time >= min_time;
        if !wanted {
            continue;
        }
        let whole = || Run::Block(part.block.clone(), *chunk);
        match &times {
            None => runs.push(whole()),
            Some(times) => match times.cut(chunk.first_time, chunk.last_time) {
                Cut::Nothing => runs.push(whole()),
                Cut::Everything => {}
                Cut::Some => runs.push(Run::Rows(read_left(part.block.file(), chunk, times)?)),
            },
        }
    }
    Ok(())
}
