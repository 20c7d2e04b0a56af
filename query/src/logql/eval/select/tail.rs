//! `sort`, `dedup`, `limit` and `stats`: what becomes of all entries of a query.

use std::cmp::Ordering;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::{Line, LineLabels};
use crate::logql::ast::{Aggregate, AggregateOp, Tail};
use crate::logql::eval::LabelSet;
use crate::number::format_plain;

/// Names of the labels that are asked for.
pub(super) fn names(tail: &[Tail]) -> Vec<&str> {
    let mut names = Vec::new();
    for step in tail {
        match step {
            Tail::Sort(by) => names.extend(by.iter().map(|(name, _)| name.as_str())),
            Tail::Dedup(by) => names.extend(by.iter().map(String::as_str)),
            Tail::Limit(_) => {}
            Tail::Stats(aggregates, by) => {
                names.extend(aggregates.iter().filter_map(|of| of.label.as_deref()));
                names.extend(by.iter().map(String::as_str));
                // Behind it there are its own labels only.
                break;
            }
        }
    }
    names
}

/// Takes entries through the steps.
pub(super) fn apply(tail: &[Tail], mut entries: Vec<Line>) -> Vec<Line> {
    for step in tail {
        match step {
            Tail::Sort(by) => entries.sort_by(|a, b| compare(by, a, b)),
            Tail::Dedup(by) => dedup(by, &mut entries),
            Tail::Limit(most) => entries.truncate(*most),
            Tail::Stats(aggregates, by) => entries = stats(aggregates, by, &entries),
        }
    }
    entries
}

/// A label's value, or the line.
fn value<'l>(line: &'l Line, name: &str) -> Option<&'l str> {
    match name {
        "@message" | "__line__" => Some(&line.line),
        _ => line.labels.get(name),
    }
}

/// Numbers by size and before texts, and both before what is not there, whichever way the others go.
fn compare(by: &[(String, bool)], a: &Line, b: &Line) -> Ordering {
    for (name, descending) in by {
        if name == "@timestamp" {
            let order = a.time.cmp(&b.time);
            return if *descending { order.reverse() } else { order };
        }
        let (Some(a), Some(b)) = (value(a, name), value(b, name)) else {
            match value(b, name).is_some().cmp(&value(a, name).is_some()) {
                Ordering::Equal => continue,
                order => return order,
            }
        };
        let order = match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(a), Ok(b)) => a.total_cmp(&b),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => a.cmp(b),
        };
        match order {
            Ordering::Equal => {}
            order if *descending => return order.reverse(),
            order => return order,
        }
    }
    Ordering::Equal
}

fn dedup(by: &[String], entries: &mut Vec<Line>) {
    let mut seen: HashSet<Vec<Option<String>>> = HashSet::new();
    entries.retain(|line| {
        let owned = |value: Option<&str>| value.map(str::to_owned);
        seen.insert(match by.is_empty() {
            true => vec![Some(line.line.clone())],
            false => by.iter().map(|name| owned(value(line, name))).collect(),
        })
    });
}

/// A number being made.
#[derive(Default)]
struct Total {
    count: u64,
    numbers: Vec<f64>,
    distinct: HashSet<String>,
}

impl Total {
    fn add(&mut self, of: &Aggregate, line: &Line) {
        let Some(label) = &of.label else {
            self.count += 1;
            return;
        };
        let Some(value) = value(line, label) else {
            return;
        };
        self.count += 1;
        match of.op {
            AggregateOp::Count => {}
            AggregateOp::CountDistinct => {
                if !self.distinct.contains(value) {
                    self.distinct.insert(value.to_owned());
                }
            }
            _ => self.numbers.extend(value.parse::<f64>().ok()),
        }
    }

    /// None where no entry has a number.
    fn number(mut self, of: &Aggregate) -> Option<f64> {
        let sum: f64 = self.numbers.iter().sum();
        let count = self.numbers.len();
        match of.op {
            AggregateOp::Count => return Some(self.count as f64),
            AggregateOp::CountDistinct => return Some(self.distinct.len() as f64),
            _ if count == 0 => return None,
            AggregateOp::Sum => return Some(sum),
            AggregateOp::Avg => return Some(sum / count as f64),
            AggregateOp::Min | AggregateOp::Max | AggregateOp::Pct => {}
        }
        self.numbers.sort_by(f64::total_cmp);
        let rank = match of.op {
            AggregateOp::Min => 0.0,
            AggregateOp::Max => (count - 1) as f64,
            _ => (of.param / 100.0).clamp(0.0, 1.0) * (count - 1) as f64,
        };
        let (lower, upper) = (rank.floor() as usize, rank.ceil() as usize);
        let weight = rank - rank.floor();
        Some(self.numbers[lower] * (1.0 - weight) + self.numbers[upper] * weight)
    }
}

/// One entry for each group: its labels and numbers, also as pairs in the line, at the time of its newest entry.
fn stats(aggregates: &[Aggregate], by: &[String], entries: &[Line]) -> Vec<Line> {
    let mut groups: Vec<(LabelSet, i64, Vec<Total>)> = Vec::new();
    let mut numbers: HashMap<LabelSet, usize> = HashMap::new();
    for line in entries {
        let pairs = by
            .iter()
            .filter_map(|name| Some((name.as_str(), value(line, name)?)));
        let labels = LabelSet::from_pairs(pairs);
        let next = groups.len();
        let n = *numbers.entry(labels).or_insert_with_key(|labels| {
            let totals = aggregates.iter().map(|_| Total::default()).collect();
            groups.push((labels.clone(), i64::MIN, totals));
            next
        });
        let (_, time, totals) = &mut groups[n];
        *time = (*time).max(line.time);
        totals
            .iter_mut()
            .zip(aggregates)
            .for_each(|(total, of)| total.add(of, line));
    }
    groups.sort_by(|a, b| a.0.cmp(&b.0));
    let line = |(labels, time, totals): (LabelSet, i64, Vec<Total>)| {
        let own = totals.into_iter().zip(aggregates);
        let own = own.filter_map(|(total, of)| Some((of.name.as_str(), format_plain(total.number(of)?))));
        let own: Vec<(&str, String)> = own.collect();
        let by = by
            .iter()
            .filter_map(|name| Some((name.as_str(), labels.get(name)?.to_owned())));
        let pairs: Vec<(&str, String)> = by.chain(own).collect();
        let text: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={}", in_line(value)))
            .collect();
        Line {
            time,
            line: text.join(" "),
            labels: Arc::new(LineLabels {
                parsed: LabelSet::from_pairs(pairs),
                ..LineLabels::default()
            }),
        }
    };
    groups.into_iter().map(line).collect()
}

fn in_line(value: &str) -> String {
    match value.is_empty() || value.contains([' ', '"', '=', '\n', '\\']) {
        true => crate::lex::string::quote(value),
        false => value.to_owned(),
    }
}
