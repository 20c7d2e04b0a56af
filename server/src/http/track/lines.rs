//! The log lines of a tracking id: those that have it in the line or in structured metadata, in order of time. Filters of ids
//! find where they lie, so no time range is needed.

use kymo_engine::db::Db;
use kymo_engine::labels::Labels;
use kymo_engine::logs::{Needle, Rows, Scan};

use crate::http::json::{Object, list, object, text};

/// Most lines of an answer.
const LINES_MAX: usize = 10_000;

/// A log line.
#[derive(Debug)]
pub(super) struct Line {
    time: i64,
    labels: Labels,
    metadata: Vec<(String, String)>,
    line: String,
}

/// The lines that name an id, in hex, the first of them where there are too many; and whether there were.
///
/// # Errors
/// What reading the store can bring.
pub(super) fn lines(db: &Db, id: &str) -> Result<(Vec<Line>, bool), kymo_engine::Error> {
    let scan = Scan {
        from: i64::MIN,
        until: i64::MAX,
        needles: vec![Needle::text(id)],
        ..Scan::default()
    };
    let mut found = Vec::new();
    for part in db.logs.snapshot().scan(&scan)? {
        for stream in part.load()? {
            let rows = 0..stream.rows.len();
            let naming = rows.filter(|row| names(&stream.rows, *row, id));
            found.extend(naming.map(|row| line(&stream.rows, row, &stream.labels)));
        }
    }
    found.sort_by(|a: &Line, b| {
        a.time
            .cmp(&b.time)
            .then_with(|| a.labels.iter().cmp(b.labels.iter()))
    });
    let cut = found.len() > LINES_MAX;
    found.truncate(LINES_MAX);
    Ok((found, cut))
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
