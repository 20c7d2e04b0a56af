//! What begins with `(?`: names of groups, and flags.

use super::{Checked, Parser};

const INVALID_NAME: &str = "invalid named capture";

impl Parser<'_> {
    /// `(?...` here; true when it opens a group, false when it sets flags only.
    pub(super) fn flags(&mut self) -> Checked<bool> {
        let from = self.at;
        let rest = self.rest();
        let name = match rest.len() {
            len if len > 4 && rest.starts_with("(?P<") => Some(4),
            len if len > 3 && rest.starts_with("(?<") => Some(3),
            _ => None,
        };
        if let Some(start) = name {
            return self.name(from, start).map(|()| true);
        }
        self.at += 2;
        let (mut negated, mut seen) = (false, false);
        while let Some(c) = self.next() {
            match c {
                'i' | 'm' | 's' | 'U' => seen = true,
                '-' if !negated => (negated, seen) = (true, false),
                ':' | ')' if !negated || seen => return Ok(c == ':'),
                _ => break,
            }
        }
        self.fail("invalid or unsupported Perl syntax", from)
    }

    fn name(&mut self, from: usize, start: usize) -> Checked<()> {
        let Some(end) = self.rest().find('>') else {
            self.at = self.pattern.len();
            return self.fail(INVALID_NAME, from);
        };
        let name = self.rest().get(start..end).unwrap_or("");
        self.at += end + 1;
        let valid = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if valid {
            Ok(())
        } else {
            self.fail(INVALID_NAME, from)
        }
    }
}
