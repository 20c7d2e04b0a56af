//! What a line consists of: its skeleton, which lines of one kind share, and the values that stand in its slots. Skeleton and
//! values give the line back byte for byte: white space, order of keys, spelling of numbers and escapes are in one or the other.
//!
//! Not a parser of any query language: what `| json` or `| logfmt` make of a line is for `query` to say.

mod course;
mod json;
mod logfmt;

pub(super) use course::Course;
pub(super) use json::unescape;

/// In a skeleton: a value between quotes, without them.
pub const QUOTED: u8 = 0;
/// In a skeleton: a value as it stands, such as a number.
pub const BARE: u8 = 1;
/// In a skeleton: a JSON array as it stands.
pub const ARRAY: u8 = 2;

/// Most levels of objects that are taken apart.
const DEPTH_MAX: usize = 16;
/// Most slots of a line.
const SLOTS_MAX: usize = 1_000;

/// What a line was taken apart as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum LineKind {
    /// Not taken apart: one slot.
    Text = 0,
    /// A JSON object.
    Json = 1,
    /// Pairs of key and value only.
    Logfmt = 2,
}

impl LineKind {
    pub(super) fn from_number(n: u8) -> Option<LineKind> {
        [LineKind::Text, LineKind::Json, LineKind::Logfmt]
            .get(usize::from(n))
            .copied()
    }
}

/// What a slot of a line stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SlotName {
    /// A whole line.
    Text,
    /// A member of a JSON object by its path of keys, unescaped, and how its value stands there ([`QUOTED`], [`BARE`],
    /// [`ARRAY`]).
    Json(Vec<String>, u8),
    /// A value of logfmt by its key, and how it stands there.
    Logfmt(String, u8),
}

/// A line taken apart. Made once and filled again for each line.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// The line with a marker in place of each value.
    pub(super) skeleton: Vec<u8>,
    /// Where the values are in the line.
    pub(super) slots: Vec<(u32, u32)>,
    copied: usize,
}

impl Scanned {
    fn clear(&mut self) {
        self.skeleton.clear();
        self.slots.clear();
        self.copied = 0;
    }

    #[inline]
    fn slot(&mut self, line: &[u8], from: usize, to: usize, marker: u8) -> Option<()> {
        if self.slots.len() >= SLOTS_MAX {
            return None;
        }
        self.skeleton.extend_from_slice(&line[self.copied..from]);
        self.skeleton.push(marker);
        self.slots.push((from as u32, to as u32));
        self.copied = to;
        Some(())
    }

    fn finish(&mut self, line: &[u8]) {
        self.skeleton.extend_from_slice(&line[self.copied..]);
        self.copied = line.len();
    }

    /// Takes a line apart.
    pub(super) fn scan(&mut self, line: &[u8]) -> LineKind {
        self.clear();
        let first = line.iter().copied().find(|b| !b.is_ascii_whitespace());
        let kind = match first {
            Some(b'{') => json::scan(line, self).map(|()| LineKind::Json),
            Some(_) => logfmt::scan(line, self).map(|()| LineKind::Logfmt),
            None => None,
        };
        if let Some(kind) = kind.filter(|_| is_split_text(line)) {
            self.finish(line);
            return kind;
        }
        self.whole(line);
        LineKind::Text
    }

    /// Takes a line as one slot.
    pub(super) fn whole(&mut self, line: &[u8]) {
        self.clear();
        self.skeleton.push(BARE);
        self.slots.push((0, line.len() as u32));
        self.copied = line.len();
    }
}

/// What is between quotes and what stands bare is only split where lines are text.
fn is_split_text(line: &[u8]) -> bool {
    line.is_ascii() || std::str::from_utf8(line).is_ok()
}

/// What the slots of a skeleton stand for, in their order.
pub(super) fn slot_names(kind: LineKind, skeleton: &[u8]) -> Option<Vec<SlotName>> {
    match kind {
        LineKind::Text => (skeleton == [BARE]).then(|| vec![SlotName::Text]),
        LineKind::Json => json::slot_names(skeleton),
        LineKind::Logfmt => logfmt::slot_names(skeleton),
    }
}

#[cfg(test)]
mod tests;
