//! Walks the fields of a JSON object in a text, leniently: what follows the object is not looked at, and values are not checked
//! beyond what is needed to find their end. The errors are those of the parser that Loki uses. Not for flattening.

use std::borrow::Cow;

pub(super) const MALFORMED: &str = "Malformed JSON error";
const MALFORMED_OBJECT: &str = "Value looks like object, but can't find closing '}' symbol";
const MALFORMED_ARRAY: &str = "Value is array, but can't find closing ']' symbol";
const MALFORMED_STRING: &str = "Value is string, but can't find closing '\"' symbol";
const MALFORMED_ESCAPE: &str = "Encountered an invalid escape sequence in a string";
const UNKNOWN_VALUE: &str = "Unknown value type";

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Null,
    Bool,
    Number,
    /// Without its quotes, escapes as they are.
    Text,
    Object,
    Array,
}

/// Why a walk ended before the object did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stopped<S> {
    Malformed(&'static str),
    ByVisitor(S),
}

/// Shows each field of an object: key, value, type.
pub(super) fn fields<'t, S>(
    text: &'t str,
    visit: &mut dyn FnMut(&str, &'t str, Type) -> Result<(), S>,
) -> Result<(), Stopped<S>> {
    walk(text, &mut |_| {}, visit)
}

/// Shows each field of an object, its key once more before its value is read.
pub(super) fn walk<'t, S>(
    text: &'t str,
    begin: &mut dyn FnMut(&str),
    visit: &mut dyn FnMut(&str, &'t str, Type) -> Result<(), S>,
) -> Result<(), Stopped<S>> {
    let malformed = |what| Stopped::Malformed(what);
    let bytes = text.as_bytes();
    let mut at = blank(bytes, 0);
    if bytes.get(at) != Some(&b'{') {
        return Err(malformed(MALFORMED_OBJECT));
    }
    at = blank(bytes, at + 1);
    match bytes.get(at) {
        None => return Err(malformed(MALFORMED)),
        Some(b'}') => return Ok(()),
        Some(_) => {}
    }
    loop {
        match bytes.get(at) {
            Some(b'"') => at += 1,
            Some(b'}') => return Ok(()),
            Some(_) => return Err(malformed(MALFORMED_OBJECT)),
            None => return Err(malformed(MALFORMED_ARRAY)),
        }
        let (end, escaped) = string_end(bytes, at).ok_or_else(|| malformed(MALFORMED))?;
        let key = match escaped {
            true => unescape(&text[at..end]).ok_or_else(|| malformed(MALFORMED_ESCAPE))?,
            false => Cow::Borrowed(&text[at..end]),
        };
        at = blank(bytes, end + 1);
        if bytes.get(at) != Some(&b':') {
            return Err(malformed(MALFORMED));
        }
        begin(&key);
        let (value, kind, next) = value(text, at + 1).map_err(malformed)?;
        visit(&key, value, kind).map_err(Stopped::ByVisitor)?;
        at = blank(bytes, next);
        match bytes.get(at) {
            Some(b'}') => return Ok(()),
            Some(b',') => at = blank(bytes, at + 1),
            Some(_) => return Err(malformed(MALFORMED_OBJECT)),
            None => return Err(malformed(MALFORMED_ARRAY)),
        }
    }
}

/// Shows each element of an array until `visit` is false.
pub(super) fn elements<'t>(
    text: &'t str,
    visit: &mut dyn FnMut(&'t str, Type) -> bool,
) -> Result<(), &'static str> {
    let bytes = text.as_bytes();
    let mut at = blank(bytes, 0);
    if bytes.get(at) != Some(&b'[') {
        return Err(MALFORMED_ARRAY);
    }
    at = blank(bytes, at + 1);
    if bytes.get(at) == Some(&b']') {
        return Ok(());
    }
    loop {
        let (value, kind, next) = value(text, at)?;
        if !visit(value, kind) {
            return Ok(());
        }
        at = blank(bytes, next);
        match bytes.get(at) {
            Some(b']') => return Ok(()),
            Some(b',') => at += 1,
            _ => return Err(MALFORMED_ARRAY),
        }
    }
}

