//! What a head has of one series: float samples, and beside them what few series have.

use super::histograms::HistogramSamples;
use super::starts::Starts;
use crate::error::Result;
use crate::metrics::batch::HistogramWrite;
use crate::metrics::block::SeriesRows;
use crate::metrics::exemplar::{Exemplar, Exemplars};
use crate::metrics::samples::{Pushed, SeriesSamples};
use crate::metrics::series::read_floats;

/// One series of a head.
#[derive(Debug, Clone, Default)]
pub struct HeadSeries {
    floats: SeriesSamples,
    extra: Option<Box<Extra>>,
}

#[derive(Debug, Clone, Default)]
struct Extra {
    starts: Starts,
    histograms: HistogramSamples,
    exemplars: Exemplars,
    delta: bool,
}

impl HeadSeries {
    /// Stores a float sample unless its time is taken; a start of 0 is unset.
    #[inline]
    pub fn push(&mut self, start: i64, time: i64, value: f64) -> Pushed {
        if start == 0 && self.extra.is_none() {
            return self.floats.push(time, value);
        }
        let newest = self.is_newest(time);
        let extra = self.extra.get_or_insert_default();
        if extra.histograms.contains(time) {
            return Pushed::Conflict;
        }
        let pushed = self.floats.push(time, value);
        if pushed == Pushed::Stored {
            extra.starts.set(time, start, newest);
        }
        pushed
    }

    /// Stores a native histogram unless its time is taken.
    pub fn push_histogram(&mut self, write: HistogramWrite) -> Pushed {
        if self.floats.value_at(write.time).is_some() {
            return Pushed::Conflict;
        }
        let (start, time) = (write.start, write.time);
        let newest = self.is_newest(time);
        let extra = self.extra();
        let pushed = extra.histograms.push(time, write.histogram);
        if pushed == Pushed::Stored {
            extra.starts.set(time, start, newest);
        }
        pushed
    }

    fn is_newest(&self, time: i64) -> bool {
        let histograms = self.histograms().and_then(HistogramSamples::last_time);
        self.floats
            .last_time()
            .max(histograms)
            .is_none_or(|last| last < time)
    }

    /// Keeps an exemplar unless it is there.
    pub fn push_exemplar(&mut self, exemplar: Exemplar) -> Pushed {
        match self.extra().exemplars.insert(exemplar) {
            true => Pushed::Stored,
            false => Pushed::Duplicate,
        }
    }

    /// Marks the samples as deltas.
    pub fn set_delta(&mut self) {
        self.extra().delta = true;
    }

    fn extra(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    /// The float samples.
    pub fn floats(&self) -> &SeriesSamples {
        &self.floats
    }

    /// The native histograms, when there are any.
    pub fn histograms(&self) -> Option<&HistogramSamples> {
        self.extra
            .as_ref()
            .map(|e| &e.histograms)
            .filter(|h| !h.is_empty())
    }

    /// The exemplars by time.
    pub fn exemplars(&self) -> &[Exemplar] {
        self.extra.as_ref().map_or(&[], |e| e.exemplars.as_slice())
    }

    /// Start timestamps, when any sample has one.
    pub fn starts(&self) -> Option<&Starts> {
        self.extra.as_ref().map(|e| &e.starts).filter(|s| !s.is_empty())
    }

    /// Samples are deltas.
    pub fn is_delta(&self) -> bool {
        self.extra.as_ref().is_some_and(|e| e.delta)
    }

    /// True when samples or histograms may lie between the times, both inclusive.
    pub fn overlaps(&self, min_time: i64, max_time: i64) -> bool {
        self.floats.overlaps(min_time, max_time)
            || self.histograms().is_some_and(|h| h.overlaps(min_time, max_time))
    }

    /// Appends everything between the times, both inclusive, ascending.
    pub fn read_day(&self, first: i64, last: i64, out: &mut SeriesRows) -> Result<()> {
        read_floats(self, first, last, &mut out.floats)?;
        out.delta = self.is_delta();
        if let Some(starts) = self.starts() {
            out.starts
                .extend(out.floats.timestamps.iter().map(|t| starts.at(*t)));
        }
        let start_of = |time| self.starts().map_or(0, |s| s.at(time));
        if let Some(histograms) = self.histograms() {
            histograms.visit(first, last, &mut |time, histogram| {
                out.histograms.push(HistogramWrite {
                    start: start_of(time),
                    time,
                    histogram,
                });
            });
        }
        let exemplars = self
            .exemplars()
            .iter()
            .filter(|e| (first..=last).contains(&e.time));
        out.exemplars.extend(exemplars.cloned());
        Ok(())
    }

    /// Bytes of memory.
    pub fn heap_bytes(&self) -> usize {
        let extra = self.extra.as_ref().map_or(0, |e| {
            size_of::<Extra>() + e.exemplars.heap_bytes() + e.histograms.heap_bytes() + e.starts.heap_bytes()
        });
        self.floats.heap_bytes() + 8 + extra
    }
}
