//! Names of metrics and labels from OTLP's, by the four strategies of Prometheus (`otlptranslator`).

use super::units::words;
use crate::config::{Otlp, Strategy};

/// What a metric is, as far as its name goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Gets `_ratio` when its unit is 1.
    Gauge,
    /// Gets `_total`.
    Counter,
    /// Gets its unit only.
    Other,
}

/// A character of metric names since ever; the underscore parts words.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == ':'
}

/// The name of a metric, empty when nothing of it is left.
pub(super) fn metric(strategy: Strategy, name: &str, unit: &str, shape: Shape) -> String {
    match (strategy.escapes(), strategy.suffixes()) {
        (true, true) => escaped_with_suffixes(name, unit, shape),
        (true, false) => not_a_digit_first(joined(name.split(|c| !is_plain(c) && c != '_'))),
        (false, true) => with_suffixes(name, unit, shape),
        (false, false) => name.to_owned(),
    }
}

fn joined<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("_")
}

fn not_a_digit_first(name: String) -> String {
    match name.chars().next() {
        Some(c) if c.is_ascii_digit() => format!("_{name}"),
        _ => name,
    }
}

/// Words joined by single underscores; a word that the unit or the type adds stands once, at the end.
fn escaped_with_suffixes(name: &str, unit: &str, shape: Shape) -> String {
    let mut tokens: Vec<&str> = name.split(|c| !is_plain(c)).filter(|t| !t.is_empty()).collect();
    let (main, per) = words(unit);
    let (main, per) = (cleaned(&main), cleaned(&per));
    let per = per.strip_prefix("per_").unwrap_or("");
    let main_is_new = !main.is_empty() && !tokens.contains(&main.as_str());
    let per_is_new = !per.is_empty() && !tokens.contains(&per);
    if main_is_new {
        let end = if per_is_new {
            main.trim_end_matches('_')
        } else {
            &main
        };
        tokens.push(end);
    }
    if per_is_new {
        tokens.extend(["per", per]);
    }
    if let Some(suffix) = shape.suffix(unit) {
        tokens.retain(|token| *token != suffix);
        tokens.push(suffix);
    }
    not_a_digit_first(tokens.join("_"))
}

impl Shape {
    fn suffix(self, unit: &str) -> Option<&'static str> {
        match self {
            Shape::Counter => Some("total"),
            Shape::Gauge if unit == "1" => Some("ratio"),
            _ => None,
        }
    }
}

/// A unit's words in the characters of old, without doubled and leading underscores.
fn cleaned(unit: &str) -> String {
    let mut out = String::new();
    for c in unit.chars() {
        let c = if is_plain(c) { c } else { '_' };
        if c != '_' || !out.ends_with('_') {
            out.push(c);
        }
    }
    out.trim_start_matches('_').to_owned()
}

/// The name as it is with unit and type behind it.
fn with_suffixes(name: &str, unit: &str, shape: Shape) -> String {
    let (main, per) = words(unit);
    let suffix = shape.suffix(unit).unwrap_or("");
    let name = without_suffix(without_suffix(name, suffix), &per);
    let mut out = name.to_owned();
    if !main.is_empty() && !out.ends_with(&main) {
        push_word(&mut out, &main);
    }
    push_word(&mut out, &per);
    push_word(&mut out, suffix);
    out
}

fn push_word(out: &mut String, word: &str) {
    if !word.is_empty() {
        out.push('_');
        out.push_str(word);
    }
}

/// The name without a suffix and the character that parts it.
fn without_suffix<'a>(name: &'a str, suffix: &str) -> &'a str {
    match name.strip_suffix(suffix) {
        Some(rest) if !suffix.is_empty() && !rest.is_empty() => {
            let mut chars = rest.chars();
            chars.next_back();
            chars.as_str()
        }
        _ => name,
    }
}

/// The unit of a metric family as its metadata has it.
pub(super) fn unit(strategy: Strategy, unit: &str) -> String {
    let (mut main, mut per) = words(unit);
    if strategy.escapes() {
        (main, per) = (cleaned(&main), cleaned(&per));
    }
    joined([main.as_str(), per.as_str()].into_iter())
}

/// The name of a label; `None` for one that cannot be one.
pub(super) fn label(settings: &Otlp, name: &str) -> Option<String> {
    if name.chars().all(|c| c == '_') {
        return None;
    }
    if !settings.strategy.escapes() {
        return Some(name.to_owned());
    }
    let kept = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let escaped: String = name.chars().map(kept).collect();
    let prefix = match escaped.as_bytes() {
        [first, ..] if first.is_ascii_digit() => "key_",
        [b'_', b'_', ..] => "",
        [b'_', ..] if settings.sanitize_underscore => "key",
        _ => "",
    };
    // A name of foreign characters alone would be underscores alone.
    if escaped.chars().all(|c| c == '_') {
        return None;
    }
    Some(format!("{prefix}{escaped}"))
}

#[cfg(test)]
mod tests;
