//! Takes lines of `key=value` pairs apart. Only what every reader of logfmt takes the same way: keys of plain characters, values
//! bare or between double quotes, one or more spaces between pairs. Everything else is left as text.

use super::{BARE, QUOTED, Scanned, SlotName};
use crate::logs::class::{self, KEY, PLAIN, VALUE};

/// None when the line is not pairs only.
pub(super) fn scan(line: &[u8], out: &mut Scanned) -> Option<()> {
    let mut at = spaces(line, 0);
    while at < line.len() {
        let equals = class::end_of(line, at, KEY);
        if equals == at || line.get(equals) != Some(&b'=') {
            return None;
        }
        at = equals + 1;
        if line.get(at) == Some(&b'"') {
            let end = quoted_end(line, at)?;
            out.slot(line, at + 1, end - 1, QUOTED)?;
            at = end;
        } else {
            let end = class::end_of(line, at, VALUE);
            if end > at {
                out.slot(line, at, end, BARE)?;
            }
            at = end;
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

/// Behind the value that stands at `at` in the place of a marker, one between quotes without them.
pub(super) fn value_end(line: &[u8], at: usize, marker: u8) -> Option<usize> {
    if marker == QUOTED {
        return Some(quoted_end(line, at.checked_sub(1)?)? - 1);
    }
    let end = class::end_of(line, at, VALUE);
    (end > at).then_some(end)
}

/// Behind the quoted value that begins at `at`.
fn quoted_end(line: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at = class::end_of(line, at.min(line.len()), PLAIN);
        match line.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => return None,
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
