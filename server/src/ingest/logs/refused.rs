//! What was refused of a request's entries: counts by reason, and the text the sender gets, in Loki's words
//! (`pkg/validation`).

use std::fmt::Write;

use crate::counters::Counters;

/// Texts kept per request; further ones are only counted.
const TEXTS_MAX: usize = 100;

/// Why an entry was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Reason {
    /// Over `logs.line_size`.
    LineTooLong,
    /// Older than `retention.time`.
    TooOld,
    /// Further ahead of the clock than `limits.future`.
    TooFarInFuture,
    /// Over `logs.labels_per_stream`.
    TooManyLabels,
    /// Over `limits.label_name_length`.
    LabelNameTooLong,
    /// Over `limits.label_value_length`.
    LabelValueTooLong,
    /// The text of the labels is wrong.
    InvalidLabels,
    /// A stream without labels.
    MissingLabels,
    /// A label name stands twice.
    DuplicateLabel,
    /// Over `logs.metadata_size`.
    MetadataTooLarge,
    /// Over `logs.metadata_count`.
    MetadataTooMany,
    /// Over `logs.stream_rate`.
    StreamRate,
    /// Over `logs.max_streams`.
    StreamLimit,
}

impl Reason {
    /// Number of reasons.
    pub const COUNT: usize = 13;

    /// All reasons in the order of their numbers.
    pub const ALL: [Reason; Reason::COUNT] = [
        Reason::LineTooLong,
        Reason::TooOld,
        Reason::TooFarInFuture,
        Reason::TooManyLabels,
        Reason::LabelNameTooLong,
        Reason::LabelValueTooLong,
        Reason::InvalidLabels,
        Reason::MissingLabels,
        Reason::DuplicateLabel,
        Reason::MetadataTooLarge,
        Reason::MetadataTooMany,
        Reason::StreamRate,
        Reason::StreamLimit,
    ];

    /// Loki's name of the reason.
    pub fn label(self) -> &'static str {
        match self {
            Reason::LineTooLong => "line_too_long",
            Reason::TooOld => "greater_than_max_sample_age",
            Reason::TooFarInFuture => "too_far_in_future",
            Reason::TooManyLabels => "max_label_names_per_series",
            Reason::LabelNameTooLong => "label_name_too_long",
            Reason::LabelValueTooLong => "label_value_too_long",
            Reason::InvalidLabels => "invalid_labels",
            Reason::MissingLabels => "missing_labels",
            Reason::DuplicateLabel => "duplicate_label_names",
            Reason::MetadataTooLarge => "structured_metadata_too_large",
            Reason::MetadataTooMany => "structured_metadata_too_many",
            Reason::StreamRate => "per_stream_rate_limit",
            Reason::StreamLimit => "stream_limit",
        }
    }
}

/// What was refused of one request.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    counts: [u64; Reason::COUNT],
    bytes: u64,
    /// Texts in the order they came up, and how often.
    texts: Vec<(String, u64)>,
    /// Errors whose texts are not kept.
    untold: u64,
    /// Labels that became metadata.
    pub(super) moved_labels: u64,
}

impl Refused {
    /// Notes `entries` with so many bytes of lines, refused by one error.
    pub(super) fn add(&mut self, reason: Reason, (entries, bytes): (u64, u64), text: String) {
        self.counts[reason as usize] += entries;
        self.bytes += bytes;
        let room = self.texts.len() < TEXTS_MAX;
        match self.texts.iter_mut().find(|(known, _)| *known == text) {
            Some((_, times)) => *times += 1,
            None if room => self.texts.push((text, 1)),
            None => self.untold += 1,
        }
    }

    /// Nothing was refused.
    pub(crate) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Entries that were refused.
    pub(crate) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// True when less may be sent later: only for limits.
    pub(crate) fn may_pass(&self) -> bool {
        self.counts[Reason::StreamRate as usize] + self.counts[Reason::StreamLimit as usize] > 0
    }

    /// Number refused for a reason.
    #[cfg(test)]
    pub(super) fn count(&self, reason: Reason) -> u64 {
        self.counts[reason as usize]
    }

    /// All errors, equal ones as one.
    pub(crate) fn text(&self) -> String {
        if let [(text, 1)] = &self.texts[..] {
            return text.clone();
        }
        let mut out = String::new();
        for (i, (text, times)) in self.texts.iter().enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            // Writing to a string cannot fail.
            let _infallible = write!(out, "{separator}{times} errors like: {text}");
        }
        if self.untold > 0 {
            let _infallible = write!(out, "; {} more errors", self.untold);
        }
        out
    }

    /// Adds the counts to the server's.
    pub(crate) fn count_into(&self, counters: &Counters) {
        for (counter, n) in counters.log_entries_rejected.iter().zip(self.counts) {
            counter.add(n);
        }
        counters.log_bytes_rejected.add(self.bytes);
        counters.log_labels_moved.add(self.moved_labels);
    }
}
