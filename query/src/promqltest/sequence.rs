//! Sample sequences of scripts: `1 _ stale 1+2x3 _x2 {{count:1}}x2`. Not for the series before them.

use std::sync::Arc;

use kymo_engine::metrics::STALE_NAN_BITS;

use super::histogram;
use crate::lex::duration;
use crate::number;
use crate::promql::histogram::FloatHistogram;

/// One element of a sequence.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Element {
    Omitted,
    Float(f64),
    Histogram {
        value: Arc<FloatHistogram>,
        /// The script names the counter reset hint.
        hinted: bool,
    },
}

/// Most elements of one sequence: scripts are read as a whole.
const ELEMENTS_MAX: usize = 1 << 20;
/// Most histograms of one sequence.
const HISTOGRAMS_MAX: usize = 1 << 14;

/// The elements of a sequence.
pub(crate) fn parse(text: &str) -> Result<Vec<Element>, String> {
    let mut out = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let len = item_len(rest)?;
        item(&rest[..len], &mut out)?;
        rest = rest[len..].trim_start();
    }
    Ok(out)
}

/// Length of the item at the start; blanks inside of `{{ }}` belong to it.
fn item_len(text: &str) -> Result<usize, String> {
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("{{") {
            at += rest
                .find("}}")
                .ok_or_else(|| format!("unclosed histogram in {text:?}"))?
                + 2;
        } else if rest.starts_with(char::is_whitespace) {
            break;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    Ok(at)
}

/// The number behind the last `x`, if the item has one behind its values.
fn repetition(text: &str, max: usize) -> Result<(&str, Option<usize>), String> {
    let behind = text.rfind("}}").map_or(0, |i| i + 2);
    let Some(at) = text[behind..].rfind('x').map(|i| behind + i) else {
        return Ok((text, None));
    };
    let (body, times) = (&text[..at], &text[at + 1..]);
    let times: usize = times
        .parse()
        .map_err(|_| format!("bad sample sequence {text:?}"))?;
    if times > max {
        return Err(format!("more than {max} elements in {text:?}"));
    }
    Ok((body, Some(times)))
}

fn item(text: &str, out: &mut Vec<Element>) -> Result<(), String> {
    let bad = || format!("bad sample sequence {text:?}");
    let max = match text.starts_with("{{") {
        true => HISTOGRAMS_MAX,
        false => ELEMENTS_MAX,
    };
    let (body, times) = repetition(text, max.saturating_sub(out.len()))?;
    if body.starts_with("{{") {
        return histograms(body, times, out);
    }
    if body == "_" {
        out.extend(std::iter::repeat_n(Element::Omitted, times.unwrap_or(1)));
        return Ok(());
    }
    let (start, increment) = match split(body) {
        Some((start, increment)) if times.is_some() => (value(start), value(increment)),
        _ => (value(body), Some(0.0)),
    };
    let (mut current, increment) = start.zip(increment).ok_or_else(bad)?;
    for _ in 0..=times.unwrap_or(0) {
        out.push(Element::Float(current));
        if increment != 0.0 {
            current += increment;
        }
    }
    Ok(())
}

/// `{{..}}`, `{{..}}xN`, `{{..}}+{{..}}xN`, `{{..}}-{{..}}xN`.
fn histograms(body: &str, times: Option<usize>, out: &mut Vec<Element>) -> Result<(), String> {
    let bad = || format!("bad sample sequence {body:?}");
    let end = body.find("}}").ok_or_else(bad)? + 2;
    let (base, hinted) = histogram::parse(&body[..end])?;
    let (op, increment) = match body[end..].chars().next() {
        None => (None, None),
        Some(op @ ('+' | '-')) => (Some(op), Some(histogram::parse(&body[end + 1..])?.0)),
        Some(_) => return Err(bad()),
    };
    let mut current = Arc::new(base);
    for i in 0..=times.unwrap_or(0) {
        if let Some(increment) = increment.as_ref().filter(|_| i > 0) {
            if current.schema > increment.schema {
                return Err(format!(
                    "error combining histograms: cannot merge from schema {} to {}",
                    increment.schema, current.schema
                ));
            }
            let mut next = FloatHistogram::clone(&current);
            let done = match op {
                Some('-') => next.subtract(increment),
                _ => next.add(increment),
            };
            done.map_err(|_| "error combining histograms: incompatible schemas".to_owned())?;
            current = Arc::new(next);
        }
        out.push(Element::Histogram {
            value: current.clone(),
            hinted,
        });
    }
    Ok(())
}

/// Splits `a+b` before its operator, which is no leading sign and no sign of an exponent.
fn split(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let at = (1..bytes.len())
        .find(|i| matches!(bytes[*i], b'+' | b'-') && !matches!(bytes[*i - 1], b'e' | b'E' | b'+' | b'-'))?;
    Some(text.split_at(at))
}

/// A number or a duration in seconds, or `stale`.
pub(crate) fn value(text: &str) -> Option<f64> {
    if text == "stale" {
        return Some(f64::from_bits(STALE_NAN_BITS));
    }
    let (sign, body) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    if body.starts_with(['-', '+']) {
        return None;
    }
    let magnitude =
        number::parse(body).or_else(|| duration::parse(body).ok().map(|ms| ms as f64 / 1000.0))?;
    Some(sign * magnitude)
}

/// The offsets of start timestamps from their samples, in milliseconds: `_`, `_xN`, `1m`, `-1mxN`, `1m+1mxN`.
pub(super) fn offsets(text: &str) -> Result<Vec<Option<i64>>, String> {
    let mut out: Vec<Option<i64>> = Vec::new();
    for item in text.split_whitespace() {
        let bad = || format!("bad start timestamps {item:?}");
        let (body, times) = match item.rsplit_once('x') {
            Some((body, times)) => (body, Some(times.parse::<usize>().map_err(|_| bad())?)),
            None => (item, None),
        };
        if times.unwrap_or(0) > ELEMENTS_MAX.saturating_sub(out.len()) {
            return Err(format!("more than {ELEMENTS_MAX} elements in {item:?}"));
        }
        if body == "_" {
            out.extend(std::iter::repeat_n(None, times.unwrap_or(1)));
            continue;
        }
        let millis = |text: &str| {
            let (sign, body) = match text.as_bytes().first()? {
                b'-' => (-1, &text[1..]),
                b'+' => (1, &text[1..]),
                _ => (1, text),
            };
            duration::parse(body).ok().map(|ms| sign * ms)
        };
        let (start, increment) = match split(body) {
            Some((start, increment)) if times.is_some() => (millis(start), millis(increment)),
            _ => (millis(body), Some(0)),
        };
        let (mut current, increment) = start.zip(increment).ok_or_else(bad)?;
        for _ in 0..=times.unwrap_or(0) {
            out.push(Some(current));
            current = current.saturating_add(increment);
        }
    }
    Ok(out)
}
