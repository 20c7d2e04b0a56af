//! `POST /api/v1/read`: remote read, answered in one message of samples or as a stream of chunks. Errors are plain text, as
//! Prometheus' are. Not for evaluating anything.

mod histogram;

use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kymo_engine::labels::Labels;
use kymo_engine::metrics::{MatchOp, Matcher, Metrics, Selection, SeriesData, SeriesRows};
use kymo_engine::store::Snapshot;
use kymo_proto::chunks::{Chunk, encode_floats, encode_histograms};
use kymo_proto::remote_read::{FrameEncoder, Query, ReadRequest, ResponseType, SeriesEncoder};
use kymo_proto::snappy;
use kymo_query::promql::eval::Account;

use super::governed::{Held, governed, interruption, out_of_memory};
use super::labels::reserve_series;
use super::stream::{Sender, streamed};
use crate::app::App;
use crate::governor::{Admitted, Asked, Gate, Running};
use crate::http::answer::{ApiError, ErrorType, held_body};
use crate::http::caller::Caller;

/// Largest request, compressed and not, as in Prometheus.
const REQUEST_BYTES_MAX: usize = 32 << 20;

/// Bytes of a selected series beside its labels, about.
const SERIES_BYTES: usize = 128;

/// Bytes of a body and what keeps them reserved.
struct Message {
    body: Vec<u8>,
    account: Option<Arc<Account>>,
}

impl Held for Message {
    fn bytes(&self) -> usize {
        self.body.len()
    }

    fn held_by(mut self, account: Arc<Account>) -> Message {
        self.account = Some(account);
        self
    }
}

/// Handles one remote read.
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    request: Request,
) -> Response {
    let answered = match caller {
        Ok(caller) => answer(&app, &caller, request).await,
        Err(error) => return error.into_response(),
    };
    answered.unwrap_or_else(|error| {
        // Whoever asked for too much may ask for less; the rest is the server's trouble.
        let status = match error.kind {
            ErrorType::Execution => StatusCode::BAD_REQUEST,
            ErrorType::Timeout | ErrorType::Canceled => StatusCode::INTERNAL_SERVER_ERROR,
            kind => kind.status(),
        };
        (status, error.text + "\n").into_response()
    })
}

async fn answer(app: &Arc<App>, caller: &Caller, request: Request) -> Result<Response, ApiError> {
    let bad = |e: &dyn std::fmt::Display| ApiError::bad_data(e.to_string());
    let body = to_bytes(request.into_body(), REQUEST_BYTES_MAX)
        .await
        .map_err(|e| bad(&e))?;
    let message = snappy::decompress(&body, REQUEST_BYTES_MAX).map_err(|e| bad(&e))?;
    let request = ReadRequest::decode(&message).map_err(|e| bad(&e))?;
    let wanted = response_type(&request.accepted)?;
    let queries = selections(&request.queries, &app.config.external_labels)?;
    let asked = asked(caller, &queries);
    let db = app.reading(&caller.tenant);
    let reading = Reading {
        snapshot: db.map(|db| db.metrics.snapshot()),
        queries,
        external: app.config.external_labels.clone(),
    };
    match wanted {
        ResponseType::Samples => {
            let limit = app.config.remote_read.samples_max;
            let timeout = Duration::from_millis(app.config.query.timeout_ms);
            let work = move |admitted: &Admitted, _: &mut _| reading.samples(&admitted.running, limit);
            let message: Message = governed(app, Gate::RemoteRead, asked, timeout, work).await?;
            let mut response = Response::new(held_body(message.body, message.account));
            let headers = response.headers_mut();
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/x-protobuf"),
            );
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("snappy"));
            Ok(response)
        }
        ResponseType::StreamedXorChunks => {
            let frame_bytes = usize::try_from(app.config.remote_read.frame_bytes).unwrap_or(usize::MAX);
            let work = move |admitted: &Admitted, sender: &Sender<'_>| {
                reading.chunks(&admitted.running, sender, frame_bytes)
            };
            // A stream takes as long as its reader does.
            let body = streamed(app, Gate::RemoteRead, asked, Duration::MAX, work).await?;
            let mut response = Response::new(body);
            let content_type = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
            Ok(response)
        }
    }
}

/// The first accepted type there is.
fn response_type(accepted: &[u64]) -> Result<ResponseType, ApiError> {
    let known = |n: &u64| match n {
        0 => Some(ResponseType::Samples),
        1 => Some(ResponseType::StreamedXorChunks),
        _ => None,
    };
    if accepted.is_empty() {
        return Ok(ResponseType::Samples);
    }
    accepted.iter().find_map(known).ok_or_else(|| {
        ApiError::bad_data(format!(
            "server does not support any of the requested response types: {accepted:?}; supported: [SAMPLES STREAMED_XOR_CHUNKS]"
        ))
    })
}

