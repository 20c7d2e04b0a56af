//! Names of structured metadata as Loki spells them: those of Prometheus' labels of old.

use std::borrow::Cow;

/// A name with underscores for what Prometheus did not know before UTF-8, runs of them as one, and `key_` before a digit.
pub(super) fn normalised(name: &str) -> Cow<'_, str> {
    let bytes = name.as_bytes();
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let is_plain = bytes.iter().all(|b| allowed(*b))
        && !bytes.windows(2).any(|w| w == b"__")
        && !bytes.first().is_some_and(u8::is_ascii_digit);
    if is_plain {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len() + 4);
    if bytes.first().is_some_and(u8::is_ascii_digit) {
        out.push_str("key_");
    }
    for c in name.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => out.push(c),
            _ if out.ends_with('_') => {}
            _ => out.push('_'),
        }
    }
    Cow::Owned(out)
}

/// An OTLP attribute's name as a label's: underscores for what labels did not know before UTF-8.
pub(super) fn label_name(name: &str) -> String {
    normalised(name).into_owned()
}

/// Bytes as text, with a space for each part that is no UTF-8.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let lossy = String::from_utf8_lossy(bytes);
            Cow::Owned(lossy.replace(char::REPLACEMENT_CHARACTER, " "))
        }
    }
}
