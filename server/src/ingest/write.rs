//! The way of every write: room in memory, decoding, the store, and what became of it. A write counts as done only when
//! it is durable.

mod logs;
mod pace;

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use kymo_engine::Error;
use kymo_engine::metrics::{Applied, Input, series_key};
use kymo_engine::ticket::Ticket;
use kymo_engine::traces::Batch;

use super::metrics::{Incoming, Rules, Unit, spelled};
use super::otlp::{self, Context, Texts};
use super::{Fault, Reason, Rejects, remote_write, remote_write_v2, traces};
use crate::app::App;
use crate::clock::now_ms;

use pace::pace;

pub(crate) use logs::{LogOutcome, write_logs};

/// Bodies up to this size are decoded on the thread that serves the connection: handing them over costs more.
const INLINE_BYTES_MAX: usize = 128 << 10;

/// The message that a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// `prometheus.WriteRequest`.
    RemoteWrite,
    /// `io.prometheus.write.v2.Request`.
    RemoteWriteV2,
    /// OTLP's `ExportMetricsServiceRequest`.
    OtlpMetrics,
}

/// What became of a write.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// What the store did.
    pub(crate) applied: Applied,
    /// What was refused, by the rules or by the store.
    pub(crate) rejects: Rejects,
}

/// Room taken out of what all writes may have in work together, given back when dropped.
pub(crate) struct Reserved {
    app: Arc<App>,
    permits: usize,
}

impl Reserved {
    /// Takes room for so many bytes.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when there is not enough.
    pub(crate) fn bytes(app: &Arc<App>, bytes: usize) -> Result<Reserved, Fault> {
        let mut reserved = Reserved {
            app: Arc::clone(app),
            permits: 0,
        };
        reserved.grow(bytes)?;
        Ok(reserved)
    }

    /// Takes more room until it is for so many bytes.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when there is not enough.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Fault> {
        let wanted = (bytes >> 10).max(1).saturating_sub(self.permits);
        let permits = u32::try_from(wanted).unwrap_or(u32::MAX);
        match self.app.in_flight.try_acquire_many(permits) {
            Ok(taken) => {
                taken.forget();
                self.permits += permits as usize;
                Ok(())
            }
            Err(_) => Err(Fault::Unavailable(
                "too many bytes of writes are in work, retry later".to_owned(),
            )),
        }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.app.in_flight.add_permits(self.permits);
    }
}

/// A write whose accepted part waits to become durable.
struct Pending {
    format: Format,
    tenant: String,
    body: Bytes,
    rules: Rules,
    rejects: Rejects,
    ticket: Ticket<Applied>,
    _room: Reserved,
}

/// Decodes a body, stores what is good of it and waits until that is durable. `open` makes the body ready to be decoded
/// and takes what it needs beyond the room there is; `expected` is about how long the body then is.
///
/// # Errors
/// [`Fault`]: nothing was stored, unless it is [`Fault::Unavailable`], when nobody knows.
pub(crate) async fn write(
    app: &Arc<App>,
    tenant: String,
    format: Format,
    (mut room, expected): (Reserved, usize),
    open: impl FnOnce(&mut Reserved) -> Result<Bytes, Fault> + Send + 'static,
) -> Result<Outcome, Fault> {
    let began = Instant::now();
    let work = {
        let (app, tenant) = (Arc::clone(app), tenant.clone());
        move || {
            let body = open(&mut room)?;
            append(&app, tenant, format, body, room)
        }
    };
    let outcome = match decoded(expected, work).await {
        Ok(pending) => pending.finish(app).await,
        Err(fault) => Err(fault),
    };
    match &outcome {
        Ok(outcome) => count(app, outcome),
        // What was stated with this write may not be stored.
        Err(_) => app.stated.forget(),
    }
    if let Some(db) = app.reading(&tenant).filter(|_| outcome.is_ok()) {
        pace(&db.metrics, expected, began).await;
    }
    outcome
}

/// Decodes a body of spans, stores what is good of it and waits until that is durable; otherwise as [`write`].
///
/// # Errors
/// [`Fault`], as [`write`].
pub(crate) async fn write_traces(
    app: &Arc<App>,
    tenant: String,
    (mut room, expected): (Reserved, usize),
    open: impl FnOnce(&mut Reserved) -> Result<Bytes, Fault> + Send + 'static,
) -> Result<Rejects, Fault> {
    let began = Instant::now();
    let work = {
        let app = Arc::clone(app);
        move || {
            let body = open(&mut room)?;
            let (stored, rejects) = append_spans(&app, &tenant, &body)?;
            Ok((tenant, stored, rejects, room))
        }
    };
    let (tenant, stored, rejects, room) = decoded(expected, work).await?;
    if let Some((batch, ticket)) = stored {
        let applied = ticket.await.map_err(|e| Fault::from(&e))?;
        app.generator
            .observe(&tenant, &batch, &applied.duplicate_rows, now_ms());
        app.counters.spans_stored.add(applied.spans.into());
        app.counters.spans_duplicate.add(applied.duplicates.into());
    }
    rejects.count_into(&app.counters);
    drop(room);
    if let Some(db) = app.reading(&tenant) {
        pace(&db.traces, expected, began).await;
    }
    Ok(rejects)
}

type StoredSpans = (Arc<Batch>, Ticket<kymo_engine::traces::Applied>);

