//! Searches over the parts of the store: newest first, in waves of parts, until no later one can matter.
//! Not for what is looked for in a part (see `spansets` and `pipeline`).

use std::cmp::Reverse;
use std::ops::Range;

use kymo_engine::traces::{Run, Table, TraceId};

use super::super::answer::{FoundTrace, Progress, SearchAnswer, Stats};
use super::super::ast::{Body, Query, Static};
use super::super::options::{Part, SearchOptions};
use super::error::{EvalError, Refusal, check};
use super::found::found;
use super::frame::Frame;
use super::parallel::in_parallel;
use super::pipeline::Runner;
use super::sieve::Sieve;
use super::spansets::{Compiler, Spansets, Stage, Work};
use crate::promql::eval::Budget;

/// Parts of the first wave. Each further one has twice as many, or four times where nothing has been found so far, up to
/// [`WAVE_MAX`].
const WAVE: usize = 2;
const WAVE_MAX: usize = 128;

/// Bytes a row is taken to need beside 8 for each attribute: starts, durations, parents, masks.
const ROW_BYTES: usize = 32;

/// What decides which traces come first. Traces are told apart by their id.
type Rank = (Reverse<i64>, Reverse<i64>, TraceId);

/// Searches `parts`, the newest first.
///
/// # Errors
/// [`EvalError`]; the first part that fails decides.
pub fn search(
    parts: &[Part<'_>],
    query: &Query,
    options: &SearchOptions,
    budget: &Budget<'_>,
) -> Result<SearchAnswer, EvalError> {
    search_watched(parts, query, options, budget, &mut |_| {})
}

/// Searches `parts`, the newest first, and tells after each few what is certain by then.
///
/// # Errors
/// [`EvalError`]; the first part that fails decides.
pub fn search_watched(
    parts: &[Part<'_>],
    query: &Query,
    options: &SearchOptions,
    budget: &Budget<'_>,
    watch: &mut dyn FnMut(&Progress<'_>),
) -> Result<SearchAnswer, EvalError> {
    let Body::Search(pipeline) = &query.body else {
        return Err(EvalError::WrongKind("a metrics query answers no traces"));
    };
    let mut compiler = Compiler::default();
    let stages = compiler.pipeline(pipeline)?;
    let search = Search {
        stages,
        compiler,
        options,
        by_duration: orders_by_duration(query),
    };
    search.run(parts, budget, watch)
}

/// The hint `order=duration`.
fn orders_by_duration(query: &Query) -> bool {
    let wanted = Static::String("duration".into());
    query
        .hints
        .iter()
        .any(|hint| hint.name == "order" && hint.value == wanted)
}

struct Search<'q> {
    stages: Vec<Stage>,
    compiler: Compiler,
    options: &'q SearchOptions,
    by_duration: bool,
}

/// What a part gives.
#[derive(Default)]
struct Gathered {
    traces: Vec<(Rank, FoundTrace)>,
    /// The first trace for which the query is refused.
    refused: Option<(Rank, Refusal)>,
    stats: Stats,
}

impl Search<'_> {
    fn run(
        &self,
        parts: &[Part<'_>],
        budget: &Budget<'_>,
        watch: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<SearchAnswer, EvalError> {
        let mut order: Vec<&Part<'_>> = parts.iter().collect();
        order.sort_by_key(|part| Reverse(part.newest_start));
        let mut all = Gathered::default();
        all.stats.parts = parts.len() as u64;
        let (mut at, mut wave, mut settled) = (0, WAVE, 0);
        while at < order.len() {
            let floor = self.floor(&all);
            // What begins later than everything in the part is better than all of it.
            if !self.by_duration && floor.is_some_and(|(start, _, _)| start.0 > order[at].newest_start) {
                break;
            }
            let next = &order[at..(at + wave).min(order.len())];
            for gathered in in_parallel(next, budget, |part| self.part(part, floor, budget)) {
                all.take(gathered?);
            }
            all.traces.sort_by_key(|(rank, _)| *rank);
            all.traces.truncate(self.options.limit);
            at += next.len();
            wave = (wave * if all.traces.is_empty() { 4 } else { 2 }).min(WAVE_MAX);
            let certain = settled + self.settled(&all.traces[settled..], order.get(at));
            watch(&Progress {
                settled: all.traces[settled..certain]
                    .iter()
                    .map(|(_, trace)| trace)
                    .collect(),
                parts_done: at,
                stats: all.stats,
            });
            settled = certain;
        }
        if let Some((rank, refusal)) = all.refused
            && Some(rank) == self.floor(&all)
        {
            return Err(refusal.into());
        }
        Ok(SearchAnswer {
            traces: all.traces.into_iter().map(|(_, trace)| trace).collect(),
            stats: all.stats,
        })
    }

    /// How many of the first traces nothing in a part and those behind it can come before.
    fn settled(&self, traces: &[(Rank, FoundTrace)], next: Option<&&Part<'_>>) -> usize {
        match next {
            None => traces.len(),
            Some(_) if self.by_duration => 0,
            Some(next) => traces.partition_point(|((start, _, _), _)| start.0 > next.newest_start),
        }
    }

    /// What does not come before it does not matter: the last of the traces to answer when there are enough, or the first for
    /// which the query is refused. So it is refused when that is among those to answer, however traces lie in parts.
    fn floor(&self, all: &Gathered) -> Option<Rank> {
        let enough = all.traces.len() >= self.options.limit;
        let last = all.traces.last().filter(|_| enough).map(|(rank, _)| *rank);
        last.into_iter().chain(all.refused.map(|(rank, _)| rank)).min()
    }

    fn part(&self, part: &Part<'_>, floor: Option<Rank>, budget: &Budget<'_>) -> Result<Gathered, EvalError> {
        check(budget)?;
        let Some(table) = (part.load)()? else {
            return Ok(Gathered::default());
        };
        let bytes = table.rows() * (ROW_BYTES + 8 * self.compiler.attributes.list.len());
        budget.memory.reserve(bytes)?;
        let gathered = self.table(&table, floor);
        budget.memory.release(bytes);
        gathered
    }

    fn table(&self, table: &Table, floor: Option<Rank>) -> Result<Gathered, EvalError> {
        let attributes = &self.compiler.attributes.list;
        let work = Work::new(Frame::new(table, attributes), &self.compiler.filters);
        let mut gathered = Gathered::default();
        gathered.stats.parts_read = 1;
        gathered.stats.traces = table.trace_count() as u64;
        gathered.stats.spans = table.rows() as u64;
        let Some((rest, kept)) = led(&work, &self.stages)? else {
            return Ok(gathered);
        };
        let mut sieve = Sieve::new(&work, rest)?;
        let runs = work.frame.runs()?;
        let mut order: Vec<(Rank, usize)> = runs
            .iter()
            .enumerate()
            // The newest are the last as a rule, so there is little to sort.
            .rev()
            .filter(|(_, run)| self.in_times(run))
            .map(|(number, run)| (self.rank(run), number))
            .filter(|(rank, _)| floor.is_none_or(|floor| *rank < floor))
            .filter(|(_, number)| sieve.lets_through(&runs[*number].rows, kept.as_deref()))
            .collect();
        order.sort_unstable();
        let mut runner = Runner::new(&work, rest)?;
        for (rank, run) in order {
            if gathered.traces.len() == self.options.limit {
                break;
            }
            let trace = &runs[run].rows;
            let left = match runner.run(trace, kept_rows(trace, kept.as_deref())) {
                Err(EvalError::Refused(refusal)) => {
                    gathered.refused = Some((rank, refusal));
                    break;
                }
                left => left?,
            };
            if left {
                let spans = self.options.spans_per_spanset;
                let trace = found(&work.frame, attributes, run, &runner.kept(), spans)?;
                gathered.traces.push((rank, trace));
            }
        }
        Ok(gathered)
    }

    fn in_times(&self, run: &Run) -> bool {
        self.options
            .times
            .is_none_or(|(first, last)| run.start <= last && run.end.max(run.start) >= first)
    }

    fn rank(&self, run: &Run) -> Rank {
        let start = Reverse(run.start);
        if self.by_duration {
            (Reverse(run.end.saturating_sub(run.start)), start, run.id)
        } else {
            (start, start, run.id)
        }
    }
}

impl Gathered {
    fn take(&mut self, other: Gathered) {
        self.traces.extend(other.traces);
        self.refused = self.refused.into_iter().chain(other.refused).min();
        self.stats.traces += other.stats.traces;
        self.stats.spans += other.stats.spans;
        self.stats.parts_read += other.stats.parts_read;
    }
}

/// The rows of a trace that are kept.
pub(super) fn kept_rows(rows: &Range<u32>, kept: Option<&[bool]>) -> impl Iterator<Item = u32> {
    rows.clone()
        .filter(move |row| kept.is_none_or(|kept| kept[*row as usize]))
}

/// What goes on to the other stages: those stages and the rows, `None` for all rows.
pub(super) type Led<'s> = (&'s [Stage], Option<Vec<bool>>);

/// The same as [`leading`], but where the query is refused for some trace nothing is done: which traces come before that is
/// told trace by trace.
pub(super) fn led<'s>(work: &Work<'_>, stages: &'s [Stage]) -> Result<Option<Led<'s>>, EvalError> {
    match leading(work, stages) {
        Err(EvalError::Refused(_)) => Ok(Some((stages, None))),
        led => led,
    }
}

/// Takes all traces of a table through the stages at the front that keep spans. `None` when nothing is left.
fn leading<'s>(work: &Work<'_>, stages: &'s [Stage]) -> Result<Option<Led<'s>>, EvalError> {
    let rows = 0..work.frame.rows();
    let mut kept: Option<Vec<bool>> = None;
    let mut done = 0;
    for stage in stages {
        match stage {
            Stage::Spansets(Spansets::All) | Stage::Select | Stage::Coalesce => {}
            Stage::Spansets(expr) => match work.spansets(expr, &rows, kept.as_deref())? {
                Some(found) => kept = Some(found),
                None => return Ok(None),
            },
            Stage::Group { .. } | Stage::Filter(_) => break,
        }
        done += 1;
    }
    Ok(Some((&stages[done..], kept)))
}
