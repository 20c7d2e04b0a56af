//! Rules of evaluation that no script shows: budgets, statistics, name dropping, parallel runs.

use std::sync::Arc;

use kymo_engine::labels::Labels;
use kymo_engine::metrics::{Samples, Selection, SeriesData};

use crate::promql::eval::{
    Account, Budget, BudgetExceeded, EvalError, Evaluation, OutOfMemory, Query, Source, Value, eval, explain,
};
use crate::promql::{ParseOptions, parse};
use crate::promqltest::memory::MemorySource;

fn source(series: usize, samples: i64) -> MemorySource {
    let mut source = MemorySource::default();
    for i in 0..series {
        let labels = Labels::from_pairs([("__name__", "m_total".to_owned()), ("i", i.to_string())]);
        (0..samples).for_each(|t| source.add(&labels, t * 15_000, (t * (i as i64 + 1)) as f64));
    }
    source
}

fn query(text: &str, start: i64, end: i64, step: i64) -> Query {
    Query::range(text, parse(text, &ParseOptions::ALL).unwrap(), start, end, step)
}

fn run(text: &str, budget: &Budget<'_>) -> Result<Evaluation, EvalError> {
    eval(&query(text, 0, 600_000, 60_000), &source(3, 100), budget)
}

#[test]
fn a_breach_of_the_budget_fails_the_query() {
    let budget = Budget {
        max_samples: 20,
        ..Budget::default()
    };
    let error = run("m_total", &budget).unwrap_err();
    assert_eq!(
        error.to_string(),
        "query processing would load too many samples into memory in query execution"
    );
    let budget = Budget {
        memory: Arc::new(Account::new(100, None)),
        ..Budget::default()
    };
    assert!(matches!(
        run("m_total", &budget),
        Err(EvalError::OutOfMemory(OutOfMemory::Query { limit: 100, .. }))
    ));
    let budget = Budget {
        interrupted: &|| Some(BudgetExceeded::Timeout),
        ..Budget::default()
    };
    assert!(matches!(run("m_total", &budget), Err(EvalError::Timeout)));
    let budget = Budget {
        interrupted: &|| Some(BudgetExceeded::Canceled),
        ..Budget::default()
    };
    assert!(matches!(run("m_total", &budget), Err(EvalError::Canceled)));
    assert!(run("m_total", &Budget::default()).is_ok());
}

#[test]
fn statistics_count_samples_once_per_window_and_once_per_read() {
    let stats = run("m_total", &Budget::default()).unwrap().stats;
    assert_eq!((stats.total_queryable_samples, stats.per_step.len()), (33, 11));
    assert_eq!(stats.per_step[0], (0, 3));
    let stats = run("sum(rate(m_total[1m]))", &Budget::default()).unwrap().stats;
    // Three series; the first window holds one sample, the ten others four.
    assert_eq!(stats.total_queryable_samples, 3 * 41);
    assert_eq!(stats.samples_read, 3 * 41);
    assert!(stats.peak_samples >= 30, "{stats:?}");
}

