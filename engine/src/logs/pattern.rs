//! Patterns of lines: what stays of a line when what varies is left out. A function of the line alone, so that counts by pattern
//! are the same wherever lines lie. Not the templates of columns, which depend on what stands beside a line.

use super::line::{ARRAY, BARE, LineKind, QUOTED, Scanned};
use super::values::{Slots, split};

/// What stands for what varies.
pub const ANYTHING: &str = "<_>";

/// Longest pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 1024;

/// Makes patterns of lines, with buffers that all lines share.
#[derive(Debug, Default)]
pub struct Patterns {
    scanned: Scanned,
    template: Vec<u8>,
    places: Vec<(u32, u32)>,
    pattern: Vec<u8>,
}

impl Patterns {
    /// The pattern of a line: values of JSON and logfmt and words with digits are left out, words of texts stay.
    pub fn of(&mut self, line: &[u8]) -> &[u8] {
        self.pattern.clear();
        if self.scanned.scan(line) == LineKind::Text {
            self.text(line);
        } else {
            let skeleton = std::mem::take(&mut self.scanned.skeleton);
            let slots = std::mem::take(&mut self.scanned.slots);
            let mut values = slots.iter();
            for byte in &skeleton {
                match *byte {
                    QUOTED | BARE | ARRAY => {
                        let value = values
                            .next()
                            .map(|(from, to)| &line[*from as usize..*to as usize]);
                        self.value(value.unwrap_or_default());
                    }
                    byte => self.pattern.push(byte),
                }
            }
            (self.scanned.skeleton, self.scanned.slots) = (skeleton, slots);
        }
        if self.pattern.len() > PATTERN_BYTES_MAX {
            self.cut();
        }
        &self.pattern
    }

    /// Leaves out what is beyond the longest pattern. The mark for it never follows another one, of which none is cut in two.
    fn cut(&mut self) {
        let mut len = PATTERN_BYTES_MAX;
        while len > 0
            && (self.pattern[len] & 0xc0 == 0x80 || matches!(self.pattern[len - 1], b'<' | b'_' | b'>'))
        {
            len -= 1;
        }
        self.pattern.truncate(len);
        self.pattern.extend_from_slice(ANYTHING.as_bytes());
    }

    /// A value that is a text of several words has a pattern of its own.
    fn value(&mut self, value: &[u8]) {
        match value.contains(&b' ') {
            true => self.text(value),
            false => self.pattern.extend_from_slice(ANYTHING.as_bytes()),
        }
    }

    fn text(&mut self, text: &[u8]) {
        if split(text, Slots::Words, &mut self.template, &mut self.places).is_none() {
            return self.pattern.extend_from_slice(ANYTHING.as_bytes());
        }
        for byte in &self.template {
            match *byte {
                BARE => self.pattern.extend_from_slice(ANYTHING.as_bytes()),
                byte => self.pattern.push(byte),
            }
        }
    }
}

#[cfg(test)]
mod tests;
