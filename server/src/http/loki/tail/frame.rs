//! Messages of a tail: streams with their entries, and what was left out for want of room.

use kymo_engine::labels::Labels;
use kymo_engine::logs::Missed;
use kymo_query::logql::eval::{Line, Lines};

use super::super::legacy;
use super::super::render::put_streams;
use super::Form;
use crate::http::json::{Object, list, object, text};

/// Entries of a message, as in Loki.
const ENTRIES_MAX: usize = 100;

/// Bytes of lines from which on a message is not made longer.
const LINE_BYTES_MAX: usize = 1 << 20;

/// The messages of entries in their order; the first tells what was left out.
pub(super) fn frames<'f>(
    mut lines: Vec<Line>,
    mut missed: Missed,
    form: &'f Form,
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
        Some(frame(entries, &std::mem::take(&mut missed), form))
    })
}

fn frame(entries: Vec<Line>, missed: &Missed, form: &Form) -> String {
    let lines = Lines {
        entries,
        ..Lines::default()
    };
    let mut body = Vec::new();
    object(&mut body, |o| {
        match form {
            Form::Current(flags) => {
                o.texts("encodingFlags", flags);
                put_streams(o.name("streams"), &lines, !flags.is_empty());
            }
            Form::Legacy => legacy::put_streams(o.name("streams"), &lines),
        }
        if missed.entries > 0 {
            list(o.name("dropped_entries"), &missed.first, |out, (time, labels)| {
                object(out, |o| put_missed(o, *time, labels, form));
            });
        }
    });
    String::from_utf8(body).unwrap_or_default()
}

fn put_missed(o: &mut Object<'_>, time: i64, labels: &Labels, form: &Form) {
    if let Form::Legacy = form {
        o.text("timestamp", &legacy::time_text(time));
        o.text("labels", &legacy::labels_text(labels.iter()));
        return;
    }
    o.text("timestamp", &time.to_string());
    o.object("labels", |o| {
        for (name, value) in labels.iter() {
            text(o.any_name(name), value);
        }
    });
}
