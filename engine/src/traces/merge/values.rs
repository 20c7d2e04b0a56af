//! The values of the columns of a merged block: whether a column has a dictionary, and what codes its inputs' values have.

use hashbrown::HashMap;

use crate::block::{BlockFile, BlockWriter};
use crate::error::Result;
use crate::signal::MergeInput;
use crate::traces::block::cursor::Stored;
use crate::traces::block::details::stream;
use crate::traces::block::dictionary::{self, Dictionary};
use crate::traces::block::index::{BlockIndex, strings};
use crate::traces::block::schema::Storage;
use crate::traces::block::writer::{Cell, plain_storage, wants_dictionary};
use crate::traces::interner::Interner;
use crate::traces::layout::is_interned;
use crate::traces::signal::Traces;
use crate::traces::vocabulary::{Translation, Vocabulary};

/// Bytes of distinct values up to which a dictionary is made of columns that had none.
const GATHERED_MAX: usize = 32 << 20;

/// How a column's values of one input are told in the merged block.
enum Way {
    /// As they are: numbers.
    Same,
    /// Codes become other codes.
    Codes(Vec<u32>),
    /// Codes become bytes of a column without dictionary.
    Spelled,
    /// Bytes become codes.
    Coded,
}

/// The ways of all inputs' columns.
pub(super) struct Codes<'b> {
    ways: Vec<Vec<Way>>,
    inputs: Vec<(&'b BlockFile, &'b BlockIndex)>,
    /// Codes of bytes, by column of the merged block.
    gathered: HashMap<u32, HashMap<Box<[u8]>, u32>>,
    columns: Vec<Vec<u32>>,
}

/// The ways of one input's columns.
pub(super) struct InputCodes<'c> {
    codes: &'c Codes<'c>,
    input: usize,
}

impl Codes<'_> {
    pub(super) fn of_input(&self, input: usize) -> InputCodes<'_> {
        InputCodes { codes: self, input }
    }
}

impl InputCodes<'_> {
    /// Gives the cell of the merged block for a value of a column of the input.
    #[inline]
    pub(super) fn put(&self, column: u32, stored: Stored<'_>, put: impl FnOnce(Cell<'_>)) -> Result<()> {
        match (&self.codes.ways[self.input][column as usize], stored) {
            (Way::Codes(codes), Stored::Number(code)) => {
                put(Cell::Number(
                    codes.get(code as usize).copied().unwrap_or_default().into(),
                ));
            }
            (Way::Spelled, Stored::Number(code)) => {
                let (file, index) = self.codes.inputs[self.input];
                if let Storage::Dictionary(dictionary) = &index.schema.storages[column as usize] {
                    dictionary.with(file, code as u32, |bytes| put(Cell::Bytes(bytes)))?;
                }
            }
            (Way::Coded, Stored::Bytes(bytes)) => {
                let column = self.codes.columns[self.input][column as usize];
                let code = self
                    .codes
                    .gathered
                    .get(&column)
                    .and_then(|codes| codes.get(bytes));
                put(Cell::Number(code.copied().unwrap_or_default().into()));
            }
            (_, Stored::Bytes(bytes)) => put(Cell::Bytes(bytes)),
            (_, Stored::Number(n)) => put(Cell::Number(n)),
            (_, Stored::Double(n)) => put(Cell::Double(n)),
            (_, Stored::Nothing) => put(Cell::Nothing),
        }
        Ok(())
    }
}

/// A column of an input.
#[derive(Clone, Copy)]
struct Source {
    input: usize,
    column: u32,
}

