//! Metrics queries over the parts of the store: every function of a query in one pass over the columns, merged part by part.
//! Counts and sums are whole numbers or exact sums, so that answers do not depend on how traces lie in parts.
//! Not for what is done with the series afterwards (see [`second`]).

mod compare;
mod exemplars;
mod finish;

mod line;
mod progress;
mod second;
mod series;
mod sketch;
mod stretches;

use kymo_engine::traces::Table;

use super::super::answer::{MetricsAnswer, Stats};
use super::super::ast::{Body, Hint, Metrics, Query, Static};
use super::super::options::{MetricsOptions, Part};
use super::error::{EvalError, check};
use super::frame::Frame;
use super::parallel::in_order;
use super::pipeline::Runner;
use super::search::{kept_rows, led};
use super::sieve::Sieve;
use super::spansets::{Compiler, Stage, Work};
use crate::promql::eval::Budget;

use progress::{certain_from, is_certain_by_step, latest_first};

pub use progress::{SeriesProgress, SeriesWatch};

/// Parts of a wave: more results than these are never held at once.
const WAVE: usize = 64;

/// Bytes a row is taken to need beside 8 for each attribute.
const ROW_BYTES: usize = 32;

/// Most exemplars of a query.
const EXEMPLARS_MAX: usize = 100;

/// True when the query asks for the names of attributes: it holds `compare()`.
pub fn wants_attribute_names(query: &Query) -> bool {
    fn inner(of: &Metrics) -> bool {
        match of {
            Metrics::Compare(_) => true,
            Metrics::Series(_) | Metrics::Number(_) => false,
            Metrics::Rank { of, .. } | Metrics::Filter { of, .. } => inner(of),
            Metrics::Math { lhs, rhs, .. } => inner(lhs) || inner(rhs),
        }
    }
    matches!(&query.body, Body::Metrics(metrics) if inner(metrics))
}

