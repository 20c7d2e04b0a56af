//! What was refused of a request: counts by reason, a few examples, and the text the sender gets. What was stored otherwise
//! than sent is counted beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::counters::Counters;

/// Examples kept per request.
const EXAMPLES_MAX: usize = 5;

/// Longest example, in characters.
const EXAMPLE_CHARS_MAX: usize = 400;

/// Why something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Reason {
    /// A name or a value is not UTF-8.
    InvalidUtf8,
    /// `__name__` is absent or empty.
    MissingName,
    /// A label has an empty name.
    EmptyLabelName,
    /// A label name stands twice.
    DuplicateLabel,
    /// Over `limits.label_name_length`.
    LabelNameTooLong,
    /// Over `limits.label_value_length`.
    LabelValueTooLong,
    /// Over `limits.labels_per_series`.
    TooManyLabels,
    /// Further ahead of the clock than `limits.future`.
    TooFarInFuture,
    /// Older than `retention.time`.
    TooOld,
    /// Another value stands at this time.
    DuplicateTimestamp,
    /// Over `limits.active_series`.
    SeriesLimit,
    /// A native histogram contradicts itself.
    InvalidHistogram,
    /// A series of remote write 2.0 without samples and histograms.
    EmptySeries,
    /// A series of remote write 2.0 with both.
    MixedSeries,
    /// A number that is not in the table of symbols.
    SymbolReference,
    /// A data point of OTLP that says nothing, or something its type cannot say.
    InvalidPoint,
    /// A span's trace id is not 16 bytes, or all zeros.
    TraceId,
    /// A span's id is not 8 bytes, or all zeros.
    SpanId,
    /// The id of a span's parent is not 8 bytes.
    ParentSpanId,
    /// An id of a link is of a wrong length.
    LinkId,
    /// A time of a span does not fit 63 bits.
    SpanTime,
    /// A span started before what `retention.time` keeps.
    SpanTooOld,
    /// A string of a span, its scope or its resource is not UTF-8.
    SpanText,
    /// A value of a span, its scope or its resource is nested too deep.
    SpanValueTooDeep,
}

impl Reason {
    /// Number of reasons.
    pub const COUNT: usize = 24;

    /// All reasons in the order of their numbers.
    pub const ALL: [Reason; Reason::COUNT] = [
        Reason::InvalidUtf8,
        Reason::MissingName,
        Reason::EmptyLabelName,
        Reason::DuplicateLabel,
        Reason::LabelNameTooLong,
        Reason::LabelValueTooLong,
        Reason::TooManyLabels,
        Reason::TooFarInFuture,
        Reason::TooOld,
        Reason::DuplicateTimestamp,
        Reason::SeriesLimit,
        Reason::InvalidHistogram,
        Reason::EmptySeries,
        Reason::MixedSeries,
        Reason::SymbolReference,
        Reason::InvalidPoint,
        Reason::TraceId,
        Reason::SpanId,
        Reason::ParentSpanId,
        Reason::LinkId,
        Reason::SpanTime,
        Reason::SpanTooOld,
        Reason::SpanText,
        Reason::SpanValueTooDeep,
    ];

    /// True for those that refuse spans; the others refuse samples.
    pub fn is_of_spans(self) -> bool {
        self as usize >= Reason::TraceId as usize
    }

