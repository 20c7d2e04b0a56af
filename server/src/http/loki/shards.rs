//! `/loki/api/v1/index/shards`: how a query should be cut to be evaluated in parallel. One process cuts queries by itself, so it
//! is one shard with all there is.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use kymo_engine::labels::Labels;
use kymo_engine::logs::{Buckets, Volume};

use super::JSON;
use super::ask::{Asking, OfStreams, ask};
use super::error::LokiError;
use super::stats::{Took, put_stats};
use crate::app::App;
use crate::http::ApiError;
use crate::http::caller::Caller;
use crate::http::document::Document;
use crate::http::json::{Object, list, object};
use crate::http::params::Params;
use crate::units::parse_size_bytes;

/// What streams hold in some time.
#[derive(Debug, Default)]
pub(super) struct Totals {
    streams: BTreeSet<u64>,
    chunks: u64,
    entries: u64,
    bytes: u64,
}

impl Totals {
    /// Counts what the selected streams hold.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) fn of(
        asking: Option<&Asking<'_>>,
        matchers: &[kymo_engine::metrics::matcher::Matcher],
        (start, end): (i64, i64),
    ) -> Result<Totals, ApiError> {
        let mut totals = Totals::default();
        if let Some(asking) = asking {
            let mut add = |labels: &Labels, _: usize, volume: Volume| {
                totals.streams.insert(labels.hash64());
                totals.chunks += 1;
                totals.entries += volume.entries;
                totals.bytes += volume.bytes;
            };
            let all = Buckets::one(start, end.saturating_add(1));
            asking.snapshot.volumes(matchers, all, &mut add)?;
        }
        Ok(totals)
    }

    pub(super) fn put(&self, o: &mut Object<'_>) {
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        o.integer("streams", count(self.streams.len() as u64));
        o.integer("chunks", count(self.chunks));
        o.integer("bytes", count(self.bytes));
        o.integer("entries", count(self.entries));
    }
}

pub(super) async fn shards(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    let params = params?;
    let target = params.first("targetBytesPerShard");
    if !target.is_empty() && parse_size_bytes(target).is_none() {
        return Err(LokiError::bad(format!(
            "targetBytesPerShard: {target:?} is not a size"
        )));
    }
    let OfStreams { wanted, times, shown } = OfStreams::read("logql_shards", &params)?;
    let document = ask(&app, caller, shown, move |asking, _| {
        let totals = Totals::of(asking, &wanted, times)?;
        let mut body = Vec::new();
        object(&mut body, |o| {
            list(o.name("shards"), [&totals], |out, totals| {
                object(out, |o| {
                    o.name("bounds")
                        .extend_from_slice(b"{\"min\":0,\"max\":18446744073709551615}");
                    o.object("stats", |o| totals.put(o));
                });
            });
            o.object("statistics", |o| put_stats(o, Took::default()));
        });
        Ok(Document::new(JSON, body))
    });
    Ok(document.await?.into_response())
}
