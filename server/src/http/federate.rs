//! `/federate`: the newest sample of every selected series, in the format the scraper asks for. Staleness markers are left out,
//! external labels are added, and everything is untyped: a scraper's own types are not known here. Native histograms go out in
//! protobuf; those with custom buckets go out as classic histograms in every format.

mod escape;
mod family;
mod format;
mod protobuf;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kymo_engine::labels::Labels;
use kymo_engine::metrics::{Matcher, Metrics, Selection, is_stale};
use kymo_engine::store::Snapshot;
use kymo_query::promql::eval::Account;
use kymo_query::promql::parse_selector;

use super::answer::{ApiError, held_body};
use super::caller::Caller;
use super::params::Params;
use super::prom::governed::{Held, governed, out_of_memory};
use super::prom::labels::reserve_series;
use crate::app::App;
use crate::clock::now_ms;
use crate::governor::Gate;
use family::{Newest, Value, families};
use format::Format;

/// Bytes of a sample beside its labels, about.
const SAMPLE_BYTES: usize = 128;

/// What is sent.
struct Page {
    body: Vec<u8>,
    account: Option<Arc<Account>>,
}

impl Held for Page {
    fn bytes(&self) -> usize {
        self.body.len()
    }

    fn held_by(mut self, account: Arc<Account>) -> Page {
        self.account = Some(account);
        self
    }
}

/// Handles one scrape.
pub(super) async fn federate(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    params: Params,
) -> Response {
    let format = Format::negotiated(&headers);
    let texts: Vec<&str> = params.all("match[]").collect();
    let parsed: Result<Vec<Vec<Matcher>>, _> = texts.iter().map(|text| parse_selector(text)).collect();
    let sets = match parsed {
        Ok(sets) => sets,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let now = now_ms();
    let lookback = i64::try_from(app.config.query.lookback_ms).unwrap_or(i64::MAX);
    let times = (now.saturating_sub(lookback), now);
    let asked = caller.asks("federate", &texts.join(" or "), (times.0, times.1, 0));
    let timeout = Duration::from_millis(app.config.query.timeout_ms);
    let db = app.reading(&caller.tenant);
    let external = app.config.external_labels.clone();
    let page = governed(&app, Gate::Lookup, asked, timeout, move |admitted, _| {
        let account = &admitted.running.account;
        let found = match db {
            Some(db) => newest(&db.metrics.snapshot(), account, &sets, times)?,
            None => Vec::new(),
        };
        let families = families(found, &external, &format);
        let mut body = Vec::new();
        match format.kind {
            format::Kind::Protobuf => protobuf::write(&families, &mut body),
            format::Kind::Text | format::Kind::OpenMetrics => text::write(&families, &format, &mut body),
        }
        account.reserve(body.len()).map_err(out_of_memory)?;
        Ok(Page { body, account: None })
    });
    match page.await {
        Ok(page) => {
            let mut response = Response::new(held_body(page.body, page.account));
            let content_type = HeaderValue::from_static(format.content_type());
            response.headers_mut().insert(header::CONTENT_TYPE, content_type);
            response
        }
        Err(error) => (error.kind.status(), error.text + "\n").into_response(),
    }
}

/// The newest sample of every series that passes any set of matchers, by labels, unless it is a staleness marker.
fn newest(
    snapshot: &Snapshot<Metrics>,
    account: &Account,
    sets: &[Vec<Matcher>],
    (min_time, max_time): (i64, i64),
) -> Result<Vec<(Labels, Newest)>, ApiError> {
    let slices: Vec<&[Matcher]> = sets.iter().map(Vec::as_slice).collect();
    reserve_series(snapshot, account, &slices, (min_time, max_time))?;
    let mut found: BTreeMap<Labels, Newest> = BTreeMap::new();
    for matchers in sets {
        let selection = Selection {
            matchers: matchers.clone(),
            min_time,
            max_time,
        };
        for series in snapshot.select(&[selection])?.into_iter().flatten() {
            if found.contains_key(series.labels()) {
                continue;
            }
            let rows = series.read_all(min_time, max_time)?;
            account.count_read((rows.floats.len() + rows.histograms.len()) as u64);
            let float = rows.floats.timestamps.last().zip(rows.floats.values.last());
            let histogram = rows.histograms.last();
            let sample = match histogram.filter(|h| float.is_none_or(|(time, _)| *time < h.time)) {
                Some(h) => (!h.histogram.is_stale()).then(|| (h.time, Value::Histogram(h.histogram.clone()))),
                None => float
                    .filter(|(_, value)| !is_stale(**value))
                    .map(|(time, value)| (*time, Value::Float(*value))),
            };
            if let Some((time, value)) = sample {
                let bytes = SAMPLE_BYTES + series.labels().byte_len();
                account.reserve(bytes).map_err(out_of_memory)?;
                found.insert(series.labels().clone(), Newest { time, value });
            }
        }
    }
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod tests;
