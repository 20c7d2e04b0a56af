//! How OTLP metrics become series, and where OTLP is taken. Names and meanings are those of Prometheus' `otlp` section.

use std::fmt;

/// The configuration of OTLP.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Otlp {
    /// Address of the gRPC listener, `None` without.
    pub grpc_listen: Option<String>,
    /// Address of the HTTP listener, `None` without.
    pub http_listen: Option<String>,
    /// How names are made.
    pub strategy: Strategy,
    /// Resource attributes that become labels of every series.
    pub promoted: Vec<String>,
    /// Whether all of them do.
    pub promote_all: bool,
    /// Those that do not even then.
    pub ignored: Vec<String>,
    /// Whether `target_info` keeps `service.name`, `service.namespace` and `service.instance.id`.
    pub keep_identifying: bool,
    /// Whether histograms with explicit bounds are stored as native ones.
    pub histograms_to_nhcb: bool,
    /// Whether scopes become labels of every series.
    pub promote_scope: bool,
    /// Whether labels that would begin with one underscore get `key` before it.
    pub sanitize_underscore: bool,
}

/// How metric and label names are made from OTLP's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// Characters Prometheus did not know before UTF-8 become underscores; unit and type are appended.
    #[default]
    UnderscoreEscapingWithSuffixes,
    /// Names stay; unit and type are appended.
    NoUtf8EscapingWithSuffixes,
    /// Characters become underscores, nothing is appended.
    UnderscoreEscapingWithoutSuffixes,
    /// Names stay as they are.
    NoTranslation,
}

impl Strategy {
    /// All strategies.
    pub const ALL: [Strategy; 4] = [
        Strategy::UnderscoreEscapingWithSuffixes,
        Strategy::NoUtf8EscapingWithSuffixes,
        Strategy::UnderscoreEscapingWithoutSuffixes,
        Strategy::NoTranslation,
    ];

    /// Whether names are restricted to the characters of old.
    pub fn escapes(self) -> bool {
        matches!(
            self,
            Strategy::UnderscoreEscapingWithSuffixes | Strategy::UnderscoreEscapingWithoutSuffixes
        )
    }

    /// Whether unit and type are appended to names.
    pub fn suffixes(self) -> bool {
        matches!(
            self,
            Strategy::UnderscoreEscapingWithSuffixes | Strategy::NoUtf8EscapingWithSuffixes
        )
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Strategy::UnderscoreEscapingWithSuffixes => "UnderscoreEscapingWithSuffixes",
            Strategy::NoUtf8EscapingWithSuffixes => "NoUTF8EscapingWithSuffixes",
            Strategy::UnderscoreEscapingWithoutSuffixes => "UnderscoreEscapingWithoutSuffixes",
            Strategy::NoTranslation => "NoTranslation",
        })
    }
}
