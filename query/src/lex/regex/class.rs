//! Character classes: `[a-z]`, `[[:alpha:]]`, `\pL`.

use super::{Checked, INVALID_RANGE, Parser};

/// The names of `[:name:]`.
const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

impl Parser<'_> {
    /// `[...]` here.
    pub(super) fn class(&mut self) -> Checked<()> {
        let from = self.at;
        self.at += 1;
        if self.peek() == Some('^') {
            self.at += 1;
        }
        let mut first = true;
        while first || self.peek() != Some(']') {
            first = false;
            if self.rest().starts_with("[:") && self.named()? {
                continue;
            }
            match self.rest().as_bytes() {
                [b'\\', b'p' | b'P', ..] => self.unicode_class()?,
                [b'\\', b'd' | b'D' | b's' | b'S' | b'w' | b'W', ..] => self.at += 2,
                _ => self.range(from)?,
            }
        }
        self.at += 1;
        Ok(())
    }

    /// `[:name:]` here; false when it does not end and so is none.
    fn named(&mut self) -> Checked<bool> {
        let from = self.at;
        let Some(end) = self.rest()[2..].find(":]") else {
            return Ok(false);
        };
        let name = &self.rest()[2..2 + end];
        self.at += end + 4;
        let known = POSIX.contains(&name.strip_prefix('^').unwrap_or(name));
        if known {
            Ok(true)
        } else {
            self.fail(INVALID_RANGE, from)
        }
    }

    /// One character or `a-b`.
    fn range(&mut self, class: usize) -> Checked<()> {
        let from = self.at;
        let low = self.class_char(class)?;
        let rest = self.rest();
        if rest.len() >= 2 && rest.starts_with('-') && !rest.starts_with("-]") {
            self.at += 1;
            let high = self.class_char(class)?;
            if high < low {
                return self.fail(INVALID_RANGE, from);
            }
        }
        Ok(())
    }

    fn class_char(&mut self, class: usize) -> Checked<char> {
        if self.peek() == Some('\\') {
            return self.escape();
        }
        match self.next() {
            Some(c) => Ok(c),
            None => self.fail("missing closing ]", class),
        }
    }

    /// `\pL` or `\p{Greek}` here.
    pub(super) fn unicode_class(&mut self) -> Checked<()> {
        let from = self.at;
        self.at += 2;
        let name = match self.next() {
            Some('{') => match self.rest().find('}') {
                Some(end) => {
                    let name = &self.rest()[..end];
                    self.at += end + 1;
                    name
                }
                None => {
                    self.at = self.pattern.len();
                    ""
                }
            },
            Some(c) => &self.pattern[self.at - c.len_utf8()..self.at],
            None => "",
        };
        let name = name.strip_prefix('^').unwrap_or(name);
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
        if plain && (name == "Any" || regex::Regex::new(&format!("\\p{{{name}}}")).is_ok()) {
            return Ok(());
        }
        self.fail(INVALID_RANGE, from)
    }
}
