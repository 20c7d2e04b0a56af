//! `tempopb.StreamingQuerier` over gRPC: the questions of the HTTP API, answered in messages that no client finds too large. An
//! answer is exact, so no message is taken back or refined by a later one: what is sent early is certain by then. A search does not
//! repeat it; series come again at the end, whole and with their exemplars.

mod early;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use bytes::Bytes;
use early::{Early, EarlySeries, Streamed};
use kymo_proto::tempo as wire;
use kymo_query::promql::eval::Account;
use kymo_query::traceql::SeriesProgress;
use kymo_query::traceql::grid::Grid;
use tonic::codec::CompressionEncoding;

use tonic::server::Grpc;
use tonic::{Code, Status};

use super::error::TempoError;
use super::search_params::SearchParams;
use super::series::{EXEMPLARS_MAX, SeriesParams, grid_of, instant_response, range_response};
use super::tags::{TagParams, Wanted, any_attribute, flat, limit_of, texts, typed, typed_attribute};
use super::{params, search, series, tags};
use crate::app::App;
use crate::grpc::Raw;
use crate::http::ApiError;
use crate::http::caller::Caller;
use crate::http::prom::governed::Held;

/// Bytes of one message, about. Grafana takes 4 MiB, Tempo sends 1 MiB.
const PACKET_BYTES_MAX: usize = 1 << 20;

/// Least time between messages of a search that goes on.
const EARLY_EVERY: Duration = Duration::from_millis(500);

/// The methods.
#[derive(Debug, Clone, Copy)]
enum Method {
    Search,
    Tags,
    TagsV2,
    TagValues,
    TagValuesV2,
    Range,
    Instant,
}

/// The routes of the service.
pub(crate) fn routes() -> Router<Arc<App>> {
    let methods = [
        ("Search", Method::Search),
        ("SearchTags", Method::Tags),
        ("SearchTagsV2", Method::TagsV2),
        ("SearchTagValues", Method::TagValues),
        ("SearchTagValuesV2", Method::TagValuesV2),
        ("MetricsQueryRange", Method::Range),
        ("MetricsQueryInstant", Method::Instant),
    ];
    methods.into_iter().fold(Router::new(), |routes, (name, method)| {
        let path = format!("/tempopb.StreamingQuerier/{name}");
        let handler =
            async move |app: State<Arc<App>>, caller: Result<Caller, ApiError>, request: Request| {
                call(app, caller, method, request).await
            };
        routes.route(&path, post(handler))
    })
}

async fn call(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    method: Method,
    request: Request,
) -> Response {
    if app.node().is_none() || app.is_stopping() {
        let status = Status::new(Code::Unavailable, "the server is not ready");
        return status.into_http::<Body>();
    }
    let caller = match caller {
        Ok(caller) => caller,
        Err(error) => return TempoError::from(error).to_grpc().into_http::<Body>(),
    };
    let mut grpc = Grpc::new(Raw)
        .accept_compressed(CompressionEncoding::Gzip)
        .send_compressed(CompressionEncoding::Gzip);
    let service = tower::service_fn(move |message: tonic::Request<Bytes>| {
        let (app, caller) = (Arc::clone(&app), caller.clone());
        async move {
            let packets = answer(&app, &caller, method, &message.into_inner()).await;
            packets.map(tonic::Response::new).map_err(|error| error.to_grpc())
        }
    });
    grpc.server_streaming(service, request).await.map(Body::new)
}

impl From<kymo_proto::Error> for TempoError {
    fn from(error: kymo_proto::Error) -> TempoError {
        TempoError::bad(error.to_string())
    }
}

async fn answer(
    app: &Arc<App>,
    caller: &Caller,
    method: Method,
    message: &[u8],
) -> Result<Streamed, TempoError> {
    match method {
        Method::Search => {
            let asked = SearchParams::of_message(wire::Search::decode(message)?)?;
            searched(Arc::clone(app), caller.clone(), asked).await
        }
        Method::Range => {
            let asked = range_asked(wire::QueryRange::decode(message)?)?;
            measured(Arc::clone(app), caller.clone(), asked).await
        }
        Method::Tags | Method::TagsV2 => {
            let asked = wire::SearchTags::decode(message)?;
            names(app, caller, method, asked).await.map(Streamed::from)
        }
        Method::TagValues | Method::TagValuesV2 => {
            let asked = wire::SearchTagValues::decode(message)?;
            values(app, caller, method, asked).await.map(Streamed::from)
        }
        Method::Instant => {
            let asked = wire::QueryInstant::decode(message)?;
            instant(app, caller, asked).await.map(Streamed::from)
        }
    }
}

/// A search, which sends what is certain while it goes on.
async fn searched(app: Arc<App>, caller: Caller, asked: SearchParams) -> Result<Streamed, TempoError> {
    let (mut early, received) = Early::new(EARLY_EVERY);
    let sent = early.sent();
    let work = async move {
        let watch = move |certain| early.take(certain);
        let write = move |mut response: wire::SearchResponse| {
            response.traces.drain(..sent.count().min(response.traces.len()));
            search_packets(response)
        };
        search::answer_watched(&app, &caller, asked, Some(Box::new(watch)), write).await
    };
    Streamed::new(Box::pin(work), received).begun().await
}

