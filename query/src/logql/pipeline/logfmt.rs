//! `| logfmt`: pairs of a line become labels.

use std::borrow::Cow;

use super::fields::{Fields, Kind, sanitize};
use super::hints::{Early, Hints};
use super::json::free_name;
use super::parsed::{Stop, Taking};
use crate::logql::ast::LogfmtParser;

const LOGFMT_ERR: &str = "LogfmtParserErr";

/// Pairs of a line, one after the other.
struct Pairs<'l> {
    line: &'l str,
    at: usize,
}

/// What stands where a pair is looked for.
enum Pair<'l> {
    Is(&'l str, Cow<'l, str>),
    /// No pair, with what is wrong.
    Broken(String),
}

impl<'l> Pairs<'l> {
    fn next(&mut self) -> Option<Pair<'l>> {
        let bytes = self.line.as_bytes();
        self.at += bytes[self.at..].iter().take_while(|b| **b <= b' ').count();
        if self.at >= bytes.len() {
            return None;
        }
        let start = self.at;
        let ends = |b: &u8| *b <= b' ' || matches!(b, b'=' | b'"');
        let len = bytes[start..].iter().position(ends);
        self.at = len.map_or(bytes.len(), |len| start + len);
        let key = &self.line[start..self.at];
        match bytes.get(self.at) {
            Some(b'=') if key.is_empty() => return Some(self.unexpected('=')),
            Some(b'"') => return Some(self.unexpected('"')),
            Some(b'=') => self.at += 1,
            _ => return Some(self.pair(key, Cow::Borrowed(""))),
        }
        if bytes.get(self.at) == Some(&b'"') {
            return Some(self.quoted(key));
        }
        let start = self.at;
        let len = bytes[start..].iter().position(ends);
        self.at = len.map_or(bytes.len(), |len| start + len);
        match bytes.get(self.at) {
            Some(b'=') => Some(self.unexpected('=')),
            Some(b'"') => Some(self.unexpected('"')),
            _ => Some(self.pair(key, Cow::Borrowed(&self.line[start..self.at]))),
        }
    }

    fn pair(&self, key: &'l str, value: Cow<'l, str>) -> Pair<'l> {
        if key.contains(char::REPLACEMENT_CHARACTER) {
            return self.broken("invalid key");
        }
        Pair::Is(key, value)
    }

    fn broken(&self, what: &str) -> Pair<'l> {
        Pair::Broken(format!("logfmt syntax error at pos {} : {what}", self.at + 1))
    }

    /// Tells of a sign that cannot stand here, and goes on behind the next blank.
    fn unexpected(&mut self, sign: char) -> Pair<'l> {
        let broken = self.broken(&format!("unexpected '{sign}'"));
        let rest = &self.line.as_bytes()[self.at..];
        self.at += rest.iter().position(|b| *b <= b' ').unwrap_or(rest.len());
        broken
    }

    /// A value in quotes.
    fn quoted(&mut self, key: &'l str) -> Pair<'l> {
        let bytes = self.line.as_bytes();
        let start = self.at + 1;
        let (mut at, mut escaped) = (start, false);
        loop {
            match memchr::memchr2(b'"', b'\\', &bytes[at.min(bytes.len())..]) {
                Some(len) if bytes[at + len] == b'"' => {
                    at += len;
                    break;
                }
                Some(len) => {
                    escaped = true;
                    at += len + 2;
                }
                None => {
                    self.at = bytes.len();
                    return self.broken("unterminated quoted value");
                }
            }
        }
        self.at = at + 1;
        let value = &self.line[start..at];
        if !escaped {
            return self.pair(key, Cow::Borrowed(value));
        }
        match unquote(value) {
            Some(value) => self.pair(key, Cow::Owned(value)),
            None => self.broken("invalid quoted value"),
        }
    }
}

/// Text of a quoted value: escapes of JSON and of Go.
fn unquote(value: &str) -> Option<String> {
    match super::object::unescape(value) {
        Some(text) => Some(text.into_owned()),
        None => crate::lex::string::read(&format!("\"{value}\""))
            .ok()
            .map(|(_, text)| text),
    }
}

fn clean(value: Cow<'_, str>) -> Cow<'_, str> {
    match value.contains(char::REPLACEMENT_CHARACTER) {
        true => Cow::Owned(value.replace(char::REPLACEMENT_CHARACTER, " ")),
        false => value,
    }
}

/// Shows each pair of a line until `visit` is false.
pub(super) fn pairs<'l>(line: &'l str, visit: &mut dyn FnMut(&str, Cow<'l, str>) -> bool) {
    let mut pairs = Pairs { line, at: 0 };
    while let Some(pair) = pairs.next() {
        if let Pair::Is(key, value) = pair
            && !visit(key, clean(value))
        {
            return;
        }
    }
}

/// Takes the pairs of a line; false drops the line.
pub(super) fn logfmt(
    line: &str,
    options: &LogfmtParser,
    fields: &mut Fields,
    hints: &Hints,
    early: &Early,
) -> bool {
    if hints.nothing || hints.is_enough(fields.found) {
        return true;
    }
    let mut taking = Taking { fields, hints, early };
    let mut pairs = Pairs { line, at: 0 };
    let mut name = String::new();
    while let Some(pair) = pairs.next() {
        match pair {
            Pair::Broken(what) if options.strict => {
                taking.fail(LOGFMT_ERR, Some(&what));
                return true;
            }
            Pair::Broken(_) => {}
            Pair::Is(_, value) if value.is_empty() && !options.keep_empty => {}
            Pair::Is(key, value) => {
                name.clear();
                sanitize(&mut name, key, true);
                match taking.take(&name, &clean(value)) {
                    Ok(()) => {}
                    Err(Stop::Enough) => return true,
                    Err(Stop::Drop) => return false,
                }
            }
        }
    }
    true
}

/// Takes the pairs that are asked for under other names, of several with one key the last; a label whose key is not there is
/// empty, unless its name is taken.
pub(super) fn logfmt_fields(line: &str, options: &LogfmtParser, fields: &mut Fields, hints: &Hints) {
    if hints.nothing {
        return;
    }
    let names: Vec<Cow<'_, str>> = options
        .fields
        .iter()
        .map(|(name, _)| free_name(fields, name))
        .collect();
    for (name, _) in &options.fields {
        if !fields.is_taken(name) {
            fields.set(Kind::Parsed, name, "");
        }
    }
    let early = Early::default();
    let mut taking = Taking {
        fields,
        hints,
        early: &early,
    };
    let mut pairs = Pairs { line, at: 0 };
    let mut clean_key = String::new();
    while let Some(pair) = pairs.next() {
        match pair {
            Pair::Broken(what) if options.strict => return taking.fail(LOGFMT_ERR, Some(&what)),
            Pair::Broken(_) => {}
            Pair::Is(key, value) => {
                clean_key.clear();
                sanitize(&mut clean_key, key, false);
                let wanted = options.fields.iter().enumerate();
                for (n, _) in wanted.filter(|(_, (_, of))| *of == clean_key || of == key) {
                    taking.fields.set(Kind::Parsed, &names[n], &clean(value.clone()));
                }
            }
        }
    }
}
