//! Writes steps to the metric store: running totals of every series at the end of each step. A series begins with 0 one step
//! before its first total, so that its first increase counts; one that had nothing for long ends with a stale marker.

use kymo_engine::Error;
use kymo_engine::db::Db;
use kymo_engine::metrics::{Input, STALE_NAN_BITS, WriteBatch};
use kymo_engine::node::Node;

use super::steps::{Counts, Entity, Family, Histogram, Steps};
use super::{edges, operations};
use crate::http::hex;

/// All metrics that are generated.
pub(super) const NAMES: &str = "traces_spanmetrics_calls_total|traces_spanmetrics_size_total|\
     traces_spanmetrics_latency_(bucket|sum|count)|traces_service_graph_request_(total|failed_total)|\
     traces_service_graph_request_(server|client)_seconds_(bucket|sum|count)";

/// Writes the steps that end up to a time, in order.
pub(super) fn steps(
    node: &Node,
    db: &Db,
    steps: &mut Steps,
    until_ms: i64,
    now_ms: i64,
) -> Result<(), Error> {
    while let Some(end) = steps.next_due(until_ms) {
        let lines = lines_of(steps, end);
        append(node, db, &lines, now_ms)?;
        steps.close(end);
        let mut ended = Vec::new();
        for number in steps.take_stale(end) {
            add_lines(steps.entity(number), &Counts::default(), None, &mut |mut line| {
                line.samples = vec![(end, f64::from_bits(STALE_NAN_BITS))];
                line.exemplars.clear();
                ended.push(line);
            });
        }
        append(node, db, &ended, now_ms)?;
    }
    Ok(())
}

/// A series and what is written to it.
struct Line {
    labels: Vec<(String, String)>,
    samples: Vec<(i64, f64)>,
    /// Time, value, trace id.
    exemplars: Vec<(i64, f64, String)>,
}

fn lines_of(steps: &Steps, end: i64) -> Vec<Line> {
    let mut lines = Vec::new();
    for (number, totals, new) in steps.totals_with(end) {
        let begins = totals.last_ms == i64::MIN;
        add_lines(steps.entity(number), &totals.counts, new, &mut |mut line| {
            let value = line.samples[0].1;
            line.samples.clear();
            if begins {
                line.samples.push((end - steps.step_ms, 0.0));
            }
            line.samples.push((end, value));
            lines.push(line);
        });
    }
    lines
}

/// Calls `put` with every series of an entity; the sample's time is the caller's to set.
fn add_lines(entity: &Entity, total: &Counts, new: Option<&Counts>, put: &mut dyn FnMut(Line)) {
    let empty = Histogram::default();
    let plain = |name: &str, value: u64| Line {
        labels: labels_of(entity, name, None),
        samples: vec![(0, value as f64)],
        exemplars: Vec::new(),
    };
    match entity.family {
        Family::Operation => {
            put(plain("traces_spanmetrics_calls_total", total.calls));
            put(plain("traces_spanmetrics_size_total", total.second));
            let new = new.map_or(&empty, |n| &n.server);
            histogram(
                entity,
                "traces_spanmetrics_latency",
                &operations::BOUNDS,
                &total.server,
                new,
                put,
            );
        }
        Family::Edge => {
            put(plain("traces_service_graph_request_total", total.calls));
            put(plain("traces_service_graph_request_failed_total", total.second));
            for (name, total, new) in [
                (
                    "traces_service_graph_request_server_seconds",
                    &total.server,
                    new.map(|n| &n.server),
                ),
                (
                    "traces_service_graph_request_client_seconds",
                    &total.client,
                    new.map(|n| &n.client),
                ),
            ] {
                histogram(entity, name, &edges::BOUNDS, total, new.unwrap_or(&empty), put);
            }
        }
    }
}

fn histogram(
    entity: &Entity,
    name: &str,
    bounds: &[f64],
    total: &Histogram,
    new: &Histogram,
    put: &mut dyn FnMut(Line),
) {
    let mut count = 0;
    for bucket in 0..=bounds.len() {
        count += total.buckets[bucket];
        let bound = bounds.get(bucket).map_or("+Inf".to_owned(), f64::to_string);
        let exemplars = new.exemplars.iter().filter(|(n, _)| *n == bucket);
        put(Line {
            labels: labels_of(entity, &format!("{name}_bucket"), Some(&bound)),
            samples: vec![(0, count as f64)],
            exemplars: exemplars
                .map(|(_, e)| (e.time_ms, e.seconds, hex(&e.trace_id)))
                .collect(),
        });
    }
    for (suffix, value) in [("_count", count as f64), ("_sum", total.sum)] {
        put(Line {
            labels: labels_of(entity, &format!("{name}{suffix}"), None),
            samples: vec![(0, value)],
            exemplars: Vec::new(),
        });
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
        for (time, value, trace_id) in &line.exemplars {
            batch.push_exemplar(*time, *value, &[("traceID", trace_id)]);
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