fn range_asked(asked: wire::QueryRange) -> Result<SeriesParams, TempoError> {
    let (start, end) = (signed(asked.start), signed(asked.end));
    let step = (asked.step > 0).then(|| signed(asked.step));
    Ok(SeriesParams {
        grid: grid_of(start, end, step)?,
        exemplars: match asked.exemplars as usize {
            0 => EXEMPLARS_MAX,
            n => n.min(EXEMPLARS_MAX),
        },
        max_series: asked.series_max as usize,
        query: asked.query,
    })
}

/// Series, whose samples are sent when they are certain, the latest first, and all of them with exemplars when they are done.
async fn measured(app: Arc<App>, caller: Caller, asked: SeriesParams) -> Result<Streamed, TempoError> {
    let (mut early, received) = EarlySeries::new(EARLY_EVERY, asked.grid.steps());
    let work = async move {
        let watch = move |progress: &SeriesProgress<'_>, metrics| early.take(progress, metrics);
        let write = |found| range_packets(range_response(found));
        series::answer_watched(
            &app,
            &caller,
            "traceql_range",
            asked,
            Some(Box::new(watch)),
            write,
        )
        .await
    };
    Streamed::new(Box::pin(work), received).begun().await
}

/// One value of each series, which is certain at the end only.
async fn instant(app: &Arc<App>, caller: &Caller, asked: wire::QueryInstant) -> Result<Packets, TempoError> {
    let params = SeriesParams {
        grid: Grid::instant(signed(asked.start), signed(asked.end))?,
        exemplars: 0,
        max_series: 0,
        query: asked.query,
    };
    let write = |found| instant_packets(instant_response(found));
    series::answer(app, caller, "traceql_instant", params, write).await
}

async fn names(
    app: &Arc<App>,
    caller: &Caller,
    method: Method,
    asked: wire::SearchTags,
) -> Result<Packets, TempoError> {
    let wanted = Wanted::of(&asked.scope)?;
    let params = TagParams {
        range: range(asked.start, asked.end)?,
        limit: limit_of(asked.tags_per_scope_max as usize),
        query: asked.query,
    };
    let write = move |scoped: wire::ScopedTagNames| match method {
        Method::Tags => Packets::of(vec![flat(scoped, wanted).encode()]),
        _ => Packets::of(vec![scoped.encode()]),
    };
    tags::names(app, caller, wanted, params, write).await
}

async fn values(
    app: &Arc<App>,
    caller: &Caller,
    method: Method,
    asked: wire::SearchTagValues,
) -> Result<Packets, TempoError> {
    let params = TagParams {
        range: range(asked.start, asked.end)?,
        limit: limit_of(asked.values_max as usize),
        query: asked.query,
    };
    let attribute = match method {
        Method::TagValues => any_attribute(&asked.tag),
        _ => typed_attribute(&asked.tag)?,
    };
    let write = move |found| match method {
        Method::TagValues => Packets::of(vec![texts(found).encode()]),
        _ => Packets::of(vec![typed(found).encode()]),
    };
    tags::values(app, caller, attribute, params, write).await
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn range(start: u32, end: u32) -> Result<Option<(u32, u32)>, TempoError> {
    match (start, end) {
        (0, 0) => Ok(None),
        (start, end) if end > start => Ok(Some((start, end))),
        (start, end) => Err(params::not_before(start.into(), end.into())),
    }
}

/// The messages of an answer, whose memory stays reserved until they are sent.
struct Packets {
    packets: std::vec::IntoIter<Vec<u8>>,
    account: Option<Arc<Account>>,
}

impl Packets {
    fn of(packets: Vec<Vec<u8>>) -> Packets {
        Packets {
            packets: packets.into_iter(),
            account: None,
        }
    }
}

impl Held for Packets {
    fn bytes(&self) -> usize {
        self.packets.as_slice().iter().map(Vec::len).sum()
    }

    fn held_by(mut self, account: Arc<Account>) -> Packets {
        self.account = Some(account);
        self
    }
}

/// Shares out items to messages of no more than [`PACKET_BYTES_MAX`], as far as single items allow.
fn shared_out<I, M>(
    items: Vec<I>,
    message: impl Fn(Vec<I>) -> M,
    encode: impl Fn(&M) -> Vec<u8>,
) -> Vec<Vec<u8>>
where
    I: Clone,
{
    let mut packets = Vec::new();
    let mut waiting = vec![items];
    while let Some(mut items) = waiting.pop() {
        let encoded = encode(&message(items.clone()));
        if encoded.len() > PACKET_BYTES_MAX && items.len() > 1 {
            let second = items.split_off(items.len() / 2);
            waiting.push(second);
            waiting.push(items);
        } else {
            packets.push(encoded);
        }
    }
    packets
}

fn search_packets(response: wire::SearchResponse) -> Packets {
    let metrics = response.metrics;
    let message = |traces| wire::SearchResponse { traces, metrics };
    Packets::of(shared_out(response.traces, message, wire::SearchResponse::encode))
}

fn range_packets(response: wire::RangeResponse) -> Packets {
    let (metrics, partial) = (response.metrics, response.partial);
    let message = |series| wire::RangeResponse {
        series,
        metrics,
        partial: partial.clone(),
    };
    Packets::of(shared_out(response.series, message, wire::RangeResponse::encode))
}

fn instant_packets(response: wire::InstantResponse) -> Packets {
    let (metrics, partial) = (response.metrics, response.partial);
    let message = |series| wire::InstantResponse {
        series,
        metrics,
        partial: partial.clone(),
    };
    Packets::of(shared_out(
        response.series,
        message,
        wire::InstantResponse::encode,
    ))
}

#[cfg(test)]
mod tests;
