//! Names that no label has: paths such as `request.method` or `items[0].id`, and quoted names. They are looked up in a line that
//! is a JSON object, and where it has no such field among the labels, under the name that Loki would give them.

use super::fields::{Fields, Kind};
use super::json_path::{Path, find_text};
use crate::logql::parser::plain_name;

/// A name and where to look for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NativeName {
    name: String,
    plain: String,
    paths: Vec<Path>,
}

impl NativeName {
    /// None for a name that labels have.
    pub(super) fn of(name: &str) -> Option<NativeName> {
        let plain = plain_name(name);
        if plain == name || name.is_empty() || name.starts_with('@') {
            return None;
        }
        let path = Path::parse(name).ok();
        let mut paths: Vec<Path> = path.into_iter().collect();
        let field = Path::field(name);
        if !paths.contains(&field) {
            paths.push(field);
        }
        Some(NativeName {
            name: name.to_owned(),
            plain,
            paths,
        })
    }

    /// The name among plain labels.
    pub(super) fn plain(&self) -> &str {
        &self.plain
    }

    /// Sets the label, unless there is one of this name.
    pub(super) fn look_up(&self, line: &str, fields: &mut Fields) {
        if fields.value(&self.name).is_some() {
            return;
        }
        let is_object = line.trim_start().starts_with('{');
        let found = self.paths.iter().filter(|_| is_object);
        if let Some(value) = found.filter_map(|path| find_text(line, path)).next() {
            return fields.set(Kind::Parsed, &self.name, &value);
        }
        if let Some((value, _)) = fields.get(&self.plain) {
            let value = value.to_owned();
            fields.set(Kind::Parsed, &self.name, &value);
        }
    }
}
