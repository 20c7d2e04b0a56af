//! Patterns such as `<ip> - <_> [<time>]`: texts and what stands between them.

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// With its name, none for `<_>`.
    Capture(Option<String>),
}

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::logql) struct Pattern(Vec<Piece>);

impl Pattern {
    fn parse(text: &str) -> Result<Pattern, String> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some((name, behind)) = capture(rest) {
                if let Some(Piece::Capture(before)) = pieces.last() {
                    let before = before.as_deref().unwrap_or("_");
                    return Err(format!(
                        "found consecutive capture '<{before}><{name}>': invalid expression"
                    ));
                }
                pieces.push(Piece::Capture((name != "_").then(|| name.to_owned())));
                rest = behind;
                continue;
            }
            let mut signs = rest.char_indices().skip(1);
            let next = signs.find(|(_, c)| *c == '<').map_or(rest.len(), |(at, _)| at);
            match pieces.last_mut() {
                Some(Piece::Text(text)) => text.push_str(&rest[..next]),
                _ => pieces.push(Piece::Text(rest[..next].to_owned())),
            }
            rest = &rest[next..];
        }
        Ok(Pattern(pieces))
    }

    /// A pattern that takes labels.
    pub(in crate::logql) fn with_names(text: &str) -> Result<Pattern, String> {
        let pattern = Pattern::parse(text)?;
        let names: Vec<&str> = pattern.names().collect();
        if names.is_empty() {
            return Err("at least one capture is required".to_owned());
        }
        if let Some(n) = (1..names.len()).find(|n| names[..*n].contains(&names[*n])) {
            return Err(format!(
                "duplicate capture name ({}): invalid expression",
                names[n]
            ));
        }
        Ok(pattern)
    }

    /// A pattern that lines are compared with.
    pub(in crate::logql) fn without_names(text: &str) -> Result<Pattern, String> {
        let pattern = Pattern::parse(text)?;
        if pattern.names().next().is_some() {
            return Err("named captures are not allowed".to_owned());
        }
        Ok(pattern)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Capture(name) => name.as_deref(),
            Piece::Text(_) => None,
        })
    }

    /// The texts, which every line has that matches.
    pub(in crate::logql) fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Capture(_) => None,
        })
    }

    /// Names and what stands there. Where a text is missing, the capture before it has the rest of the line and is the last.
    pub(super) fn captures<'l, E>(
        &self,
        line: &'l str,
        mut take: impl FnMut(&str, &'l str) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut pieces = self.0.iter().peekable();
        let mut rest = line;
        if let Some(Piece::Text(text)) = pieces.peek() {
            match rest.strip_prefix(text.as_str()) {
                Some(behind) => rest = behind,
                None => return Ok(()),
            }
            pieces.next();
        }
        if line.is_empty() {
            return Ok(());
        }
        while let Some(piece) = pieces.next() {
            let Piece::Capture(name) = piece else { continue };
            let text = match pieces.peek() {
                Some(Piece::Text(text)) => text.as_str(),
                _ => "",
            };
            let found = if text.is_empty() { None } else { rest.find(text) };
            let (value, behind) = match found {
                Some(at) => (&rest[..at], Some(&rest[at + text.len()..])),
                None => (rest, None),
            };
            if let Some(name) = name {
                take(name, value)?;
            }
            match behind {
                Some(behind) => rest = behind,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// True when the whole line is like the pattern. No capture is empty.
    pub(in crate::logql) fn is_match(&self, line: &[u8]) -> bool {
        let Some(last) = self.0.last() else {
            return line.is_empty();
        };
        if line.is_empty() {
            return false;
        }
        let mut at = 0;
        for (n, piece) in self.0.iter().enumerate() {
            let Piece::Text(text) = piece else { continue };
            let Some(found) = memchr::memmem::find(&line[at..], text.as_bytes()) else {
                return false;
            };
            if (n == 0) != (found == 0) {
                return false;
            }
            at += found + text.len();
        }
        matches!(last, Piece::Capture(_)) == (at != line.len())
    }
}

/// The name of the capture that a text begins with, and what is behind it.
fn capture(text: &str) -> Option<(&str, &str)> {
    let (name, behind) = text.strip_prefix('<')?.split_once('>')?;
    let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    is_name.then_some((name, behind))
}