fn append_spans(app: &App, tenant: &str, body: &[u8]) -> Result<(Option<StoredSpans>, Rejects), Fault> {
    let config = &app.config;
    let rules = Rules::at(now_ms(), config.limits, config.retention.time_ms);
    let (batch, rejects) = traces::read(body, rules)?;
    if batch.is_empty() {
        return Ok((None, rejects));
    }
    let batch = Arc::new(batch);
    let append = |batch| {
        let node = app.node().ok_or(Error::Closed)?;
        node.tenant(tenant)?.traces.append(node.log(), batch)
    };
    let ticket = append(Arc::clone(&batch)).map_err(|e| Fault::from(&e))?;
    Ok((Some((batch, ticket)), rejects))
}

/// Does the work of decoding here, or on a thread for such work when there is much of it.
async fn decoded<T: Send + 'static>(
    expected: usize,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    if expected <= INLINE_BYTES_MAX {
        return work();
    }
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Fault::Internal(e.to_string()))?
}

fn append(app: &App, tenant: String, format: Format, body: Bytes, room: Reserved) -> Result<Pending, Fault> {
    let config = &app.config;
    let received_ms = now_ms();
    let rules = Rules::at(received_ms, config.limits, config.retention.time_ms);
    let texts = Texts::default();
    let incoming = read(format, &body, &reading(app, &tenant, rules, received_ms, &texts))?;
    let input = Input {
        batch: incoming.batch(),
        labels: &*incoming,
        series_max: config.limits.series_max,
        received_ms,
    };
    let stored = store(app, &tenant, &input);
    let rejects = incoming.take_rejects();
    if let Some(text) = rejects.aborted() {
        return Err(Fault::Bad(text.to_owned()));
    }
    let ticket = stored.map_err(|e| Fault::from(&e))?;
    drop(incoming);
    Ok(Pending {
        format,
        tenant,
        body,
        rules,
        rejects,
        ticket,
        _room: room,
    })
}

fn reading<'a>(app: &'a App, tenant: &'a str, rules: Rules, now_ms: i64, texts: &'a Texts) -> Context<'a> {
    Context {
        rules,
        settings: &app.config.otlp,
        moved: &app.config.moved_labels,
        type_and_unit: app.config.features.type_and_unit_labels,
        lookback_ms: i64::try_from(app.config.query.lookback_ms).unwrap_or(i64::MAX),
        texts,
        stated: &app.stated,
        tenant_hash: series_key(tenant.as_bytes()),
        now_ms,
    }
}

fn read<'a>(format: Format, body: &'a [u8], context: &Context<'a>) -> Result<Box<dyn Incoming + 'a>, Fault> {
    Ok(match format {
        Format::RemoteWrite => Box::new(remote_write::Request::read(body, context.rules, context.moved)?),
        Format::RemoteWriteV2 => Box::new(remote_write_v2::Request::read(body, *context)?),
        Format::OtlpMetrics => Box::new(otlp::Request::read(body, *context)?),
    })
}

fn store(app: &App, tenant: &str, input: &Input<'_>) -> Result<Ticket<Applied>, Error> {
    let node = app.node().ok_or(Error::Closed)?;
    node.tenant(tenant)?.metrics.append(node.log(), input)
}

impl Pending {
    async fn finish(self, app: &App) -> Result<Outcome, Fault> {
        let Pending {
            format,
            tenant,
            body,
            rules,
            mut rejects,
            ticket,
            _room,
        } = self;
        let applied = ticket.await.map_err(|e| Fault::from(&e))?;
        if !applied.conflicts.is_empty() || !applied.over_limit.is_empty() {
            // The body is read again for the labels, because keeping them for every write would cost all of them.
            let texts = Texts::default();
            if let Ok(incoming) = read(format, &body, &reading(app, &tenant, rules, 0, &texts)) {
                note_refused(&applied, &*incoming, &mut rejects);
            }
        }
        Ok(Outcome { applied, rejects })
    }
}

/// Adds what the store refused.
fn note_refused(applied: &Applied, incoming: &dyn Incoming, rejects: &mut Rejects) {
    let mut note = |series: u32, reason, n: u64, text: &dyn Fn() -> String| match incoming.unit(series) {
        Unit::Point(point) => rejects.add_point(point, reason, text),
        Unit::Samples => rejects.add(reason, n, text),
        Unit::Nothing => {}
    };
    for conflict in &applied.conflicts {
        note(conflict.series, Reason::DuplicateTimestamp, 1, &|| {
            let labels = spelled(incoming, conflict.series);
            let what = if conflict.histogram { "sum" } else { "value" };
            format!(
                "{labels} at {} ms has another {what} than {}",
                conflict.timestamp, conflict.value
            )
        });
    }
    for series in &applied.over_limit {
        let sent = incoming.batch().series_at(*series as usize);
        let n = (sent.samples.len() + sent.histograms.len()) as u64;
        note(*series, Reason::SeriesLimit, n, &|| spelled(incoming, *series));
    }
}

fn count(app: &App, outcome: &Outcome) {
    let (counters, applied) = (&app.counters, &outcome.applied);
    counters.samples_stored.add(applied.stored);
    counters.samples_duplicate.add(applied.duplicates);
    counters.histograms_stored.add(applied.histograms);
    counters.histograms_duplicate.add(applied.histogram_duplicates);
    counters.exemplars_stored.add(applied.exemplars);
    counters
        .samples_merged
        .add(applied.merged + applied.merged_histograms);
    outcome.rejects.count_into(counters);
}
