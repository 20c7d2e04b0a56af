//! The native histograms one series has in a head, one per timestamp: sealed runs, the one that grows, and what came late.

use std::sync::Arc;

use super::Histogram;
use super::open::{OpenHistograms, SealedHistograms};
use crate::metrics::samples::Pushed;

/// Rows after which a run is sealed, so that reading a few does not decode too many.
const ROWS_MAX: u32 = 120;

/// Histograms by time.
#[derive(Debug, Clone, Default)]
pub struct HistogramRuns {
    /// Ascending in time, without overlap.
    sealed: Vec<Arc<SealedHistograms>>,
    /// Above all sealed ones.
    open: Option<OpenHistograms>,
    /// Ascending in time, at times that no run has.
    late: Vec<(i64, Arc<Histogram>)>,
}

impl HistogramRuns {
    /// Stores a histogram unless its time is taken.
    pub fn push(&mut self, time: i64, histogram: Histogram) -> Pushed {
        if self.runs_end().is_some_and(|end| time <= end) {
            return self.push_late(time, histogram);
        }
        let full = self.open.take_if(|open| open.rows() >= ROWS_MAX);
        self.sealed.extend(full.map(|open| Arc::new(open.seal())));
        let fits = self.open.as_mut().is_some_and(|open| open.push(time, &histogram));
        if !fits {
            let before = self.open.replace(OpenHistograms::new(time, &histogram));
            self.sealed.extend(before.map(|open| Arc::new(open.seal())));
        }
        Pushed::Stored
    }

    fn push_late(&mut self, time: i64, histogram: Histogram) -> Pushed {
        match self.at(time) {
            Some(have) if have.same_bits(&histogram) => Pushed::Duplicate,
            Some(_) => Pushed::Conflict,
            None => {
                let at = self.late.partition_point(|(t, _)| *t < time);
                self.late.insert(at, (time, Arc::new(histogram)));
                Pushed::Stored
            }
        }
    }

    /// Time of the newest in the runs. What is late is below it.
    fn runs_end(&self) -> Option<i64> {
        let open = self.open.as_ref().map(OpenHistograms::last_time);
        open.or_else(|| self.sealed.last().map(|run| run.last_time()))
    }

    /// The histogram at a time.
    fn at(&self, time: i64) -> Option<Histogram> {
        if let Some(open) = self.open.as_ref().filter(|open| open.last_time() == time) {
            return Some(open.last());
        }
        let mut found = None;
        self.visit(time, time, &mut |_, histogram| found = Some(histogram));
        found
    }

    /// True when there is one at a time.
    pub fn contains(&self, time: i64) -> bool {
        match self.runs_end() {
            Some(end) if time < end => self.at(time).is_some(),
            end => end == Some(time),
        }
    }

    /// Time of the newest.
    pub fn last_time(&self) -> Option<i64> {
        self.runs_end()
    }

    /// Calls `visit` with the histograms between the times, both inclusive, ascending.
    pub fn visit(&self, min_time: i64, max_time: i64, visit: &mut dyn FnMut(i64, Histogram)) {
        let from = self.late.partition_point(|(t, _)| *t < min_time);
        let to = self.late.partition_point(|(t, _)| *t <= max_time);
        let mut late = self.late.get(from..to).unwrap_or_default().iter().peekable();
        let mut row = |time: i64, histogram: Histogram| {
            if !(min_time..=max_time).contains(&time) {
                return;
            }
            while let Some((t, h)) = late.next_if(|(t, _)| *t < time) {
                visit(*t, Histogram::clone(h));
            }
            visit(time, histogram);
        };
        let sound = "runs in memory are as they were written";
        let first = self.sealed.partition_point(|run| run.last_time() < min_time);
        for run in self.sealed[first..]
            .iter()
            .take_while(|run| run.first_time() <= max_time)
        {
            run.decode(&mut row).expect(sound);
        }
        let open = self.open.as_ref();
        if let Some(open) = open.filter(|o| o.first_time() <= max_time && o.last_time() >= min_time) {
            open.decode(&mut row).expect(sound);
        }
        for (time, histogram) in late {
            visit(*time, Histogram::clone(histogram));
        }
    }

    /// True when one lies between the times, both inclusive.
    pub fn overlaps(&self, min_time: i64, max_time: i64) -> bool {
        let mut any = false;
        if self.runs_end().is_some_and(|end| end >= min_time) {
            self.visit(min_time, max_time, &mut |_, _| any = true);
        }
        any
    }

    /// True without histograms.
    pub fn is_empty(&self) -> bool {
        self.runs_end().is_none()
    }

    /// Bytes of memory.
    pub fn heap_bytes(&self) -> usize {
        let sealed = |run: &Arc<SealedHistograms>| 24 + size_of::<SealedHistograms>() + run.heap_bytes();
        let late = |(_, h): &(i64, Arc<Histogram>)| 32 + h.heap_bytes();
        self.sealed.iter().map(sealed).sum::<usize>()
            + self.open.as_ref().map_or(0, OpenHistograms::heap_bytes)
            + self.late.iter().map(late).sum::<usize>()
    }
}

#[cfg(test)]
mod tests;
