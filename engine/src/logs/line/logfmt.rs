//! Takes lines of `key=value` pairs apart. Only what every reader of logfmt takes the same way: keys of plain characters, values
//! bare or between double quotes, one or more spaces between pairs. Everything else is left as text.

use super::{BARE, QUOTED, Scanned, SlotName};

/// None when the line is not pairs only.
pub(super) fn scan(line: &[u8], out: &mut Scanned) -> Option<()> {
    let mut at = spaces(line, 0);
    while at < line.len() {
        let equals = at + line[at..].iter().position(|b| !is_key(*b))?;
        if equals == at || line[equals] != b'=' {
            return None;
        }
        at = equals + 1;
        if line.get(at) == Some(&b'"') {
            let end = quoted_end(line, at)?;
            out.slot(line, at + 1, end - 1, QUOTED)?;
            at = end;
        } else {
            let len = line[at..]
                .iter()
                .position(|b| !is_value(*b))
                .unwrap_or(line.len() - at);
            if len > 0 {
                out.slot(line, at, at + len, BARE)?;
            }
            at += len;
        }
        let next = spaces(line, at);
        if next == at && at < line.len() {
            return None;
        }
        at = next;
    }
    (!out.slots.is_empty()).then_some(())
}

fn spaces(line: &[u8], mut at: usize) -> usize {
    while line.get(at) == Some(&b' ') {
        at += 1;
    }
    at
}

fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'/' | b'@')
}

fn is_value(byte: u8) -> bool {
    byte > b' ' && byte != b'"' && byte != b'=' && byte != 0x7f
}

/// Behind the quoted value that begins at `at`.
fn quoted_end(line: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        match *line.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            0..0x20 => return None,
            _ => at += 1,
        }
    }
}

/// What the slots of a skeleton that [`scan`] made stand for.
pub(super) fn slot_names(skeleton: &[u8]) -> Option<Vec<SlotName>> {
    let mut names = Vec::new();
    let mut key_from = 0;
    for (at, byte) in skeleton.iter().enumerate() {
        match *byte {
            b' ' => key_from = at + 1,
            marker @ (QUOTED | BARE) => {
                let key = skeleton[key_from..at].split(|b| *b == b'=').next()?;
                names.push(SlotName::Logfmt(
                    String::from_utf8_lossy(key).into_owned(),
                    marker,
                ));
            }
            _ => {}
        }
    }
    Some(names)
}
