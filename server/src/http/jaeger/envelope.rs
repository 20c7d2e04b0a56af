//! The envelope of Jaeger's older API: `{"data":..,"total":..,"limit":..,"offset":..,"errors":..}`.

use crate::http::document::Document;
use crate::http::json::{object, text};

/// An answer whose `data` is written by `data`.
pub(super) fn answer(total: usize, data: impl FnOnce(&mut Vec<u8>)) -> Document {
    let mut out = Vec::new();
    object(&mut out, |o| {
        data(o.name("data"));
        o.integer("total", i64::try_from(total).unwrap_or(i64::MAX));
        o.integer("limit", 0);
        o.integer("offset", 0);
        o.name("errors").extend_from_slice(b"null");
    });
    Document::json(out)
}

/// The body of an error.
pub(super) fn error(code: u16, message: &str) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.name("data").extend_from_slice(b"null");
        for name in ["total", "limit", "offset"] {
            o.integer(name, 0);
        }
        let out = o.name("errors");
        out.push(b'[');
        object(out, |o| {
            o.integer("code", code.into());
            text(o.name("msg"), message);
        });
        out.push(b']');
    });
    out
}
