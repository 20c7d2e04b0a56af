//! Which format a scraper takes, from its `Accept` header as Prometheus' `expfmt` reads it. Not for writing it.

use axum::http::{HeaderMap, header};

use super::escape::Escaping;

/// How samples are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Prometheus' text format.
    Text,
    /// OpenMetrics.
    OpenMetrics,
    /// Delimited `io.prometheus.client.MetricFamily`.
    Protobuf,
}

/// A format, its version and how it spells names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) kind: Kind,
    /// Version 1.0.0 rather than the older one.
    newer: bool,
    pub(super) escaping: Escaping,
}

/// Content types by kind and version, each with the four ways to spell names.
macro_rules! content_types {
    ($head:literal) => {
        [
            concat!($head, "; escaping=underscores"),
            concat!($head, "; escaping=dots"),
            concat!($head, "; escaping=values"),
            concat!($head, "; escaping=allow-utf-8"),
        ]
    };
}

impl Format {
    /// The first format of the header, by quality, that is known; the text format without one.
    pub(super) fn negotiated(headers: &HeaderMap) -> Format {
        let header = headers
            .get(header::ACCEPT)
            .and_then(|v| v.to_str().ok())
            .unwrap_or("");
        let mut clauses: Vec<Clause<'_>> = header.split(',').map(Clause::parse).collect();
        clauses.sort_by(|a, b| b.quality.total_cmp(&a.quality));
        let mut escaping = Escaping::Underscores;
        for clause in clauses {
            escaping = Escaping::named(clause.param("escaping")).unwrap_or(escaping);
            let version = clause.param("version");
            let newer = version == "1.0.0";
            let kind = match clause.media {
                "application/vnd.google.protobuf"
                    if clause.param("proto") == "io.prometheus.client.MetricFamily"
                        && clause.param("encoding") == "delimited" =>
                {
                    Kind::Protobuf
                }
                "text/plain" if matches!(version, "0.0.4" | "1.0.0" | "") => Kind::Text,
                "application/openmetrics-text" if matches!(version, "0.0.1" | "1.0.0" | "") => {
                    Kind::OpenMetrics
                }
                _ => continue,
            };
            return Format {
                kind,
                newer,
                escaping,
            };
        }
        Format {
            kind: Kind::Text,
            newer: false,
            escaping,
        }
    }

    /// The `Content-Type`.
    pub(super) fn content_type(&self) -> &'static str {
        let by_escaping = match (self.kind, self.newer) {
            (Kind::Text, false) => content_types!("text/plain; version=0.0.4; charset=utf-8"),
            (Kind::Text, true) => content_types!("text/plain; version=1.0.0; charset=utf-8"),
            (Kind::OpenMetrics, false) => {
                content_types!("application/openmetrics-text; version=0.0.1; charset=utf-8")
            }
            (Kind::OpenMetrics, true) => {
                content_types!("application/openmetrics-text; version=1.0.0; charset=utf-8")
            }
            (Kind::Protobuf, _) => content_types!(
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            ),
        };
        by_escaping[self.escaping as usize]
    }
}

/// One alternative of an `Accept` header.
struct Clause<'h> {
    media: &'h str,
    params: Vec<(&'h str, &'h str)>,
    quality: f64,
}

impl<'h> Clause<'h> {
    fn parse(text: &'h str) -> Clause<'h> {
        let mut parts = text.split(';').map(str::trim);
        let media = parts.next().unwrap_or("");
        let params: Vec<_> = parts.filter_map(|p| p.split_once('=')).collect();
        let quality = params.iter().find(|(name, _)| *name == "q");
        let quality = quality.and_then(|(_, q)| q.parse().ok()).unwrap_or(1.0);
        Clause {
            media,
            params,
            quality,
        }
    }

    fn param(&self, name: &str) -> &'h str {
        let found = self.params.iter().find(|(n, _)| *n == name);
        found.map_or("", |(_, value)| value.trim_matches('"'))
    }
}
