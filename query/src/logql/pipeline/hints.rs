//! What of a line a query needs: parsers leave out the rest, and stop where they have all of it.

use super::fields::{DUPLICATE_SUFFIX, ERROR};
use super::label_filter::LabelFilter;

/// What a query needs.
#[derive(Debug, Clone, Default)]
pub(super) struct Hints {
    /// Names of the labels; none for every label.
    pub(super) required: Option<Vec<String>>,
    /// No label is needed at all.
    pub(super) nothing: bool,
    /// An error is asked for by its name.
    pub(super) preserve_error: bool,
}

impl Hints {
    /// From the names that stages and grouping tell; `all` when labels beyond them are wanted.
    pub(super) fn new<'n>(names: impl Iterator<Item = &'n str>, all: bool) -> Hints {
        let mut required: Vec<String> = Vec::new();
        let mut add = |name: &str| {
            if !required.iter().any(|r| r == name) {
                required.push(name.to_owned());
            }
        };
        for name in names {
            add(name);
            if let Some(base) = name.strip_suffix(DUPLICATE_SUFFIX) {
                add(base);
            }
        }
        Hints {
            // Where every label is wanted an error is one of them, and fails what counts lines.
            preserve_error: !all && required.iter().any(|name| name == ERROR),
            nothing: !all && required.is_empty(),
            required: (!all).then_some(required),
        }
    }

    /// True when a label is needed.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.required
            .as_ref()
            .is_none_or(|required| required.iter().any(|r| r == name))
    }

    /// True when a label may be needed whose name begins so.
    pub(super) fn wants_prefix(&self, prefix: &str) -> bool {
        self.required
            .as_ref()
            .is_none_or(|required| required.iter().any(|r| r.starts_with(prefix)))
    }

    /// True when so many labels are all.
    pub(super) fn is_enough(&self, found: usize) -> bool {
        self.required
            .as_ref()
            .is_some_and(|required| found >= required.len())
    }
}

/// Conditions of one label each that follow a parser and that nothing between may change.
#[derive(Debug, Clone, Default)]
pub(super) struct Early(pub(super) Vec<(String, LabelFilter)>);
