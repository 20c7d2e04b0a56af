//! Values of expressions while a query runs: one column per series with one slot per step.
//! Not for results (see `output`).

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use kymo_engine::labels::{Labels, METRIC_NAME};

use super::EvalError;
pub(super) use super::column::{ABSENT, Column, present};

/// A series over the steps of a grid.
#[derive(Debug, Clone)]
pub(super) struct StepSeries {
    pub(super) labels: Labels,
    /// The name goes when the query ends (delayed name removal).
    pub(super) drop_name: bool,
    pub(super) values: Column,
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
                (
                    samples + s.values.count(),
                    bytes + s.values.byte_len() + s.labels.byte_len() + 64,
                )
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
                self.series.push(StepSeries {
                    labels,
                    drop_name,
                    values: Column::default(),
                });
                next
            }
        }
    }

    /// Sets a value; two values of one label set at one step are an error.
    pub(super) fn set(&mut self, slot: usize, step: usize, value: f64) -> Result<(), EvalError> {
        let column = &mut self.series[slot].values;
        if present(column.get(step)) {
            return Err(EvalError::same_labels());
        }
        column.set(step, value);
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
