//! The samples one series has in a head: sealed Gorilla chunks, the open one, and what came late.

use std::sync::Arc;

use super::chunk::{Chunk, OpenChunk, SAMPLES_MAX};
use super::series::Samples;
use crate::coding::Malformed;

/// Late samples that are kept sorted before they are sealed into a chunk of their own.
const LATE_MAX: usize = 120;

/// Samples of one series, one per timestamp.
#[derive(Debug, Clone, Default)]
pub struct SeriesSamples {
    sealed: Vec<Arc<Chunk>>,
    open: OpenChunk,
    late: Vec<(i64, f64)>,
}

/// Samples of a series that lie together.
#[derive(Clone, Copy)]
pub enum Part<'s> {
    /// A sealed chunk.
    Sealed(&'s Chunk),
    /// The chunk that still grows.
    Open(&'s OpenChunk),
    /// What came late and is not sealed yet.
    Late(&'s [(i64, f64)]),
}

impl Part<'_> {
    /// Number of samples.
    pub fn len(&self) -> usize {
        match self {
            Part::Sealed(chunk) => chunk.count().into(),
            Part::Open(chunk) => chunk.count().into(),
            Part::Late(samples) => samples.len(),
        }
    }

    /// True without samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends all samples to `out`.
    pub fn decode(&self, out: &mut Samples) -> Result<(), Malformed> {
        match self {
            Part::Sealed(chunk) => chunk.decode(out),
            Part::Open(chunk) => chunk.decode(out),
            Part::Late(samples) => {
                samples.iter().for_each(|(time, value)| out.push(*time, *value));
                Ok(())
            }
        }
    }
}

/// What became of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It is stored.
    Stored,
    /// The same bits were there already.
    Duplicate,
    /// Other bits were there already; they stay.
    Conflict,
}

impl SeriesSamples {
    /// Stores a sample unless its time is taken.
    #[inline]
    pub fn push(&mut self, time: i64, value: f64) -> Pushed {
        if self.open.count() > 0 && time <= self.open.last_time() {
            return self.push_late(time, value);
        }
        // The open chunk is empty right after sealing: only then can a sealed one end later.
        if self.open.count() == 0 && self.sealed.last().is_some_and(|c| time <= c.last_time()) {
            return self.push_late(time, value);
        }
        self.open.push(time, value);
        if self.open.count() >= SAMPLES_MAX {
            let full = std::mem::take(&mut self.open);
            self.sealed.push(Arc::new(full.to_chunk()));
        }
        Pushed::Stored
    }

    fn push_late(&mut self, time: i64, value: f64) -> Pushed {
        let taken = |have: f64| match have.to_bits() == value.to_bits() {
            true => Pushed::Duplicate,
            false => Pushed::Conflict,
        };
        let at = match self.late.binary_search_by_key(&time, |(t, _)| *t) {
            Ok(i) => return taken(self.late[i].1),
            Err(at) => at,
        };
        if let Some(have) = self.in_chunks(time) {
            return taken(have);
        }
        self.late.insert(at, (time, value));
        if self.late.len() >= LATE_MAX {
            let chunk = Chunk::from_samples(self.late.drain(..));
            // In front of the chunk that ends last, which decides what is late.
            let end = self.sealed.len().saturating_sub(1);
            self.sealed.insert(end, Arc::new(chunk));
        }
        Pushed::Stored
    }

    /// Time of the newest sample.
    pub fn last_time(&self) -> Option<i64> {
        match self.open.count() {
            0 => self.sealed.last().map(|c| c.last_time()),
            _ => Some(self.open.last_time()),
        }
    }

    /// The value at a time.
    pub fn value_at(&self, time: i64) -> Option<f64> {
        if self.last_time().is_none_or(|last| last < time) {
            return None;
        }
        match self.late.binary_search_by_key(&time, |(t, _)| *t) {
            Ok(i) => Some(self.late[i].1),
            Err(_) => self.in_chunks(time),
        }
    }

    /// The value at a time in sealed chunks or the open one.
    fn in_chunks(&self, time: i64) -> Option<f64> {
        if self.open.count() > 0 && time == self.open.last_time() {
            return Some(self.open.last_value());
        }
        let mut found = None;
        self.visit_parts(|first, last, part| {
            if found.is_some() || matches!(part, Part::Late(_)) || !(first..=last).contains(&time) {
                return;
            }
            let mut samples = Samples::default();
            part.decode(&mut samples)
                .expect("chunks in memory are as they were encoded");
            let at = samples.timestamps.binary_search(&time).ok();
            found = at.map(|i| samples.values[i]);
        });
        found
    }

    /// Calls `visit` with the times of each part and the part, in no particular order; no timestamp is in two parts.
    pub fn visit_parts<'s>(&'s self, mut visit: impl FnMut(i64, i64, Part<'s>)) {
        for chunk in &self.sealed {
            visit(chunk.first_time(), chunk.last_time(), Part::Sealed(chunk));
        }
        if self.open.count() > 0 {
            visit(
                self.open.first_time(),
                self.open.last_time(),
                Part::Open(&self.open),
            );
        }
        if let (Some(first), Some(last)) = (self.late.first(), self.late.last()) {
            visit(first.0, last.0, Part::Late(&self.late));
        }
    }

    /// True when a part overlaps the times, both inclusive.
    pub fn overlaps(&self, min_time: i64, max_time: i64) -> bool {
        let mut any = false;
        self.visit_parts(|first, last, _| any |= first <= max_time && last >= min_time);
        any
    }

    /// Bytes of memory.
    pub fn heap_bytes(&self) -> usize {
        let sealed: usize = self
            .sealed
            .iter()
            .map(|c| c.heap_bytes() + size_of::<Chunk>() + 24)
            .sum();
        size_of::<SeriesSamples>() + 24 + sealed + self.open.heap_bytes() + self.late.capacity() * 16
    }
}
