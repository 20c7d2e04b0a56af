//! A page of a section that fills up while a block is written.

use super::section;
use crate::block::{BlockWriter, Codec};
use crate::error::Result;

/// The page being filled, and how many came before it.
pub(super) struct Page {
    kind: u16,
    number: u32,
    pub(super) bytes: Vec<u8>,
}

impl Page {
    pub(super) fn new(kind: u16) -> Page {
        Page {
            kind,
            number: 0,
            bytes: Vec::new(),
        }
    }

    /// Writes the page if there is anything in it.
    pub(super) fn close(&mut self, writer: &mut BlockWriter) -> Result<()> {
        if !self.bytes.is_empty() {
            writer.page(self.kind, &self.bytes, Codec::Zstd)?;
            self.number += 1;
            self.bytes.clear();
        }
        Ok(())
    }

    pub(super) fn close_when_full(&mut self, writer: &mut BlockWriter) -> Result<()> {
        if self.bytes.len() >= section::PAGE_LEN {
            self.close(writer)
        } else {
            Ok(())
        }
    }

    /// Number of the page and the offset at which the next byte goes.
    pub(super) fn place(&self) -> (u32, u32) {
        (self.number, self.bytes.len() as u32)
    }
}
