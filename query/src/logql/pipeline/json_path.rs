//! `| json name="path"`: single values by their path.

use std::borrow::Cow;

use super::fields::{Fields, Kind};
use super::hints::{Early, Hints};
use super::json::{JSON_ERR, free_name, text_of};
use super::object::{self, Stopped, Type};
use super::parsed::Taking;

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(usize),
}

/// Where a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path(Vec<Step>);

impl Path {
    /// From `a.b[0]["c d"]`.
    pub(super) fn parse(path: &str) -> Result<Path, String> {
        steps(path).map(Path)
    }

    /// A field of the object itself, whatever its name.
    pub(super) fn field(name: &str) -> Path {
        Path(vec![Step::Field(name.to_owned())])
    }
}

/// The value at a path as a label has it; none where it leads nowhere or to `null`.
pub(super) fn find_text<'t>(line: &'t str, path: &Path) -> Option<Cow<'t, str>> {
    match find(line, Type::Object, &path.0) {
        Ok(Some((_, Type::Null)) | None) | Err(_) => None,
        Ok(Some((value, Type::Text))) => Some(text_of(value)),
        Ok(Some((value, _))) => Some(Cow::Borrowed(value)),
    }
}

/// A label and where its value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JsonPath {
    name: String,
    steps: Vec<Step>,
}

impl JsonPath {
    /// From `a.b[0]["c d"]`.
    pub(super) fn parse(name: &str, path: &str) -> Result<JsonPath, String> {
        let steps = steps(path).map_err(|what| format!("cannot parse expression [{path}]: {what}"))?;
        Ok(JsonPath {
            name: name.to_owned(),
            steps,
        })
    }
}

fn steps(path: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut rest = path.trim();
    if rest.is_empty() {
        return Err("syntax error: unexpected $end".to_owned());
    }
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (step, behind) = bracket(inner)?;
            steps.push(step);
            rest = behind;
            continue;
        }
        let dot = usize::from(!steps.is_empty());
        if dot == 1 && !rest.starts_with('.') {
            return Err(unexpected(rest));
        }
        let field = &rest[dot..];
        let len = field
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(field.len());
        if len == 0 || field.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(unexpected(field));
        }
        steps.push(Step::Field(field[..len].to_owned()));
        rest = &field[len..];
    }
    Ok(steps)
}

fn unexpected(rest: &str) -> String {
    match rest.chars().next() {
        Some(c) => format!("syntax error: unexpected {c:?}"),
        None => "syntax error: unexpected $end".to_owned(),
    }
}

/// The step in brackets, behind the opening one.
fn bracket(inner: &str) -> Result<(Step, &str), String> {
    let (step, behind) = if inner.starts_with('"') {
        let (len, field) = crate::lex::string::read(inner).map_err(|e| e.to_string())?;
        (Step::Field(field), &inner[len..])
    } else {
        let digits = inner.bytes().take_while(u8::is_ascii_digit).count();
        let index = inner[..digits].parse().map_err(|_| unexpected(inner))?;
        (Step::Index(index), &inner[digits..])
    };
    let behind = behind.strip_prefix(']').ok_or_else(|| unexpected(behind))?;
    Ok((step, behind))
}

/// The value at a path.
fn find<'t>(
    mut text: &'t str,
    mut kind: Type,
    steps: &[Step],
) -> Result<Option<(&'t str, Type)>, &'static str> {
    for step in steps {
        let mut found = None;
        match (step, kind) {
            (Step::Field(name), Type::Object) => {
                let mut is_at = false;
                let walked = object::walk(text, &mut |key| is_at = key == name, &mut |key, value, kind| {
                    if key == name {
                        found = Some((value, kind));
                        return Err(());
                    }
                    Ok(())
                });
                // What is wrong elsewhere in the line is not looked at.
                if let (Err(Stopped::Malformed(what)), true) = (walked, is_at) {
                    return Err(what);
                }
            }
            (Step::Index(index), Type::Array) => {
                let mut n = 0;
                object::elements(text, &mut |value, kind| {
                    if n == *index {
                        found = Some((value, kind));
                    }
                    n += 1;
                    found.is_none()
                })?;
            }
            _ => {}
        }
        let Some(next) = found else {
            return Ok(None);
        };
        (text, kind) = next;
    }
    Ok(Some((text, kind)))
}

/// Takes the values at some paths; a label whose path leads nowhere is empty, unless its name is taken.
pub(super) fn json_paths(line: &str, paths: &[JsonPath], fields: &mut Fields, hints: &Hints) {
    if line.is_empty() || hints.nothing {
        return;
    }
    let root = match line.as_bytes()[line.len() - line.trim_start().len()..].first() {
        Some(b'{') => Type::Object,
        Some(b'[') => Type::Array,
        Some(b'"') => Type::Text,
        _ => return fail(fields, hints, None),
    };
    for path in paths {
        let name = free_name(fields, &path.name);
        match find(line, root, &path.steps) {
            Ok(None) if fields.get(&path.name).is_some() => {}
            Ok(Some((_, Type::Null)) | None) => fields.set(Kind::Parsed, &name, ""),
            Ok(Some((value, Type::Text))) => {
                fields.set(Kind::Parsed, &name, &text_of(value));
            }
            Ok(Some((value, _))) => fields.set(Kind::Parsed, &name, value),
            Err(what) => {
                fields.set(Kind::Parsed, &name, "");
                fail(fields, hints, Some(what));
            }
        }
    }
}

fn fail(fields: &mut Fields, hints: &Hints, details: Option<&str>) {
    let early = &Early::default();
    Taking { fields, hints, early }.fail(JSON_ERR, details);
}
