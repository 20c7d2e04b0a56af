//! Writes push requests: for clients and tests.

use crate::wire::{put_bytes, put_integer, put_message};

/// A push request being written.
#[derive(Debug, Clone, Default)]
pub struct PushEncoder {
    out: Vec<u8>,
}

impl PushEncoder {
    /// Appends a stream: the text of its labels and its entries, each with nanoseconds since 1970, line and metadata.
    pub fn stream<'e>(
        &mut self,
        labels: &str,
        entries: impl IntoIterator<Item = (i64, &'e [u8], &'e [(&'e str, &'e str)])>,
    ) {
        put_message(&mut self.out, 1, |out| {
            put_bytes(out, 1, labels.as_bytes());
            for (time, line, metadata) in entries {
                put_message(out, 2, |out| put_entry(out, time, line, metadata));
            }
        });
    }

    /// The message, not compressed.
    pub fn finish(self) -> Vec<u8> {
        self.out
    }
}

fn put_entry(out: &mut Vec<u8>, time: i64, line: &[u8], metadata: &[(&str, &str)]) {
    put_message(out, 1, |out| {
        put_integer(out, 1, time.div_euclid(super::SECOND).cast_unsigned());
        put_integer(out, 2, time.rem_euclid(super::SECOND).cast_unsigned());
    });
    put_bytes(out, 2, line);
    for (name, value) in metadata {
        put_message(out, 3, |out| {
            put_bytes(out, 1, name.as_bytes());
            put_bytes(out, 2, value.as_bytes());
        });
    }
}
