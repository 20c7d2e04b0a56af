//! `| regexp "..."`: named groups become labels.

use super::fields::Fields;
use super::hints::{Early, Hints};
use super::line_filter::compile_regex;
use super::parsed::{Stop, Taking};

/// An expression and the names of its groups.
#[derive(Debug, Clone)]
pub(super) struct Captures {
    regex: regex::bytes::Regex,
    /// Number of the group and name.
    names: Vec<(usize, String)>,
}

impl Captures {
    pub(super) fn compile(pattern: &str) -> Result<Captures, String> {
        let regex = match compile_regex(pattern) {
            Ok(regex) => regex,
            Err(what) => return Err(duplicate_name(pattern).unwrap_or(what)),
        };
        let names = regex.capture_names().enumerate();
        let names: Vec<(usize, String)> = names
            .filter_map(|(n, name)| Some((n, name?.to_owned())))
            .collect();
        if names.is_empty() {
            return Err("at least one named capture must be supplied".to_owned());
        }
        for (n, (_, name)) in names.iter().enumerate() {
            let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
            if !name.starts_with(is_first) || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(format!("invalid extracted label name '{name}'"));
            }
            if names[..n].iter().any(|(_, other)| other == name) {
                return Err(format!("duplicate extracted label name '{name}'"));
            }
        }
        Ok(Captures { regex, names })
    }

    /// Takes the groups of a line; false drops the line.
    pub(super) fn take(&self, line: &str, fields: &mut Fields, hints: &Hints, early: &Early) -> bool {
        let Some(found) = self.regex.captures(line.as_bytes()) else {
            return true;
        };
        let mut taking = Taking { fields, hints, early };
        for (n, name) in &self.names {
            let value = found.get(*n).map_or("", |m| &line[m.range()]);
            match taking.take(name, value) {
                Ok(()) => {}
                Err(Stop::Enough) => break,
                Err(Stop::Drop) => return false,
            }
        }
        true
    }
}

/// What Loki says of a name that two groups have, which is no expression at all to others.
fn duplicate_name(pattern: &str) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for group in pattern.split("(?P<").skip(1) {
        let (name, _) = group.split_once('>')?;
        if names.contains(&name) {
            return Some(format!("duplicate extracted label name '{name}'"));
        }
        names.push(name);
    }
    None
}