/// What the queries select. Matchers that ask for an external label are answered by adding it.
fn selections(queries: &[Query<'_>], external: &[(String, String)]) -> Result<Vec<Selection>, ApiError> {
    queries
        .iter()
        .map(|query| {
            let mut matchers = Vec::new();
            for m in &query.matchers {
                let op = match m.op {
                    0 => MatchOp::Equal,
                    1 => MatchOp::NotEqual,
                    2 => MatchOp::Regex,
                    3 => MatchOp::NotRegex,
                    _ => return Err(ApiError::bad_data("invalid matcher type")),
                };
                let own = external
                    .iter()
                    .any(|(name, value)| (m.name, m.value) == (name, value));
                if op == MatchOp::Equal && own {
                    continue;
                }
                let matcher = Matcher::new(m.name, op, m.value);
                matchers.push(matcher.map_err(|e| ApiError::bad_data(e.to_string()))?);
            }
            Ok(Selection {
                matchers,
                min_time: query.start,
                max_time: query.end,
            })
        })
        .collect()
}

fn asked(caller: &Caller, queries: &[Selection]) -> Asked {
    let texts: Vec<String> = queries
        .iter()
        .map(|query| selector_text(&query.matchers))
        .collect();
    let start = queries.iter().map(|query| query.min_time).min().unwrap_or(0);
    let end = queries.iter().map(|query| query.max_time).max().unwrap_or(0);
    caller.asks("read", &texts.join(" or "), (start, end, 0))
}

/// Matchers as a selector.
pub(crate) fn selector_text(matchers: &[Matcher]) -> String {
    let matchers = matchers
        .iter()
        .map(|m| format!("{}{}{:?}", m.name(), m.op().as_str(), m.value()));
    format!("{{{}}}", matchers.collect::<Vec<_>>().join(","))
}

/// A read that is being answered.
struct Reading {
    snapshot: Option<Snapshot<Metrics>>,
    queries: Vec<Selection>,
    external: Vec<(String, String)>,
}

impl Reading {
    /// The series of a query, sorted by labels, and what they take reserved.
    fn select(&self, running: &Running, query: &Selection) -> Result<Vec<SeriesData>, ApiError> {
        let Some(snapshot) = &self.snapshot else {
            return Ok(Vec::new());
        };
        if query.min_time > query.max_time {
            return Ok(Vec::new());
        }
        let times = (query.min_time, query.max_time);
        reserve_series(snapshot, &running.account, &[&query.matchers], times)?;
        let found = snapshot.select(std::slice::from_ref(query))?;
        let series: Vec<SeriesData> = found.into_iter().flatten().collect();
        let bytes = series
            .iter()
            .map(|one| one.labels().byte_len() + SERIES_BYTES)
            .sum();
        running.account.reserve(bytes).map_err(out_of_memory)?;
        Ok(series)
    }

    fn samples(&self, running: &Running, limit: u64) -> Result<Message, ApiError> {
        let mut encoder = SeriesEncoder::default();
        let mut reserved = 0;
        for query in &self.queries {
            let mut total = 0;
            for series in self.select(running, query)? {
                check(running)?;
                let rows = series.read_all(query.min_time, query.max_time)?;
                if rows.is_empty() {
                    continue;
                }
                total += count(running, &rows);
                if total > limit {
                    return Err(ApiError::over_limit(format!("exceeded sample limit ({limit})")));
                }
                let floats = rows.floats.timestamps.iter().zip(&rows.floats.values);
                let histograms = rows.histograms.iter().map(histogram::to_wire);
                let labels = with_external(series.labels(), &self.external);
                encoder.series(labels.iter(), floats.map(|(t, v)| (*t, *v)), histograms);
                let grown = encoder.len() - reserved;
                running.account.reserve(grown).map_err(out_of_memory)?;
                reserved += grown;
            }
            encoder.end_result();
        }
        running.account.reserve(encoder.len()).map_err(out_of_memory)?;
        Ok(Message {
            body: snappy::compress(encoder.message()),
            account: None,
        })
    }

    fn chunks(&self, running: &Running, sender: &Sender<'_>, frame_bytes: usize) -> Result<(), ApiError> {
        let mut frames = FrameEncoder::new(frame_bytes);
        for (i, query) in self.queries.iter().enumerate() {
            for series in self.select(running, query)? {
                check(running)?;
                let rows = series.read_all(query.min_time, query.max_time)?;
                count(running, &rows);
                let labels = with_external(series.labels(), &self.external);
                frames.series(i as u64, labels.iter(), chunks_of(&rows), |frame| {
                    sender.send(frame)
                })?;
            }
        }
        Ok(())
    }
}

/// Takes account of samples and looks whether to go on.
fn count(running: &Running, rows: &SeriesRows) -> u64 {
    let samples = (rows.floats.len() + rows.histograms.len()) as u64;
    running.account.count_read(samples);
    samples
}

fn check(running: &Running) -> Result<(), ApiError> {
    match running.check() {
        Some(_) => Err(interruption(running)),
        None => Ok(()),
    }
}

/// The labels of a series and the external ones that it does not have.
pub(crate) fn with_external(labels: &Labels, external: &[(String, String)]) -> Labels {
    if external.is_empty() {
        return labels.clone();
    }
    let mut all = labels.to_builder();
    for (name, value) in external {
        if labels.get(name).is_none() {
            all.set(name, value);
        }
    }
    all.build()
}

/// The chunks of a series by time: floats and histograms never share one.
fn chunks_of(rows: &SeriesRows) -> Vec<Chunk> {
    let (times, values) = (&rows.floats.timestamps, &rows.floats.values);
    if rows.histograms.is_empty() {
        return encode_floats(times, values);
    }
    let histograms: Vec<_> = rows.histograms.iter().map(histogram::to_wire).collect();
    let (mut f, mut h) = (0, 0);
    let mut chunks = Vec::new();
    while f < times.len() || h < histograms.len() {
        let until = histograms.get(h).map_or(i64::MAX, |h| h.timestamp);
        let floats = f + times[f..].partition_point(|time| *time < until);
        chunks.extend(encode_floats(&times[f..floats], &values[f..floats]));
        f = floats;
        let until = times.get(f).copied().unwrap_or(i64::MAX);
        let next = h + histograms[h..].partition_point(|h| h.timestamp < until);
        chunks.extend(encode_histograms(&histograms[h..next]));
        h = next;
        if until == i64::MAX && f >= times.len() {
            break;
        }
    }
    chunks
}

#[cfg(test)]
mod tests;
