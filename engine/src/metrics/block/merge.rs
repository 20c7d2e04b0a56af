//! Makes one metrics block of several: a merge of sorted series over a union of their strings, reading each chunk once.

use std::iter::Peekable;
use std::sync::Arc;

use super::index::{BlockReader, SeriesEntry};
use super::{SeriesRows, SeriesWriter, exemplars, read_rows};
use crate::block::writer::Written;
use crate::block::{BlockFile, BlockWriter};
use crate::error::Result;
use crate::metrics::Metrics;
use crate::metrics::deletion::Deleted;
use crate::metrics::exemplar::{self, Exemplar};
use crate::metrics::record::OwnedMetadata;
use crate::metrics::rows::join_last_wins;
use crate::signal::MergeInput;

struct Input<'b> {
    file: &'b BlockFile,
    entries: Box<dyn Iterator<Item = Result<SeriesEntry>> + 'b>,
    /// Symbols of the merged block by symbol of this one.
    renumber: Vec<u32>,
    deleted: Arc<Deleted>,
    /// The next series and its position, its pairs renumbered.
    next: Option<(u32, SeriesEntry)>,
    position: u32,
    exemplars: Peekable<std::vec::IntoIter<(u32, Exemplar)>>,
}

impl<'b> Input<'b> {
    fn open(
        file: &'b BlockFile,
        entries: Box<dyn Iterator<Item = Result<SeriesEntry>> + 'b>,
        renumber: Vec<u32>,
        deleted: Arc<Deleted>,
    ) -> Result<Input<'b>> {
        let mut of_block = Vec::new();
        exemplars::visit(file, &mut |series, exemplar| of_block.push((series, exemplar)))?;
        let mut input = Input {
            file,
            entries,
            renumber,
            deleted,
            next: None,
            position: 0,
            exemplars: of_block.into_iter().peekable(),
        };
        input.advance()?;
        Ok(input)
    }

    fn advance(&mut self) -> Result<()> {
        let next = self.entries.next().transpose()?;
        self.next = next.map(|entry| (self.position, entry));
        self.position += 1;
        for pair in self.next.iter_mut().flat_map(|(_, entry)| &mut entry.pairs) {
            for symbol in pair {
                let renumbered = self.renumber.get(*symbol as usize);
                *symbol =
                    *renumbered.ok_or_else(|| self.file.corrupt(0, "series names an unknown symbol"))?;
            }
        }
        Ok(())
    }

    /// Reads everything there is of a series.
    fn read(&mut self, position: u32, entry: &SeriesEntry) -> Result<SeriesRows> {
        let mut rows = SeriesRows::default();
        for chunk in &entry.chunks {
            read_rows(self.file, chunk, &mut rows)?;
        }
        while let Some((_, exemplar)) = self.exemplars.next_if(|(series, _)| *series <= position) {
            rows.exemplars.push(exemplar);
        }
        exemplar::settle(&mut rows.exemplars);
        if !self.deleted.is_empty() {
            let times = self.deleted.times(position);
            rows.retain(|time| !times.contains(time));
        }
        Ok(rows)
    }
}

/// Merges blocks given in log order: at equal times the last one wins.
pub fn merge(inputs: &[MergeInput<'_, Metrics>], writer: &mut BlockWriter) -> Result<Written> {
    let mut readers = Vec::with_capacity(inputs.len());
    for input in inputs {
        readers.push(BlockReader::new(input.file, input.index)?);
    }
    let (symbols, renumberings) = unite_symbols(&readers)?;
    let mut cursors = Vec::with_capacity(inputs.len());
    for ((reader, input), renumber) in readers.iter().zip(inputs).zip(renumberings) {
        let deleted = input.index.deleted(reader, &input.tombstones)?;
        let entries = Box::new(reader.series(0..input.index.series_count()));
        cursors.push(Input::open(input.file, entries, renumber, deleted)?);
    }
    let mut out = SeriesWriter::new(writer, symbols.into_iter())?;
    let smallest = |cursors: &[Input<'_>]| {
        cursors
            .iter()
            .filter_map(|c| c.next.as_ref())
            .map(|(_, entry)| &entry.pairs)
            .min()
            .cloned()
    };
    while let Some(pairs) = smallest(&cursors) {
        let rows = gather(&mut cursors, &pairs)?;
        out.push(&pairs, &rows)?;
    }
    out.finish(&merge_metadata(&readers)?)
}

fn unite_symbols<'r>(readers: &'r [BlockReader<'_>]) -> Result<(Vec<&'r str>, Vec<Vec<u32>>)> {
    let mut all = Vec::new();
    for reader in readers {
        for symbol in 0..reader.symbol_count() {
            all.push(reader.symbol(symbol)?);
        }
    }
    all.sort_unstable();
    all.dedup();
    let mut renumberings = Vec::with_capacity(readers.len());
    for reader in readers {
        let mut renumber = Vec::with_capacity(reader.symbol_count() as usize);
        let mut at = 0;
        for symbol in 0..reader.symbol_count() {
            let text = reader.symbol(symbol)?;
            at += all[at..].partition_point(|s| *s < text);
            renumber.push(at as u32);
        }
        renumberings.push(renumber);
    }
    Ok((all, renumberings))
}

/// Takes the series of these labels from every input that has it and joins what there is of it.
fn gather(cursors: &mut [Input<'_>], pairs: &[[u32; 2]]) -> Result<SeriesRows> {
    let mut parts = Vec::new();
    for cursor in cursors {
        let Some((position, entry)) = cursor.next.take_if(|(_, entry)| entry.pairs == pairs) else {
            continue;
        };
        parts.push(cursor.read(position, &entry)?);
        cursor.advance()?;
    }
    Ok(join_last_wins(parts))
}

fn merge_metadata(readers: &[BlockReader<'_>]) -> Result<Vec<OwnedMetadata>> {
    let mut all = Vec::new();
    for reader in readers {
        all.extend(reader.metadata()?);
    }
    Ok(dedup_metadata(all))
}

/// One entry for each thing said, with the latest time it was said, ordered by family.
pub fn dedup_metadata(mut all: Vec<OwnedMetadata>) -> Vec<OwnedMetadata> {
    all.sort();
    all.dedup_by(|later, earlier| {
        let same = later.says_the_same(earlier);
        if same {
            earlier.received_ms = earlier.received_ms.max(later.received_ms);
        }
        same
    });
    all
}
