//! What functions over native histograms have to say about their input, in Prometheus' words. Not for where it is shown.

use kymo_engine::metrics::ResetHint;

use super::annotations::{Notes, Severity};
use crate::lex::{Span, string};
use crate::promql::histogram::{Combined, FloatHistogram, Incompatible};

/// The notes of one series and one place of the query.
pub(super) struct Told<'n> {
    pub(super) notes: &'n mut Notes,
    /// The name of the metric; empty where there is none.
    pub(super) metric: &'n str,
    pub(super) span: Span,
}

impl Told<'_> {
    fn warn(&mut self, message: String) {
        self.notes.add(Severity::Warning, message, self.span);
    }

    fn inform(&mut self, message: String) {
        self.notes.add(Severity::Info, message, self.span);
    }

    fn quoted(&self) -> String {
        string::quote(self.metric)
    }

    /// Floats and histograms in one range.
    pub(super) fn mixed(&mut self) {
        let metric = self.quoted();
        self.warn(format!(
            "encountered a mix of histograms and floats for metric name {metric}"
        ));
    }

    /// Histograms that a function over floats leaves out.
    pub(super) fn ignored_in_range(&mut self) {
        let metric = self.quoted();
        self.inform(format!(
            "ignored histograms in a range containing both floats and histograms for metric name {metric}"
        ));
    }

    /// A function for counters met a gauge.
    pub(super) fn not_a_counter(&mut self) {
        let metric = self.quoted();
        self.warn(format!("this native histogram metric is not a counter: {metric}"));
    }

    /// A function for gauges met a counter.
    pub(super) fn not_a_gauge(&mut self) {
        let metric = self.quoted();
        self.warn(format!("this native histogram metric is not a gauge: {metric}"));
    }

    /// Exponential and custom buckets together.
    pub(super) fn mixed_schemas(&mut self) {
        let metric = self.quoted();
        self.warn(format!(
            "vector contains a mix of histograms with exponential and custom buckets schemas for metric name {metric}"
        ));
    }

    /// A start timestamp inside of what the previous sample covers.
    pub(super) fn start_overlap(&mut self) {
        let metric = match self.metric {
            "" => String::new(),
            metric => format!(" for metric name {}", string::quote(metric)),
        };
        self.warn(format!(
            "sample has start time that overlaps with previous sample timestamp{metric}"
        ));
    }

    /// Custom bounds that differ.
    pub(super) fn reconciled(&mut self, operation: &str) {
        self.inform(format!(
            "mismatched custom buckets were reconciled during {operation}"
        ));
    }

    /// Hints that tell of a reset and hints that deny it.
    pub(super) fn conflict(&mut self, operation: &str) {
        self.warn(format!("conflicting counter resets during histogram {operation}"));
    }

    /// As [`Told::conflict`], if there is one among all the histograms.
    pub(super) fn conflict_among<'h>(&mut self, histograms: impl Iterator<Item = &'h FloatHistogram>) {
        let (mut yes, mut no) = (false, false);
        for h in histograms {
            yes |= h.reset_hint == ResetHint::Yes;
            no |= h.reset_hint == ResetHint::No;
        }
        if yes && no {
            self.conflict("aggregation");
        }
    }

    /// Adds in place, where resets are treated by the function itself.
    pub(super) fn add(&mut self, sum: &mut FloatHistogram, other: &FloatHistogram) -> Option<()> {
        let done = sum.add(other);
        self.combined(done, "addition")
    }

    /// Subtracts in place, where resets are treated by the function itself.
    pub(super) fn subtract(&mut self, from: &mut FloatHistogram, other: &FloatHistogram) -> Option<()> {
        let done = from.subtract(other);
        self.combined(done, "subtraction")
    }

    fn combined(&mut self, done: Result<Combined, Incompatible>, operation: &str) -> Option<()> {
        match done {
            Ok(combined) => {
                if combined.reconciled {
                    self.reconciled(operation);
                }
                Some(())
            }
            Err(Incompatible) => {
                self.mixed_schemas();
                None
            }
        }
    }
}
