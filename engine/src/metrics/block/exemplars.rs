//! Exemplars of a block in the order of their series, and the trace ids they name.

use super::page::Page;
use super::section;
use crate::block::{BlockFile, BlockWriter, Codec};
use crate::coding::{Malformed, Reader, put_uvarint};
use crate::error::Result;
use crate::metrics::exemplar::{Exemplar, TraceId};

/// Length of an entry of the trace ids: the id and the series.
const TRACE_ENTRY_LEN: usize = 20;
const TRACES_PER_PAGE: usize = section::PAGE_LEN / TRACE_ENTRY_LEN;

/// The exemplars of a block being written.
pub(super) struct ExemplarsWriter {
    page: Page,
    last: u32,
    traces: Vec<(TraceId, u32)>,
}

impl ExemplarsWriter {
    pub(super) fn new() -> ExemplarsWriter {
        ExemplarsWriter {
            page: Page::new(section::EXEMPLARS),
            last: 0,
            traces: Vec::new(),
        }
    }

    /// Writes the exemplars of a series, ascending in time; series come in ascending order.
    pub(super) fn push(
        &mut self,
        series: u32,
        exemplars: &[Exemplar],
        writer: &mut BlockWriter,
    ) -> Result<()> {
        for exemplar in exemplars {
            self.page.close_when_full(writer)?;
            if self.page.bytes.is_empty() {
                self.last = 0;
            }
            put_uvarint(&mut self.page.bytes, (series - self.last).into());
            self.last = series;
            exemplar.encode(&mut self.page.bytes);
            self.traces.extend(exemplar.trace_ids().map(|id| (id, series)));
        }
        Ok(())
    }

    pub(super) fn finish(mut self, writer: &mut BlockWriter) -> Result<()> {
        self.page.close(writer)?;
        self.traces.sort_unstable();
        self.traces.dedup();
        for entries in self.traces.chunks(TRACES_PER_PAGE) {
            let mut bytes = Vec::with_capacity(entries.len() * TRACE_ENTRY_LEN);
            for (id, series) in entries {
                bytes.extend_from_slice(id);
                bytes.extend_from_slice(&series.to_le_bytes());
            }
            writer.page(section::TRACES, &bytes, Codec::Plain)?;
        }
        Ok(())
    }
}

/// True when the block has exemplars.
pub fn any(file: &BlockFile) -> bool {
    file.sections().iter().any(|s| s.kind == section::EXEMPLARS)
}

/// Calls `visit` with every exemplar of a block and its series, in the order of the series.
pub fn visit(file: &BlockFile, visit: &mut dyn FnMut(u32, Exemplar)) -> Result<()> {
    for page in 0..file.pages(section::EXEMPLARS)?.len() as u32 {
        let bytes = file.page(section::EXEMPLARS, page)?;
        let mut r = Reader::new(&bytes);
        let mut series = 0u32;
        let decoded: std::result::Result<(), Malformed> = (|| {
            while r.remaining() > 0 {
                series = series.wrapping_add(r.uvarint32()?);
                visit(series, Exemplar::decode(&mut r)?);
            }
            Ok(())
        })();
        decoded.map_err(|Malformed(what)| file.corrupt(page.into(), what))?;
    }
    Ok(())
}

/// The series with exemplars that name a trace, ascending.
pub fn series_of_trace(file: &BlockFile, id: &TraceId) -> Result<Vec<u32>> {
    let pages = file.pages(section::TRACES)?.len() as u32;
    let (mut low, mut high) = (0, pages);
    // The first page whose last entry is not below the id.
    while low < high {
        let middle = low + (high - low) / 2;
        let bytes = file.page(section::TRACES, middle)?;
        if bytes
            .chunks_exact(TRACE_ENTRY_LEN)
            .last()
            .is_some_and(|e| e[..16] < id[..])
        {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let mut found = Vec::new();
    for page in low..pages {
        let bytes = file.page(section::TRACES, page)?;
        let entries = bytes.as_chunks::<TRACE_ENTRY_LEN>().0;
        let from = entries.partition_point(|e| e[..16] < id[..]);
        let same = entries[from..].iter().take_while(|e| e[..16] == id[..]);
        let before = found.len();
        found.extend(same.map(|e| u32::from_le_bytes([e[16], e[17], e[18], e[19]])));
        if from + (found.len() - before) < entries.len() {
            break;
        }
    }
    Ok(found)
}
