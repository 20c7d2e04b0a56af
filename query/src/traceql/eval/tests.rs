//! Random queries over random traces answer what the plainest evaluation does, however the traces lie in parts.

mod random;
mod reference;
mod store;

use std::collections::BTreeMap;

use kymo_engine::traces::{Resource, Scope, Span, Table, Trace};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::super::grid::Grid;
use super::super::options::{MetricsOptions, Part, SearchOptions};
use super::super::{
    EvalError, SeriesProgress, answer, metrics_over, metrics_watched, parse, search, search_watched,
};
use super::Refusal;
use crate::promql::eval::Budget;

fn parts(traces: &[Trace], per_part: usize) -> Vec<Part<'_>> {
    let part = |traces: &[Trace]| {
        let starts = traces.iter().flat_map(|t| t.spans.iter().map(|s| s.start));
        let traces = traces.to_vec();
        Part {
            newest_start: starts.clone().max().unwrap_or(0),
            last_start: starts.max().unwrap_or(0),
            load: Box::new(move || Ok(Some(Table::of_traces(traces.clone())))),
        }
    };
    traces.chunks(per_part).map(part).collect()
}

/// Ids of the spans of each spanset, by trace.
fn spans(answer: &answer::SearchAnswer) -> Vec<reference::Found> {
    let traces = answer.traces.iter().map(|trace| {
        let set = |set: &answer::FoundSpanset| set.spans.iter().map(|span| span.id).collect();
        (trace.id, trace.spansets.iter().map(set).collect())
    });
    traces.collect()
}

