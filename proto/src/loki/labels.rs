//! The text of a stream's labels: `{name="value", ...}`, with the strings of Go's syntax.

use std::borrow::Cow;
use std::fmt::Write;

/// A label's name and value.
pub type Pair<'a> = (&'a str, Cow<'a, str>);

/// Why a text is none of labels.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("1:{column}: parse error: {what}")]
pub struct LabelsError {
    /// Where, in characters from 1 on.
    pub column: usize,
    /// What is wrong.
    pub what: String,
}

/// Reads labels in the order of the text; names may stand twice and values may be empty.
///
/// # Errors
/// [`LabelsError`].
pub fn parse_labels(text: &str) -> Result<Vec<Pair<'_>>, LabelsError> {
    let mut reading = Reading { text, at: 0 };
    let mut pairs = Vec::new();
    reading.expect('{')?;
    loop {
        reading.space();
        if reading.take('}') {
            break;
        }
        let name = reading.name()?;
        reading.expect('=')?;
        pairs.push((name, reading.string()?));
        reading.space();
        if !reading.take(',') {
            reading.expect('}')?;
            break;
        }
    }
    reading.space();
    match reading.rest() {
        "" => Ok(pairs),
        _ => Err(reading.unexpected("end of input")),
    }
}

/// Appends labels as text, as they are given.
pub fn put_labels<'a>(out: &mut String, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) {
    out.push('{');
    for (i, (name, value)) in pairs.into_iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        out.push_str(name);
        out.push_str("=\"");
        for c in value.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                c if c.is_ascii_control() => {
                    let _ = write!(out, "\\x{:02x}", c as u32);
                }
                c => out.push(c),
            }
        }
        out.push('"');
    }
    out.push('}');
}

struct Reading<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reading<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.rest().starts_with(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), LabelsError> {
        self.space();
        match self.take(wanted) {
            true => Ok(()),
            false => Err(self.unexpected(&format!("{wanted:?}"))),
        }
    }

    fn unexpected(&self, expected: &str) -> LabelsError {
        let found = match self.rest().chars().next() {
            Some(c) => format!("{c:?}"),
            None => "end of input".to_owned(),
        };
        self.wrong(format!("unexpected {found}, expected {expected}"))
    }

    fn wrong(&self, what: String) -> LabelsError {
        LabelsError {
            column: self.text[..self.at].chars().count() + 1,
            what,
        }
    }

    fn name(&mut self) -> Result<&'a str, LabelsError> {
        let rest = self.rest();
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        let len = rest.find(|c: char| !allowed(c)).unwrap_or(rest.len());
        if len == 0 || rest.as_bytes()[0].is_ascii_digit() {
            return Err(self.unexpected("the name of a label"));
        }
        self.at += len;
        Ok(&rest[..len])
    }

    fn string(&mut self) -> Result<Cow<'a, str>, LabelsError> {
        self.space();
        let rest = self.rest();
        let quote = match rest.chars().next() {
            Some(quote @ ('"' | '\'' | '`')) => quote,
            _ => return Err(self.unexpected("a string")),
        };
        let content = &rest[1..];
        let mut escaped = false;
        for (i, c) in content.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' if quote != '`' => escaped = true,
                '\n' if quote != '`' => break,
                c if c == quote => {
                    let raw = &content[..i];
                    let value = match quote != '`' && raw.contains('\\') {
                        true => Cow::Owned(
                            unescape(raw).ok_or_else(|| self.wrong(format!("invalid string {raw:?}")))?,
                        ),
                        false => Cow::Borrowed(raw),
                    };
                    self.at += i + 2;
                    return Ok(value);
                }
                _ => {}
            }
        }
        Err(self.wrong("unterminated quoted string".to_owned()))
    }
}

/// A string without its escapes; `None` when one is none of Go's, or the bytes it makes are not UTF-8.
fn unescape(raw: &str) -> Option<String> {
    let mut out: Vec<u8> = Vec::with_capacity(raw.len());
    let mut chars = raw.chars();
    let digits = |chars: &mut std::str::Chars<'_>, count: usize| {
        let text = chars.as_str().get(..count)?;
        *chars = chars.as_str()[count..].chars();
        let plain = text.bytes().all(|b| b.is_ascii_hexdigit());
        plain.then(|| u32::from_str_radix(text, 16).ok()).flatten()
    };
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        match chars.next()? {
            'a' => out.push(7),
            'b' => out.push(8),
            'f' => out.push(12),
            'n' => out.push(b'\n'),
            'r' => out.push(b'\r'),
            't' => out.push(b'\t'),
            'v' => out.push(11),
            c @ ('\\' | '"' | '\'') => out.push(c as u8),
            'x' => out.push(digits(&mut chars, 2)? as u8),
            c @ ('u' | 'U') => {
                let code = digits(&mut chars, if c == 'u' { 4 } else { 8 })?;
                let c = char::from_u32(code)?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            c @ '0'..='7' => {
                let mut code = c.to_digit(8)?;
                for _ in 0..2 {
                    code = code * 8 + chars.next()?.to_digit(8)?;
                }
                out.push(u8::try_from(code).ok()?);
            }
            _ => return None,
        }
    }
    String::from_utf8(out).ok()
}
