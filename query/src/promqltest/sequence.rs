//! Sample sequences of scripts: `1 _ stale 1+2x3 _x2 {{count:1}}x2`. Not for the series before them.

use kymo_engine::metrics::STALE_NAN_BITS;

use crate::lex::duration;
use crate::number;

/// One element of a sequence.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Element {
    Omitted,
    Float(f64),
    /// A native histogram, in the words of the script.
    Histogram(String),
}

/// The elements of a sequence.
pub(super) fn parse(text: &str) -> Result<Vec<Element>, String> {
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

fn item(text: &str, out: &mut Vec<Element>) -> Result<(), String> {
    let bad = || format!("bad sample sequence {text:?}");
    if text.starts_with("{{") {
        let (base, times) = match text.rsplit_once("}}x") {
            Some((base, times)) => (
                format!("{base}}}}}"),
                times.parse::<usize>().map_err(|_| bad())? + 1,
            ),
            None => (text.to_owned(), 1),
        };
        out.extend(std::iter::repeat_n(Element::Histogram(base), times));
        return Ok(());
    }
    let (body, times) = match text.rsplit_once('x') {
        Some((body, times)) => (body, Some(times.parse::<usize>().map_err(|_| bad())?)),
        None => (text, None),
    };
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
        current += increment;
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
pub(super) fn value(text: &str) -> Option<f64> {
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
