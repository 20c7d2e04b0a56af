//! `| json` without paths, and `| unpack`: fields of an object become labels.

use std::borrow::Cow;

use super::fields::{DUPLICATE_SUFFIX, Fields, sanitize};
use super::hints::{Early, Hints};
use super::object::{self, Stopped, Type};
use super::parsed::{Stop, Taking};

pub(super) const JSON_ERR: &str = "JSONParserErr";

/// Objects in objects that are taken apart; deeper ones are left out.
const DEPTH_MAX: usize = 64;

/// Takes the fields of a line; false drops the line.
pub(super) fn json(line: &str, fields: &mut Fields, hints: &Hints, early: &Early) -> bool {
    if hints.nothing || hints.is_enough(fields.found) {
        return true;
    }
    let mut walk = Walk {
        taking: Taking { fields, hints, early },
        name: String::new(),
    };
    match walk.object(line, 0) {
        Ok(()) | Err(Stopped::ByVisitor(Stop::Enough)) => true,
        Err(Stopped::ByVisitor(Stop::Drop)) => false,
        Err(Stopped::Malformed(what)) => {
            walk.taking.fail(JSON_ERR, Some(what));
            true
        }
    }
}

struct Walk<'f> {
    taking: Taking<'f>,
    /// Of the object at hand, sanitized.
    name: String,
}

impl Walk<'_> {
    fn object(&mut self, text: &str, depth: usize) -> Result<(), Stopped<Stop>> {
        let base = self.name.len();
        let mut inner = Ok(());
        let walked = object::fields(text, &mut |key, value, kind| {
            self.name.truncate(base);
            if depth > 0 {
                self.name.push('_');
            }
            sanitize(&mut self.name, key, depth == 0);
            match kind {
                Type::Null | Type::Array => Ok(()),
                Type::Object if depth >= DEPTH_MAX || !self.taking.hints.wants_prefix(&self.name) => Ok(()),
                Type::Object => match self.object(value, depth + 1) {
                    Err(Stopped::ByVisitor(stop)) => Err(stop),
                    Err(malformed) => {
                        inner = Err(malformed);
                        Err(Stop::Enough)
                    }
                    Ok(()) => Ok(()),
                },
                Type::Text => self.taking.take(&self.name, &text_of(value)),
                Type::Bool | Type::Number => self.taking.take(&self.name, value),
            }
        });
        self.name.truncate(base);
        inner.and(walked)
    }
}

/// A string's text, empty when it has wrong escapes.
pub(super) fn text_of(value: &str) -> Cow<'_, str> {
    let text = object::unescape(value).unwrap_or_default();
    match text.contains(char::REPLACEMENT_CHARACTER) {
        true => Cow::Owned(text.replace(char::REPLACEMENT_CHARACTER, " ")),
        false => text,
    }
}

/// What `| unpack` makes of a line.
pub(super) enum Unpacked {
    Keep,
    Drop,
    /// The line that was packed.
    Entry(String),
}

/// Takes the texts of a packed line.
pub(super) fn unpack(line: &str, fields: &mut Fields, hints: &Hints, early: &Early) -> Unpacked {
    if line.is_empty() {
        return Unpacked::Keep;
    }
    let mut taking = Taking { fields, hints, early };
    if !line.starts_with('{') {
        taking.fail(JSON_ERR, Some("expecting json object(6), but it is not"));
        return Unpacked::Keep;
    }
    let mut entry = None;
    let mut labels: Vec<(String, String)> = Vec::new();
    let walked = object::fields::<()>(line, &mut |key, value, kind| {
        match (kind, key) {
            (Type::Text, "_entry") => entry = Some(text_of(value).into_owned()),
            (Type::Text, key) => labels.push((key.to_owned(), text_of(value).into_owned())),
            _ => {}
        }
        Ok(())
    });
    if let Err(Stopped::Malformed(what)) = walked {
        taking.fail(JSON_ERR, Some(what));
        return Unpacked::Keep;
    }
    let Some(entry) = entry else {
        return Unpacked::Keep;
    };
    for (name, value) in labels {
        let mut clean = String::with_capacity(name.len());
        sanitize(&mut clean, &name, true);
        match taking.take(&clean, &value) {
            Ok(()) => {}
            Err(Stop::Enough) => break,
            Err(Stop::Drop) => return Unpacked::Drop,
        }
    }
    Unpacked::Entry(entry)
}

/// The name a label parsed from a line gets.
pub(super) fn free_name<'n>(fields: &Fields, name: &'n str) -> Cow<'n, str> {
    match fields.is_taken(name) {
        true => Cow::Owned(format!("{name}{DUPLICATE_SUFFIX}")),
        false => Cow::Borrowed(name),
    }
}
