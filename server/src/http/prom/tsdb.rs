//! `status/tsdb` and `status/tsdb/blocks`: how many series of what, and which blocks there are.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use kymo_engine::labels::Labels;
use serde::Serialize;
use serde_json::json;

use super::labels::{Lookup, Question, ask, reserve_series};
use crate::app::App;
use crate::http::answer::{Answer, ApiError, Reply};
use crate::http::caller::Caller;
use crate::http::params::Params;
use crate::http::tenant::Tenant;

const LIMIT_DEFAULT: usize = 10;
const LIMIT_MAX: usize = 10_000;

/// The answer of a tenant without data.
const NOTHING: &str = concat!(
    r#"{"headStats":{"numSeries":0,"numLabelPairs":0,"chunkCount":0,"minTime":9223372036854775807,"#,
    r#""maxTime":-9223372036854775808},"seriesCountByMetricName":[],"labelValueCountByLabelName":[],"#,
    r#""memoryInBytesByLabelName":[],"seriesCountByLabelValuePair":[]}"#
);

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    value: u64,
}

/// Counts over the series of a tenant; names and values are borrowed from them.
#[derive(Debug, Default)]
struct Cardinality<'l> {
    by_metric: HashMap<&'l str, u64>,
    /// Series of each pair of label name and value.
    by_pair: HashMap<(&'l str, &'l str), u64>,
}

impl<'l> Cardinality<'l> {
    fn of(series: &'l [Labels]) -> Cardinality<'l> {
        let mut counts = Cardinality::default();
        for labels in series {
            *counts.by_metric.entry(labels.metric_name()).or_default() += 1;
            for pair in labels.iter() {
                *counts.by_pair.entry(pair).or_default() += 1;
            }
        }
        counts
    }

    fn metrics(&self, limit: usize) -> Vec<Row> {
        top(
            self.by_metric.iter().map(|(name, n)| ((*name).to_owned(), *n)),
            limit,
        )
    }

    fn pairs(&self, limit: usize) -> Vec<Row> {
        let pairs = self.by_pair.iter();
        top(
            pairs.map(|((name, value), n)| (format!("{name}={value}"), *n)),
            limit,
        )
    }

    /// Sums up a number of each pair by label name.
    fn by_label(&self, number: impl Fn(&str, u64) -> u64, limit: usize) -> Vec<Row> {
        let mut out: HashMap<&str, u64> = HashMap::new();
        for ((name, value), series) in &self.by_pair {
            *out.entry(name).or_default() += number(value, *series);
        }
        top(out.into_iter().map(|(name, n)| (name.to_owned(), n)), limit)
    }
}

/// `/api/v1/status/tsdb`. Unlike Prometheus' it counts the series of all data, not of the head alone, or of those that
/// pass any `match[]` between `start` and `end`.
pub(crate) async fn tsdb(State(app): State<Arc<App>>, caller: Caller, params: Params) -> Reply {
    let limit = limit(&params)?;
    let question = Question::parse(&params)?;
    let db = app.reading(&caller.tenant);
    let lookup = Lookup {
        empty: NOTHING,
        ..Lookup::of("status/tsdb", &params, &question)
    };
    ask(&app, &caller, lookup, move |snapshot, account| {
        let sets = match question.sets() {
            none if none.is_empty() => vec![&[][..]],
            some => some,
        };
        reserve_series(snapshot, account, &sets, (question.min_time, question.max_time))?;
        let all = snapshot.series(&sets, question.min_time, question.max_time)?;
        let counts = Cardinality::of(&all);
        let stats = db.as_ref().map(|db| db.metrics.stats()).unwrap_or_default();
        let times = db.map(|db| db.metrics.blocks()).unwrap_or_default();
        Answer::json(&json!({
            "headStats": {
                "numSeries": all.len(),
                "numLabelPairs": counts.by_pair.len(),
                "chunkCount": stats.head.groups,
                "minTime": times.iter().map(|b| b.min_time).min().unwrap_or(i64::MAX),
                "maxTime": times.iter().map(|b| b.max_time).max().unwrap_or(i64::MIN),
            },
            "seriesCountByMetricName": counts.metrics(limit),
            "labelValueCountByLabelName": counts.by_label(|_, _| 1, limit),
            "memoryInBytesByLabelName": counts.by_label(|value, series| value.len() as u64 * series, limit),
            "seriesCountByLabelValuePair": counts.pairs(limit),
        }))
    })
    .await
}

/// `/api/v1/status/tsdb/blocks`.
pub(crate) async fn blocks(State(app): State<Arc<App>>, Tenant(tenant): Tenant) -> Reply {
    let blocks = app
        .reading(&tenant)
        .map(|db| db.metrics.blocks())
        .unwrap_or_default();
    let blocks: Vec<_> = blocks
        .iter()
        .map(|block| {
            json!({
                "ulid": format!("{:026}", block.id),
                "minTime": block.min_time,
                "maxTime": block.max_time.saturating_add(1),
                "stats": {"numSamples": block.rows, "numSeries": block.groups, "numChunks": block.groups},
                "compaction": {"level": block.level + 1},
                "version": 1,
            })
        })
        .collect();
    Answer::json(&json!({"blocks": blocks}))
}

fn limit(params: &Params) -> Result<usize, ApiError> {
    let text = params.first("limit");
    if text.is_empty() {
        return Ok(LIMIT_DEFAULT);
    }
    match text.parse::<usize>() {
        Ok(n) if (1..=LIMIT_MAX).contains(&n) => Ok(n),
        Ok(n) if n > LIMIT_MAX => Err(ApiError::bad_data(format!("limit must not exceed {LIMIT_MAX}"))),
        _ => Err(ApiError::bad_data("limit must be a positive number")),
    }
}

/// The largest counts first, equal ones by name.
fn top(counts: impl Iterator<Item = (String, u64)>, limit: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = counts.map(|(name, value)| Row { name, value }).collect();
    rows.sort_by(|a, b| b.value.cmp(&a.value).then_with(|| a.name.cmp(&b.name)));
    rows.truncate(limit);
    rows
}
