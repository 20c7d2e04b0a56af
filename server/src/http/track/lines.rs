//! The log lines of a tracking id: those that have it in the line or in structured metadata, in order of time. Filters of ids
//! find where they lie, so no time range is needed.

use kymo_engine::db::Db;
use kymo_engine::labels::Labels;
use kymo_engine::logs::{Needle, Rows, Scan};
use kymo_engine::metrics::matcher::Matcher;
use kymo_engine::traces::TraceId;
use kymo_query::insights::has_value;

use crate::http::ApiError;
use crate::http::json::{Object, list, object, text};

/// Most lines of an answer.
const LINES_MAX: usize = 10_000;

/// Where the level of a line is told.
const LEVELS: [&str; 2] = ["detected_level", "level"];

/// Names of metadata that Grafana takes for ids of traces.
const TRACE_IDS: [&str; 6] = [
    "traceID",
    "trace_id",
    "traceId",
    "TraceID",
    "TraceId",
    "otel_trace_id",
];

/// A log line.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) time: i64,
    labels: Labels,
    pub(super) metadata: Vec<(String, String)>,
    pub(super) line: String,
}

impl Line {
    /// The level that its metadata or labels tell.
    pub(super) fn level(&self) -> Option<&str> {
        LEVELS.iter().find_map(|name| {
            let metadata = self.metadata.iter().find(|(of, _)| of == name);
            let value = metadata.map(|(_, value)| value.as_str());
            value.or_else(|| self.labels.get(name))
        })
    }

    /// Ids of traces that its metadata names.
    pub(super) fn trace_ids(&self) -> impl Iterator<Item = TraceId> + '_ {
        let named = self
            .metadata
            .iter()
            .filter(|(name, _)| TRACE_IDS.contains(&name.as_str()));
        named.filter_map(|(_, value)| match value.len() {
            32 => u128::from_str_radix(value, 16).ok().map(u128::to_be_bytes),
            _ => None,
        })
    }
}

/// Which lines are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted<'w> {
    /// Those that hold one of some texts, whatever the case of their letters.
    Texts(&'w [String]),
    /// Those that have a value under one of some names.
    Named(&'w [String], &'w str),
}

/// Lines in order of time, the first of them where there are too many; and whether there were. `check` is asked regularly
/// whether to go on.
///
/// # Errors
/// What reading the store can bring, and what `check` says.
pub(super) fn lines(
    db: &Db,
    wanted: Wanted<'_>,
    check: &dyn Fn() -> Result<(), ApiError>,
) -> Result<(Vec<Line>, bool), ApiError> {
    let snapshot = db.logs.snapshot();
    let mut found = Vec::new();
    let mut cut = false;
    for (n, scan) in scans(wanted).iter().enumerate() {
        for part in snapshot.scan(scan)? {
            check()?;
            for stream in part.load()? {
                // Streams that are asked for by a label are told once, by the first.
                if by_label(wanted, &stream.labels).is_some_and(|label| label + 1 != n) {
                    continue;
                }
                let rows = 0..stream.rows.len();
                let naming = rows.filter(|row| is_wanted(wanted, &stream.rows, *row, &stream.labels));
                found.extend(naming.map(|row| line(&stream.rows, row, &stream.labels)));
            }
            if found.len() > 4 * LINES_MAX {
                cut |= keep_first(&mut found);
            }
        }
    }
    cut |= keep_first(&mut found);
    Ok((found, cut))
}

/// A question for entries that hold a text, and for each name one for streams that have the value as a label.
fn scans(wanted: Wanted<'_>) -> Vec<Scan> {
    let any = match wanted {
        Wanted::Texts(texts) => texts.to_vec(),
        Wanted::Named(_, value) => vec![value.to_owned()],
    };
    // Other characters may be spelled in several ways.
    let is_plain = |text: &String| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c))
    };
    let everything = Scan {
        from: i64::MIN,
        until: i64::MAX,
        ..Scan::default()
    };
    let mut scans = vec![Scan {
        needles: match any.iter().all(is_plain) {
            true => vec![Needle { any }],
            false => Vec::new(),
        },
        ..everything.clone()
    }];
    if let Wanted::Named(names, value) = wanted {
        scans.extend(names.iter().map(|name| Scan {
            matchers: vec![Matcher::equal(label_of(name), value)],
            ..everything.clone()
        }));
    }
    scans
}

/// The number of the first name that is a label of a stream with the value that is looked for.
fn by_label(wanted: Wanted<'_>, labels: &Labels) -> Option<usize> {
    match wanted {
        Wanted::Texts(_) => None,
        Wanted::Named(names, value) => names
            .iter()
            .position(|name| labels.get(&label_of(name)) == Some(value)),
    }
}

/// A name as labels have it.
fn label_of(name: &str) -> String {
    name.replace(|c: char| !c.is_alphanumeric() && c != '_', "_")
}

/// Puts lines in order, and drops those that are too many; whether there were any.
fn keep_first(found: &mut Vec<Line>) -> bool {
    found.sort_by(|a: &Line, b| {
        a.time
            .cmp(&b.time)
            .then_with(|| a.labels.iter().cmp(b.labels.iter()))
    });
    let cut = found.len() > LINES_MAX;
    found.truncate(LINES_MAX);
    cut
}

fn is_wanted(wanted: Wanted<'_>, rows: &Rows, row: usize, labels: &Labels) -> bool {
    match wanted {
        Wanted::Texts(texts) => texts.iter().any(|id| names(rows, row, id)),
        Wanted::Named(names, value) => has_value(names, value, (labels, rows.metadata(row), rows.line(row))),
    }
}

fn names(rows: &Rows, row: usize, id: &str) -> bool {
    let has = |text: &[u8]| {
        text.windows(id.len())
            .any(|part| part.eq_ignore_ascii_case(id.as_bytes()))
    };
    has(rows.line(row)) || rows.metadata(row).any(|(_, value)| has(value.as_bytes()))
}

fn line(rows: &Rows, row: usize, labels: &Labels) -> Line {
    let metadata = rows.metadata(row).map(|(n, v)| (n.to_owned(), v.to_owned()));
    Line {
        time: rows.times()[row],
        labels: labels.clone(),
        metadata: metadata.collect(),
        line: String::from_utf8_lossy(rows.line(row)).into_owned(),
    }
}

/// Writes lines as a member.
pub(super) fn push(o: &mut Object<'_>, lines: &[Line], cut: bool) {
    list(o.name("logs"), lines, |out, line| {
        object(out, |o| {
            o.text("timeUnixNano", &line.time.to_string());
            o.object("labels", |o| {
                for (name, value) in line.labels.iter() {
                    text(o.any_name(name), value);
                }
            });
            o.object("structuredMetadata", |o| {
                for (name, value) in &line.metadata {
                    text(o.any_name(name), value);
                }
            });
            o.text_even_empty("line", &line.line);
        });
    });
    if cut {
        o.name("logsCut").extend_from_slice(b"true");
    }
}
