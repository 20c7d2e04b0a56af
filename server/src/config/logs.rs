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
