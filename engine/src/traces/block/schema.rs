//! What the rows of a block name by number, without the values of columns, and how each column keeps those.

use super::dictionary::Dictionary;
use super::section;
use crate::block::{BlockFile, BlockWriter};
use crate::coding::{Malformed, Reader, put_uvarint};
use crate::error::Result;
use crate::traces::batch::{put_vocabulary, vocabulary};
use crate::traces::layout::is_interned;
use crate::traces::vocabulary::Vocabulary;

/// How a column keeps its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::traces) enum Storage {
    /// As numbers, or there is nothing to keep.
    Numbers,
    /// By codes of a dictionary of the whole block.
    Dictionary(Dictionary),
    /// By codes of strings of each page.
    Local,
}

/// What rows name by number.
#[derive(Debug, Default)]
pub(in crate::traces) struct Schema {
    /// Without values of columns.
    pub(in crate::traces) vocabulary: Vocabulary,
    /// How each column of the vocabulary keeps its values.
    pub(in crate::traces) storages: Vec<Storage>,
    /// How many values each column has.
    pub(in crate::traces) counts: Vec<u64>,
}

impl Schema {
    pub(in crate::traces) fn write(&self, writer: &mut BlockWriter) -> Result<()> {
        let mut out = Vec::new();
        put_vocabulary(&mut out, &self.vocabulary);
        for (storage, count) in self.storages.iter().zip(&self.counts) {
            put_uvarint(&mut out, *count);
            match storage {
                Storage::Numbers => out.push(0),
                Storage::Dictionary(dictionary) => {
                    out.push(1);
                    dictionary.encode(&mut out);
                }
                Storage::Local => out.push(2),
            }
        }
        writer.section(section::SCHEMA, &out)
    }

    pub(in crate::traces) fn read(file: &BlockFile) -> Result<Schema> {
        let bytes = file.section(section::SCHEMA)?;
        decode(&bytes).map_err(|Malformed(what)| file.corrupt(0, what))
    }
}

fn decode(bytes: &[u8]) -> Result<Schema, Malformed> {
    let mut r = Reader::new(bytes);
    let vocabulary = vocabulary(&mut r)?;
    let mut schema = Schema::default();
    for column in vocabulary.columns() {
        schema.counts.push(r.uvarint()?);
        let storage = match r.u8()? {
            0 => Storage::Numbers,
            1 => Storage::Dictionary(Dictionary::decode(&mut r)?),
            2 => Storage::Local,
            _ => return Err(Malformed("storage of a column")),
        };
        if is_interned(column.key.kind) == (storage == Storage::Numbers) {
            return Err(Malformed("storage of a column"));
        }
        schema.storages.push(storage);
    }
    schema.vocabulary = vocabulary;
    match r.remaining() {
        0 => Ok(schema),
        _ => Err(Malformed("bytes behind the schema")),
    }
}
