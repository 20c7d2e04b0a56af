//! `/loki/api/v1/tail` and `/api/prom/tail`: lines as they come, over a websocket (`pkg/querier/tail.go`). What is asked is
//! checked before the connection changes its protocol; later errors are told by how it is closed. Here is who may follow;
//! `session` has the conversation, `source` the lines, `frame` their form.

mod frame;
mod session;
mod source;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{MatchedPath, State};
use axum::http::HeaderMap;
use axum::response::Response;
use kymo_query::logql::{Expr, LogExpr, parse};

use super::error::LokiError;
use super::limits::Limits;
use super::query::flags;
use super::{now, params};
use crate::app::App;
use crate::http::ApiError;
use crate::http::caller::Caller;
use crate::http::params::Params;
use session::Session;

/// Most seconds that entries may be held back, so that late ones are told in order.
const DELAY_SECONDS_MAX: u64 = 5;

/// How far back a tail goes that does not say so.
const SINCE_DEFAULT: i64 = 3600 * 1_000_000_000;

/// What is followed.
#[derive(Debug, Clone)]
struct Tail {
    text: String,
    log: LogExpr,
    /// Earliest time of what is stored already, nanoseconds since 1970.
    start: i64,
    /// Most entries of what is stored already, the newest of them; none for all.
    limit: Option<usize>,
    /// Seconds that entries are held back.
    delay_seconds: u64,
    form: Form,
}

/// The form of messages.
#[derive(Debug, Clone)]
enum Form {
    /// With the flags of the answer, empty unless kinds of labels are told apart.
    Current(Vec<String>),
    /// That of the API below `/api/prom`.
    Legacy,
}

pub(super) async fn tail(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    path: MatchedPath,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    let (caller, params) = (caller?, params?);
    let mut tail = Tail::of(&app, &params, &headers)?;
    if path.as_str().contains("/api/prom/") {
        tail.form = Form::Legacy;
    }
    let upgrade = upgrade.map_err(|rejection| LokiError::bad(rejection.body_text()))?;
    Ok(upgrade.on_upgrade(move |socket| async move {
        let place = Place::take(&app);
        Session::new(app, caller, tail, socket).run(place).await;
    }))
}

impl Tail {
    fn of(app: &App, params: &Params, headers: &HeaderMap) -> Result<Tail, LokiError> {
        let text = params.first("query");
        let log = match parse(text).map_err(|error| LokiError::bad(error.to_string()))? {
            Expr::Log(log) => log,
            Expr::Metric(_) => {
                return Err(LokiError::bad(
                    "only log queries can be tailed, not metric queries",
                ));
            }
        };
        if !log.tail.is_empty() {
            return Err(LokiError::bad(
                "stages that need all entries (sort, dedup, limit, stats) cannot be tailed",
            ));
        }
        let delay_seconds = match params.first("delay_for") {
            "" => 0,
            text => text
                .parse()
                .map_err(|_| LokiError::bad(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")))?,
        };
        if delay_seconds > DELAY_SECONDS_MAX {
            return Err(LokiError::bad(format!(
                "delay_for can't be greater than {DELAY_SECONDS_MAX}"
            )));
        }
        let limit = Limits::of(app, headers)?.entries(params::limit(params)?)?;
        let is_asked = |name| !params.first(name).is_empty();
        Ok(Tail {
            text: text.to_owned(),
            log,
            start: params::time(params, "start", now().saturating_sub(SINCE_DEFAULT))?,
            // Who goes on where it stopped wants all since then.
            limit: (is_asked("limit") || !is_asked("start")).then_some(limit),
            delay_seconds,
            form: Form::Current(flags(headers)),
        })
    }
}

/// A place among the tails there may be.
struct Place(Arc<AtomicUsize>);

impl Place {
    /// The error is Loki's.
    fn take(app: &App) -> Result<Place, String> {
        let most = usize::try_from(app.config.logs.asking.tails_max).unwrap_or(usize::MAX);
        let one_more = |n: usize| (n < most).then_some(n + 1);
        match app
            .tails
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
        {
            Ok(_) => Ok(Place(Arc::clone(&app.tails))),
            Err(n) => Err(format!(
                "max concurrent tail requests limit exceeded, count > limit ({} > {most})",
                n + 1
            )),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
