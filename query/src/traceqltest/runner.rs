//! Runs a script: loads its traces, evaluates its queries, and compares. Not for reading it.

use super::script::{self, Command, Eval, Kind};
use super::{Failure, Loader, Outcome, ScriptError, show};
use crate::promql::eval::Budget;
use crate::traceql::grid::Grid;
use crate::traceql::options::{MetricsOptions, Part, SearchOptions};
use crate::traceql::{Query, metrics_over, parse, search};

/// Runs a script against an empty store.
///
/// # Errors
/// [`ScriptError`] when the script cannot be read, or when the store refuses its traces. Cases that fail are no error.
pub fn run(text: &str, loader: &mut dyn Loader) -> Result<Outcome, ScriptError> {
    let fail = |message| ScriptError { line: 0, message };
    let mut outcome = Outcome::default();
    loader.clear().map_err(fail)?;
    for command in script::parse(text)? {
        match command {
            Command::Clear => loader.clear().map_err(fail)?,
            Command::Load(traces) => loader.load(traces).map_err(fail)?,
            Command::Eval(eval) => {
                let got = case(&eval, loader);
                if matches(&eval, &got) {
                    outcome.passed += 1;
                } else {
                    outcome.failures.push(Failure {
                        line: eval.line,
                        query: eval.query.clone(),
                        expected: eval.expected.join("\n"),
                        got: got.map_or_else(|e| format!("fail {e}"), |lines| lines.join("\n")),
                    });
                }
            }
        }
    }
    Ok(outcome)
}

/// True when the answer is what the script expects; `fail` expects an error that holds a text.
fn matches(eval: &Eval, got: &Result<Vec<String>, String>) -> bool {
    let first = eval.expected.first().map_or("", String::as_str);
    match (first.strip_prefix("fail"), got) {
        (Some(text), Err(error)) => error.contains(text.trim()),
        (None, Ok(lines)) => {
            let words = |line: &String| line.split_whitespace().collect::<Vec<_>>().join(" ");
            lines.iter().map(words).eq(eval.expected.iter().map(words))
        }
        _ => false,
    }
}

/// The answer to a case as lines.
fn case(eval: &Eval, loader: &dyn Loader) -> Result<Vec<String>, String> {
    let query = parse(&eval.query).map_err(|e| e.to_string())?;
    match eval.kind {
        Kind::Spans => searched(eval, &query, loader).map(|answer| show::spans(&answer)),
        Kind::Traces => searched(eval, &query, loader).map(|answer| show::traces(&answer)),
        Kind::Range(start, end, step) => {
            let grid = Grid::range(start, end, step).map_err(|e| e.to_string())?;
            measured(eval, &query, grid, loader)
        }
        Kind::Instant(start, end) => {
            let grid = Grid::instant(start, end).map_err(|e| e.to_string())?;
            measured(eval, &query, grid, loader)
        }
    }
}

fn searched(
    eval: &Eval,
    query: &Query,
    loader: &dyn Loader,
) -> Result<crate::traceql::answer::SearchAnswer, String> {
    let options = SearchOptions {
        limit: eval.limit,
        spans_per_spanset: eval.spans,
        times: eval.times,
    };
    let mut answer = None;
    loader.with_parts(query, eval.times, &mut |parts: &[Part<'_>], _| {
        answer = Some(search(parts, query, &options, &Budget::default()));
    })?;
    answer.ok_or("no parts")?.map_err(|e| e.to_string())
}

fn measured(eval: &Eval, query: &Query, grid: Grid, loader: &dyn Loader) -> Result<Vec<String>, String> {
    let mut answer = None;
    loader.with_parts(query, Some(grid.times()), &mut |parts: &[Part<'_>], names| {
        let options = MetricsOptions {
            grid,
            exemplars: eval.exemplars,
            max_series: eval.limit,
            attribute_names: &|| Ok(names.to_vec()),
        };
        answer = Some(metrics_over(parts, query, &options, &Budget::default()));
    })?;
    let answer = answer.ok_or("no parts")?.map_err(|e| e.to_string())?;
    let times: Vec<i64> = (0..grid.steps()).map(|step| grid.sample_time(step)).collect();
    Ok(show::series(&answer, &times))
}
