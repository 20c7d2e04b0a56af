//! Answers of queries as Loki writes them: streams, vectors, matrices. What `stats` says is what was read.

use kymo_query::logql::eval::{LabelSet, Lines};

use super::stats::{Took, put_stats};
use crate::go_float::push_value;
use crate::http::json::{Object, list, object, text};

/// A series of an answer.
#[derive(Debug, Clone)]
pub(super) struct Points {
    pub(super) labels: Vec<(String, String)>,
    /// Nanoseconds since 1970, and the value then.
    pub(super) points: Vec<(i64, f64)>,
}

/// A whole answer without statistics: the last point of each series.
pub(super) fn vector(body: &mut Vec<u8>, series: &[Points]) {
    answer(body, "vector", &[], &[], Took::default(), |out| {
        put_vector(out, series)
    });
}

/// A whole answer without statistics.
pub(super) fn matrix(body: &mut Vec<u8>, series: &[Points]) {
    answer(body, "matrix", &[], &[], Took::default(), |out| {
        put_matrix(out, series)
    });
}

/// A whole answer; `result` writes the result.
pub(super) fn answer(
    body: &mut Vec<u8>,
    kind: &str,
    flags: &[String],
    warnings: &[String],
    took: Took,
    result: impl FnOnce(&mut Vec<u8>),
) {
    object(body, |o| {
        o.text("status", "success");
        o.texts("warnings", warnings);
        o.object("data", |o| {
            o.text("resultType", kind);
            o.texts("encodingFlags", flags);
            result(o.name("result"));
            o.object("stats", |o| put_stats(o, took));
        });
    });
}

/// The last point of each series.
pub(super) fn put_vector(out: &mut Vec<u8>, series: &[Points]) {
    let some = series.iter().filter_map(|one| Some((one, *one.points.last()?)));
    list(out, some, |out, (one, point)| {
        object(out, |o| {
            metric(o, &one.labels);
            put_point(o.name("value"), point);
        });
    });
}

/// All points of each series.
pub(super) fn put_matrix(out: &mut Vec<u8>, series: &[Points]) {
    list(out, series, |out, one| {
        object(out, |o| {
            metric(o, &one.labels);
            list(o.name("values"), &one.points, |out, point| put_point(out, *point));
        });
    });
}

fn metric(o: &mut Object<'_>, labels: &[(String, String)]) {
    o.object("metric", |o| {
        for (name, value) in labels {
            text(o.any_name(name), value);
        }
    });
}

/// Seconds with milliseconds, and the value in quotes.
pub(super) fn put_point(out: &mut Vec<u8>, (time, value): (i64, f64)) {
    let ms = time.div_euclid(1_000_000);
    let (seconds, rest) = (ms.div_euclid(1000), ms.rem_euclid(1000));
    let mut shown = format!("[{seconds}");
    if rest != 0 {
        shown.push_str(format!(".{rest:03}").trim_end_matches('0'));
    }
    shown.push_str(",\"");
    push_value(&mut shown, value);
    shown.push_str("\"]");
    out.extend_from_slice(shown.as_bytes());
}

/// Lines by stream; with `categorized` labels that are not of the stream stand with each entry.
pub(super) fn put_streams(out: &mut Vec<u8>, lines: &Lines, categorized: bool) {
    list(out, lines.streams(categorized), |out, (labels, entries)| {
        object(out, |o| {
            o.object("stream", |o| put_labels(o, &labels));
            list(o.name("values"), entries, |out, line| {
                out.push(b'[');
                text(out, &line.time.to_string());
                out.push(b',');
                text(out, &line.line);
                if categorized {
                    out.push(b',');
                    object(out, |o| {
                        let kinds = [
                            ("structuredMetadata", &line.labels.metadata),
                            ("parsed", &line.labels.parsed),
                        ];
                        for (kind, labels) in kinds {
                            if !labels.is_empty() {
                                o.object(kind, |o| put_labels(o, labels));
                            }
                        }
                    });
                }
                out.push(b']');
            });
        });
    });
}

fn put_labels(o: &mut Object<'_>, labels: &LabelSet) {
    for (name, value) in labels.iter() {
        text(o.any_name(name), value);
    }
}
