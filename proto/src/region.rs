//! The repeated fields of one number inside a message, kept as their bytes: what identifies a series is hashed as it
//! was sent and decoded only when it is new.

use std::borrow::Cow;

use crate::error::Result;
use crate::wire::{Field, Reader, put_bytes};

/// The bytes of all fields of one number: a slice of the message when they stand together, else a copy.
#[derive(Debug, Default)]
pub(crate) struct Region {
    start: usize,
    end: usize,
    copy: Option<Vec<u8>>,
}

impl Region {
    /// Adds the field that was read from `start` on.
    pub(crate) fn add<'a>(&mut self, reader: &Reader<'a>, start: usize, field: &Field<'a>) -> Result<()> {
        let content = field.bytes()?;
        if self.end == 0 {
            (self.start, self.end) = (start, reader.position());
        } else if self.copy.is_none() && start == self.end {
            self.end = reader.position();
        } else {
            let copy = self
                .copy
                .get_or_insert_with(|| reader.between(self.start, self.end).to_vec());
            put_bytes(copy, field.number, content);
        }
        Ok(())
    }

    /// What was added.
    pub(crate) fn bytes<'a>(self, reader: &Reader<'a>) -> Cow<'a, [u8]> {
        match self.copy {
            Some(copy) => Cow::Owned(copy),
            None => Cow::Borrowed(reader.between(self.start, self.end)),
        }
    }
}