#[test]
fn names_drop_at_once_unless_removal_is_delayed() {
    let labels = |delayed: bool| {
        let mut query = query("sum by (__name__) (rate(m_total[5m]))", 300_000, 300_000, 0);
        query.options.delayed_name_removal = delayed;
        match eval(&query, &source(2, 100), &Budget::default()).unwrap().value {
            Value::Vector(series) => series
                .into_iter()
                .map(|s| format!("{:?}", s.labels))
                .collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(labels(false), ["{}"]);
    assert_eq!(labels(true), ["{}"]);
    let mut query = query(
        "label_replace(rate(m_total[5m]), \"n\", \"$1\", \"__name__\", \"(.*)\")",
        300_000,
        300_000,
        0,
    );
    let shown = |query: &Query| match eval(query, &source(1, 100), &Budget::default()).unwrap().value {
        Value::Vector(series) => format!("{:?}", series[0].labels),
        other => panic!("{other:?}"),
    };
    assert_eq!(shown(&query), "{i=\"0\"}");
    query.options.delayed_name_removal = true;
    assert_eq!(shown(&query), "{i=\"0\", n=\"m_total\"}");
}

#[test]
fn the_type_label_tells_what_is_no_counter() {
    let mut source = MemorySource::default();
    for kind in ["counter", "gauge", "histogram"] {
        let labels = Labels::from_pairs([("__name__", "m"), ("__type__", kind), ("k", kind)]);
        (0..10).for_each(|t| source.add(&labels, t * 15_000, t as f64));
    }
    for text in ["rate(m[1m])", "sum(rate(m[1m]))", "-rate(m[1m])"] {
        let mut query = query(text, 0, 120_000, 60_000);
        query.options.type_and_unit_labels = true;
        let infos = eval(&query, &source, &Budget::default())
            .unwrap()
            .annotations
            .infos;
        assert_eq!(infos.len(), 1, "{text}: {infos:?}");
        assert!(infos[0].contains("got \"gauge\": \"m\""), "{text}: {infos:?}");
    }
}

#[test]
fn the_plan_names_what_is_read() {
    let query = query(
        "sum(rate(m_total{i!=\"2\"}[1m])) > max_over_time(m_total[2m:30s] @ 300)",
        0,
        600_000,
        60_000,
    );
    let plan = explain(&query, &source(3, 100)).unwrap();
    for part in [
        "11 steps from 0 to 600000 ms",
        "aggregation: sum(rate(m_total{i!=\"2\"}[1m]))",
        "reads -59999..=600000 ms: 2 series, 82 samples",
        "(once for all steps)",
        "subquery: m_total[2m:30s] @ 300.000",
    ] {
        assert!(plan.contains(part), "{part} in\n{plan}");
    }
}

#[test]
fn deep_expressions_fit_a_small_stack() {
    let text = "(".repeat(249) + &"-m_total+".repeat(249) + "1" + &")".repeat(249);
    let query = query(&text, 0, 600_000, 60_000);
    assert!(eval(&query, &source(1, 2), &Budget::default()).is_ok());
}

/// Runs tasks on four threads, the last ones first.
fn threads(n: usize, task: &(dyn Fn(usize) + Sync)) {
    std::thread::scope(|scope| {
        for lane in 0..4 {
            scope.spawn(move || (0..n).rev().filter(|i| i % 4 == lane).for_each(task));
        }
    });
}

#[test]
fn answers_do_not_depend_on_the_number_of_threads() {
    let source = source(300, 60);
    for text in [
        "m_total",
        "sum(rate(m_total[2m]))",
        "avg by (x) (m_total offset 1m)",
        "absent_over_time(m_total[1m])",
    ] {
        let query = query(text, 0, 600_000, 30_000);
        let alone = eval(&query, &source, &Budget::default()).unwrap();
        let together = eval(
            &query,
            &source,
            &Budget {
                executor: &threads,
                ..Budget::default()
            },
        )
        .unwrap();
        assert_eq!(alone.value, together.value, "{text}");
        assert_eq!(alone.stats, together.stats, "{text}");
        let idle = Budget {
            executor: &|_, _| {},
            ..Budget::default()
        };
        assert!(
            matches!(eval(&query, &source, &idle), Err(EvalError::Canceled)),
            "{text}"
        );
    }
}

/// One series of deltas: five requests in every 15 seconds.
struct Deltas;

impl Source for Deltas {
    fn select(&self, selections: &[Selection]) -> kymo_engine::Result<Vec<Vec<SeriesData>>> {
        let mut samples = Samples {
            delta: true,
            ..Samples::default()
        };
        (0..=40).for_each(|i| samples.push(i * 15_000, 5.0));
        let labels = Labels::from_pairs([("__name__", "requests_total")]);
        Ok(selections
            .iter()
            .map(|_| vec![SeriesData::from_samples(labels.clone(), samples.clone())])
            .collect())
    }
}

#[test]
fn deltas_are_added_up_where_totals_are_subtracted() {
    for (text, wanted) in [
        ("increase(requests_total[1m])", 20.0),
        ("rate(requests_total[1m])", 20.0 / 60.0),
        ("irate(requests_total[1m])", 5.0 / 15.0),
        ("resets(requests_total[1m])", 0.0),
        ("sum_over_time(requests_total[1m])", 20.0),
        // A window with one sample says as much as any other.
        ("increase(requests_total[15s])", 5.0),
    ] {
        let instant = Query::range(
            text,
            parse(text, &ParseOptions::ALL).unwrap(),
            300_000,
            300_000,
            60_000,
        );
        let Value::Matrix(series) = eval(&instant, &Deltas, &Budget::default()).unwrap().value else {
            panic!("{text} is a matrix");
        };
        assert_eq!(series[0].samples.values, [wanted], "{text}");
    }
}
