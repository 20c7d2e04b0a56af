//! Writes a metrics block from series that come in the order of their labels.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::chunk::{SAMPLES_MAX, Values};
use super::exemplars::ExemplarsWriter;
use super::page::Page;
use super::row_group::Run;
use super::series_page::{self, ChunkPlace, PageSeries};
use super::starts::StartsWriter;
use super::stats::{self, ChunkStats};
use super::times::TimesWriter;
use super::{postings, section};
use crate::block::writer::Written;
use crate::block::{BlockWriter, Codec, Temperature};
use crate::coding::put_uvarint;
use crate::error::Result;
use crate::metrics::batch::HistogramWrite;
use crate::metrics::exemplar::Exemplar;
use crate::metrics::histogram::columns;
use crate::metrics::record::OwnedMetadata;
use crate::metrics::series::Samples;
use crate::metrics::values::Effort;

/// What a block has of one series.
#[derive(Debug, Clone, Default)]
pub struct SeriesRows {
    /// Float samples.
    pub floats: Samples,
    /// Start timestamps of the float samples, 0 where unset; empty when none is set.
    pub starts: Vec<i64>,
    /// The samples are deltas.
    pub delta: bool,
    /// Native histograms, ascending in time.
    pub histograms: Vec<HistogramWrite>,
    /// Exemplars, ascending in time.
    pub exemplars: Vec<Exemplar>,
}

impl SeriesRows {
    /// Removes everything, keeping the memory.
    pub fn clear(&mut self) {
        self.floats.clear();
        self.starts.clear();
        self.delta = false;
        self.histograms.clear();
        self.exemplars.clear();
    }

    /// Cuts everything down to the times, both inclusive.
    pub fn trim(&mut self, min_time: i64, max_time: i64) {
        self.retain(|time| (min_time..=max_time).contains(&time));
    }

    /// Keeps what lies at the times for which `keep` is true.
    pub fn retain(&mut self, keep: impl Fn(i64) -> bool) {
        let times = &self.floats.timestamps;
        if !times.iter().all(|t| keep(*t)) {
            let kept: Vec<usize> = (0..times.len()).filter(|i| keep(times[*i])).collect();
            self.floats = Samples {
                timestamps: kept.iter().map(|i| self.floats.timestamps[*i]).collect(),
                values: kept.iter().map(|i| self.floats.values[*i]).collect(),
                delta: self.floats.delta,
            };
            if !self.starts.is_empty() {
                self.starts = kept.iter().map(|i| self.starts[*i]).collect();
            }
        }
        self.histograms.retain(|h| keep(h.time));
        self.exemplars.retain(|e| keep(e.time));
    }

    /// True without anything to store.
    pub fn is_empty(&self) -> bool {
        self.floats.is_empty() && self.histograms.is_empty() && self.exemplars.is_empty()
    }
}

/// A metrics block being written.
pub struct SeriesWriter<'w> {
    writer: &'w mut BlockWriter,
    effort: Effort,
    postings: BTreeMap<[u32; 2], RoaringBitmap>,
    run: Run,
    /// Series of the page being filled whose chunks have their places.
    page: Vec<PageSeries>,
    stats: Vec<ChunkStats>,
    series_count: u32,
    times: TimesWriter,
    starts: StartsWriter,
    histograms: Page,
    exemplars: ExemplarsWriter,
    min_time: i64,
    max_time: i64,
    rows: u64,
}

