//! Values of expressions while a query runs: one column per series with one slot per step.
//! Not for results (see `output`).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use kymo_engine::labels::{Labels, METRIC_NAME};

use super::EvalError;
pub(super) use super::column::{ABSENT, Column, present};
pub(super) use super::histograms::Histograms;
use crate::promql::histogram::FloatHistogram;

/// What a series has at a step.
#[derive(Debug, Clone)]
pub(super) enum Sample {
    Float(f64),
    Histogram(Arc<FloatHistogram>),
}

/// A series over the steps of a grid.
#[derive(Debug, Clone)]
pub(super) struct StepSeries {
    pub(super) labels: Labels,
    /// The name goes when the query ends (delayed name removal).
    pub(super) drop_name: bool,
    pub(super) values: Column,
    /// At the steps at which `values` has nothing.
    pub(super) histograms: Histograms,
}

impl StepSeries {
    /// A series of floats.
    pub(super) fn floats(labels: Labels, drop_name: bool, values: Column) -> StepSeries {
        StepSeries {
            labels,
            drop_name,
            values,
            histograms: Histograms::default(),
        }
    }

    /// A series with the labels of this one, without samples.
    pub(super) fn emptied(&self) -> StepSeries {
        StepSeries::floats(self.labels.clone(), self.drop_name, Column::default())
    }

    /// True without samples.
    pub(super) fn is_empty(&self) -> bool {
        self.histograms.is_empty() && self.values.is_empty()
    }

    /// True when there is a sample of either kind at the step.
    #[inline]
    pub(super) fn has(&self, step: usize) -> bool {
        present(self.values.get(step)) || self.histograms.get(step).is_some()
    }

    /// The sample of a step.
    pub(super) fn get(&self, step: usize) -> Option<Sample> {
        let value = self.values.get(step);
        if present(value) {
            return Some(Sample::Float(value));
        }
        self.histograms.get(step).cloned().map(Sample::Histogram)
    }

    /// Sets the sample of a step that has none.
    pub(super) fn set(&mut self, step: usize, sample: Sample) {
        match sample {
            Sample::Float(value) => self.values.set(step, value),
            Sample::Histogram(value) => self.histograms.set(step, value),
        }
    }

    /// The steps that have a sample of either kind; floats first.
    pub(super) fn steps(&self) -> impl Iterator<Item = usize> + '_ {
        let floats = self.values.iter().map(|(step, _)| step);
        floats.chain(self.histograms.iter().map(|(step, _)| step))
    }

    /// Keeps the samples of the steps for which `keep` is true.
    pub(super) fn retain_steps(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let dropped = self.values.iter_mut().filter(|(step, _)| !keep(*step));
        dropped.for_each(|(_, value)| *value = ABSENT);
        self.histograms.retain(|step, _| keep(step));
    }

    /// Samples as limits count them, and bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        (
            self.values.count() + self.histograms.weight(),
            self.values.byte_len() + self.histograms.byte_len() + self.labels.byte_len() + 64,
        )
    }
}

/// The value of an expression over a grid.
#[derive(Debug)]
pub(super) enum StepValue {
    /// One number per step.
    Scalar(Vec<f64>),
    String(String),
    Vector(Vec<StepSeries>),
}

impl StepValue {
    /// Samples and bytes held.
    pub(super) fn size(&self) -> (usize, usize) {
        match self {
            StepValue::Scalar(values) => (values.len(), values.len() * 8),
            StepValue::String(text) => (0, text.len()),
            StepValue::Vector(series) => series.iter().fold((0, 0), |(samples, bytes), s| {
                let (more, held) = s.size();
                (samples + more, bytes + held)
            }),
        }
    }
}

/// The labels that name a metric and its nature; what changes values drops them together.
pub(super) fn is_metadata(label: &str) -> bool {
    matches!(label, METRIC_NAME | "__type__" | "__unit__")
}

/// The labels without those of [`is_metadata`].
pub(super) fn without_metadata(labels: &Labels) -> Labels {
    if labels.iter().any(|(name, _)| is_metadata(name)) {
        labels.filter(|name| !is_metadata(name))
    } else {
        labels.clone()
    }
}

/// Collects values by label set and step, in the order in which label sets first appear.
#[derive(Default)]
pub(super) struct Collector {
    index: HashMap<Labels, usize>,
    pub(super) series: Vec<StepSeries>,
}

impl Collector {
    /// The column of a label set.
    pub(super) fn slot(&mut self, labels: Labels, drop_name: bool) -> usize {
        let next = self.series.len();
        match self.index.entry(labels) {
            Entry::Occupied(found) => *found.get(),
            Entry::Vacant(free) => {
                let labels = free.key().clone();
                free.insert(next);
                self.series
                    .push(StepSeries::floats(labels, drop_name, Column::default()));
                next
            }
        }
    }

    /// Sets a value; two samples of one label set at one step are an error.
    pub(super) fn set(&mut self, slot: usize, step: usize, value: f64) -> Result<(), EvalError> {
        self.set_sample(slot, step, Sample::Float(value))
    }

    /// As [`Collector::set`], for samples of either kind.
    pub(super) fn set_sample(&mut self, slot: usize, step: usize, sample: Sample) -> Result<(), EvalError> {
        let series = &mut self.series[slot];
        if series.has(step) {
            return Err(EvalError::same_labels());
        }
        series.set(step, sample);
        Ok(())
    }

    /// Adds a whole series, joining it with one of the same labels where their steps differ.
    pub(super) fn add(&mut self, series: StepSeries) -> Result<(), EvalError> {
        let next = self.series.len();
        match self.index.entry(series.labels.clone()) {
            Entry::Vacant(free) => {
                free.insert(next);
                self.series.push(series);
            }
            Entry::Occupied(found) => {
                let slot = *found.get();
                for (step, value) in series.values.iter() {
                    self.set(slot, step, value)?;
                }
                for (step, value) in series.histograms.iter() {
                    self.set_sample(slot, step, Sample::Histogram(value.clone()))?;
                }
            }
        }
        Ok(())
    }
}

/// Joins series of equal labels, as [`Collector::add`] does.
pub(super) fn merged(series: Vec<StepSeries>) -> Result<Vec<StepSeries>, EvalError> {
    let mut collector = Collector::default();
    for one in series {
        collector.add(one)?;
    }
    Ok(collector.series)
}
