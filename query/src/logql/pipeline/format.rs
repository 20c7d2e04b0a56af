//! `line_format`, `label_format` and `decolorize`.

use super::fields::{Fields, Kind};
use crate::logql::ast::LabelFormat;
use crate::logql::template::{Context, Template};

const TEMPLATE_ERR: &str = "TemplateFormatErr";

/// When a line was written and when it is asked for.
#[derive(Debug, Clone, Copy)]
pub(in crate::logql) struct Clock {
    /// Of the line.
    pub(in crate::logql) time: i64,
    /// Of the query.
    pub(in crate::logql) now: i64,
}

/// Where a label gets its value from.
#[derive(Debug, Clone)]
pub(super) enum Format {
    Rename(String),
    Template(Template),
}

/// The formats of a stage.
pub(super) fn compile(formats: &[(String, LabelFormat)]) -> Result<Vec<(String, Format)>, String> {
    let format = |(name, from): &(String, LabelFormat)| {
        let from = match from {
            LabelFormat::Rename(of) => Format::Rename(of.clone()),
            LabelFormat::Template(text) => Format::Template(template("label", text)?),
        };
        Ok((name.clone(), from))
    };
    formats.iter().map(format).collect()
}

/// A template of a line or a label.
pub(super) fn template(name: &str, text: &str) -> Result<Template, String> {
    Template::parse(name, text).map_err(|what| format!("invalid {name} template: {what}"))
}

fn run(
    template: &Template,
    out: &mut String,
    fields: &Fields,
    line: &str,
    clock: Clock,
) -> Result<(), String> {
    let label = |name: &str| fields.value(name);
    let labels = || {
        fields
            .all()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    let context = Context {
        label: &label,
        labels: &labels,
        line,
        time: clock.time,
        now: clock.now,
    };
    template.run(out, &context)
}

/// Writes the new line to `out`; false leaves the line as it is.
pub(super) fn line(
    template: &Template,
    out: &mut String,
    fields: &mut Fields,
    line: &str,
    clock: Clock,
) -> bool {
    out.clear();
    match run(template, out, fields, line, clock) {
        Ok(()) => true,
        Err(what) => {
            fields.fail(TEMPLATE_ERR, Some(&what));
            false
        }
    }
}

/// Renames labels and sets new ones. Templates see the labels as they are when the first template's turn comes.
pub(super) fn labels(formats: &[(String, Format)], fields: &mut Fields, line: &str, clock: Clock) {
    let mut made: Option<std::vec::IntoIter<Result<String, String>>> = None;
    for (n, (name, from)) in formats.iter().enumerate() {
        match from {
            Format::Rename(of) => {
                let Some((value, _)) = fields.get(of) else {
                    continue;
                };
                let value = value.to_owned();
                fields.set(Kind::Parsed, name, &value);
                fields.delete(of);
            }
            Format::Template(_) => {
                let made = made.get_or_insert_with(|| rest(&formats[n..], fields, line, clock).into_iter());
                match made.next() {
                    Some(Ok(value)) => fields.set(Kind::Parsed, name, &value),
                    Some(Err(what)) => fields.fail(TEMPLATE_ERR, Some(&what)),
                    None => {}
                }
            }
        }
    }
}

/// What the templates make of the labels as they are.
fn rest(
    formats: &[(String, Format)],
    fields: &Fields,
    line: &str,
    clock: Clock,
) -> Vec<Result<String, String>> {
    let templates = formats.iter().filter_map(|(_, from)| match from {
        Format::Template(template) => Some(template),
        Format::Rename(_) => None,
    });
    let made = templates.map(|template| {
        let mut out = String::new();
        run(template, &mut out, fields, line, clock).map(|()| out)
    });
    made.collect()
}

/// A line without the sequences that colour terminals; false when it has none.
pub(super) fn decolorize(line: &str, out: &mut String) -> bool {
    let is_start = |c: char| c == '\u{1b}' || c == '\u{9b}';
    if !line.contains(is_start) {
        return false;
    }
    out.clear();
    let mut rest = line;
    while let Some(at) = rest.find(is_start) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let len = sequence(rest);
        if len == 0 {
            let first = rest.chars().next().map_or(0, char::len_utf8);
            out.push_str(&rest[..first]);
            rest = &rest[first..];
        } else {
            rest = &rest[len..];
        }
    }
    out.push_str(rest);
    true
}

/// Length of the control sequence a text begins with; 0 when it is none.
fn sequence(text: &str) -> usize {
    let start = text.chars().next().map_or(0, char::len_utf8);
    let bytes = text.as_bytes();
    let run =
        |from: usize, of: &dyn Fn(u8) -> bool| from + bytes[from..].iter().take_while(|b| of(**b)).count();
    let opened = run(start, &|b| b"[]()#;?".contains(&b));
    // A title or a link, up to the bell.
    let text_end = run(opened, &|b| b.is_ascii_alphanumeric() || b == b';');
    if bytes.get(text_end) == Some(&7) {
        return text_end + 1;
    }
    let mut end = run(opened, &|b| b.is_ascii_digit() || b == b';');
    // A final digit ends a sequence as a letter does.
    let is_final = |b: &u8| matches!(b, b'A'..=b'P' | b'R' | b'Z' | b'c' | b'f'..=b'n' | b't' | b'q' | b'r' | b'y' | b'=' | b'>' | b'<' | b'~');
    if bytes.get(end).is_some_and(is_final) {
        end += 1;
        return end;
    }
    if end > opened && bytes[end - 1].is_ascii_digit() {
        end
    } else {
        0
    }
}
