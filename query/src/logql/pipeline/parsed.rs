//! How parsers hand over what they find in a line: names that are free, labels that are needed, an end as soon as there may be one.

use super::fields::{Fields, Kind, PRESERVE_ERROR};
use super::hints::{Early, Hints};
use super::json::free_name;

/// Why a parser stops before the end of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// All that is needed was found.
    Enough,
    /// A condition behind the parser does not hold.
    Drop,
}

/// What a parser needs to take labels.
pub(super) struct Taking<'f> {
    pub(super) fields: &'f mut Fields,
    pub(super) hints: &'f Hints,
    pub(super) early: &'f Early,
}

impl Taking<'_> {
    /// Takes a label under its sanitized name. Names without letters are left out.
    pub(super) fn take(&mut self, name: &str, value: &str) -> Result<(), Stop> {
        if name.is_empty() {
            return Ok(());
        }
        let name = free_name(self.fields, name);
        if !self.hints.wants(&name) || !self.fields.set_parsed(&name, value) {
            return Ok(());
        }
        if self.hints.required.is_some() {
            self.fields.found += 1;
        }
        let mut conditions = self.early.0.iter().filter(|(of, _)| *of == name);
        if !conditions.all(|(_, condition)| condition.may_keep(self.fields)) {
            return Err(Stop::Drop);
        }
        match self.hints.is_enough(self.fields.found) {
            true => Err(Stop::Enough),
            false => Ok(()),
        }
    }

    /// Tells that the line cannot be parsed.
    pub(super) fn fail(&mut self, error: &'static str, details: Option<&str>) {
        self.fields.fail(error, details);
        if self.hints.preserve_error {
            self.fields.set(Kind::Parsed, PRESERVE_ERROR, "true");
        }
    }
}