impl<'w> SeriesWriter<'w> {
    /// Starts a block whose strings are `symbols`, sorted and unique: label pairs name them by position.
    pub fn new<'s>(
        writer: &'w mut BlockWriter,
        symbols: impl ExactSizeIterator<Item = &'s str>,
    ) -> Result<SeriesWriter<'w>> {
        writer.section(section::SYMBOLS, &encode_symbols(symbols))?;
        let effort = match writer.temperature() {
            Temperature::Young => Effort::Young,
            Temperature::Settled => Effort::Settled,
            Temperature::Cold => Effort::Cold,
        };
        Ok(SeriesWriter {
            writer,
            effort,
            postings: BTreeMap::new(),
            run: Run::default(),
            page: Vec::new(),
            stats: Vec::new(),
            series_count: 0,
            times: TimesWriter::new(),
            starts: StartsWriter::new(),
            histograms: Page::new(section::HISTOGRAMS),
            exemplars: ExemplarsWriter::new(),
            min_time: i64::MAX,
            max_time: i64::MIN,
            rows: 0,
        })
    }

    /// Appends a series: its label pairs by symbol, above those of the series before, and what there is of it.
    pub fn push(&mut self, pairs: &[[u32; 2]], rows: &SeriesRows) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        for pair in pairs {
            self.postings.entry(*pair).or_default().insert(self.series_count);
        }
        self.run.begin(pairs.to_vec());
        self.push_floats(rows)?;
        self.push_histograms(rows)?;
        self.exemplars
            .push(self.series_count, &rows.exemplars, self.writer)?;
        for exemplar in &rows.exemplars {
            self.span(exemplar.time, exemplar.time);
        }
        let count = (rows.floats.len() + rows.histograms.len() + rows.exemplars.len()) as u64;
        self.writer.half_done(2 * count);
        self.rows += count;
        self.series_count += 1;
        if self.series_count.is_multiple_of(section::SERIES_PER_PAGE) {
            self.close_page()
        } else if self.run.is_full() {
            self.close_run()
        } else {
            Ok(())
        }
    }

    fn span(&mut self, first: i64, last: i64) {
        self.min_time = self.min_time.min(first);
        self.max_time = self.max_time.max(last);
    }

    fn push_floats(&mut self, rows: &SeriesRows) -> Result<()> {
        let chunks = rows
            .floats
            .timestamps
            .chunks(SAMPLES_MAX)
            .zip(rows.floats.values.chunks(SAMPLES_MAX));
        for (i, (times, values)) in chunks.enumerate() {
            self.span(times[0], times[times.len() - 1]);
            let from = i * SAMPLES_MAX;
            let starts = rows.starts.get(from..from + times.len()).unwrap_or_default();
            let place = ChunkPlace {
                times: self.times.push(times, self.writer)?,
                values: Values::Group { page: 0, index: 0 },
                starts: self.starts.push(starts, times, self.writer)?,
                delta: rows.delta,
            };
            self.stats.push(ChunkStats::of(values));
            self.run.push_floats(place, values);
        }
        Ok(())
    }

    /// A chunk of histograms ends where the layout changes.
    fn push_histograms(&mut self, rows: &SeriesRows) -> Result<()> {
        for alike in rows
            .histograms
            .chunk_by(|a, b| a.histogram.same_layout(&b.histogram))
        {
            for chunk in alike.chunks(SAMPLES_MAX) {
                self.span(chunk[0].time, chunk[chunk.len() - 1].time);
                let times: Vec<i64> = chunk.iter().map(|h| h.time).collect();
                let starts: Vec<i64> = chunk.iter().map(|h| h.start).collect();
                self.histograms.close_when_full(self.writer)?;
                let (page, offset) = self.histograms.place();
                let histograms: Vec<_> = chunk.iter().map(|h| &h.histogram).collect();
                columns::encode(&histograms, self.effort, &mut self.histograms.bytes);
                self.run.push_placed(ChunkPlace {
                    times: self.times.push(&times, self.writer)?,
                    values: Values::Histograms { page, offset },
                    starts: self.starts.push(&starts, &times, self.writer)?,
                    delta: rows.delta,
                });
            }
        }
        Ok(())
    }

    fn close_run(&mut self) -> Result<()> {
        let (writer, effort) = (&mut *self.writer, self.effort);
        let level = effort.zstd_level();
        let mut placed = self.run.close(effort, |bytes| match level {
            Some(level) => writer.page_at(section::VALUES, bytes, level),
            None => writer.page(section::VALUES, bytes, Codec::Plain),
        })?;
        self.page.append(&mut placed);
        Ok(())
    }

    fn close_page(&mut self) -> Result<()> {
        self.close_run()?;
        if self.page.is_empty() {
            return Ok(());
        }
        self.writer
            .page(section::SERIES, &series_page::encode(&self.page), Codec::Zstd)?;
        self.writer
            .page(section::STATS, &stats::encode(&self.stats), Codec::Zstd)?;
        self.page.clear();
        self.stats.clear();
        Ok(())
    }

    /// Writes what is left and returns what the block holds. Without samples the block spans the metadata's times.
    pub fn finish(mut self, metadata: &[OwnedMetadata]) -> Result<Written> {
        self.close_page()?;
        self.times.finish(self.writer)?;
        self.starts.finish(self.writer)?;
        self.histograms.close(self.writer)?;
        self.exemplars.finish(self.writer)?;
        postings::write(self.postings, self.series_count, self.writer)?;
        let mut encoded = Vec::new();
        put_uvarint(&mut encoded, metadata.len() as u64);
        for entry in metadata {
            entry.encode(&mut encoded);
            self.min_time = self.min_time.min(entry.received_ms);
            self.max_time = self.max_time.max(entry.received_ms);
        }
        self.writer.section(section::METADATA, &encoded)?;
        Ok(Written {
            min_time: self.min_time,
            max_time: self.max_time,
            rows: self.rows,
            groups: self.series_count.into(),
        })
    }
}

fn encode_symbols<'s>(symbols: impl ExactSizeIterator<Item = &'s str>) -> Vec<u8> {
    let count = symbols.len();
    let mut head = Vec::with_capacity(4 * (count + 1));
    head.extend_from_slice(&(count as u32).to_le_bytes());
    let mut text = Vec::new();
    for symbol in symbols {
        text.extend_from_slice(symbol.as_bytes());
        head.extend_from_slice(&(text.len() as u32).to_le_bytes());
    }
    head.extend_from_slice(&text);
    head
}