/// Decides the storage of every column, writes the dictionaries, and tells how the inputs' values come in.
pub(super) fn unite<'b>(
    inputs: &'b [MergeInput<'b, Traces>],
    translations: &[Translation],
    vocabulary: &Vocabulary,
    writer: &mut BlockWriter,
) -> Result<(Vec<Storage>, Codes<'b>)> {
    let mut codes = Codes {
        ways: translations
            .iter()
            .map(|t| t.columns.iter().map(|_| Way::Same).collect())
            .collect(),
        inputs: inputs.iter().map(|input| (input.file, input.index)).collect(),
        gathered: HashMap::new(),
        columns: translations.iter().map(|t| t.columns.clone()).collect(),
    };
    let mut sources: Vec<Vec<Source>> = vec![Vec::new(); vocabulary.columns().len()];
    for (input, translation) in translations.iter().enumerate() {
        for (column, into) in translation.columns.iter().enumerate() {
            sources[*into as usize].push(Source {
                input,
                column: column as u32,
            });
        }
    }
    let mut storages = Vec::with_capacity(sources.len());
    for (column, sources) in sources.iter().enumerate() {
        let kind = vocabulary.columns()[column].key.kind;
        let storage = match is_interned(kind) {
            true => codes.unite_column(column as u32, sources, writer)?,
            false => None,
        };
        storages.push(storage.unwrap_or_else(|| plain_storage(kind)));
    }
    Ok((storages, codes))
}

impl Codes<'_> {
    fn dictionary(&self, source: &Source) -> Option<&Dictionary> {
        match &self.inputs[source.input].1.schema.storages[source.column as usize] {
            Storage::Dictionary(dictionary) => Some(dictionary),
            _ => None,
        }
    }

    /// The dictionary of a column; none when it is better off without.
    fn unite_column(
        &mut self,
        column: u32,
        sources: &[Source],
        writer: &mut BlockWriter,
    ) -> Result<Option<Storage>> {
        let count = |s: &Source| self.inputs[s.input].1.schema.counts[s.column as usize];
        let total: u64 = sources.iter().map(count).sum();
        let Some(distinct) = self.distinct(sources, total)? else {
            for source in sources {
                let way = match self.dictionary(source) {
                    Some(_) => Way::Spelled,
                    None => Way::Same,
                };
                self.ways[source.input][source.column as usize] = way;
            }
            return Ok(None);
        };
        let mut order: Vec<u32> = (0..distinct.len() as u32).collect();
        order.sort_unstable_by_key(|n| distinct.get(*n));
        let dictionary = dictionary::write(order.iter().map(|n| distinct.get(*n)), writer)?;
        let mut rank = vec![0u32; order.len()];
        order
            .iter()
            .enumerate()
            .for_each(|(at, n)| rank[*n as usize] = at as u32);
        for source in sources {
            let way = match self.dictionary(source) {
                None => Way::Coded,
                Some(own) => {
                    let mut codes = Vec::with_capacity(own.len as usize);
                    own.each(self.inputs[source.input].0, 0, |_, value| {
                        codes.push(distinct.find(value).map_or(0, |n| rank[n as usize]));
                        true
                    })?;
                    Way::Codes(codes)
                }
            };
            if matches!(way, Way::Coded) && !self.gathered.contains_key(&column) {
                let codes = (0..distinct.len() as u32).map(|n| (distinct.get(n).into(), rank[n as usize]));
                self.gathered.insert(column, codes.collect());
            }
            self.ways[source.input][source.column as usize] = way;
        }
        Ok(Some(Storage::Dictionary(dictionary)))
    }

    /// The distinct values of a column; none when they are too many for a dictionary.
    fn distinct(&self, sources: &[Source], total: u64) -> Result<Option<Interner>> {
        let mut distinct = Interner::default();
        let fits = |d: &Interner| wants_dictionary(d.len(), total) && d.text_bytes() <= GATHERED_MAX;
        for source in sources {
            let (file, index) = self.inputs[source.input];
            if let Some(dictionary) = self.dictionary(source) {
                dictionary.each(file, 0, |_, value| {
                    distinct.intern(value);
                    true
                })?;
                if !wants_dictionary(distinct.len(), total) {
                    return Ok(None);
                }
                continue;
            }
            for group in 0..index.groups.len() {
                let details = index.details(file, group)?;
                let Some(stream) = details.stream(stream::COLUMNS + source.column) else {
                    continue;
                };
                let strings = strings(file, stream)?;
                (0..strings.len()).for_each(|n| {
                    distinct.intern(strings.get(n));
                });
                if !fits(&distinct) {
                    return Ok(None);
                }
            }
        }
        Ok(Some(distinct))
    }
}
