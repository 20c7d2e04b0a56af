//! Runs a script: loads its series, evaluates its queries in all variants, and compares.

use kymo_engine::labels::Labels;
use kymo_engine::metrics::{HistogramWrite, Samples, SeriesRows};

use super::compare::{self, Difference};
use super::script::{self, Command, Eval, LoadRow, Times};
use super::sequence::Element;
use super::{Failure, Loader, Outcome, ScriptError, case, classic};
use crate::promql::eval::{Budget, EvalOptions, Evaluation, Query, Series, Value, eval};
use crate::promql::histogram::FloatHistogram;
use crate::promql::{Expr, ParseOptions, parse};

/// The limit of Prometheus' own test engine.
const MAX_SAMPLES: usize = 10_000;

const MINUTE: i64 = 60_000;

/// Runs a script against an empty store.
///
/// # Errors
/// [`ScriptError`] when the script cannot be read, or when the store refuses its series. Cases that fail are no error.
pub fn run(text: &str, loader: &mut dyn Loader) -> Result<Outcome, ScriptError> {
    let commands = script::parse(text)?;
    let mut runner = Runner {
        loader,
        outcome: Outcome::default(),
    };
    runner.clear()?;
    for command in commands {
        match command {
            Command::Clear => runner.clear()?,
            Command::Load { gap, nhcb, rows } => runner.load(gap, nhcb, &rows)?,
            Command::Eval(case) => runner.case(&case),
        }
    }
    Ok(runner.outcome)
}

struct Runner<'a> {
    loader: &'a mut dyn Loader,
    outcome: Outcome,
}

/// Why a case failed: the query as it was evaluated, and the difference.
type Failed = (String, Difference);

