//! Series in memory as a source for queries. Not for serving: it never forgets.

use std::collections::BTreeMap;

use kymo_engine::labels::Labels;
use kymo_engine::metrics::{Estimate, HistogramWrite, Samples, Selection, SeriesData, SeriesRows};

use crate::promql::eval::Source;

/// Series with their samples.
#[derive(Debug, Default)]
pub struct MemorySource {
    series: BTreeMap<Labels, BTreeMap<i64, Stored>>,
}

/// A sample with its start timestamp, 0 where unset.
#[derive(Debug, Clone)]
enum Stored {
    Float(i64, f64),
    Histogram(HistogramWrite),
}

impl MemorySource {
    /// Adds a sample; a later one of the same timestamp replaces it.
    pub fn add(&mut self, labels: &Labels, timestamp: i64, value: f64) {
        self.insert(labels, timestamp, Stored::Float(0, value));
    }

    /// As [`MemorySource::add`], for native histograms.
    pub fn add_histogram(&mut self, labels: &Labels, write: HistogramWrite) {
        self.insert(labels, write.time, Stored::Histogram(write));
    }

    fn insert(&mut self, labels: &Labels, timestamp: i64, value: Stored) {
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
                        let rows = rows(all, selection);
                        let empty = rows.floats.is_empty() && rows.histograms.is_empty();
                        (!empty).then(|| SeriesData::from_rows(labels.clone(), rows))
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

/// The samples of a series within the times of a selection.
fn rows(all: &BTreeMap<i64, Stored>, selection: &Selection) -> SeriesRows {
    let mut out = SeriesRows::default();
    if selection.min_time > selection.max_time {
        return out;
    }
    for (time, stored) in all.range(selection.min_time..=selection.max_time) {
        match stored {
            Stored::Float(start, value) => {
                out.floats.push(*time, *value);
                out.starts.push(*start);
            }
            Stored::Histogram(write) => out.histograms.push(write.clone()),
        }
    }
    if out.starts.iter().all(|start| *start == 0) {
        out.starts.clear();
    }
    out
}

impl super::Loader for MemorySource {
    fn clear(&mut self) -> Result<(), String> {
        self.series.clear();
        Ok(())
    }

    fn load(&mut self, labels: &Labels, rows: &SeriesRows) -> Result<(), String> {
        let floats = rows.floats.timestamps.iter().zip(&rows.floats.values);
        for (i, (time, value)) in floats.enumerate() {
            let start = rows.starts.get(i).copied().unwrap_or(0);
            self.insert(labels, *time, Stored::Float(start, *value));
        }
        for write in &rows.histograms {
            self.add_histogram(labels, write.clone());
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
