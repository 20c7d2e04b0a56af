//! `info`: adds the labels of info series such as `target_info` to the series of a vector.
//! The identifying labels are `job` and `instance`.

use std::collections::{BTreeMap, HashMap, HashSet};

use kymo_engine::labels::{Labels, METRIC_NAME};
use kymo_engine::metrics::{Matcher, is_stale};

use super::EvalError;
use super::context::Context;
use super::grid::Grid;
use super::series::{Collector, StepSeries};
use super::task::Task;
use crate::promql::ast::{CallExpr, Expr};
use crate::promql::printer::label_set;

mod reference;

pub(super) use reference::reference;

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
    /// There is no second argument.
    default: bool,
}

impl Wanted<'_> {
    /// True for series that are info series themselves, which are left as they are.
    fn is_info_metric(&self, name: &str) -> bool {
        if self.default {
            name == "target_info"
        } else {
            !self.names.is_empty() && self.names.iter().all(|m| m.matches(name))
        }
    }

    fn wants_label(&self, name: &str) -> bool {
        self.data.is_empty() || self.data.iter().any(|m| m.name() == name)
    }
}

/// The info series that share a metric name and the identifying labels: by step the one with the newest sample.
type Newest<'i> = Vec<Option<(i64, &'i InfoSeries)>>;

