//! `drop` and `keep`.

use super::fields::{ERROR, ERROR_DETAILS, Fields, PRESERVE_ERROR};
use crate::logql::ast::NameFilter;

/// Takes labels away.
pub(super) fn drop(names: &[NameFilter], fields: &mut Fields) {
    for of in names {
        let name = match of {
            NameFilter::Name(name) => name.as_str(),
            NameFilter::Matcher(matcher) => {
                if !matcher.matches(fields.value(matcher.name()).unwrap_or("")) {
                    continue;
                }
                matcher.name()
            }
        };
        match name {
            ERROR => fields.forget_error(),
            ERROR_DETAILS => fields.forget_details(),
            _ => fields.delete(name),
        }
    }
}

/// Takes all other labels away, but not the errors.
pub(super) fn keep(names: &[NameFilter], fields: &mut Fields) {
    let is_kept = |name: &str, value: &str| {
        name == PRESERVE_ERROR
            || names.iter().any(|of| match of {
                NameFilter::Name(kept) => kept == name,
                NameFilter::Matcher(matcher) => matcher.name() == name && matcher.matches(value),
            })
    };
    let others = fields.iter().filter(|(name, value, _)| !is_kept(name, value));
    let others: Vec<String> = others.map(|(name, ..)| name.to_owned()).collect();
    for name in others {
        fields.delete(&name);
    }
}
