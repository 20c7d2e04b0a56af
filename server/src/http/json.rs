//! JSON as protobuf's JSON mapping writes it, member by member: 64-bit integers as strings, bytes in base64, members at their
//! default left out. For answers that strict readers decode; Prometheus' own shapes are elsewhere.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::go_float::push_exponent;

/// An object that is being written. Members come in the order of the calls.
pub(crate) struct Object<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

/// Appends an object with the members that `members` writes.
pub(crate) fn object(out: &mut Vec<u8>, members: impl FnOnce(&mut Object<'_>)) {
    out.push(b'{');
    members(&mut Object { out, empty: true });
    out.push(b'}');
}

/// Appends a list; `item` writes each element.
pub(crate) fn list<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut item: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (i, one) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        item(out, one);
    }
    out.push(b']');
}

/// Appends a string.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("strings always serialise, and memory takes them");
}

/// Appends a double: a number, or in quotes what JSON has no number for.
pub(crate) fn double(out: &mut Vec<u8>, value: f64) {
    let mut number = String::new();
    let magnitude = value.abs();
    if value.is_nan() {
        number.push_str("\"NaN\"");
    } else if value.is_infinite() {
        number.push_str(if value > 0.0 {
            "\"Infinity\""
        } else {
            "\"-Infinity\""
        });
    } else if value == 0.0 {
        number.push_str(if value.is_sign_negative() { "-0" } else { "0" });
    } else if (1e-6..1e21).contains(&magnitude) {
        number = format!("{value}");
    } else {
        push_exponent(&mut number, value);
    }
    out.extend_from_slice(number.as_bytes());
}

/// Appends bytes in base64.
pub(crate) fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
    out.push(b'"');
}

/// Bytes in hex, lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| char::from(DIGITS[usize::from(n)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

impl Object<'_> {
    /// Begins a member: its value is what is appended next. The name needs no escapes.
    pub(crate) fn name(&mut self, name: &str) -> &mut Vec<u8> {
        self.part();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// The same for any name.
    pub(crate) fn any_name(&mut self, name: &str) -> &mut Vec<u8> {
        self.part();
        text(self.out, name);
        self.out.push(b':');
        self.out
    }

    /// Parts a member from the one before.
    fn part(&mut self) {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
    }

    /// A string, left out when empty.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            text(self.name(name), value);
        }
    }

    /// A string that is always there.
    pub(crate) fn text_even_empty(&mut self, name: &str, value: &str) {
        text(self.name(name), value);
    }

    /// A 32-bit integer, left out when zero.
    pub(crate) fn number(&mut self, name: &str, value: impl Into<i64>) {
        let value: i64 = value.into();
        if value != 0 {
            self.integer(name, value);
        }
    }

    /// An integer that is always there.
    pub(crate) fn integer(&mut self, name: &str, value: i64) {
        self.name(name)
            .extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    /// A 64-bit integer, in quotes, left out when zero.
    pub(crate) fn long(&mut self, name: &str, value: impl itoa::Integer + PartialEq + Default) {
        if value != Default::default() {
            let out = self.name(name);
            out.push(b'"');
            out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
            out.push(b'"');
        }
    }

    /// An object.
    pub(crate) fn object(&mut self, name: &str, members: impl FnOnce(&mut Object<'_>)) {
        object(self.name(name), members);
    }

    /// A list, left out when empty.
    pub(crate) fn list<T>(&mut self, name: &str, items: &[T], mut item: impl FnMut(&mut Vec<u8>, &T)) {
        if !items.is_empty() {
            list(self.name(name), items, |out, one| item(out, one));
        }
    }

    /// A list of strings that is always there.
    pub(crate) fn texts_even_none(&mut self, name: &str, items: &[impl AsRef<str>]) {
        list(self.name(name), items, |out, item| text(out, item.as_ref()));
    }

    /// A list of strings, left out when empty.
    pub(crate) fn texts(&mut self, name: &str, items: &[impl AsRef<str>]) {
        self.list(name, items, |out, item| text(out, item.as_ref()));
    }
}

#[cfg(test)]
mod tests;
