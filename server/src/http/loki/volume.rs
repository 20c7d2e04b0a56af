//! How much streams hold: `/loki/api/v1/index/stats`, `/loki/api/v1/index/volume` and `/loki/api/v1/index/volume_range`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use kymo_engine::labels::Labels;
use kymo_engine::logs::{Buckets, Volume};

use super::JSON;
use super::ask::{OfStreams, ask};
use super::error::LokiError;
use super::params::step;
use super::render::{Points, matrix, vector};
use super::shards::Totals;
use crate::app::App;
use crate::http::ApiError;
use crate::http::caller::Caller;
use crate::http::document::Document;
use crate::http::json::object;
use crate::http::params::Params;

/// What lists of queries call a question for volumes.
const VOLUME: &str = "logql_volume";

/// Items of an answer where the question does not say.
const LIMIT_DEFAULT: usize = 100;

pub(super) async fn stats(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    let params = params?;
    let OfStreams { wanted, times, shown } = OfStreams::read("logql_stats", &params)?;
    let document = ask(&app, caller, shown, move |asking, _| {
        let totals = Totals::of(asking, &wanted, times)?;
        let mut body = Vec::new();
        object(&mut body, |o| totals.put(o));
        Ok(Document::new(JSON, body))
    });
    Ok(document.await?.into_response())
}

/// What volumes are summed by.
#[derive(Debug, Clone, PartialEq, Eq)]
struct By {
    /// The labels asked for; none takes those of the selector.
    labels: Vec<String>,
    /// By each label that occurs, whatever its value.
    names: bool,
}

impl By {
    fn of(params: &Params, selector: &[String]) -> Result<By, LokiError> {
        let labels: Vec<String> = params
            .first("targetLabels")
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        let names = match params.first("aggregateBy") {
            "" | "series" => false,
            "labels" => true,
            _ => return Err(LokiError::bad("invalid aggregation option")),
        };
        Ok(By {
            labels: match (labels.is_empty(), names) {
                (true, false) => selector.to_vec(),
                _ => labels,
            },
            names,
        })
    }

    /// The items that a stream counts for.
    fn items(&self, labels: &Labels) -> Vec<Vec<(String, String)>> {
        let asked = |name: &str| self.labels.iter().any(|wanted| wanted == name);
        if self.names {
            let all = labels
                .iter()
                .filter(|(name, _)| self.labels.is_empty() || asked(name));
            return all
                .map(|(name, _)| vec![(name.to_owned(), String::new())])
                .collect();
        }
        let all = labels.iter().filter(|(name, _)| asked(name));
        let item: Vec<_> = all
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        if item.is_empty() { Vec::new() } else { vec![item] }
    }
}

pub(super) async fn volume(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    let params = params?;
    summed(&app, caller, &params, OfStreams::read(VOLUME, &params)?, None).await
}

pub(super) async fn volume_range(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    let params = params?;
    let mut asked = OfStreams::read(VOLUME, &params)?;
    let step = step(&params, asked.times)?;
    asked.shown.times.2 = step;
    summed(&app, caller, &params, asked, Some(step)).await
}

async fn summed(
    app: &Arc<App>,
    caller: Result<Caller, ApiError>,
    params: &Params,
    asked: OfStreams<'_>,
    step: Option<i64>,
) -> Result<Response, LokiError> {
    let (wanted, (start, end)) = (asked.wanted, asked.times);
    let selector: Vec<String> = wanted.iter().map(|matcher| matcher.name().to_owned()).collect();
    let by = By::of(params, &selector)?;
    let limit = params
        .count("limit")
        .map_err(LokiError::bad)?
        .unwrap_or(LIMIT_DEFAULT);
    let document = ask(app, caller, asked.shown, move |asking, _| {
        let mut items: BTreeMap<Vec<(String, String)>, BTreeMap<i64, u64>> = BTreeMap::new();
        // One bucket without a step; with one, each ends where the next begins.
        let buckets = Buckets {
            from: start,
            until: end.saturating_add(1),
            step,
        };
        let end_of = |bucket: usize| {
            let step = step.unwrap_or(i64::MAX);
            let passed = i64::try_from(bucket).unwrap_or(i64::MAX).saturating_add(1);
            start.saturating_add(step.saturating_mul(passed)).min(end)
        };
        let mut add = |labels: &Labels, bucket: usize, volume: Volume| {
            for item in by.items(labels) {
                *items.entry(item).or_default().entry(end_of(bucket)).or_default() += volume.bytes;
            }
        };
        if let Some(asking) = asking {
            asking.snapshot.volumes(&wanted, buckets, &mut add)?;
        }
        let mut items: Vec<_> = items.into_iter().collect();
        let total = |points: &BTreeMap<i64, u64>| points.values().sum::<u64>();
        items.sort_by(|a, b| total(&b.1).cmp(&total(&a.1)).then_with(|| a.0.cmp(&b.0)));
        items.truncate(limit);
        let points: Vec<Points> = items
            .into_iter()
            .map(|(labels, points)| Points {
                labels,
                points: points
                    .into_iter()
                    .map(|(time, bytes)| (time, bytes as f64))
                    .collect(),
            })
            .collect();
        let mut body = Vec::new();
        match points.iter().any(|series| series.points.len() > 1) {
            true => matrix(&mut body, &points),
            false => vector(&mut body, &points),
        }
        Ok(Document::new(JSON, body))
    });
    Ok(document.await?.into_response())
}
