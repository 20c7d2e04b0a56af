//! `drop`, `keep` and `fields`.

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

/// Keeps these labels only and writes them to `out` as pairs. `@timestamp` and `@message` are not labels and stay as they are:
/// `@message` is the line itself.
pub(super) fn fields(names: &[String], fields: &mut Fields, out: &mut String, line: &str) {
    out.clear();
    for name in names {
        let value = match name.as_str() {
            "@message" | "__line__" => Some(line),
            _ => fields.value(name),
        };
        let Some(value) = value else { continue };
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(name);
        out.push('=');
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '=' | '\\');
        match !value.is_empty() && value.chars().all(plain) {
            true => out.push_str(value),
            false => out.push_str(&crate::lex::string::quote(value)),
        }
    }
    let kept: Vec<NameFilter> = names.iter().cloned().map(NameFilter::Name).collect();
    keep(&kept, fields);
}