/// Computes the series of a query over `parts`.
///
/// # Errors
/// [`EvalError`]; the first part that fails decides.
pub fn explore(
    parts: &[Part<'_>],
    query: &Query,
    options: &MetricsOptions<'_>,
    budget: &Budget<'_>,
) -> Result<MetricsAnswer, EvalError> {
    explore_watched(parts, query, options, budget, &mut |_| Ok(()))
}

/// Computes the series of a query over `parts`, those that may hold the latest spans first, and tells after each what is
/// certain by then.
///
/// # Errors
/// [`EvalError`]; the first part that fails decides.
pub fn explore_watched(
    parts: &[Part<'_>],
    query: &Query,
    options: &MetricsOptions<'_>,
    budget: &Budget<'_>,
    watch: &mut SeriesWatch<'_>,
) -> Result<MetricsAnswer, EvalError> {
    let Body::Metrics(metrics) = &query.body else {
        return Err(EvalError::WrongKind("a search answers no series"));
    };
    let names = if wants_attribute_names(query) {
        (options.attribute_names)()?
    } else {
        Vec::new()
    };
    let mut plan = Plan {
        compiler: Compiler::default(),
        leaves: Vec::new(),
        exemplars: exemplars_wanted(&query.hints, options),
    };
    plan.collect(metrics, query, &names)?;
    let mut totals: Vec<Total> = plan
        .leaves
        .iter()
        .map(|leaf| leaf.total(options, &plan))
        .collect();
    let mut stats = Stats {
        parts: parts.len() as u64,
        ..Stats::default()
    };
    let order = latest_first(parts);
    let tells = is_certain_by_step(metrics);
    let mut parts_done = 0;
    for wave in order.chunks(WAVE) {
        let part = |part: &Part<'_>| plan.part(part, options, budget);
        in_order(wave, budget, part, |found| {
            parts_done += 1;
            let Some((partials, seen)) = found else {
                return Ok(());
            };
            stats.traces += seen.traces;
            stats.spans += seen.spans;
            stats.parts_read += 1;
            let mut pairs = totals.iter_mut().zip(partials);
            pairs.try_for_each(|(total, partial)| total.take(partial, budget))?;
            if !tells {
                return Ok(());
            }
            let draw = |steps| {
                Ok(finish::some(
                    plan.lines(metrics, &totals, options)?,
                    options,
                    steps,
                ))
            };
            watch(&SeriesProgress {
                certain_from: certain_from(&order[parts_done..], &options.grid),
                parts_done,
                stats,
                draw: &draw,
            })
        })?;
    }
    Ok(finish::answer(
        plan.lines(metrics, &totals, options)?,
        options,
        stats,
    ))
}

/// The hint `exemplars`, a number or a truth, within what is asked for.
fn exemplars_wanted(hints: &[Hint], options: &MetricsOptions<'_>) -> usize {
    let hint = hints.iter().rev().find(|hint| hint.name == "exemplars");
    let wanted = match hint.map(|hint| &hint.value) {
        Some(Static::Bool(false)) => 0,
        Some(Static::Bool(true)) => EXEMPLARS_MAX,
        Some(Static::Int(n)) => usize::try_from(*n).unwrap_or(0),
        _ => options.exemplars,
    };
    wanted.min(EXEMPLARS_MAX)
}

/// A function of the query with the stages before it.
enum Leaf {
    Series(Vec<Stage>, series::Function),
    Compare(Vec<Stage>, compare::Comparing),
}

enum Partial {
    Series(series::Partial),
    Compare(compare::Counts),
}

enum Total {
    Series(series::Total),
    Compare(compare::Counts),
}

struct Plan {
    compiler: Compiler,
    /// In the order of the text.
    leaves: Vec<Leaf>,
    exemplars: usize,
}

impl Leaf {
    fn total(&self, options: &MetricsOptions<'_>, plan: &Plan) -> Total {
        match self {
            Leaf::Series(_, function) => {
                Total::Series(series::Total::new(function, options.grid.steps(), plan.exemplars))
            }
            Leaf::Compare(..) => Total::Compare(compare::Counts::default()),
        }
    }
}

impl Total {
    fn take(&mut self, partial: Partial, budget: &Budget<'_>) -> Result<(), EvalError> {
        match (self, partial) {
            (Total::Series(total), Partial::Series(partial)) => total.take(partial, budget),
            (Total::Compare(total), Partial::Compare(partial)) => total.take(partial, budget),
            _ => Ok(()),
        }
    }
}

impl Plan {
    fn collect(
        &mut self,
        metrics: &Metrics,
        query: &Query,
        names: &[(kymo_engine::traces::AttributeScope, std::sync::Arc<str>)],
    ) -> Result<(), EvalError> {
        match metrics {
            Metrics::Series(of) => {
                let stages = self.compiler.pipeline(&of.pipeline)?;
                let function = series::Function::new(of, &query.hints, &mut self.compiler.attributes);
                self.leaves.push(Leaf::Series(stages, function));
            }
            Metrics::Compare(of) => {
                let stages = self.compiler.pipeline(&of.pipeline)?;
                let comparing = compare::Comparing::new(of, names, &mut self.compiler)?;
                self.leaves.push(Leaf::Compare(stages, comparing));
            }
            Metrics::Rank { of, .. } | Metrics::Filter { of, .. } => {
                self.collect(of, query, names)?;
            }
            Metrics::Math { lhs, rhs, .. } => {
                self.collect(lhs, query, names)?;
                self.collect(rhs, query, names)?;
            }
            Metrics::Number(_) => {}
        }
        Ok(())
    }

    fn lines(
        &self,
        metrics: &Metrics,
        totals: &[Total],
        options: &MetricsOptions<'_>,
    ) -> Result<Vec<second::Drawn>, EvalError> {
        second::evaluate(metrics, &mut self.leaves.iter().zip(totals), options)
    }

    fn part(
        &self,
        part: &Part<'_>,
        options: &MetricsOptions<'_>,
        budget: &Budget<'_>,
    ) -> Result<Option<(Vec<Partial>, Stats)>, EvalError> {
        check(budget)?;
        let Some(table) = (part.load)()? else {
            return Ok(None);
        };
        let bytes = table.rows() * (ROW_BYTES + 8 * self.compiler.attributes.list.len());
        budget.memory.reserve(bytes)?;
        let partials = self.table(&table, options);
        budget.memory.release(bytes);
        partials.map(Some)
    }

    fn table(&self, table: &Table, options: &MetricsOptions<'_>) -> Result<(Vec<Partial>, Stats), EvalError> {
        let frame = Frame::new(table, &self.compiler.attributes.list);
        let stats = Stats {
            traces: table.trace_count() as u64,
            spans: table.rows() as u64,
            ..Stats::default()
        };
        let work = Work::new(frame, &self.compiler.filters);
        let mut partials = Vec::with_capacity(self.leaves.len());
        for leaf in &self.leaves {
            let (Leaf::Series(stages, _) | Leaf::Compare(stages, _)) = leaf;
            let kept = match kept(&work, stages, options.grid.times())? {
                Some(kept) => kept,
                None => Some(vec![false; table.rows()]),
            };
            partials.push(match leaf {
                Leaf::Series(_, function) => Partial::Series(function.partial(
                    &work.frame,
                    kept.as_deref(),
                    &options.grid,
                    self.exemplars,
                )?),
                Leaf::Compare(_, comparing) => {
                    Partial::Compare(comparing.counts(&work, kept.as_deref(), &options.grid)?)
                }
            });
        }
        Ok((partials, stats))
    }
}

/// The rows that a pipeline keeps: `None` when there are none, and `None` within when it keeps all. Traces that do not
/// overlap the times cannot refuse the query.
fn kept(
    work: &Work<'_>,
    stages: &[Stage],
    (first, last): (i64, i64),
) -> Result<Option<Option<Vec<bool>>>, EvalError> {
    let Some((rest, kept)) = led(work, stages)? else {
        return Ok(None);
    };
    if rest.is_empty() {
        return Ok(Some(kept));
    }
    let mut all = vec![false; work.frame.rows()];
    let mut sieve = Sieve::new(work, rest)?;
    let mut runner = Runner::new(work, rest)?;
    for run in work.frame.runs()? {
        if run.start > last || run.last_start < first || !sieve.lets_through(&run.rows, kept.as_deref()) {
            continue;
        }
        if runner.run(&run.rows, kept_rows(&run.rows, kept.as_deref()))? {
            runner.kept_rows().for_each(|row| all[row as usize] = true);
        }
    }
    Ok(Some(Some(all)))
}
