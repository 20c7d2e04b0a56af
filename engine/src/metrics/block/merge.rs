//! Makes one metrics block of several: a merge of sorted series over a union of their strings, reading each chunk once.

use super::index::{BlockIndex, BlockReader, SeriesEntry};
use super::{SeriesWriter, read_chunk};
use crate::block::writer::Written;
use crate::block::{BlockFile, BlockWriter};
use crate::error::Result;
use crate::metrics::record::OwnedMetadata;
use crate::metrics::series::{Samples, merge_last_wins};

struct Input<'b> {
    file: &'b BlockFile,
    entries: Box<dyn Iterator<Item = Result<SeriesEntry>> + 'b>,
    /// Symbols of the merged block by symbol of this one.
    renumber: Vec<u32>,
    /// The next series, its pairs renumbered.
    next: Option<SeriesEntry>,
}

impl Input<'_> {
    fn advance(&mut self) -> Result<()> {
        self.next = self.entries.next().transpose()?;
        for pair in self.next.iter_mut().flat_map(|entry| &mut entry.pairs) {
            for symbol in pair {
                let renumbered = self.renumber.get(*symbol as usize);
                *symbol =
                    *renumbered.ok_or_else(|| self.file.corrupt(0, "series names an unknown symbol"))?;
            }
        }
        Ok(())
    }
}

/// Merges blocks given in log order: at equal times the last one wins.
pub fn merge(inputs: &[(&BlockFile, &BlockIndex)], writer: &mut BlockWriter) -> Result<Written> {
    let mut readers = Vec::with_capacity(inputs.len());
    for (file, index) in inputs {
        readers.push(BlockReader::new(file, index)?);
    }
    let (symbols, renumberings) = unite_symbols(&readers)?;
    let mut cursors = Vec::with_capacity(inputs.len());
    for ((reader, (file, index)), renumber) in readers.iter().zip(inputs).zip(renumberings) {
        let entries = Box::new(reader.series(0..index.series_count()));
        let mut input = Input {
            file,
            entries,
            renumber,
            next: None,
        };
        input.advance()?;
        cursors.push(input);
    }
    let mut out = SeriesWriter::new(writer, symbols.into_iter())?;
    let smallest = |cursors: &[Input<'_>]| {
        cursors
            .iter()
            .filter_map(|c| c.next.as_ref())
            .map(|e| &e.pairs)
            .min()
            .cloned()
    };
    let mut samples = Samples::default();
    while let Some(pairs) = smallest(&cursors) {
        samples.clear();
        gather(&mut cursors, &pairs, &mut samples)?;
        out.push(&pairs, &samples)?;
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

/// Takes the series of these labels from every input that has it and merges its samples into `out`.
fn gather(cursors: &mut [Input<'_>], pairs: &[[u32; 2]], out: &mut Samples) -> Result<()> {
    let mut parts: Vec<Samples> = Vec::new();
    for cursor in cursors {
        let Some(entry) = cursor.next.take_if(|entry| entry.pairs == pairs) else {
            continue;
        };
        let mut part = Samples::default();
        for chunk in &entry.chunks {
            read_chunk(cursor.file, chunk, &mut part)?;
        }
        parts.push(part);
        cursor.advance()?;
    }
    let in_order = parts
        .windows(2)
        .all(|p| p[0].timestamps.last() < p[1].timestamps.first());
    if !in_order {
        merge_last_wins(&parts, out);
        return Ok(());
    }
    for part in parts {
        out.timestamps.extend_from_slice(&part.timestamps);
        out.values.extend_from_slice(&part.values);
    }
    Ok(())
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
