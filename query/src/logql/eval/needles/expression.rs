//! Texts that every match of a regular expression holds. Letters of either case count as one: stores compare without case.

use kymo_engine::metrics::re2;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::{All, TEXTS_MAX, best};

/// Expressions in expressions that are looked at.
const DEPTH_MAX: usize = 32;

/// Conditions of which each holds for every match of an expression; none when nothing is known.
pub(super) fn texts(pattern: &str) -> All {
    let parsed = re2::translate(pattern).and_then(|text| regex_syntax::Parser::new().parse(&text).ok());
    parsed.map(|hir| of(&hir, 0)).unwrap_or_default()
}

fn of(hir: &Hir, depth: usize) -> All {
    if depth > DEPTH_MAX {
        return Vec::new();
    }
    match hir.kind() {
        HirKind::Literal(_) | HirKind::Class(_) => sequence(std::slice::from_ref(hir), depth),
        HirKind::Concat(parts) => sequence(parts, depth),
        HirKind::Capture(capture) => of(&capture.sub, depth + 1),
        HirKind::Repetition(repetition) if repetition.min > 0 => of(&repetition.sub, depth + 1),
        HirKind::Alternation(parts) => {
            let any: Option<Vec<Vec<String>>> = parts.iter().map(|part| best(of(part, depth + 1))).collect();
            match any.map(|any| any.concat()) {
                Some(any) if any.len() <= TEXTS_MAX => vec![any],
                _ => Vec::new(),
            }
        }
        HirKind::Empty | HirKind::Look(_) | HirKind::Repetition(_) => Vec::new(),
    }
}

/// Literals that stand beside each other are one text.
fn sequence(parts: &[Hir], depth: usize) -> All {
    let mut all = Vec::new();
    let mut text: Vec<u8> = Vec::new();
    for part in parts {
        match literal(part) {
            Some(bytes) => text.extend_from_slice(&bytes),
            None => {
                flush(&mut text, &mut all);
                // What looks around takes no room, but texts beside it are told apart all the same.
                if !matches!(part.kind(), HirKind::Class(_)) {
                    all.extend(of(part, depth + 1));
                }
            }
        }
    }
    flush(&mut text, &mut all);
    all
}

fn flush(text: &mut Vec<u8>, all: &mut All) {
    if let Ok(text) = String::from_utf8(std::mem::take(text))
        && !text.is_empty()
    {
        all.push(vec![text]);
    }
}

/// The bytes of a literal, or of a letter in either case.
fn literal(hir: &Hir) -> Option<Vec<u8>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(literal.0.to_vec()),
        HirKind::Class(Class::Unicode(class)) => {
            let [upper, lower] = class.ranges() else {
                return None;
            };
            let (a, b) = (upper.start(), lower.start());
            let single = upper.start() == upper.end() && lower.start() == lower.end();
            let one_letter = a.is_ascii_uppercase() && a.to_ascii_lowercase() == b;
            (single && one_letter).then(|| vec![b as u8])
        }
        _ => None,
    }
}
