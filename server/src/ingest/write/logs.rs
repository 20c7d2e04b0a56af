//! The way of log lines to the store.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use kymo_engine::Error;
use kymo_engine::logs::Applied;
use kymo_engine::ticket::Ticket;

use super::pace::pace;
use super::{Reserved, decoded};
use crate::app::App;
use crate::clock::now_ms;
use crate::ingest::Fault;
use crate::ingest::logs::{LogFormat, Refused, Rules, read};

/// What became of a write of log lines.
#[derive(Debug)]
pub(crate) struct LogOutcome {
    /// Entries that are stored now.
    pub(crate) stored: u64,
    /// What is not.
    pub(crate) refused: Refused,
    /// Streams of the request.
    pub(crate) streams: usize,
}

/// Decodes a body of log lines, stores what is good of it and waits until that is durable; otherwise as
/// [`super::write`].
///
/// # Errors
/// [`Fault`], as [`super::write`].
pub(crate) async fn write_logs(
    app: &Arc<App>,
    tenant: String,
    format: LogFormat,
    (mut room, expected): (Reserved, usize),
    open: impl FnOnce(&mut Reserved) -> Result<Bytes, Fault> + Send + 'static,
) -> Result<LogOutcome, Fault> {
    let began = Instant::now();
    let work = {
        let app = Arc::clone(app);
        move || {
            let body = open(&mut room)?;
            let (ticket, outcome) = append(&app, &tenant, format, &body)?;
            Ok((tenant, ticket, outcome, room))
        }
    };
    let (tenant, ticket, mut outcome, room) = decoded(expected, work).await?;
    if let Some(ticket) = ticket {
        outcome.stored = ticket.await.map_err(|e| Fault::from(&e))?.entries;
        app.counters.log_entries_stored.add(outcome.stored);
    }
    outcome.refused.count_into(&app.counters);
    drop(room);
    if let Some(db) = app.reading(&tenant) {
        pace(&db.logs, expected, began).await;
    }
    Ok(outcome)
}

fn append(
    app: &App,
    tenant: &str,
    format: LogFormat,
    body: &[u8],
) -> Result<(Option<Ticket<Applied>>, LogOutcome), Fault> {
    let (now_ms, settings) = (now_ms(), &app.config.logs.rates);
    let db = app.reading(tenant);
    let store = db.as_ref().map(|db| &db.logs);
    let mut rules = Rules::at(now_ms, &app.config);
    rules.allowance = app.log_rates.of(settings, tenant, store, now_ms);
    let incoming = read(format, body, rules)?;
    if let Some(allowance) = rules.allowance {
        let batch = &incoming.batch;
        allowance.take(batch.len(), batch.content_bytes())?;
    }
    let outcome = LogOutcome {
        stored: 0,
        refused: incoming.refused,
        streams: incoming.streams,
    };
    if incoming.batch.is_empty() {
        return Ok((None, outcome));
    }
    let append = || {
        let node = app.node().ok_or(Error::Closed)?;
        node.tenant(tenant)?
            .logs
            .append(node.log(), Arc::new(incoming.batch))
    };
    let ticket = append().map_err(|e| Fault::from(&e))?;
    Ok((Some(ticket), outcome))
}
