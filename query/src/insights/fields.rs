//! The fields of an entry by name: its time, its line, its stream, and whatever its metadata, labels and line hold.
//! Not for values that commands make.

use std::borrow::Cow;

use kymo_engine::labels::Labels;

use super::value::Value;
use crate::logql::eval::LabelSet;
use crate::logql::{look_up, plain_name};

/// Where the level of an entry is looked for among metadata and labels, the first that is there.
pub(super) const LEVELS: [&str; 4] = ["detected_level", "level", "severity_text", "severity"];

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// `@timestamp`.
    Time,
    /// `@message`.
    Line,
    /// `@logStream` and `@log`: the labels of the stream.
    Stream,
    /// `@level`.
    Level,
    /// Anything else: its name, and as labels are called.
    Field(String, String),
}

impl Source {
    pub(super) fn of(name: &str) -> Source {
        match name {
            "@timestamp" => Source::Time,
            "@message" => Source::Line,
            "@logStream" | "@log" => Source::Stream,
            "@level" => Source::Level,
            name => Source::Field(name.to_owned(), plain_name(name)),
        }
    }
}

/// An entry.
pub(super) struct Entry<'e, M> {
    pub(super) time: i64,
    pub(super) labels: &'e Labels,
    /// Names and values.
    pub(super) metadata: M,
    pub(super) line: &'e [u8],
}

impl<'e, M: Iterator<Item = (&'e str, &'e str)> + Clone> Entry<'e, M> {
    fn annotation(&self, name: &str) -> Option<&'e str> {
        let metadata = self.metadata.clone().find(|(of, _)| *of == name);
        let label = || self.labels.get(name);
        metadata.map(|(_, value)| value).or_else(label)
    }

    /// The values of all sources, in their order.
    pub(super) fn values(&self, sources: &[Source], values: &mut Vec<Value>) {
        values.clear();
        let line = String::from_utf8_lossy(self.line);
        let mut found: Vec<Option<Cow<'_, str>>> = Vec::with_capacity(sources.len());
        let mut names: Vec<&str> = Vec::with_capacity(sources.len());
        for source in sources {
            let (name, value) = match source {
                Source::Time | Source::Line | Source::Stream => ("", None),
                Source::Level => ("level", LEVELS.iter().find_map(|name| self.annotation(name))),
                Source::Field(name, _) => (name.as_str(), self.annotation(name)),
            };
            names.push(name);
            found.push(match source {
                Source::Level | Source::Field(..) => value.map(Cow::Borrowed),
                // Nothing is looked for.
                _ => Some(Cow::Borrowed("")),
            });
        }
        look_up(&line, &names, &mut found);
        for (source, found) in sources.iter().zip(found) {
            values.push(match (source, found) {
                (Source::Time, _) => Value::Time(self.time),
                (Source::Line, _) => Value::text(&line),
                (Source::Stream, _) => Value::text(&LabelSet::from(self.labels).to_string()),
                (_, Some(text)) => Value::text(&text),
                (Source::Field(name, plain), None) if name != plain => {
                    self.annotation(plain).map_or(Value::Missing, Value::text)
                }
                _ => Value::Missing,
            });
        }
    }
}

/// True when an entry has a value under one of some names: in its metadata, its labels or its line, as queries find it.
pub fn has_value<'e>(
    names: &[String],
    value: &str,
    (labels, metadata, line): (
        &'e Labels,
        impl Iterator<Item = (&'e str, &'e str)> + Clone,
        &'e [u8],
    ),
) -> bool {
    let sources: Vec<Source> = names
        .iter()
        .map(|name| Source::Field(name.clone(), plain_name(name)))
        .collect();
    let entry = Entry {
        time: 0,
        labels,
        metadata,
        line,
    };
    let mut values = Vec::new();
    entry.values(&sources, &mut values);
    values
        .iter()
        .any(|found| found.shown().is_some_and(|text| *text == *value))
}
