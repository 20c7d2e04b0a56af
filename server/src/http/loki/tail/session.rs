//! The conversation of a tail: what is stored, then what comes, a ping each second, and why it ends. Memory is bounded: what
//! comes while a client takes nothing waits within bounds, then it is dropped and told.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use bytes::Bytes;
use kymo_engine::db::Db;
use kymo_engine::logs::{Following, Missed};
use kymo_query::logql::eval::Line;
use tokio::sync::Notify;
use tokio::time::{Instant, Interval, interval, sleep, timeout};

use super::super::ask::{Shown, ask};
use super::super::now;
use super::frame::frames;
use super::source::{Page, Stored, passed};
use super::{Place, Tail};
use crate::app::App;
use crate::http::caller::Caller;

/// Bytes of batches that wait for a client.
const WAITING_BYTES_MAX: usize = 16 << 20;

/// Entries that are held back for a delay.
const HELD_MAX: usize = 100_000;

/// How often a client is asked whether it is there, as in Loki.
const PING: Duration = Duration::from_secs(1);

/// How long a message may take to be taken.
const SEND: Duration = Duration::from_secs(60);

/// How long what comes is gathered, so that many small writes are not evaluated one by one.
const GATHER: Duration = Duration::from_millis(10);

/// How often it is looked whether a tenant that never wrote has written.
const LOOK: Duration = Duration::from_millis(250);

/// Why a tail ends.
enum End {
    /// The client went away.
    Gone,
    /// For what is said when closing; the code is that of an error of the server, as in Loki.
    Because(String),
}

/// One client.
pub(super) struct Session {
    app: Arc<App>,
    caller: Caller,
    tail: Tail,
    socket: WebSocket,
    ping: Interval,
    ends_at: Instant,
}

impl Session {
    pub(super) fn new(app: Arc<App>, caller: Caller, tail: Tail, socket: WebSocket) -> Session {
        let longest = Duration::from_millis(app.config.logs.asking.tail_ms_max);
        Session {
            app,
            caller,
            tail,
            socket,
            ping: interval(PING),
            ends_at: Instant::now() + longest,
        }
    }

    /// Talks until either side ends it.
    pub(super) async fn run(mut self, place: Result<Place, String>) {
        let end = match &place {
            Ok(_) => self.talk().await,
            Err(refused) => Err(End::Because(refused.clone())),
        };
        if let Err(End::Because(text)) = end {
            // A control frame has room for so many bytes.
            let reason = &text[..text.floor_char_boundary(123)];
            let close = CloseFrame {
                code: 1011,
                reason: reason.into(),
            };
            let _ = timeout(SEND, self.socket.send(Message::Close(Some(close)))).await;
        }
    }

    async fn talk(&mut self) -> Result<(), End> {
        let db = self.written_to().await?;
        let woken = Arc::new(Notify::new());
        let wake = Arc::clone(&woken);
        let matchers = self.tail.log.selector.clone();
        let wake = Box::new(move || wake.notify_one());
        let mut following = db.logs.follow(matchers, WAITING_BYTES_MAX, wake);
        let mut from = Some(self.tail.start);
        while let Some(start) = from {
            let page;
            (following, page) = self.stored(following, start).await?;
            from = page.next;
            self.send(page.lines, Missed::default()).await?;
        }
        let Following {
            mut follower,
            snapshot,
            ..
        } = following;
        // Blocks that are merged away meanwhile may go.
        drop(snapshot);
        let mut held = Held::new(self.tail.delay_seconds);
        loop {
            let due = held.due();
            tokio::select! {
                () = woken.notified() => sleep(GATHER).await,
                () = due => {}
                waited = self.wait() => { waited?; continue; }
            }
            let (streams, missed) = follower.take();
            let lines = match streams.is_empty() {
                true => Vec::new(),
                false => {
                    let log = self.tail.log.clone();
                    let work = tokio::task::spawn_blocking(move || passed(&log, streams, now()));
                    work.await
                        .map_err(|panic| End::Because(panic.to_string()))?
                        .map_err(|error| End::Because(error.text))?
                }
            };
            held.push(lines);
            self.send(held.take(), missed).await?;
        }
    }

