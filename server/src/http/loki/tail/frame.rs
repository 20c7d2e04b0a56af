//! Messages of a tail: streams with their entries, and what was left out for want of room.

use kymo_engine::logs::Missed;
use kymo_query::logql::eval::{Line, Lines};

use super::super::render::put_streams;
use crate::http::json::{list, object, text};

/// Entries of a message, as in Loki.
const ENTRIES_MAX: usize = 100;

/// Bytes of lines from which on a message is not made longer.
const LINE_BYTES_MAX: usize = 1 << 20;

/// The messages of entries in their order; the first tells what was left out.
pub(super) fn frames<'f>(
    mut lines: Vec<Line>,
    mut missed: Missed,
    flags: &'f [String],
) -> impl Iterator<Item = String> + 'f {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |line: &&Line| {
            let fits = bytes < LINE_BYTES_MAX;
            bytes += line.line.len();
            fits
        };
        let n = lines.iter().take(ENTRIES_MAX).take_while(fits).count();
        if n == 0 && missed.entries == 0 {
            return None;
        }
        let rest = lines.split_off(n);
        let entries = std::mem::replace(&mut lines, rest);
        Some(frame(entries, &std::mem::take(&mut missed), flags))
    })
}

fn frame(entries: Vec<Line>, missed: &Missed, flags: &[String]) -> String {
    let lines = Lines {
        entries,
        ..Lines::default()
    };
    let mut body = Vec::new();
    object(&mut body, |o| {
        o.texts("encodingFlags", flags);
        put_streams(o.name("streams"), &lines, !flags.is_empty());
        if missed.entries > 0 {
            list(o.name("dropped_entries"), &missed.first, |out, (time, labels)| {
                object(out, |o| {
                    o.text("timestamp", &time.to_string());
                    o.object("labels", |o| {
                        for (name, value) in labels.iter() {
                            text(o.any_name(name), value);
                        }
                    });
                });
            });
        }
    });
    String::from_utf8(body).unwrap_or_default()
}