impl Runner<'_> {
    fn clear(&mut self) -> Result<(), ScriptError> {
        self.loader
            .clear()
            .map_err(|message| ScriptError { line: 0, message })
    }

    fn load(&mut self, gap: i64, nhcb: bool, rows: &[LoadRow]) -> Result<(), ScriptError> {
        let fail = |message| ScriptError { line: 0, message };
        for row in rows {
            let mut out = SeriesRows::default();
            for (i, element) in row.elements.iter().enumerate() {
                let time = gap.saturating_mul(i as i64);
                let offset = row.starts.get(i).copied().flatten();
                let start = offset.map_or(0, |offset| time.saturating_add(offset));
                match element {
                    Element::Omitted => {}
                    Element::Float(value) => {
                        out.floats.push(time, *value);
                        if !row.starts.is_empty() {
                            out.starts.push(start);
                        }
                    }
                    Element::Histogram { value, .. } => out.histograms.push(write(start, time, value)),
                }
            }
            self.load_rows(&row.labels, &out)?;
        }
        if nhcb {
            for (labels, histograms) in classic::convert(rows).map_err(fail)? {
                let mut out = SeriesRows::default();
                for (i, histogram) in &histograms {
                    out.histograms
                        .push(write(0, gap.saturating_mul(*i as i64), histogram));
                }
                self.load_rows(&labels, &out)?;
            }
        }
        Ok(())
    }

    fn load_rows(&mut self, labels: &Labels, rows: &SeriesRows) -> Result<(), ScriptError> {
        if rows.floats.is_empty() && rows.histograms.is_empty() {
            return Ok(());
        }
        let loaded = self.loader.load(labels, rows);
        loaded.map_err(|message| ScriptError { line: 0, message })
    }

    fn case(&mut self, case: &Eval) {
        let failed = match parse(&case.query, &ParseOptions::ALL) {
            Ok(expr) => self.evaluate(case, &expr),
            Err(error) => check_error(case, &error.to_string()).map_err(|d| (case.query.clone(), d)),
        };
        match failed {
            Ok(()) => self.outcome.passed += 1,
            Err((query, (expected, got))) => {
                self.outcome.failures.push(Failure {
                    line: case.line,
                    query,
                    expected,
                    got,
                });
            }
        }
    }

    fn evaluate(&self, case: &Eval, expr: &Expr) -> Result<(), Failed> {
        let Times::Instant(time) = case.times else {
            return self.variant(case, &case.query, expr.clone(), case.times);
        };
        self.variant(case, &case.query, expr.clone(), case.times)?;
        if let Some(pinned) = case::pinned(expr, time) {
            let text = pinned.to_string();
            let again = |e| {
                (
                    text.clone(),
                    ("a printed query that parses".to_owned(), format!("{e}")),
                )
            };
            let reparsed = parse(&text, &ParseOptions::ALL).map_err(again)?;
            for at in case::times(time) {
                self.variant(case, &text, reparsed.clone(), Times::Instant(at))?;
            }
        }
        let want = &case.want;
        let instant_only =
            want.fail.is_some() || want.ordered || want.string.is_some() || want.range_vector.is_some();
        if instant_only || case::differs_in_range(&case.query) {
            return Ok(());
        }
        self.middle_of_range(case, expr.clone(), time)
    }

    fn run_query(&self, text: &str, expr: Expr, times: Times) -> Result<Evaluation, String> {
        let (start, end, step) = match times {
            Times::Instant(time) => (time, time, 0),
            Times::Range { start, end, step } => (start, end, step),
        };
        let options = EvalOptions {
            delayed_name_removal: true,
            use_start_timestamps: true,
            ..EvalOptions::default()
        };
        let query = Query {
            options,
            ..Query::range(text, expr, start, end, step)
        };
        let budget = Budget {
            max_samples: MAX_SAMPLES,
            ..Budget::default()
        };
        eval(&query, &*self.loader.source(), &budget).map_err(|error| error.to_string())
    }

    fn variant(&self, case: &Eval, text: &str, expr: Expr, times: Times) -> Result<(), Failed> {
        let result = match self.run_query(text, expr, times) {
            Err(message) => check_error(case, &message),
            Ok(_) if case.want.fail.is_some() => Err(("a failure".to_owned(), "a result".to_owned())),
            Ok(evaluation) => compare::annotations(&case.want, &evaluation.annotations)
                .and_then(|()| compare::value(&case.want, times, &evaluation.value)),
        };
        result.map_err(|difference| (format!("{text} at {times:?}"), difference))
    }

    /// Evaluates the query one minute around its time and compares the step in the middle.
    fn middle_of_range(&self, case: &Eval, expr: Expr, time: i64) -> Result<(), Failed> {
        let times = Times::Range {
            start: time - MINUTE,
            end: time + MINUTE,
            step: MINUTE,
        };
        let failed = |difference| (format!("{} at {times:?}", case.query), difference);
        let scalar = expr.value_type() == crate::promql::ast::ValueType::Scalar;
        let evaluation = self
            .run_query(&case.query, expr, times)
            .map_err(|error| failed(("a result in the middle of a range".to_owned(), error)))?;
        let Value::Matrix(series) = evaluation.value else {
            return Ok(());
        };
        let at_time = |s: &Series| {
            let float = s.samples.timestamps.binary_search(&time).ok();
            let value = float.map(|i| s.samples.values[i]);
            let samples = Samples {
                timestamps: value.iter().map(|_| time).collect(),
                values: value.into_iter().collect(),
                delta: false,
            };
            let histograms = s.histograms.iter().filter(|(t, _)| *t == time);
            let one = Series {
                labels: s.labels.clone(),
                samples,
                histograms: histograms.cloned().collect(),
            };
            (!one.is_empty()).then_some(one)
        };
        let vector: Vec<Series> = series.iter().filter_map(at_time).collect();
        let value = match vector.first() {
            Some(first) if scalar && !first.samples.is_empty() => Value::Scalar(first.samples.values[0]),
            _ => Value::Vector(vector),
        };
        compare::value(&case.want, Times::Instant(time), &value).map_err(failed)
    }
}

/// Compares an error with the failure that the script expects.
fn check_error(case: &Eval, message: &str) -> Result<(), Difference> {
    match &case.want.fail {
        None => Err(("a result".to_owned(), message.to_owned())),
        Some(wanted) if wanted.iter().all(|text| text.accepts(message)) => Ok(()),
        Some(wanted) => Err((format!("{wanted:?}"), message.to_owned())),
    }
}

/// A histogram for the store.
fn write(start: i64, time: i64, histogram: &FloatHistogram) -> HistogramWrite {
    HistogramWrite {
        start,
        time,
        histogram: histogram.to_stored(),
    }
}