fn searched(traces: &[Trace], query: &str, per_part: usize) -> Result<Vec<reference::Found>, String> {
    let query = parse(query).unwrap_or_else(|e| panic!("{query}: {e}"));
    let options = SearchOptions {
        limit: 1_000,
        spans_per_spanset: 0,
        times: None,
    };
    let parts = parts(traces, per_part);
    let answer = search(&parts, &query, &options, &Budget::default());
    answer.map(|answer| spans(&answer)).map_err(|e| e.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn searches_answer_what_the_reference_does(
        traces in random::traces(),
        query in random::pipeline(),
        per_part in 1usize..5,
    ) {
        let expected = reference::search(&traces, &parse(&query).unwrap());
        prop_assert_eq!(searched(&traces, &query, per_part), expected, "{}", query);
    }

    #[test]
    fn what_is_certain_early_is_how_the_answer_begins(
        traces in random::traces(),
        query in random::filter(),
        limit in 1usize..4,
    ) {
        let query = parse(&query).unwrap();
        let options = SearchOptions { limit, spans_per_spanset: 0, times: None };
        let parts = parts(&traces, 1);
        let mut certain = Vec::new();
        let mut watch = |progress: &answer::Progress<'_>| {
            certain.extend(progress.settled.iter().map(|trace| (*trace).clone()));
        };
        let answer = search_watched(&parts, &query, &options, &Budget::default(), &mut watch);
        let Ok(answer) = answer else {
            return Ok(());
        };
        prop_assert!(certain.len() <= answer.traces.len());
        prop_assert_eq!(&certain[..], &answer.traces[..certain.len()]);
    }

    #[test]
    fn samples_that_are_certain_early_are_those_of_the_answer(
        traces in random::traces(),
        filter in random::filter(),
        by in random::attribute(),
        function in 0..EARLY.len(),
        step in 20i64..200,
        max_series in 0usize..4,
    ) {
        let text = EARLY[function].replace("FILTER", &filter).replace("BY", &by);
        let query = parse(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let grid = Grid::range(1, 500, step).unwrap();
        let options = MetricsOptions { grid, exemplars: 3, max_series, attribute_names: &|| Ok(Vec::new()) };
        let mut early = Vec::new();
        let mut told = grid.steps();
        let mut watch = |progress: &SeriesProgress<'_>| {
            if progress.certain_from < told {
                early.extend(progress.series(progress.certain_from..told)?);
                told = progress.certain_from;
            }
            Ok(())
        };
        let parts = parts(&traces, 1);
        let answer = metrics_watched(&parts, &query, &options, &Budget::default(), &mut watch);
        let Ok(answer) = answer else {
            return Ok(());
        };
        for series in early.iter().filter(|_| !answer.truncated) {
            prop_assert!(series.exemplars.is_empty());
            let whole = answer.series.iter().find(|whole| whole.labels == series.labels);
            let Some(whole) = whole else {
                return Err(TestCaseError::fail(format!("{text}: {series:?} is not in the answer")));
            };
            for sample in &series.samples {
                prop_assert!(whole.samples.contains(sample), "{}: {:?} {:?}", text, sample, whole);
            }
        }
        let certain = |query: &str| !query.contains("bottomk") && !query.contains("compare");
        if !traces.is_empty() && certain(EARLY[function]) {
            prop_assert_eq!(told, 0, "{}", text);
            let counts = |all: &[answer::FoundSeries]| {
                let samples = all.iter().flat_map(|s| &s.samples);
                samples.filter(|(_, value)| *value != 0.0).count()
            };
            if max_series == 0 {
                prop_assert_eq!(counts(&early), counts(&answer.series), "{}", text);
            }
        }
    }

    #[test]
    fn newest_traces_are_those_of_an_unlimited_search(
        traces in random::traces(),
        query in random::filter(),
        limit in 1usize..4,
    ) {
        // Nothing is told of queries that are refused; another test does that.
        let Ok(all) = searched(&traces, &query, 100) else {
            return Ok(());
        };
        let query = parse(&query).unwrap();
        let options = SearchOptions { limit, spans_per_spanset: 0, times: None };
        let parts = parts(&traces, 1);
        let some = search(&parts, &query, &options, &Budget::default()).unwrap();
        prop_assert_eq!(spans(&some), all.into_iter().take(limit).collect::<Vec<_>>());
    }

    #[test]
    fn a_search_is_refused_for_the_traces_to_answer_alone(
        traces in random::traces(),
        query in random::grouped(),
        limit in 1usize..4,
        per_part in 1usize..5,
    ) {
        let query = parse(&query).unwrap();
        let start = |trace: &Trace| trace.spans.iter().map(|span| span.start).min();
        let mut order: Vec<&Trace> = traces.iter().collect();
        order.sort_by_key(|trace| (std::cmp::Reverse(start(trace)), trace.id));
        let mut expected = Ok(Vec::new());
        for trace in order {
            let found = reference::search(std::slice::from_ref(trace), &query);
            match (&mut expected, found) {
                (Ok(all), Ok(found)) if all.len() < limit => all.extend(found),
                (Ok(all), Err(error)) if all.len() < limit => expected = Err(error),
                _ => {}
            }
        }
        let options = SearchOptions { limit, spans_per_spanset: 0, times: None };
        let answer = search(&parts(&traces, per_part), &query, &options, &Budget::default());
        prop_assert_eq!(answer.map(|answer| spans(&answer)).map_err(|e| e.to_string()), expected, "{}", query);
    }

    #[test]
    fn counts_are_those_of_the_reference(
        traces in random::traces(),
        query in random::pipeline(),
        by in random::attribute(),
        per_part in 1usize..5,
    ) {
        let text = format!("{query} | count_over_time() by ({by})");
        let grid = Grid::range(100, 400, 100).unwrap();
        let options = MetricsOptions { grid, exemplars: 0, max_series: 0, attribute_names: &|| Ok(Vec::new()) };
        let parts = parts(&traces, per_part);
        let parsed = parse(&text).unwrap();
        let got = counts(metrics_over(&parts, &parsed, &options, &Budget::default()));
        let expected = reference::counts(&traces, &parse(&query).unwrap(), &by, &grid);
        prop_assert_eq!(got, expected, "{}", text);
    }
}

/// Queries some of whose samples are certain early, and some that have none such.
const EARLY: [&str; 9] = [
    "FILTER | rate() by (BY)",
    "FILTER | count_over_time() > 1",
    "FILTER | max_over_time(duration) by (BY)",
    "FILTER | quantile_over_time(duration, 0.5, 0.9) by (BY)",
    "FILTER | histogram_over_time(duration)",
    "(FILTER | sum_over_time(duration) by (BY)) / (FILTER | count_over_time() by (BY))",
    "FILTER | avg_over_time(duration) by (BY) | topk(2)",
    "FILTER | rate() by (BY) | bottomk(2)",
    "FILTER | compare({ name = \"a\" })",
];

/// Counts of the steps by the value that series are told apart by.
fn counts(answer: Result<answer::MetricsAnswer, EvalError>) -> Result<BTreeMap<String, Vec<u64>>, String> {
    let answer = answer.map_err(|e| e.to_string())?;
    let series = answer.series.iter().map(|series| {
        let counts = series.samples.iter().map(|(_, v)| *v as u64).collect();
        (format!("{:?}", series.labels[0].1), counts)
    });
    Ok(series.collect())
}

