//! The lines of a tail: first those that are stored, then those that come. Evaluation only; waiting and sending are the
//! session's.

use std::sync::Arc;

use kymo_engine::logs::follow::passes;
use kymo_engine::logs::{Following, Scan, StreamRows};
use kymo_query::logql::LogExpr;
use kymo_query::logql::eval::store::Part;
use kymo_query::logql::eval::{Direction, Line, Lines, SelectOptions, select};
use kymo_query::promql::eval::{Account, Budget};

use super::super::ask::{Asking, failed};
use crate::http::ApiError;
use crate::http::prom::governed::Held;

/// Entries of a page of what is stored.
const PAGE: usize = 5_000;

/// Some of what is stored, the oldest first.
#[derive(Default)]
pub(super) struct Page {
    pub(super) lines: Vec<Line>,
    /// Where the next page begins; none behind the last.
    pub(super) next: Option<i64>,
    account: Option<Arc<Account>>,
}

impl Held for Page {
    fn bytes(&self) -> usize {
        self.lines
            .iter()
            .map(|line| line.line.len() + size_of::<Line>())
            .sum()
    }

    fn held_by(mut self, account: Arc<Account>) -> Page {
        self.account = Some(account);
        self
    }
}

/// How a tail's stored lines are asked for.
pub(super) struct Stored<'s> {
    pub(super) log: &'s LogExpr,
    pub(super) following: &'s Following,
    pub(super) now: i64,
}

impl Stored<'_> {
    /// The newest entries from a time on.
    pub(super) fn newest(&self, asking: &Asking<'_>, from: i64, limit: usize) -> Result<Page, ApiError> {
        let mut lines = self.select(asking, from, limit, Direction::Backward)?.entries;
        lines.reverse();
        Ok(Page {
            lines,
            next: None,
            account: None,
        })
    }

    /// The oldest entries from a time on, all of each time.
    pub(super) fn page(&self, asking: &Asking<'_>, from: i64) -> Result<Page, ApiError> {
        let mut limit = PAGE;
        loop {
            let mut lines = self.select(asking, from, limit, Direction::Forward)?.entries;
            let last = lines.last().map_or(from, |line| line.time);
            let is_last = lines.len() < limit;
            if !is_last {
                // Others of the last time may follow.
                lines.retain(|line| line.time < last);
            }
            if is_last || !lines.is_empty() {
                return Ok(Page {
                    lines,
                    next: (!is_last).then_some(last),
                    account: None,
                });
            }
            limit = limit.saturating_mul(2);
        }
    }

    fn select(
        &self,
        asking: &Asking<'_>,
        from: i64,
        limit: usize,
        direction: Direction,
    ) -> Result<Lines, ApiError> {
        let store = |scan: &Scan| {
            let scan = Scan {
                applied: Some(self.following.applied),
                ..scan.clone()
            };
            let parts = self.following.snapshot.scan(&scan)?;
            Ok(parts.into_iter().map(Part::of).collect())
        };
        let options = SelectOptions {
            from,
            limit,
            direction,
            ..every_time(self.now)
        };
        asking
            .with_budget(|budget| select(self.log, &store, &options, budget))
            .map_err(failed)
    }
}

/// What a query makes of entries that came, in order of time.
pub(super) fn passed(log: &LogExpr, streams: Vec<StreamRows>, now: i64) -> Result<Vec<Line>, ApiError> {
    let streams = Arc::new(streams);
    let store = |scan: &Scan| {
        let of = |at: usize| part(&streams, at);
        let wanted = |at: &usize| passes(&scan.matchers, &streams[*at].labels);
        Ok((0..streams.len()).filter(wanted).map(of).collect())
    };
    select(log, &store, &every_time(now), &Budget::default())
        .map(|lines| lines.entries)
        .map_err(failed)
}

fn part(streams: &Arc<Vec<StreamRows>>, at: usize) -> Part<'static> {
    let (streams, rows) = (Arc::clone(streams), &streams[at].rows);
    let times = rows.times();
    let edge = |time: Option<&i64>| time.copied().unwrap_or_default();
    Part {
        times: (edge(times.first()), edge(times.last())),
        rows: rows.len() as u64,
        columns: None,
        load: Box::new(move || Ok(vec![streams[at].clone()])),
    }
}

fn every_time(now: i64) -> SelectOptions {
    SelectOptions {
        from: i64::MIN,
        until: i64::MAX,
        limit: usize::MAX,
        direction: Direction::Forward,
        interval: 0,
        now,
    }
}