    /// The stores of the tenant, once something was written to it.
    async fn written_to(&mut self) -> Result<Arc<Db>, End> {
        loop {
            if let Some(db) = self.app.reading(&self.caller.tenant) {
                return Ok(db);
            }
            tokio::select! {
                () = sleep(LOOK) => {}
                waited = self.wait() => waited?,
            }
        }
    }

    /// Some of what is stored from a time on.
    async fn stored(&mut self, following: Following, from: i64) -> Result<(Following, Page), End> {
        let shown = Shown {
            kind: "logql",
            text: &self.tail.text,
            times: (from, now(), 0),
        };
        let (log, limit, now) = (self.tail.log.clone(), self.tail.limit, now());
        let following = Arc::new(following);
        let asked = Arc::clone(&following);
        let page = ask(&self.app, Ok(self.caller.clone()), shown, move |asking, _| {
            let stored = Stored {
                log: &log,
                following: &asked,
                now,
            };
            asking.map_or(Ok(Page::default()), |asking| match limit {
                Some(limit) => stored.newest(asking, from, limit),
                None => stored.page(asking, from),
            })
        });
        let page = page.await.map_err(|error| End::Because(error.text))?;
        match Arc::into_inner(following) {
            Some(following) => Ok((following, page)),
            None => Err(End::Because("the query for stored lines did not end".to_owned())),
        }
    }

    /// Looks after the connection until there is something to say or it ends.
    async fn wait(&mut self) -> Result<(), End> {
        tokio::select! {
            _ = self.ping.tick() => {
                if self.app.is_stopping() {
                    return Err(End::Because("the server is stopping".to_owned()));
                }
                if Instant::now() >= self.ends_at {
                    return Err(End::Because("reached tail max duration limit".to_owned()));
                }
                self.put(Message::Ping(Bytes::new())).await
            }
            received = self.socket.recv() => match received {
                None | Some(Err(_) | Ok(Message::Close(_))) => Err(End::Gone),
                Some(Ok(_)) => Ok(()),
            }
        }
    }

    async fn send(&mut self, lines: Vec<Line>, missed: Missed) -> Result<(), End> {
        let form = self.tail.form.clone();
        for frame in frames(lines, missed, &form) {
            self.put(Message::Text(frame.into())).await?;
        }
        Ok(())
    }

    async fn put(&mut self, message: Message) -> Result<(), End> {
        match timeout(SEND, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }
}

/// Entries that are held back, so that later ones of an earlier time come before them.
struct Held {
    delay: Duration,
    waiting: VecDeque<(Instant, Vec<Line>)>,
    entries: usize,
}

impl Held {
    fn new(delay_seconds: u64) -> Held {
        Held {
            delay: Duration::from_secs(delay_seconds),
            waiting: VecDeque::new(),
            entries: 0,
        }
    }

    fn push(&mut self, lines: Vec<Line>) {
        if !lines.is_empty() {
            self.entries += lines.len();
            self.waiting.push_back((Instant::now() + self.delay, lines));
        }
    }

    /// Ends when something is to be told; never when nothing waits.
    fn due(&self) -> impl Future<Output = ()> + use<> {
        let due = self.waiting.front().map(|(due, _)| *due);
        async move {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        }
    }

    /// What was held back long enough, in order of time; the oldest sooner when there is too much.
    fn take(&mut self) -> Vec<Line> {
        let now = Instant::now();
        let mut lines = Vec::new();
        while let Some((due, _)) = self.waiting.front() {
            if *due > now && self.entries <= HELD_MAX {
                break;
            }
            let first = self
                .waiting
                .pop_front()
                .map(|(_, lines)| lines)
                .unwrap_or_default();
            self.entries -= first.len();
            lines.extend(first);
        }
        lines.sort_by_key(|line| line.time);
        lines
    }
}