/// The place of the first byte from `at` on that is no blank.
fn blank(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at.min(bytes.len())..];
    let blanks = rest
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\n' | b'\r' | b'\t'));
    at + blanks.count()
}

/// The place of the closing quote of a string that begins at `at`, and whether it has escapes.
fn string_end(bytes: &[u8], mut at: usize) -> Option<(usize, bool)> {
    let mut escaped = false;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some((at, escaped));
        }
        escaped = true;
        at += 2;
    }
}

/// The value at `at`: its text, what it is, and where it ends.
fn value(text: &str, at: usize) -> Result<(&str, Type, usize), &'static str> {
    let bytes = text.as_bytes();
    let at = blank(bytes, at);
    match bytes.get(at) {
        None => Err(MALFORMED),
        Some(b'"') => {
            let (end, _) = string_end(bytes, at + 1).ok_or(MALFORMED_STRING)?;
            Ok((&text[at + 1..end], Type::Text, end + 1))
        }
        Some(b'{') => {
            let end = block_end(bytes, at, b'{', b'}').ok_or(MALFORMED_OBJECT)?;
            Ok((&text[at..end], Type::Object, end))
        }
        Some(b'[') => {
            let end = block_end(bytes, at, b'[', b']').ok_or(MALFORMED_ARRAY)?;
            Ok((&text[at..end], Type::Array, end))
        }
        Some(_) => {
            let ends = |b: &u8| matches!(b, b' ' | b'\n' | b'\r' | b'\t' | b',' | b'}' | b']');
            let len = bytes[at..].iter().position(ends).unwrap_or(bytes.len() - at);
            let value = &text[at..at + len];
            let kind = match value.as_bytes().first() {
                Some(b't' | b'f') if matches!(value, "true" | "false") => Type::Bool,
                Some(b'n') if value == "null" => Type::Null,
                Some(b'0'..=b'9' | b'-') => Type::Number,
                _ => return Err(UNKNOWN_VALUE),
            };
            Ok((value, kind, at + len))
        }
    }
}

/// The place behind the sign that closes what is open at `at`.
fn block_end(bytes: &[u8], mut at: usize, open: u8, close: u8) -> Option<usize> {
    let mut depth = 0usize;
    loop {
        at += memchr::memchr3(b'"', open, close, bytes.get(at..)?)?;
        match bytes[at] {
            b'"' => at = string_end(bytes, at + 1)?.0,
            b if b == open => depth += 1,
            _ => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
        }
        at += 1;
    }
}

/// A string's text; none for an escape that JSON does not have.
pub(super) fn unescape(text: &str) -> Option<Cow<'_, str>> {
    let Some(first) = text.find('\\') else {
        return Some(Cow::Borrowed(text));
    };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut rest = &text[first..];
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = *rest.as_bytes().get(at + 1)?;
        rest = rest.get(at + 2..)?;
        out.push(match escape {
            b'"' | b'\\' | b'/' => char::from(escape),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let (c, len) = unicode(rest)?;
                rest = &rest[len..];
                c
            }
            _ => return None,
        });
    }
    out.push_str(rest);
    Some(Cow::Owned(out))
}

/// The character behind `\u`, and how many bytes spell it.
fn unicode(text: &str) -> Option<(char, usize)> {
    let hex = |at: usize| {
        let digits = text.get(at..at + 4)?;
        let all = digits.bytes().all(|b| b.is_ascii_hexdigit());
        u32::from_str_radix(digits, 16).ok().filter(|_| all)
    };
    let high = hex(0)?;
    if !(0xd800..0xdc00).contains(&high) {
        return Some((char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 4));
    }
    if text.get(4..6) != Some("\\u") {
        return None;
    }
    let low = hex(6)?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    let c = char::from_u32(0x10000 + ((high - 0xd800) << 10) + low)?;
    Some((c, 10))
}
