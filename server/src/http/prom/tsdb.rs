//! `status/tsdb` and `status/tsdb/blocks`: how many series of what, and which blocks there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use kymo_engine::labels::Labels;
use serde::Serialize;
use serde_json::json;

use super::labels::{Question, ask};
use crate::app::App;
use crate::http::answer::{Answer, ApiError, Reply};
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

/// Counts over the series of a tenant.
#[derive(Debug, Default)]
struct Cardinality {
    by_metric: BTreeMap<String, u64>,
    /// Series and bytes of each pair of label name and value.
    by_pair: BTreeMap<(String, String), u64>,
}

impl Cardinality {
    fn add(&mut self, labels: &Labels) {
        *self.by_metric.entry(labels.metric_name().to_owned()).or_default() += 1;
        for (name, value) in labels.iter() {
            *self
                .by_pair
                .entry((name.to_owned(), value.to_owned()))
                .or_default() += 1;
        }
    }

    fn values_by_label(&self) -> BTreeMap<String, u64> {
        let mut out: BTreeMap<String, u64> = BTreeMap::new();
        for (name, _) in self.by_pair.keys() {
            *out.entry(name.clone()).or_default() += 1;
        }
        out
    }

    fn bytes_by_label(&self) -> BTreeMap<String, u64> {
        let mut out: BTreeMap<String, u64> = BTreeMap::new();
        for ((name, value), series) in &self.by_pair {
            *out.entry(name.clone()).or_default() += value.len() as u64 * series;
        }
        out
    }
}

/// `/api/v1/status/tsdb`. Unlike Prometheus' it counts the series of all data, not of the head alone, or of those that
/// pass any `match[]` between `start` and `end`.
pub(crate) async fn tsdb(State(app): State<Arc<App>>, tenant: Tenant, params: Params) -> Reply {
    let limit = limit(&params)?;
    let question = Question::parse(&params)?;
    let db = app.reading(&tenant.0);
    ask(&app, &tenant, NOTHING, move |snapshot| {
        let mut cardinality = Cardinality::default();
        let sets = match question.sets() {
            none if none.is_empty() => vec![&[][..]],
            some => some,
        };
        let all = snapshot.series(&sets, question.min_time, question.max_time)?;
        for labels in &all {
            cardinality.add(labels);
        }
        let pairs = cardinality.by_pair.iter();
        let by_pair = pairs
            .map(|((name, value), n)| (format!("{name}={value}"), *n))
            .collect();
        let stats = db.as_ref().map(|db| db.metrics.stats()).unwrap_or_default();
        let times = db.map(|db| db.metrics.blocks()).unwrap_or_default();
        Answer::json(&json!({
            "headStats": {
                "numSeries": all.len(),
                "numLabelPairs": cardinality.by_pair.len(),
                "chunkCount": stats.head.groups,
                "minTime": times.iter().map(|b| b.min_time).min().unwrap_or(i64::MAX),
                "maxTime": times.iter().map(|b| b.max_time).max().unwrap_or(i64::MIN),
            },
            "seriesCountByMetricName": top(cardinality.by_metric.clone(), limit),
            "labelValueCountByLabelName": top(cardinality.values_by_label(), limit),
            "memoryInBytesByLabelName": top(cardinality.bytes_by_label(), limit),
            "seriesCountByLabelValuePair": top(by_pair, limit),
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
fn top(counts: BTreeMap<String, u64>, limit: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = counts
        .into_iter()
        .map(|(name, value)| Row { name, value })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.value));
    rows.truncate(limit);
    rows
}
