//! Which spans are shown beside series: spread over the range, the same ones however traces lie in parts.
//! Not for the series they belong to.

use std::cell::OnceCell;
use std::sync::Arc;

use kymo_engine::traces::{EachTrace, SpanId, TraceId};

use super::super::super::ast::Static;
use super::super::super::grid::Grid;
use super::super::cell::hex;
use super::super::error::EvalError;
use super::super::frame::{Frame, once};
use super::super::group::Grouper;
use super::super::key::Key;
use super::super::operand::{Operand, id_text};
use super::second::{Drawn, Shown};

/// A span that may be shown. Of several in one stretch of time the one with the least mark and id is.
#[derive(Clone)]
struct Candidate {
    mark: u64,
    trace: TraceId,
    span: SpanId,
    start: i64,
    value: Option<f64>,
    group: u32,
}

impl Candidate {
    fn before(&self, other: &Candidate) -> bool {
        (self.mark, self.trace) < (other.mark, other.trace)
    }
}

/// Marks up to this are little: a thirty-second part of all.
const LITTLE: u64 = u64::MAX / 32;

/// The candidates of one table by stretch of time.
pub(super) struct Candidates {
    stretches: Vec<Option<Candidate>>,
    /// The times that are asked for.
    first: i64,
    last: i64,
    /// Stretches a nanosecond.
    scale: f64,
}

impl Candidates {
    pub(super) fn new(count: usize, grid: &Grid) -> Candidates {
        let (first, last) = grid.times();
        let range = last as f64 - first as f64 + 1.0;
        Candidates {
            stretches: vec![None; count],
            first,
            last,
            scale: count as f64 / range,
        }
    }

    /// Takes at most one span of each trace: the first that is kept and has a value.
    pub(super) fn collect(
        &mut self,
        frame: &Frame<'_>,
        kept: Option<&[bool]>,
        operand: Option<&Operand<'_>>,
        grouper: &mut Grouper<'_, '_>,
    ) -> Result<(), EvalError> {
        if self.stretches.is_empty() {
            return Ok(());
        }
        let traces = frame.table.each_trace()?;
        let mut rows = vec![0; self.stretches.len()];
        let mut offer = |ours: &mut Self, n: usize, mark: u64| {
            let starts = traces.starts(n);
            let Some((row, start, value)) = ours.first_of(n, &traces, starts, frame, kept, operand)? else {
                return Ok::<_, EvalError>(());
            };
            let candidate = Candidate {
                mark,
                trace: traces.id(n),
                span: SpanId::default(),
                start,
                value,
                group: 0,
            };
            let stretch = ours.stretch(start);
            let slot = &mut ours.stretches[stretch];
            if slot.as_ref().is_none_or(|known| candidate.before(known)) {
                let group = grouper.of(row);
                *slot = Some(Candidate { group, ..candidate });
                rows[stretch] = row;
            }
            Ok(())
        };
        // The least mark wins: as a rule one of the few that have little, and the others need not be looked at.
        for n in 0..traces.len() {
            let mark = mark(&traces.id(n));
            if mark <= LITTLE {
                offer(self, n, mark)?;
            }
        }
        if let Some((from, to)) = self.empty_times(traces.reach()) {
            for n in 0..traces.len() {
                let (first_start, last_start) = traces.starts(n);
                if first_start <= to && last_start >= from {
                    offer(self, n, mark(&traces.id(n)))?;
                }
            }
        }
        for (candidate, row) in self.stretches.iter_mut().zip(rows) {
            if let Some(candidate) = candidate {
                candidate.span = frame.table.span_id(row)?;
            }
        }
        Ok(())
    }

