//! `/api/v1/notifications` and its live form: what an operator should know now, as people read it. Both answer while the
//! server is not ready.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body::Frame;
use kymo_engine::health;
use serde::Serialize;
use tokio::time::{Interval, interval};

use super::status::rfc3339;
use crate::app::App;
use crate::clock::now_ms;
use crate::http::answer::{Answer, Reply};

/// Most listeners at a time, as in Prometheus.
const LISTENERS_MAX: usize = 16;

/// How often listeners look for news.
const LOOK: Duration = Duration::from_secs(1);

/// One notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Notice {
    text: String,
    date: String,
    active: bool,
}

/// What there is to say now.
fn texts(app: &App) -> Vec<String> {
    let mut out = Vec::new();
    if app.is_stopping() {
        out.push("The server is stopping.".to_owned());
    }
    match app.node().map(|node| node.state()) {
        None => out.push("The data directory is being opened.".to_owned()),
        Some(health::State::Writable) => {}
        Some(health::State::DiskFull) => {
            out.push(
                "The disk of the data directory is full: writes are refused until space is freed.".to_owned(),
            );
        }
        Some(health::State::Poisoned { path, cause }) => out.push(format!(
            "A sync of {} failed ({cause}): writes are refused until a restart.",
            path.display()
        )),
    }
    out
}

fn notice(text: String, active: bool) -> Notice {
    Notice {
        text,
        date: rfc3339(now_ms()),
        active,
    }
}

/// All notices now.
pub(crate) async fn list(State(app): State<Arc<App>>) -> Reply {
    let notices: Vec<Notice> = texts(&app).into_iter().map(|text| notice(text, true)).collect();
    Answer::json(&notices)
}

/// Notices as they come and go, as server-sent events. Too many listeners are answered 204.
pub(crate) async fn live(State(app): State<Arc<App>>) -> Response {
    let Some(place) = Place::take(&app.listeners) else {
        return StatusCode::NO_CONTENT.into_response();
    };
    let events = Events {
        app,
        said: Vec::new(),
        look: interval(LOOK),
        _place: place,
    };
    let mut response = Response::new(Body::new(events));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// A listener's place among those there may be.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(listeners: &Arc<AtomicUsize>) -> Option<Place> {
        let one_more = |n: usize| (n < LISTENERS_MAX).then_some(n + 1);
        listeners
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .ok()?;
        Some(Place(Arc::clone(listeners)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Events {
    app: Arc<App>,
    said: Vec<String>,
    look: Interval,
    _place: Place,
}

impl Events {
    /// What came and what went since the last look.
    fn news(&mut self) -> String {
        let now = texts(&self.app);
        let gone = self.said.iter().filter(|text| !now.contains(text));
        let new = now.iter().filter(|text| !self.said.contains(text));
        let changes = gone.map(|text| (text, false)).chain(new.map(|text| (text, true)));
        let mut out = String::new();
        for (text, active) in changes {
            let json = serde_json::to_string(&notice(text.clone(), active)).unwrap_or_default();
            out.push_str(&format!("data: {json}\n\n"));
        }
        self.said = now;
        out
    }
}

impl http_body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            ready!(self.look.poll_tick(cx));
            let stopping = self.app.is_stopping();
            let news = self.news();
            if !news.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(news.into()))));
            }
            // A listener must not hold the server up when it stops.
            if stopping {
                return Poll::Ready(None);
            }
        }
    }
}
