//! Series in memory as a source for queries. Not for serving: it never forgets.

use std::collections::BTreeMap;

use kymo_engine::labels::Labels;
use kymo_engine::metrics::{Estimate, Samples, Selection, SeriesData};

use crate::promql::eval::Source;

/// Series with their samples.
#[derive(Debug, Default)]
pub struct MemorySource {
    series: BTreeMap<Labels, BTreeMap<i64, f64>>,
}

impl MemorySource {
    /// Adds a sample; a later one of the same timestamp replaces it.
    pub fn add(&mut self, labels: &Labels, timestamp: i64, value: f64) {
        if !self.series.contains_key(labels) {
            self.series.insert(labels.clone(), BTreeMap::new());
        }
        if let Some(samples) = self.series.get_mut(labels) {
            samples.insert(timestamp, value);
        }
    }
}

impl Source for MemorySource {
    fn select(&self, selections: &[Selection]) -> kymo_engine::Result<Vec<Vec<SeriesData>>> {
        Ok(selections
            .iter()
            .map(|selection| {
                let matching = self.series.iter().filter(|(labels, _)| {
                    selection
                        .matchers
                        .iter()
                        .all(|m| m.matches(labels.value(m.name())))
                });
                matching
                    .filter_map(|(labels, all)| {
                        let mut samples = Samples::default();
                        if selection.min_time <= selection.max_time {
                            for (time, value) in all.range(selection.min_time..=selection.max_time) {
                                samples.push(*time, *value);
                            }
                        }
                        (!samples.is_empty()).then(|| SeriesData::from_samples(labels.clone(), samples))
                    })
                    .collect()
            })
            .collect())
    }

    fn estimate(&self, selection: &Selection, _: bool) -> kymo_engine::Result<Option<Estimate>> {
        let mut estimate = Estimate::default();
        for one in self.select(std::slice::from_ref(selection))?.iter().flatten() {
            let mut samples = Samples::default();
            one.read(selection.min_time, selection.max_time, &mut samples)?;
            estimate.series += 1;
            estimate.samples += samples.len() as u64;
        }
        (estimate.series_max, estimate.samples_whole) = (estimate.series, estimate.samples);
        Ok(Some(estimate))
    }
}

impl super::Loader for MemorySource {
    fn clear(&mut self) -> Result<(), String> {
        self.series.clear();
        Ok(())
    }

    fn load(&mut self, labels: &Labels, samples: &Samples) -> Result<(), String> {
        for (time, value) in samples.timestamps.iter().zip(&samples.values) {
            self.add(labels, *time, *value);
        }
        Ok(())
    }

    fn source(&self) -> Box<dyn Source + '_> {
        Box::new(self)
    }
}

impl Source for &MemorySource {
    fn select(&self, selections: &[Selection]) -> kymo_engine::Result<Vec<Vec<SeriesData>>> {
        (*self).select(selections)
    }
}