    /// The first span of a trace that is asked for: its row, start and value.
    fn first_of(
        &self,
        n: usize,
        traces: &EachTrace<'_>,
        (first_start, last_start): (i64, i64),
        frame: &Frame<'_>,
        kept: Option<&[bool]>,
        operand: Option<&Operand<'_>>,
    ) -> Result<Option<(usize, i64, Option<f64>)>, EvalError> {
        let whole = first_start >= self.first && last_start <= self.last;
        if !whole && (first_start > self.last || last_start < self.first) {
            return Ok(None);
        }
        let all = traces.rows(n);
        // Of most traces the first span is shown, whose start is known.
        let starts = OnceCell::new();
        let start = |row: usize| match row - all.start {
            0 => Ok(first_start),
            at => once(&starts, || Ok(frame.table.starts_of(n)?)).map(|starts| starts[at]),
        };
        for row in all.clone() {
            if kept.is_some_and(|kept| !kept[row])
                || !(whole || (self.first..=self.last).contains(&start(row)?))
            {
                continue;
            }
            let value = operand.map(|operand| operand.number(row).and_then(|v| v.as_f64()));
            if value != Some(None) {
                return Ok(Some((row, start(row)?, value.flatten())));
            }
        }
        Ok(None)
    }

    /// First and last time, or a little more, of the stretches between two times that have no candidate; none when all have.
    fn empty_times(&self, (first, last): (i64, i64)) -> Option<(i64, i64)> {
        if first > self.last || last < self.first {
            return None;
        }
        let reach = self.stretch(first.max(self.first))..=self.stretch(last.min(self.last));
        let mut empty = reach.filter(|n| self.stretches[*n].is_none());
        let from = empty.next()?;
        let to = empty.next_back().unwrap_or(from);
        let time = |stretch: f64| self.first.saturating_add((stretch / self.scale) as i64);
        Some((time(from as f64 - 1.0), time(to as f64 + 2.0)))
    }

    fn stretch(&self, start: i64) -> usize {
        let stretch = start.saturating_sub(self.first) as f64 * self.scale;
        (stretch as usize).min(self.stretches.len() - 1)
    }
}

/// Mixes an id, so that ids which count up are spread too (the finaliser of splitmix64 over both halves).
fn mark(id: &TraceId) -> u64 {
    let whole = u128::from_be_bytes(*id);
    let mut x = (whole >> 64) as u64 ^ (whole as u64).rotate_left(32);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The spans of all tables so far that will be shown, with the values of their group.
pub(super) struct Exemplars {
    stretches: Vec<Option<(Candidate, Vec<Key>)>>,
}

impl Exemplars {
    pub(super) fn new(count: usize) -> Exemplars {
        Exemplars {
            stretches: vec![None; count],
        }
    }

    pub(super) fn take(&mut self, candidates: Candidates, keys: &[Vec<Key>]) {
        for (ours, theirs) in self.stretches.iter_mut().zip(candidates.stretches) {
            let Some(theirs) = theirs else { continue };
            if ours.as_ref().is_none_or(|(known, _)| theirs.before(known)) {
                let key = keys.get(theirs.group as usize).cloned().unwrap_or_default();
                *ours = Some((theirs, key));
            }
        }
    }

    /// Adds the spans of a group to the series of it whose value is nearest.
    pub(super) fn attach(&self, key: &[Key], lines: &mut [Drawn], grid: &Grid, scaled: impl Fn(f64) -> f64) {
        for (candidate, of) in self.stretches.iter().flatten() {
            if of != key {
                continue;
            }
            let Some(step) = grid.step_of(candidate.start) else {
                continue;
            };
            let value = candidate.value.map(&scaled);
            let distance = |line: &Drawn| {
                let there = line.values[step];
                value.map_or(0.0, |value| (there - value).abs())
            };
            let nearest = lines
                .iter_mut()
                .filter(|line| !line.values[step].is_nan())
                .min_by(|a, b| distance(a).total_cmp(&distance(b)));
            let Some(line) = nearest else { continue };
            let mut labels = vec![
                (
                    Arc::from("trace:id"),
                    Static::String(hex(&candidate.trace).into()),
                ),
                (
                    Arc::from("span:id"),
                    Static::String(id_text(&candidate.span).into()),
                ),
            ];
            labels.extend(
                line.labels
                    .iter()
                    .filter(|(name, _)| !name.starts_with("__"))
                    .cloned(),
            );
            line.exemplars.push(Shown {
                labels,
                value: value.unwrap_or(line.values[step]),
                time: candidate.start.div_euclid(1_000_000),
            });
        }
    }
}
