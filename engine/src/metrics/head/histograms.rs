//! Native histograms of one series in a head, one per timestamp: sealed runs, the one that grows, and what came late.

use std::sync::Arc;

use crate::metrics::histogram::Histogram;
use crate::metrics::histogram::open::{OpenHistograms, ROWS_MAX};
use crate::metrics::samples::Pushed;

/// Histograms by time.
#[derive(Debug, Clone, Default)]
pub struct HistogramSamples {
    /// Ascending in time and apart from each other; all before `open`.
    sealed: Vec<Arc<OpenHistograms>>,
    open: Option<OpenHistograms>,
    /// Ascending in time; none is later than the newest run.
    late: Vec<(i64, Arc<Histogram>)>,
}

impl HistogramSamples {
    /// Stores a histogram unless its time is taken.
    pub fn push(&mut self, time: i64, histogram: Histogram) -> Pushed {
        if self.last_time().is_some_and(|last| time <= last) {
            return self.push_late(time, histogram);
        }
        if let Some(open) = &mut self.open {
            if open.rows() < ROWS_MAX && open.push(time, &histogram) {
                return Pushed::Stored;
            }
            open.shrink();
            self.sealed.extend(self.open.take().map(Arc::new));
        }
        self.open = Some(OpenHistograms::new(time, &histogram));
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

    fn runs(&self) -> impl Iterator<Item = &OpenHistograms> {
        self.sealed.iter().map(Arc::as_ref).chain(&self.open)
    }

    fn at(&self, time: i64) -> Option<Histogram> {
        let mut found = None;
        self.visit(time, time, &mut |_, histogram| found = Some(histogram));
        found
    }

    /// True when there is one at a time.
    pub fn contains(&self, time: i64) -> bool {
        // Nearly always the sample is newer than everything.
        self.last_time().is_some_and(|last| time <= last) && self.at(time).is_some()
    }

    /// Time of the newest.
    pub fn last_time(&self) -> Option<i64> {
        self.runs().last().map(OpenHistograms::last_time)
    }

    /// Calls `visit` with the histograms between the times, both inclusive, ascending.
    pub fn visit(&self, min_time: i64, max_time: i64, visit: &mut dyn FnMut(i64, Histogram)) {
        let wanted = min_time..=max_time;
        let mut found: Vec<(i64, Histogram)> = Vec::new();
        for run in self
            .runs()
            .filter(|r| r.first_time() <= max_time && r.last_time() >= min_time)
        {
            run.decode(|time, histogram| {
                if wanted.contains(&time) {
                    found.push((time, histogram));
                }
            })
            .expect("runs in memory are as they were encoded");
        }
        let late = self.late.iter().filter(|(time, _)| wanted.contains(time));
        let before = found.len();
        found.extend(late.map(|(time, histogram)| (*time, Histogram::clone(histogram))));
        if found.len() > before {
            found.sort_by_key(|(time, _)| *time);
        }
        found
            .into_iter()
            .for_each(|(time, histogram)| visit(time, histogram));
    }

    /// True when one may lie between the times, both inclusive.
    pub fn overlaps(&self, min_time: i64, max_time: i64) -> bool {
        self.runs()
            .any(|r| r.first_time() <= max_time && r.last_time() >= min_time)
            || self.late.iter().any(|(t, _)| (min_time..=max_time).contains(t))
    }

    /// True without histograms.
    pub fn is_empty(&self) -> bool {
        self.open.is_none()
    }

    /// Bytes of memory.
    pub fn heap_bytes(&self) -> usize {
        let runs: usize = self.runs().map(OpenHistograms::heap_bytes).sum();
        runs + self.late.iter().map(|(_, h)| 32 + h.heap_bytes()).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    //! Against a sorted map, in any order of times and with changing layouts.

    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::metrics::histogram::{Counts, ResetHint, Span};

    fn histogram(buckets: u32, seed: u64) -> Histogram {
        let positive: Vec<u64> = (0..u64::from(buckets)).map(|i| i * seed % 7).collect();
        Histogram {
            schema: 1,
            reset_hint: ResetHint::Unknown,
            zero_threshold: 0.0,
            sum: seed as f64,
            positive_spans: vec![Span {
                offset: 0,
                length: buckets,
            }],
            negative_spans: Vec::new(),
            custom_values: Vec::new(),
            counts: Counts::Integer {
                count: positive.iter().sum(),
                zero: 0,
                positive,
                negative: Vec::new(),
            },
        }
    }

    proptest! {
        #[test]
        fn any_order_of_pushes_answers_as_a_sorted_map(
            pushes in prop::collection::vec((0i64..300, 1u32..4, 0u64..5), 1..400),
        ) {
            let (mut samples, mut model) = (HistogramSamples::default(), BTreeMap::new());
            for (time, buckets, seed) in pushes {
                let pushed = samples.push(time, histogram(buckets, seed));
                let expected = match model.get(&time) {
                    None => Pushed::Stored,
                    Some(same) if *same == (buckets, seed) => Pushed::Duplicate,
                    // Of one bucket, every seed has the same counts but another sum.
                    Some(_) => Pushed::Conflict,
                };
                prop_assert_eq!(pushed, expected);
                model.entry(time).or_insert((buckets, seed));
            }
            let mut found = Vec::new();
            samples.visit(10, 250, &mut |time, h| found.push((time, h)));
            let wanted: Vec<_> = model.range(10..=250).map(|(t, (b, s))| (*t, histogram(*b, *s))).collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
