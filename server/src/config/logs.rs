//! How log lines are taken. Names and meanings are those of Loki's limits where Loki has them.

/// The configuration of logs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Logs {
    /// Address of the listener with Loki's API at its own paths, `None` without.
    pub listen: Option<String>,
    /// Bytes of a line.
    pub line_bytes_max: u64,
    /// Labels of a stream, a discovered `service_name` not counted.
    pub labels_max: u64,
    /// Bytes of an entry's structured metadata.
    pub metadata_bytes_max: u64,
    /// Names of an entry's structured metadata.
    pub metadata_names_max: u64,
    /// Whether entries that equal another of their stream are kept.
    pub keep_repeats: bool,
    /// Whether entries get `detected_level`.
    pub detect_level: bool,
    /// Labels that `service_name` is taken from where it is absent; empty leaves it absent.
    pub service_name_from: Vec<String>,
    /// Labels that become structured metadata.
    pub high_cardinality: Vec<String>,
    /// Resource attributes of OTLP that become labels.
    pub otlp_labels: Vec<String>,
    /// Attributes of OTLP log records that become labels.
    pub otlp_record_labels: Vec<String>,
    /// Attributes of OTLP, wherever they stand, that are not kept.
    pub otlp_dropped: Vec<String>,
    /// How much may be written.
    pub rates: LogRates,
    /// Deleting lines.
    pub deletion: LogDeletion,
    /// What questions may ask for.
    pub asking: LogQuestions,
    /// Whether the severity's text of OTLP becomes a label.
    pub severity_text_as_label: bool,
}

/// What questions about logs may ask for; 0 is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogQuestions {
    /// Entries of an answer.
    pub entries_max: u64,
    /// Series of an answer.
    pub series_max: u64,
    /// From start to end, milliseconds.
    pub length_ms_max: u64,
    /// Of a window of a range aggregation, milliseconds.
    pub range_ms_max: u64,
    /// Before now, milliseconds.
    pub lookback_ms_max: u64,
    /// Bytes of the streams in the times asked for.
    pub bytes_max: u64,
    /// Tails at a time.
    pub tails_max: u64,
    /// How long a tail may last, milliseconds.
    pub tail_ms_max: u64,
}

/// How lines are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogDeletion {
    /// Whether they are.
    pub mode: DeletionMode,
    /// How long a request may be taken back, milliseconds.
    pub cancel_ms: u64,
}

/// What becomes of deleted lines, by Loki's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeletionMode {
    /// Nothing can be deleted.
    Disabled,
    /// They are hidden.
    FilterOnly,
    /// They are hidden, and taken out of the blocks later.
    #[default]
    FilterAndDelete,
}

impl DeletionMode {
    /// All of them.
    pub const ALL: [DeletionMode; 3] = [
        DeletionMode::Disabled,
        DeletionMode::FilterOnly,
        DeletionMode::FilterAndDelete,
    ];

    /// The name in a configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            DeletionMode::Disabled => "disabled",
            DeletionMode::FilterOnly => "filter-only",
            DeletionMode::FilterAndDelete => "filter-and-delete",
        }
    }
}

/// How much of logs may be written; 0 is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogRates {
    /// Bytes of lines and metadata a second of a tenant.
    pub bytes: u64,
    /// Bytes at once; 0 for those of a second.
    pub bytes_at_once: u64,
    /// Bytes a second of a stream.
    pub stream_bytes: u64,
    /// Bytes at once of a stream; 0 for those of a second.
    pub stream_bytes_at_once: u64,
    /// Streams of a tenant with entries that are in no block yet.
    pub streams_max: u64,
}

impl LogRates {
    /// Bytes at once of a tenant.
    pub fn burst(&self) -> u64 {
        self.bytes_at_once.max(self.bytes)
    }

    /// Bytes at once of a stream.
    pub fn stream_burst(&self) -> u64 {
        self.stream_bytes_at_once.max(self.stream_bytes)
    }
}