    /// The value of the `reason` label on `/metrics`.
    pub fn label(self) -> &'static str {
        match self {
            Reason::InvalidUtf8 => "invalid_utf8",
            Reason::MissingName => "missing_metric_name",
            Reason::EmptyLabelName => "empty_label_name",
            Reason::DuplicateLabel => "duplicate_label_name",
            Reason::LabelNameTooLong => "label_name_too_long",
            Reason::LabelValueTooLong => "label_value_too_long",
            Reason::TooManyLabels => "too_many_labels",
            Reason::TooFarInFuture => "too_far_in_future",
            Reason::TooOld => "too_old",
            Reason::DuplicateTimestamp => "duplicate_timestamp",
            Reason::SeriesLimit => "series_limit",
            Reason::InvalidHistogram => "invalid_histogram",
            Reason::EmptySeries => "empty_series",
            Reason::MixedSeries => "samples_and_histograms",
            Reason::SymbolReference => "symbol_reference",
            Reason::InvalidPoint => "invalid_point",
            Reason::TraceId => "invalid_trace_id",
            Reason::SpanId => "invalid_span_id",
            Reason::ParentSpanId => "invalid_parent_span_id",
            Reason::LinkId => "invalid_link_id",
            Reason::SpanTime => "invalid_time",
            Reason::SpanTooOld => "too_old",
            Reason::SpanText => "invalid_utf8",
            Reason::SpanValueTooDeep => "value_too_deep",
        }
    }

    /// What the sender is told. Texts that Prometheus has are Prometheus' own, because senders search for them.
    fn text(self) -> &'static str {
        match self {
            Reason::InvalidUtf8 => "label name or value is not valid UTF-8",
            Reason::MissingName => "label set without a metric name",
            Reason::EmptyLabelName => "label with an empty name",
            Reason::DuplicateLabel => "label name is not unique",
            Reason::LabelNameTooLong => "label name is too long",
            Reason::LabelValueTooLong => "label value is too long",
            Reason::TooManyLabels => "too many labels",
            Reason::TooFarInFuture => "out of bounds: too far in the future",
            Reason::TooOld => "out of bounds: too old sample, older than the retention",
            Reason::DuplicateTimestamp => "duplicate sample for timestamp",
            Reason::SeriesLimit => "limit of active series reached",
            Reason::InvalidHistogram => "invalid native histogram",
            Reason::EmptySeries => "TimeSeries must contain at least one sample or histogram",
            Reason::MixedSeries => "TimeSeries must contain either samples or histograms, but not both",
            Reason::SymbolReference => "invalid reference to the symbols table",
            Reason::InvalidPoint => "invalid data point",
            Reason::TraceId => "trace ids must be 16 bytes and not all zeros",
            Reason::SpanId => "span ids must be 8 bytes and not all zeros",
            Reason::ParentSpanId => "parent span ids must be 8 bytes or absent",
            Reason::LinkId => "ids of links must be 16 and 8 bytes",
            Reason::SpanTime => "times must be before the year 2262",
            Reason::SpanTooOld => "span is older than the retention",
            Reason::SpanText => "a string is not valid UTF-8",
            Reason::SpanValueTooDeep => "a value is nested too deep",
        }
    }
}

/// What was refused of one request.
#[derive(Debug, Default)]
pub struct Rejects {
    counts: [u64; Reason::COUNT],
    examples: Vec<String>,
    /// Data points already counted, where one point makes several series.
    points: BTreeSet<u32>,
    /// Why the whole write is refused.
    aborted: Option<String>,
    /// Labels that became exemplars, and labels that found no room there, by name.
    moved: BTreeMap<String, [u64; 2]>,
}

impl Rejects {
    /// Notes `n` samples refused for one reason; `example` is asked for only while examples are few.
    pub fn add(&mut self, reason: Reason, n: u64, example: impl FnOnce() -> String) {
        self.counts[reason as usize] += n;
        if self.examples.len() < EXAMPLES_MAX {
            let example: String = example().chars().take(EXAMPLE_CHARS_MAX).collect();
            self.examples.push(format!("{}: {example}", reason.text()));
        }
    }

    /// Notes a refused data point, once however many of its series are refused.
    pub fn add_point(&mut self, point: u32, reason: Reason, example: impl FnOnce() -> String) {
        if self.points.insert(point) {
            self.add(reason, 1, example);
        }
    }

    /// Notes a label that was taken off a series, and whether an exemplar keeps it.
    pub fn note_moved(&mut self, name: &str, kept: bool) {
        let counts = match self.moved.get_mut(name) {
            Some(counts) => counts,
            None => self.moved.entry(name.to_owned()).or_default(),
        };
        counts[usize::from(!kept)] += 1;
    }

    /// Notes that the whole write is refused.
    pub fn abort(&mut self, text: String) {
        self.aborted.get_or_insert(text);
    }

    /// Why the whole write is refused.
    pub fn aborted(&self) -> Option<&str> {
        self.aborted.as_deref()
    }

    /// How much was refused.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Nothing was refused.
    pub fn is_empty(&self) -> bool {
        self.total() == 0
    }

    /// Number refused for a reason.
    pub fn count(&self, reason: Reason) -> u64 {
        self.counts[reason as usize]
    }

    /// Adds the counts to the server's.
    pub fn count_into(&self, counters: &Counters) {
        for (counter, n) in counters.rejected.iter().zip(self.counts) {
            counter.add(n);
        }
        if !self.moved.is_empty() {
            counters.metric_labels_moved.add(&self.moved);
        }
    }

    /// The text of the answer: a summary line, then the examples.
    pub fn text(&self, stored: u64) -> String {
        format!("{} refused, {stored} stored: {}\n", self.total(), self.reasons())
    }

    /// The reasons with their counts, then the examples, a line each.
    pub fn reasons(&self) -> String {
        let mut out = String::new();
        for reason in Reason::ALL {
            let n = self.count(reason);
            if n > 0 {
                let space = if out.is_empty() { "" } else { " " };
                let _ = write!(out, "{space}{} ({n});", reason.text());
            }
        }
        for example in &self.examples {
            out.push('\n');
            out.push_str(example);
        }
        out
    }
}
