//! Writes steps to the metric store: running totals of every series at the end of each step. A series begins with 0 one step
//! before its first total, so that its first increase counts; one that had nothing for long ends with a stale marker.

use std::collections::BTreeMap;

use kymo_engine::Error;
use kymo_engine::db::Db;
use kymo_engine::metrics::{Input, STALE_NAN_BITS, WriteBatch};
use kymo_engine::node::Node;

use super::Tenant;
use super::parts::{Part, parts};
use super::rules::Rules;
use super::steps::{Counts, Entity, Exemplar, Number};
use crate::http::hex;

/// All metrics that are generated.
pub(super) const NAMES: &str = "traces_spanmetrics_calls_total|traces_spanmetrics_size_total|\
     traces_spanmetrics_latency_(bucket|sum|count)|traces_service_graph_request_(total|failed_total)|\
     traces_service_graph_request_(server|client|messaging_system)_seconds_(bucket|sum|count)|\
     traces_service_graph_connection_info|traces_target_info";
/// Metrics of which every entity has one, whichever parts are made.
pub(super) const COUNTERS: &str = "traces_spanmetrics_(calls_total|size_total|latency_count)|\
     traces_service_graph_(request_total|request_server_seconds_count|connection_info)";

/// Groups of series times steps that are written at once.
const AT_ONCE: usize = 50_000;
/// Series in one write.
const SERIES_MAX: usize = 2_000;

/// Writes the steps that end up to a time, in order.
pub(super) fn steps(
    node: &Node,
    db: &Db,
    tenant: &mut Tenant,
    until_ms: i64,
    now_ms: i64,
) -> Result<(), Error> {
    while tenant.steps.next_due(until_ms).is_some() {
        let lines = close_some(tenant, until_ms);
        for lines in lines.chunks(SERIES_MAX) {
            append(node, db, lines, now_ms)?;
        }
    }
    Ok(())
}

/// A series and what is written to it.
struct Line {
    labels: Vec<(String, String)>,
    /// Whether it rises from 0.
    is_counter: bool,
    samples: Vec<(i64, f64)>,
    exemplars: Vec<Exemplar>,
}

/// Closes some steps that are due: what is to be written. Totals go on from there even if writing fails, so that nothing is
/// counted twice and the next samples are right.
fn close_some(tenant: &mut Tenant, until_ms: i64) -> Vec<Line> {
    let (steps, rules) = (&mut tenant.steps, &tenant.rules);
    let mut written: BTreeMap<Number, Vec<Line>> = BTreeMap::new();
    let mut left = AT_ONCE;
    while let Some(end) = steps.next_due(until_ms) {
        let all = steps.totals_with(end);
        left = left.saturating_sub(all.len().max(1));
        for (number, totals, new) in &all {
            let entity = steps.entity(*number);
            let lines = written.entry(*number).or_insert_with(|| series_of(rules, entity));
            let before = end - steps.step_ms;
            for (line, value) in lines.iter_mut().zip(values_of(rules, entity, &totals.counts)) {
                if totals.last_ms == i64::MIN && line.is_counter {
                    line.samples.push((before, 0.0));
                }
                line.samples.push((end, value));
            }
            if let Some(new) = new {
                add_exemplars(rules, entity, new, lines);
            }
        }
        drop(all);
        steps.close(end);
        for number in steps.take_stale(end) {
            let marker = (end, f64::from_bits(STALE_NAN_BITS));
            let lines = written
                .entry(number)
                .or_insert_with(|| series_of(rules, steps.entity(number)));
            for line in lines {
                // In the step in which it ends it had its last sample.
                line.samples.pop_if(|(time, _)| *time == end);
                line.samples.push(marker);
            }
        }
        if left == 0 {
            break;
        }
    }
    written.into_values().flatten().collect()
}

/// The series of an entity: those of its parts, of a histogram its buckets, count and sum.
fn series_of(rules: &Rules, entity: &Entity) -> Vec<Line> {
    let line = |name: &str, bound: Option<&str>, is_counter: bool| Line {
        labels: labels_of(entity, name, bound),
        is_counter,
        samples: Vec::new(),
        exemplars: Vec::new(),
    };
    let mut lines = Vec::new();
    for part in parts(rules, entity.family) {
        match part {
            Part::Calls(name) | Part::Second(name) => lines.push(line(name, None, true)),
            Part::Presence(name) => lines.push(line(name, None, false)),
            Part::Histogram(name, bounds, _) => {
                let texts = bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
                lines.extend(texts.map(|bound| line(&format!("{name}_bucket"), Some(&bound), true)));
                lines.extend(["_count", "_sum"].map(|suffix| line(&format!("{name}{suffix}"), None, true)));
            }
        }
    }
    lines
}

/// The values of the series of an entity.
fn values_of(rules: &Rules, entity: &Entity, counts: &Counts) -> Vec<f64> {
    let mut values = Vec::new();
    for part in parts(rules, entity.family) {
        match part {
            Part::Calls(_) => values.push(counts.calls),
            Part::Second(_) => values.push(counts.second),
            Part::Presence(_) => values.push(1.0),
            Part::Histogram(_, bounds, which) => {
                let histogram = which.of(counts);
                let mut count = 0.0;
                for n in 0..=bounds.len() {
                    count += histogram.buckets.get(n).copied().unwrap_or_default();
                    values.push(count);
                }
                values.extend([count, histogram.sum()]);
            }
        }
    }
    values
}

fn add_exemplars(rules: &Rules, entity: &Entity, new: &Counts, lines: &mut [Line]) {
    let mut first = 0;
    for part in parts(rules, entity.family) {
        let Part::Histogram(_, bounds, which) = part else {
            first += 1;
            continue;
        };
        for (bucket, exemplar) in &which.of(new).exemplars {
            lines[first + bucket].exemplars.push(*exemplar);
        }
        first += bounds.len() + 3;
    }
}

fn labels_of(entity: &Entity, name: &str, bound: Option<&str>) -> Vec<(String, String)> {
    let mut labels = vec![("__name__".to_owned(), name.to_owned())];
    labels.extend(entity.labels.iter().cloned());
    labels.extend(bound.map(|bound| ("le".to_owned(), bound.to_owned())));
    labels.sort();
    labels
}

fn append(node: &Node, db: &Db, lines: &[Line], now_ms: i64) -> Result<(), Error> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut batch = WriteBatch::default();
    for line in lines {
        let labels = line
            .labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        batch.push_series(labels, line.samples.iter().copied());
        for exemplar in &line.exemplars {
            let trace_id = hex(&exemplar.trace_id);
            batch.push_exemplar(exemplar.time_ms, exemplar.seconds(), &[("traceID", &trace_id)]);
        }
    }
    let input = Input {
        batch: &batch,
        labels: &batch,
        series_max: u64::MAX,
        received_ms: now_ms,
    };
    db.metrics.append(node.log(), &input)?.wait().map(drop)
}
