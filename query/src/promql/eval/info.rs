//! `info`: adds the labels of info series such as `target_info` to the series of a vector.
//! The identifying labels are `job` and `instance`.

use std::collections::{BTreeMap, HashMap};

use kymo_engine::labels::{Labels, METRIC_NAME};
use kymo_engine::metrics::{Matcher, is_stale};

use super::EvalError;
use super::context::Context;
use super::grid::Grid;
use super::plan::Shift;
use super::series::{Collector, StepSeries};
use super::task::Task;
use crate::promql::ast::{CallExpr, Expr};

const IDENTIFYING: [&str; 2] = ["instance", "job"];

/// An info series over the steps: the time of its newest sample, `None` where there is none.
struct InfoSeries {
    labels: Labels,
    times: Vec<Option<i64>>,
}

/// What the second argument of `info` asks for.
struct Wanted<'a> {
    names: Vec<&'a Matcher>,
    data: Vec<&'a Matcher>,
}

impl Wanted<'_> {
    fn is_info_metric(&self, name: &str) -> bool {
        if self.names.is_empty() {
            name == "target_info"
        } else {
            self.names.iter().any(|m| m.matches(name))
        }
    }

    fn wants_label(&self, name: &str) -> bool {
        self.data.is_empty() || self.data.iter().any(|m| m.name() == name)
    }
}

pub(super) fn eval(context: &Context<'_>, call: &CallExpr, grid: Grid) -> Result<Vec<StepSeries>, EvalError> {
    let base = context.vector(&call.args[0], grid)?;
    let matchers: &[Matcher] = match call.args.get(1) {
        Some(Expr::Vector(selector)) => &selector.matchers,
        _ => &[],
    };
    let (names, data) = matchers.iter().partition(|m| m.name() == METRIC_NAME);
    let wanted = Wanted { names, data };
    let infos = read_infos(context, call, &wanted, grid)?;
    let mut by_identity: HashMap<Labels, Vec<&InfoSeries>> = HashMap::new();
    for info in &infos {
        by_identity.entry(identity(&info.labels)).or_default().push(info);
    }
    let mut out = Collector::default();
    for series in base {
        context.meter.tick(grid.len)?;
        if wanted.is_info_metric(series.labels.metric_name()) {
            out.add(series)?;
            continue;
        }
        let none = Vec::new();
        let infos = by_identity.get(&identity(&series.labels)).unwrap_or(&none);
        for step in series.steps() {
            let Some(sample) = series.get(step) else { continue };
            if let Some(labels) = enriched(&series.labels, infos, &wanted, step)? {
                let slot = out.slot(labels, series.drop_name);
                out.set_sample(slot, step, sample)?;
            }
        }
    }
    Ok(out.series)
}

fn identity(labels: &Labels) -> Labels {
    labels.filter(|name| IDENTIFYING.contains(&name))
}

fn read_infos(
    context: &Context<'_>,
    call: &CallExpr,
    wanted: &Wanted<'_>,
    grid: Grid,
) -> Result<Vec<InfoSeries>, EvalError> {
    let mut out = Vec::new();
    let mut task = Task::new(context, grid);
    let shift = Shift::none();
    for data in context.series_of(call.args.as_ptr() as usize)? {
        let labels = data.labels();
        if !wanted.data.iter().all(|m| m.matches(labels.value(m.name()))) {
            continue;
        }
        task.read(data, shift, (context.query.lookback, 0))?;
        let samples = &task.samples;
        let mut end = 0;
        let times = grid.times().enumerate().map(|(step, time)| {
            while end < samples.len() && samples.timestamps[end] <= time {
                end += 1;
            }
            let found = end.checked_sub(1)?;
            let fresh = samples.timestamps[found] > time.saturating_sub(context.query.lookback);
            let live = fresh && !is_stale(samples.values[found]);
            if live {
                task.counts.steps[step] += 1;
            }
            live.then_some(samples.timestamps[found])
        });
        out.push(InfoSeries {
            times: times.collect(),
            labels: labels.clone(),
        });
    }
    context.absorb(grid, &task.counts)?;
    Ok(out)
}

/// The labels with those of the info series of one step; `None` when a required info label is missing.
fn enriched(
    labels: &Labels,
    infos: &[&InfoSeries],
    wanted: &Wanted<'_>,
    step: usize,
) -> Result<Option<Labels>, EvalError> {
    // Per info metric the newest sample wins, so that a changed label does not make two series at once.
    let mut newest: BTreeMap<&str, (i64, &InfoSeries)> = BTreeMap::new();
    for info in infos {
        let Some(time) = info.times[step] else { continue };
        let name = info.labels.metric_name();
        match newest.get(name) {
            Some((held, other)) if *held == time => {
                return Err(EvalError::execution(format!(
                    "found duplicate series for info metric {name}: existing {:?} @ {held}, new {:?} @ {time}",
                    other.labels, info.labels
                )));
            }
            Some((held, _)) if *held > time => {}
            _ => drop(newest.insert(name, (time, info))),
        }
    }
    if newest.is_empty() {
        let required = wanted.data.iter().any(|m| !m.matches_empty());
        return Ok((!required).then(|| labels.clone()));
    }
    let mut added: BTreeMap<&str, &str> = BTreeMap::new();
    for (_, info) in newest.values() {
        for (name, value) in info.labels.iter() {
            if name == METRIC_NAME || IDENTIFYING.contains(&name) || !wanted.wants_label(name) {
                continue;
            }
            // A label of the series itself is never overwritten.
            if !labels.value(name).is_empty() {
                continue;
            }
            if added.insert(name, value).is_some_and(|held| held != value) {
                return Err(EvalError::execution(format!("conflicting label: {name}")));
            }
        }
    }
    let mut builder = labels.to_builder();
    for (name, value) in added {
        builder.set(name, value);
    }
    Ok(Some(builder.build()))
}