pub(super) fn eval(context: &Context<'_>, call: &CallExpr, grid: Grid) -> Result<Vec<StepSeries>, EvalError> {
    let base = context.vector(&call.args[0], grid)?;
    let matchers: &[Matcher] = match call.args.get(1) {
        Some(Expr::Vector(selector)) => &selector.matchers,
        _ => &[],
    };
    let (names, data) = matchers.iter().partition(|m| m.name() == METRIC_NAME);
    let wanted = Wanted {
        names,
        data,
        default: call.args.len() < 2,
    };
    let mut infos = read_infos(context, call, &wanted, grid)?;
    let known = identities(&base, &wanted);
    infos.retain(|info| is_known(&info.labels, &known));
    let newest = newest(&infos, &base, grid)?;
    let mut out = Collector::default();
    for series in base {
        context.meter.tick(grid.len)?;
        if wanted.is_info_metric(series.labels.metric_name()) {
            out.add(series)?;
            continue;
        }
        let none = BTreeMap::new();
        let of_series = newest.get(&identity(&series.labels)).unwrap_or(&none);
        for step in series.steps() {
            let Some(sample) = series.get(step) else { continue };
            let infos = of_series.values().filter_map(|n| n[step].map(|(_, info)| info));
            if let Some(labels) = enriched(&series.labels, infos, &wanted)? {
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

/// The values that the series to enrich have for each identifying label; `None` where none has the label.
fn identities(base: &[StepSeries], wanted: &Wanted<'_>) -> [Option<HashSet<String>>; 2] {
    let mut known = [None, None];
    let enriched = base
        .iter()
        .filter(|s| !wanted.is_info_metric(s.labels.metric_name()));
    for series in enriched {
        for (name, values) in IDENTIFYING.iter().zip(&mut known) {
            let value = series.labels.value(name);
            if !value.is_empty() {
                let values: &mut HashSet<String> = values.get_or_insert_default();
                values.insert(value.to_owned());
            }
        }
    }
    known
}

/// True when a series may belong to one of those to enrich. Without any identifying label nothing belongs to anything.
fn is_known(info: &Labels, known: &[Option<HashSet<String>>; 2]) -> bool {
    known.iter().any(Option::is_some)
        && IDENTIFYING
            .iter()
            .zip(known)
            .all(|(name, values)| values.as_ref().is_none_or(|v| v.contains(info.value(name))))
}

/// The newest info series by identity, metric name and step. Two with a sample of one time are an error.
fn newest<'i>(
    infos: &'i [InfoSeries],
    base: &[StepSeries],
    grid: Grid,
) -> Result<HashMap<Labels, BTreeMap<&'i str, Newest<'i>>>, EvalError> {
    let mut live = vec![false; grid.len];
    base.iter()
        .flat_map(StepSeries::steps)
        .for_each(|step| live[step] = true);
    let mut out: HashMap<Labels, BTreeMap<&str, Newest<'_>>> = HashMap::new();
    for info in infos {
        let by_name = out.entry(identity(&info.labels)).or_default();
        let slots = by_name
            .entry(info.labels.metric_name())
            .or_insert_with(|| vec![None; grid.len]);
        for (step, slot) in slots.iter_mut().enumerate().filter(|(step, _)| live[*step]) {
            let Some(time) = info.times[step] else { continue };
            match slot {
                Some((held, other)) if *held == time => {
                    return Err(EvalError::execution(format!(
                        "found duplicate series for info metric: existing {} @ {held}, new {} @ {time}",
                        label_set(&other.labels),
                        label_set(&info.labels)
                    )));
                }
                Some((held, _)) if *held > time => {}
                _ => *slot = Some((time, info)),
            }
        }
    }
    Ok(out)
}

fn read_infos(
    context: &Context<'_>,
    call: &CallExpr,
    wanted: &Wanted<'_>,
    grid: Grid,
) -> Result<Vec<InfoSeries>, EvalError> {
    let mut out = Vec::new();
    let mut task = Task::new(context, grid);
    let shift = reference(context.query, &call.args[0])?;
    let lookback = context.query.lookback;
    for data in context.series_of(call.args.as_ptr() as usize)? {
        let labels = data.labels();
        if !wanted.data.iter().all(|m| m.matches(labels.value(m.name()))) {
            continue;
        }
        task.read(data, shift, (lookback, 0))?;
        let mut times = Vec::with_capacity(grid.len);
        for (step, time) in grid.times().enumerate() {
            let found = newest_time(&task, shift.apply(time), lookback)?;
            task.counts.steps[step] += u64::from(found.is_some());
            times.push(found);
        }
        out.push(InfoSeries {
            times,
            labels: labels.clone(),
        });
    }
    context.absorb(grid, &task.counts)?;
    Ok(out)
}

/// The time of the newest sample, unless it is too old or a staleness marker. Info series are floats.
fn newest_time(task: &Task<'_>, time: i64, lookback: i64) -> Result<Option<i64>, EvalError> {
    let samples = &task.samples;
    let float = samples.timestamps.partition_point(|t| *t <= time).checked_sub(1);
    let histogram = task.histograms.partition_point(|h| h.time <= time).checked_sub(1);
    let oldest = time.saturating_sub(lookback);
    if let Some(histogram) = histogram.map(|i| &task.histograms[i])
        && histogram.time > oldest
        && float.is_none_or(|i| samples.timestamps[i] < histogram.time)
    {
        return match histogram.value.is_stale() {
            true => Ok(None),
            false => Err(EvalError::execution("info sample should be float")),
        };
    }
    let live = float.filter(|i| samples.timestamps[*i] > oldest && !is_stale(samples.values[*i]));
    Ok(live.map(|i| samples.timestamps[i]))
}

/// The labels with those of the info series of one step; `None` when a required info label is missing.
fn enriched<'i>(
    labels: &Labels,
    infos: impl Iterator<Item = &'i InfoSeries>,
    wanted: &Wanted<'_>,
) -> Result<Option<Labels>, EvalError> {
    let mut added: BTreeMap<&str, &str> = BTreeMap::new();
    let mut matched = false;
    for info in infos {
        matched = true;
        for (name, value) in info.labels.iter() {
            // A label of the series itself is never overwritten.
            if name == METRIC_NAME || !wanted.wants_label(name) || !labels.value(name).is_empty() {
                continue;
            }
            if added.insert(name, value).is_some_and(|held| held != value) {
                return Err(EvalError::execution(format!("conflicting label: {name}")));
            }
        }
    }
    if !matched && wanted.data.iter().any(|m| !m.matches_empty()) {
        return Ok(None);
    }
    let mut builder = labels.to_builder();
    for (name, value) in added {
        builder.set(name, value);
    }
    Ok(Some(builder.build()))
}
