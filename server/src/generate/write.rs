//! Writes steps to the metric store: running totals of every series at the end of each step. A series begins with 0 one step
//! before its first total, so that its first increase counts; one that had nothing for long ends with a stale marker.

use std::collections::BTreeMap;

use kymo_engine::Error;
use kymo_engine::db::Db;
use kymo_engine::metrics::{Input, STALE_NAN_BITS, WriteBatch};
use kymo_engine::node::Node;

use super::steps::{Counts, Entity, Exemplar, Family, Number, Steps};
use super::{edges, operations};
use crate::http::hex;

/// All metrics that are generated.
pub(super) const NAMES: &str = "traces_spanmetrics_calls_total|traces_spanmetrics_size_total|\
     traces_spanmetrics_latency_(bucket|sum|count)|traces_service_graph_request_(total|failed_total)|\
     traces_service_graph_request_(server|client)_seconds_(bucket|sum|count)";

/// Groups of series times steps that are written at once.
const AT_ONCE: usize = 50_000;
/// Series in one write.
const SERIES_MAX: usize = 2_000;

/// Writes the steps that end up to a time, in order.
pub(super) fn steps(
    node: &Node,
    db: &Db,
    steps: &mut Steps,
    until_ms: i64,
    now_ms: i64,
) -> Result<(), Error> {
    while steps.next_due(until_ms).is_some() {
        let lines = close_some(steps, until_ms);
        for lines in lines.chunks(SERIES_MAX) {
            append(node, db, lines, now_ms)?;
        }
    }
    Ok(())
}

/// A series and what is written to it.
struct Line {
    labels: Vec<(String, String)>,
    samples: Vec<(i64, f64)>,
    exemplars: Vec<Exemplar>,
}

/// Closes some steps that are due: what is to be written. Totals go on from there even if writing fails, so that nothing is
/// counted twice and the next samples are right.
fn close_some(steps: &mut Steps, until_ms: i64) -> Vec<Line> {
    let mut written: BTreeMap<Number, Vec<Line>> = BTreeMap::new();
    let mut left = AT_ONCE;
    while let Some(end) = steps.next_due(until_ms) {
        let all = steps.totals_with(end);
        left = left.saturating_sub(all.len().max(1));
        for (number, totals, new) in &all {
            let entity = steps.entity(*number);
            let lines = written.entry(*number).or_insert_with(|| series_of(entity));
            let before = end - steps.step_ms;
            for (line, value) in lines.iter_mut().zip(values_of(entity.family, &totals.counts)) {
                if totals.last_ms == i64::MIN {
                    line.samples.push((before, 0.0));
                }
                line.samples.push((end, value));
            }
            if let Some(new) = new {
                add_exemplars(entity.family, new, lines);
            }
        }
        drop(all);
        steps.close(end);
        for number in steps.take_stale(end) {
            let marker = (end, f64::from_bits(STALE_NAN_BITS));
            let lines = written
                .entry(number)
                .or_insert_with(|| series_of(steps.entity(number)));
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

/// The histograms of a family: name, bounds, and which of the counts.
fn histograms(family: Family) -> &'static [(&'static str, &'static [f64])] {
    match family {
        Family::Operation => &[("traces_spanmetrics_latency", &operations::BOUNDS)],
        Family::Edge => &[
            ("traces_service_graph_request_server_seconds", &edges::BOUNDS),
            ("traces_service_graph_request_client_seconds", &edges::BOUNDS),
        ],
    }
}

/// The series of an entity: two counters, then for each histogram its buckets, count and sum.
fn series_of(entity: &Entity) -> Vec<Line> {
    let line = |name: &str, bound: Option<&str>| Line {
        labels: labels_of(entity, name, bound),
        samples: Vec::new(),
        exemplars: Vec::new(),
    };
    let counters = match entity.family {
        Family::Operation => ["traces_spanmetrics_calls_total", "traces_spanmetrics_size_total"],
        Family::Edge => [
            "traces_service_graph_request_total",
            "traces_service_graph_request_failed_total",
        ],
    };
    let mut lines: Vec<Line> = counters.iter().map(|name| line(name, None)).collect();
    for (name, bounds) in histograms(entity.family) {
        let texts = bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        lines.extend(texts.map(|bound| line(&format!("{name}_bucket"), Some(&bound))));
        lines.extend(["_count", "_sum"].map(|suffix| line(&format!("{name}{suffix}"), None)));
    }
    lines
}

/// The values of the series of an entity.
fn values_of(family: Family, counts: &Counts) -> Vec<f64> {
    let mut values = vec![counts.calls as f64, counts.second as f64];
    for (histogram, (_, bounds)) in [&counts.server, &counts.client]
        .into_iter()
        .zip(histograms(family))
    {
        let mut count = 0;
        for bucket in &histogram.buckets[..=bounds.len()] {
            count += bucket;
            values.push(count as f64);
        }
        values.extend([count as f64, histogram.sum]);
    }
    values
}

fn add_exemplars(family: Family, new: &Counts, lines: &mut [Line]) {
    let mut first = 2;
    for (histogram, (_, bounds)) in [&new.server, &new.client].into_iter().zip(histograms(family)) {
        for (bucket, exemplar) in &histogram.exemplars {
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
            batch.push_exemplar(exemplar.time_ms, exemplar.seconds, &[("traceID", &trace_id)]);
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