/// Two traces, the older of which has two groups.
fn one_group_and_two() -> Vec<Trace> {
    let span = |id: u8, start: i64, name: &str| Span {
        id: [id; 8],
        name: name.into(),
        start,
        end: start,
        ..Span::default()
    };
    let trace = |id: u8, spans: Vec<Span>| Trace {
        id: [id; 16],
        resources: vec![Resource::default()],
        scopes: vec![Scope::default()],
        spans,
    };
    vec![
        trace(1, vec![span(1, 100, "x"), span(2, 100, "y")]),
        trace(2, vec![span(1, 200, "x")]),
    ]
}

#[test]
fn an_older_trace_does_not_refuse_what_newer_ones_answer() {
    let traces = one_group_and_two();
    let query = parse("({ } | by(name) | count() > 0) && { }").unwrap();
    for (limit, per_part) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
        let options = SearchOptions {
            limit,
            spans_per_spanset: 0,
            times: None,
        };
        let answer = search(&parts(&traces, per_part), &query, &options, &Budget::default());
        match limit {
            1 => assert_eq!(spans(&answer.unwrap()), [([2; 16], vec![vec![[1; 8]]])]),
            _ => assert_eq!(answer.unwrap_err().to_string(), Refusal::ManySpansets.to_string()),
        }
    }
}

#[test]
fn ids_of_traces_are_read_without_their_leading_zeros() {
    let node = store::node();
    let traces = one_group_and_two();
    store::write(&node, &traces, 0, 1);
    let found = |query: &str| {
        let found = store::searched(&node, query).unwrap();
        found.into_iter().map(|(id, _)| id[0]).collect::<Vec<_>>()
    };
    for place in ["head", "block"] {
        assert_eq!(
            found("{ trace:id = \"2020202020202020202020202020202\" }"),
            [2],
            "{place}"
        );
        assert_eq!(
            found("{ trace:id = \"0101010101010101010101010101010101\" || name = \"y\" }"),
            [1],
            "{place}"
        );
        assert_eq!(found("{ trace:id = \"no id\" }"), [0u8; 0], "{place}");
        assert_eq!(
            found("{ trace:id != \"1010101010101010101010101010101\" }"),
            [2],
            "{place}"
        );
        node.flush().unwrap();
    }
}

/// Steps are counted in windows; a table whose spans lie in many of them is counted in several.
#[test]
fn counts_over_many_steps_are_those_over_one() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..50 {
        let traces = random::traces().new_tree(&mut runner).unwrap().current();
        for text in [
            "{ } | count_over_time() by (name)",
            "{ } | sum_over_time(.a) by (name, kind)",
        ] {
            let query = parse(text).unwrap();
            let total = |grid: Grid| {
                let options = MetricsOptions {
                    grid,
                    exemplars: 3,
                    max_series: 0,
                    attribute_names: &|| Ok(Vec::new()),
                };
                let parts = parts(&traces, 3);
                let answer = metrics_over(&parts, &query, &options, &Budget::default()).unwrap();
                let series = answer.series.iter().map(|series| {
                    let sum: f64 = series.samples.iter().map(|(_, value)| value).sum();
                    (format!("{:?}", series.labels), sum)
                });
                series.collect::<BTreeMap<_, _>>()
            };
            let fine = total(Grid::range(1, 1_000, 1).unwrap());
            assert_eq!(fine, total(Grid::instant(1, 1_000).unwrap()), "{text}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn stores_answer_what_the_reference_does(
        traces in random::traces(),
        queries in prop::collection::vec(random::pipeline(), 12..13),
        groups in prop::collection::vec((random::filter(), random::attribute()), 6..7),
        batches in 1usize..4,
        step in 20i64..400,
    ) {
        let node = store::node();
        let grid = Grid::range(1, 500, step).unwrap();
        let check = |place: &str| {
            for query in &queries {
                let expected = reference::search(&traces, &parse(query).unwrap());
                prop_assert_eq!(store::searched(&node, query), expected, "{} {}", place, query);
            }
            for (filter, by) in &groups {
                let expected = reference::counts(&traces, &parse(filter).unwrap(), by, &grid);
                let text = format!("{filter} | count_over_time() by ({by})");
                prop_assert_eq!(counts(store::measured(&node, &text, grid)), expected, "{} {}", place, text);
            }
            Ok(())
        };
        for batch in 0..batches {
            store::write(&node, &traces, batch, batches);
            if batch + 1 < batches {
                node.flush().unwrap();
            }
        }
        check("head and blocks")?;
        node.flush().unwrap();
        check("blocks")?;
        node.compact().unwrap();
        check("merged")?;
    }
}
