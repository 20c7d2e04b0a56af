//! Takes a line apart along a skeleton that lines before it had: what stands between values is compared instead of read. Gives
//! what taking the line apart by itself would give, or nothing. Not for finding out what kind of line it is.

use super::{ARRAY, BARE, LineKind, QUOTED, is_split_text, json, logfmt};

/// A skeleton, to be followed.
#[derive(Debug)]
pub(in crate::logs) struct Course {
    kind: LineKind,
    /// The text of the skeleton without markers.
    text: Box<[u8]>,
    /// Where the text before each value ends, and how the value stands there.
    values: Box<[(u32, u8)]>,
}

impl Course {
    /// None for the skeleton of lines that are not taken apart.
    pub(in crate::logs) fn of(kind: LineKind, skeleton: &[u8]) -> Option<Course> {
        let is_marker = |b: &u8| matches!(*b, QUOTED | BARE | ARRAY);
        let (mut text, mut values) = (Vec::with_capacity(skeleton.len()), Vec::new());
        for byte in skeleton {
            match is_marker(byte) {
                true => values.push((text.len() as u32, *byte)),
                false => text.push(*byte),
            }
        }
        (kind != LineKind::Text).then(|| Course {
            kind,
            text: text.into(),
            values: values.into(),
        })
    }

    /// True when the line has this skeleton; then `slots` are where its values are.
    pub(in crate::logs) fn follow(&self, line: &[u8], slots: &mut Vec<(u32, u32)>) -> bool {
        slots.clear();
        let (mut at, mut compared) = (0, 0);
        for (until, marker) in &self.values {
            let between = &self.text[compared..*until as usize];
            compared = *until as usize;
            if !line[at..].starts_with(between) {
                return false;
            }
            at += between.len();
            let end = match self.kind {
                LineKind::Json => json::value_end(line, at, *marker),
                _ => logfmt::value_end(line, at, *marker),
            };
            let Some(end) = end else { return false };
            slots.push((at as u32, end as u32));
            at = end;
        }
        line[at..] == self.text[compared..] && is_split_text(line)
    }
}
