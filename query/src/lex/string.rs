//! Quoted strings: Go's escapes in '..' and "..", nothing escaped in `..`; quoting as Go's `strconv.Quote`.
//! Not for regular expressions, which are plain strings after this.

use std::fmt::Write as _;

/// A string literal that does not end or holds a bad escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StringError {
    /// No closing quote, or a line break before it.
    #[error("unterminated quoted string")]
    Unterminated,
    /// No closing back quote.
    #[error("unterminated raw string")]
    UnterminatedRaw,
    /// An escape that ends with the text.
    #[error("escape sequence not terminated")]
    OpenEscape,
    /// An escape Go does not know.
    #[error("unknown escape sequence {0:?}")]
    UnknownEscape(char),
    /// A code point that does not exist, or bytes that are not UTF-8.
    #[error("escape sequence is an invalid Unicode code point")]
    BadCodePoint,
}

/// Reads the literal that starts at the start of `text`: its length in bytes and its value.
///
/// # Errors
/// [`StringError`]; `text` must start with a quote.
pub fn read(text: &str) -> Result<(usize, String), StringError> {
    let quote = text.chars().next().ok_or(StringError::Unterminated)?;
    if quote == '`' {
        let body = &text[1..];
        let len = body.find('`').ok_or(StringError::UnterminatedRaw)?;
        return Ok((len + 2, body[..len].to_owned()));
    }
    let mut bytes = Vec::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\n' => break,
            '\\' => {
                let taken = escape(&text[at + 1..], quote, &mut bytes)?;
                let end = at + 1 + taken;
                while chars.clone().next().is_some_and(|(i, _)| i < end) {
                    chars.next();
                }
            }
            _ if c == quote => {
                return Ok((at + 1, text_of(bytes)));
            }
            _ => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Err(StringError::Unterminated)
}

/// The first of 256 characters, of the last private plane, that stand for bytes which are no UTF-8. Escapes can spell such
/// bytes; no label has them.
const STRAY: u32 = 0x10_ff00;

fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let mut out = String::new();
        for chunk in error.as_bytes().utf8_chunks() {
            out.push_str(chunk.valid());
            let stray = chunk.invalid().iter().map(|b| STRAY + u32::from(*b));
            out.extend(stray.filter_map(char::from_u32));
        }
        out
    })
}

fn stray_byte(c: char) -> Option<u32> {
    (c as u32)
        .checked_sub(STRAY)
        .filter(|byte| (0x80..=0xff).contains(byte))
}

/// True when the text was spelled with bytes that are no UTF-8.
pub fn has_stray_bytes(text: &str) -> bool {
    text.chars().any(|c| stray_byte(c).is_some())
}

/// Reads what follows a backslash, appends what it stands for and answers the bytes taken.
fn escape(rest: &str, quote: char, out: &mut Vec<u8>) -> Result<usize, StringError> {
    let c = rest.chars().next().ok_or(StringError::OpenEscape)?;
    let simple = match c {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' => b'\\',
        '\'' | '"' if c == quote => c as u8,
        '0'..='7' => return numeric(rest, 0, 3, 8, out),
        'x' => return numeric(rest, 1, 2, 16, out),
        'u' => return numeric(rest, 1, 4, 16, out),
        'U' => return numeric(rest, 1, 8, 16, out),
        _ => return Err(StringError::UnknownEscape(c)),
    };
    out.push(simple);
    Ok(1)
}

fn numeric(
    rest: &str,
    skip: usize,
    digits: usize,
    base: u32,
    out: &mut Vec<u8>,
) -> Result<usize, StringError> {
    let text = rest.get(skip..skip + digits).ok_or(StringError::OpenEscape)?;
    if !text.chars().all(|c| c.is_digit(base)) {
        return Err(StringError::UnknownEscape(
            text.chars().find(|c| !c.is_digit(base)).unwrap_or(' '),
        ));
    }
    let code = u32::from_str_radix(text, base).map_err(|_| StringError::BadCodePoint)?;
    if digits <= 3 {
        out.push(u8::try_from(code).map_err(|_| StringError::BadCodePoint)?);
    } else {
        let c = char::from_u32(code).ok_or(StringError::BadCodePoint)?;
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Ok(skip + digits)
}

/// Letters, marks, numbers, punctuation, symbols, and of all blanks only the ASCII one.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    // Behind another character, marks that extend it are left as they are.
    ['a', c].iter().collect::<String>().escape_debug().count() == 2
}

/// Quotes a character as Go's `%q` does; the end of a text shows as the replacement character.
pub fn quote_char(c: Option<char>) -> String {
    match c {
        None => "'\u{fffd}'".to_owned(),
        Some('\'') => "'\\''".to_owned(),
        Some('"') => "'\"'".to_owned(),
        Some(c) => {
            let quoted = quote(c.encode_utf8(&mut [0; 4]));
            format!("'{}'", &quoted[1..quoted.len() - 1])
        }
    }
}

/// Quotes as Go's `%q` does.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            c if stray_byte(c).is_none() && !is_printable(c) => {
                let code = c as u32;
                let _infallible = match code {
                    0..=0x7f => write!(out, "\\x{code:02x}"),
                    0x80..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
            c => match stray_byte(c) {
                Some(byte) => {
                    let _infallible = write!(out, "\\x{byte:02x}");
                }
                None => out.push(c),
            },
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests;
