//! Series that wait to be written together: the k-th chunks of neighbours make one row group, so that a group has the
//! samples of alike series and about the same time.

use std::ops::Range;

use super::series_page::{ChunkPlace, PageSeries};
use crate::metrics::values::{self, Effort};

/// Samples of first chunks at which a run of series is closed.
const SAMPLES_PER_GROUP: usize = 8192;
/// Most chunks in a group.
const CHUNKS_MAX: usize = 64;

/// A run of neighbouring series.
#[derive(Default)]
pub(super) struct Run {
    series: Vec<RunSeries>,
    values: Vec<f64>,
    first_samples: usize,
}

struct RunSeries {
    entry: PageSeries,
    /// Where the values of its float chunks lie; they come before other chunks of the entry.
    floats: Vec<Range<usize>>,
}

impl Run {
    /// Begins a series.
    pub(super) fn begin(&mut self, pairs: Vec<[u32; 2]>) {
        self.series.push(RunSeries {
            entry: PageSeries {
                pairs,
                chunks: Vec::new(),
            },
            floats: Vec::new(),
        });
    }

    /// Adds a chunk of floats to the series just begun, before its other chunks. Its place is known once the run is closed.
    pub(super) fn push_floats(&mut self, place: ChunkPlace, values: &[f64]) {
        let from = self.values.len();
        self.values.extend_from_slice(values);
        if let Some(series) = self.series.last_mut() {
            if series.floats.is_empty() {
                self.first_samples += values.len();
            }
            series.floats.push(from..self.values.len());
            series.entry.chunks.push(place);
        }
    }

    /// Adds a chunk that lies elsewhere.
    pub(super) fn push_placed(&mut self, place: ChunkPlace) {
        if let Some(series) = self.series.last_mut() {
            series.entry.chunks.push(place);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.first_samples >= SAMPLES_PER_GROUP || self.series.len() >= CHUNKS_MAX
    }

    /// Writes the groups through `write`, which takes the bytes of one and returns its page, and hands out the series.
    pub(super) fn close<E>(
        &mut self,
        effort: Effort,
        mut write: impl FnMut(&[u8]) -> Result<u32, E>,
    ) -> Result<Vec<PageSeries>, E> {
        let groups = self.series.iter().map(|s| s.floats.len()).max().unwrap_or(0);
        let mut bytes = Vec::new();
        for k in 0..groups {
            let members = self.series.iter_mut().filter(|s| s.floats.len() > k);
            let mut chunks: Vec<&[f64]> = Vec::with_capacity(CHUNKS_MAX);
            let mut places: Vec<&mut ChunkPlace> = Vec::with_capacity(CHUNKS_MAX);
            for member in members {
                chunks.push(&self.values[member.floats[k].clone()]);
                places.push(&mut member.entry.chunks[k]);
            }
            bytes.clear();
            values::encode_group(&chunks, effort, &mut bytes);
            let page = write(&bytes)?;
            for (i, place) in places.into_iter().enumerate() {
                place.values = super::Values::Group {
                    page,
                    index: i as u32,
                };
            }
        }
        self.values.clear();
        self.first_samples = 0;
        Ok(self.series.drain(..).map(|s| s.entry).collect())
    }
}
