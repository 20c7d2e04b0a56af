//! Runs a script: loads its entries, evaluates its queries, and compares. Not for reading it.

use super::expectation::{Expectation, show};
use super::script::{self, Command, Eval, Kind};
use super::{Failure, Loader, Outcome, ScriptError};
use crate::insights::{self, QueryOptions};
use crate::logql::eval::metric::{Grid, Value};
use crate::logql::eval::{RangeOptions, SelectOptions, range, select};
use crate::logql::{parse_log, parse_metric};
use crate::promql::eval::Budget;

/// Runs a script against an empty store.
///
/// # Errors
/// [`ScriptError`] when the script cannot be read, or when the store refuses its entries. Cases that fail are no error.
pub fn run(text: &str, loader: &mut dyn Loader) -> Result<Outcome, ScriptError> {
    let fail = |message| ScriptError { line: 0, message };
    let mut outcome = Outcome::default();
    loader.clear().map_err(fail)?;
    for command in script::parse(text)? {
        match command {
            Command::Clear => loader.clear().map_err(fail)?,
            Command::Load(entries) => loader.load(entries).map_err(fail)?,
            Command::Eval(eval) => {
                let at = |message| ScriptError {
                    line: eval.line,
                    message,
                };
                match case(&eval, loader).map_err(at)? {
                    None => outcome.passed += 1,
                    Some(got) => outcome.failures.push(Failure {
                        line: eval.line,
                        query: eval.query.clone(),
                        expected: eval.expected.join("\n"),
                        got,
                    }),
                }
            }
        }
    }
    Ok(outcome)
}

/// What a query gave when it is not what it must give.
fn case(eval: &Eval, loader: &dyn Loader) -> Result<Option<String>, String> {
    let grid = match eval.kind {
        Kind::Instant(time) => Grid::instant(time),
        Kind::Range(start, end, step) => Grid { start, end, step },
        Kind::Lines(..) | Kind::Insights(..) => {
            let got = match eval.kind {
                Kind::Insights(from, until) => rows(&eval.query, (from, until), loader),
                _ => lines(eval, loader),
            };
            let got = got.unwrap_or_else(|e| format!("expect fail msg: {e}"));
            let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
            let is_met = match eval.expected.first().and_then(|l| l.strip_prefix("expect ")) {
                Some("empty") => got.is_empty(),
                Some(_) => words(&got).starts_with(&words(&eval.expected.join(" "))),
                None => got.lines().map(words).eq(eval.expected.iter().map(|l| words(l))),
            };
            return Ok((!is_met).then_some(got));
        }
    };
    let expectation = Expectation::parse(&eval.expected)?;
    let got = numbers(&eval.query, &grid, loader);
    let is_met = match (&expectation.fail, &got) {
        (Some(message), Err(error)) => message.fits(error),
        (None, Ok(value)) => expectation.is_met(value, &grid),
        _ => false,
    };
    Ok((!is_met).then(|| got.map_or_else(|e| format!("expect fail msg: {e}"), |value| show(&value))))
}

fn numbers(query: &str, grid: &Grid, loader: &dyn Loader) -> Result<Value, String> {
    let metric = parse_metric(query).map_err(|e| e.to_string())?;
    let options = RangeOptions {
        grid: *grid,
        max_series: 0,
        partial: false,
        now: grid.end,
    };
    let numbers = range(&metric, &|scan| loader.parts(scan), &options, &Budget::default());
    numbers.map(|numbers| numbers.value).map_err(|e| e.to_string())
}

/// Rows as `name="value"`, one a line.
fn rows(query: &str, (from, until): (i64, i64), loader: &dyn Loader) -> Result<String, String> {
    let query = insights::parse(query).map_err(|e| e.to_string())?;
    let options = QueryOptions {
        selector: Vec::new(),
        from,
        until,
        limit: 1_000,
    };
    let found = insights::query(&query, &|scan| loader.parts(scan), &options, &Budget::default());
    let found = found.map_err(|e| e.to_string())?;
    let row = |row: &Vec<Option<std::sync::Arc<str>>>| {
        let cells = found.columns.iter().zip(row);
        let shown = cells.filter_map(|(name, value)| Some(format!("{name}=`{}`", value.as_ref()?)));
        shown.collect::<Vec<String>>().join(" ")
    };
    Ok(found.rows.iter().map(row).collect::<Vec<String>>().join("\n"))
}

fn lines(eval: &Eval, loader: &dyn Loader) -> Result<String, String> {
    let Kind::Lines(from, until, limit, direction) = eval.kind else {
        return Err("no lines are asked for".to_owned());
    };
    let log = parse_log(&eval.query).map_err(|e| e.to_string())?;
    let options = SelectOptions {
        from,
        until,
        limit,
        direction,
        interval: 0,
        now: until,
    };
    let found = select(&log, &|scan| loader.parts(scan), &options, &Budget::default());
    let found = found.map_err(|e| e.to_string())?;
    let mut out = Vec::new();
    for (labels, lines) in found.streams(false) {
        for line in lines {
            let time = crate::lex::go_duration::format(line.time);
            out.push(format!("{labels} {time} `{}`", line.line));
        }
    }
    Ok(out.join("\n"))
}
