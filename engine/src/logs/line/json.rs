//! Takes JSON objects apart: strings and scalars of every depth are slots, an array is one slot, keys and white space stay in
//! the skeleton. Strict by RFC 8259: what is not valid JSON is not taken apart.

use super::{ARRAY, BARE, DEPTH_MAX, QUOTED, Scanned, SlotName};
use crate::logs::class::{self, PLAIN};

/// None when the line is not exactly one JSON object.
pub(super) fn scan(line: &[u8], out: &mut Scanned) -> Option<()> {
    let mut at = space(line, 0);
    if line.get(at) != Some(&b'{') {
        return None;
    }
    at += 1;
    let mut depth = 1;
    let mut is_first = true;
    loop {
        at = space(line, at);
        if line.get(at) == Some(&b'}') {
            at += 1;
            depth -= 1;
            is_first = false;
            if depth == 0 {
                break;
            }
            continue;
        }
        if !is_first {
            (line.get(at) == Some(&b',')).then_some(())?;
            at = space(line, at + 1);
        }
        at = space(line, string_end(line, at)?);
        (line.get(at) == Some(&b':')).then_some(())?;
        at = space(line, at + 1);
        is_first = false;
        match line.get(at)? {
            b'"' => {
                let end = string_end(line, at)?;
                out.slot(line, at + 1, end - 1, QUOTED)?;
                at = end;
            }
            b'{' if depth < DEPTH_MAX => {
                depth += 1;
                at += 1;
                is_first = true;
            }
            b'{' => return None,
            b'[' => {
                let end = array_end(line, at, 0)?;
                out.slot(line, at, end, ARRAY)?;
                at = end;
            }
            _ => {
                let end = scalar_end(line, at)?;
                out.slot(line, at, end, BARE)?;
                at = end;
            }
        }
    }
    (space(line, at) == line.len()).then_some(())
}

fn space(line: &[u8], mut at: usize) -> usize {
    while matches!(line.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// Behind the string that begins at `at`.
fn string_end(line: &[u8], at: usize) -> Option<usize> {
    if line.get(at) != Some(&b'"') {
        return None;
    }
    let mut at = at + 1;
    loop {
        at = class::end_of(line, at, PLAIN);
        match line.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => {
                at += match line.get(at + 1)? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
                    b'u' => {
                        let digits = line.get(at + 2..at + 6)?;
                        digits.iter().all(u8::is_ascii_hexdigit).then_some(6)?
                    }
                    _ => return None,
                };
            }
            _ => return None,
        }
    }
}

/// Behind the number or word that begins at `at`.
fn scalar_end(line: &[u8], at: usize) -> Option<usize> {
    for word in [&b"true"[..], b"false", b"null"] {
        if line[at..].starts_with(word) {
            return Some(at + word.len());
        }
    }
    let digits = |mut at: usize| {
        let from = at;
        while line.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        (at > from).then_some(at)
    };
    let from = at + usize::from(line.get(at) == Some(&b'-'));
    let mut at = digits(from)?;
    if line[from] == b'0' && at > from + 1 {
        return None;
    }
    if line.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    if matches!(line.get(at), Some(b'e' | b'E')) {
        let signed = usize::from(matches!(line.get(at + 1), Some(b'+' | b'-')));
        at = digits(at + 1 + signed)?;
    }
    Some(at)
}

/// Behind the value that stands at `at` in the place of a marker, a string without its quotes.
pub(super) fn value_end(line: &[u8], at: usize, marker: u8) -> Option<usize> {
    match marker {
        QUOTED => Some(string_end(line, at.checked_sub(1)?)? - 1),
        ARRAY => (line.get(at) == Some(&b'[')).then(|| array_end(line, at, 0))?,
        _ => scalar_end(line, at),
    }
}

fn inner_end(line: &[u8], at: usize, depth: usize) -> Option<usize> {
    match line.get(at)? {
        b'"' => string_end(line, at),
        b'[' => array_end(line, at, depth + 1),
        b'{' => object_end(line, at, depth + 1),
        _ => scalar_end(line, at),
    }
}

fn array_end(line: &[u8], at: usize, depth: usize) -> Option<usize> {
    if depth > DEPTH_MAX {
        return None;
    }
    let mut at = space(line, at + 1);
    if line.get(at) == Some(&b']') {
        return Some(at + 1);
    }
    loop {
        at = space(line, inner_end(line, at, depth)?);
        match line.get(at)? {
            b',' => at = space(line, at + 1),
            b']' => return Some(at + 1),
            _ => return None,
        }
    }
}

fn object_end(line: &[u8], at: usize, depth: usize) -> Option<usize> {
    if depth > DEPTH_MAX {
        return None;
    }
    let mut at = space(line, at + 1);
    if line.get(at) == Some(&b'}') {
        return Some(at + 1);
    }
    loop {
        at = space(line, string_end(line, at)?);
        if line.get(at) != Some(&b':') {
            return None;
        }
        at = space(line, inner_end(line, space(line, at + 1), depth)?);
        match line.get(at)? {
            b',' => at = space(line, at + 1),
            b'}' => return Some(at + 1),
            _ => return None,
        }
    }
}

/// What the slots of a skeleton that [`scan`] made stand for.
pub(super) fn slot_names(skeleton: &[u8]) -> Option<Vec<SlotName>> {
    let mut names = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut at = space(skeleton, 0) + 1;
    let mut key = None;
    while let Some(byte) = skeleton.get(at) {
        match *byte {
            b'"' if key.is_none() => {
                let end = string_end(skeleton, at)?;
                key = Some(unescape(&skeleton[at + 1..end - 1]));
                at = end;
                continue;
            }
            marker @ (QUOTED | BARE | ARRAY) => {
                let mut full = path.clone();
                full.push(key.take()?);
                names.push(SlotName::Json(full, marker));
                // The closing quote of a value begins no key.
                at += usize::from(marker == QUOTED);
            }
            b'{' => path.push(key.take()?),
            b'}' => drop(path.pop()),
            _ => {}
        }
        at += 1;
    }
    Some(names)
}

/// The text of a JSON string, escapes resolved; halves of surrogate pairs become U+FFFD.
pub(in crate::logs) fn unescape(raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(back) = rest.iter().position(|b| *b == b'\\') {
        text.push_str(&String::from_utf8_lossy(&rest[..back]));
        let (c, used) = escape(&rest[back..]);
        text.push(c);
        rest = &rest[(back + used).min(rest.len())..];
    }
    text.push_str(&String::from_utf8_lossy(rest));
    text
}

fn escape(at: &[u8]) -> (char, usize) {
    let unit = |at: &[u8]| {
        let digits = at.get(..6).filter(|d| d.starts_with(b"\\u"))?;
        u32::from_str_radix(std::str::from_utf8(&digits[2..]).ok()?, 16).ok()
    };
    match at.get(1) {
        Some(b'n') => ('\n', 2),
        Some(b't') => ('\t', 2),
        Some(b'r') => ('\r', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'u') => match (unit(at), at.get(6..).and_then(unit)) {
            (Some(high @ 0xd800..0xdc00), Some(low @ 0xdc00..0xe000)) => {
                let c = char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00));
                (c.unwrap_or('\u{fffd}'), 12)
            }
            (Some(unit), _) => (char::from_u32(unit).unwrap_or('\u{fffd}'), 6),
            (None, _) => ('\u{fffd}', 2),
        },
        Some(other) => (char::from(*other), 2),
        None => ('\u{fffd}', 1),
    }
}
