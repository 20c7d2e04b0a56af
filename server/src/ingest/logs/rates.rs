//! How much tenants and streams may write, where the configuration says so: buckets that fill with time. Texts are Loki's
//! (`pkg/validation`). Not for what is wrong with an entry.

use hashbrown::HashMap;
use kymo_engine::labels::Labels;
use kymo_engine::logs::Logs;
use kymo_engine::metrics::series_key;
use kymo_engine::store::Store;
use parking_lot::Mutex;

use crate::config::LogRates;
use crate::ingest::Fault;
use crate::units::size_text;

/// Streams whose buckets are remembered; above it those that are full go.
const STREAMS_MAX: usize = 100_000;

/// Bytes that may be written now.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    bytes: f64,
    at_ms: i64,
}

impl Bucket {
    fn full(burst: u64, now_ms: i64) -> Bucket {
        Bucket {
            bytes: burst as f64,
            at_ms: now_ms,
        }
    }

    fn fill(&mut self, rate: u64, burst: u64, now_ms: i64) {
        let passed = now_ms.saturating_sub(self.at_ms).max(0) as f64 / 1000.0;
        self.bytes = (self.bytes + passed * rate as f64).min(burst as f64);
        self.at_ms = now_ms;
    }

    fn take(&mut self, bytes: u64) -> bool {
        let is_there = self.bytes >= bytes as f64;
        if is_there {
            self.bytes -= bytes as f64;
        }
        is_there
    }
}

/// What all tenants and streams may write.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    tenants: Mutex<HashMap<String, Bucket>>,
    streams: Mutex<HashMap<(u128, u64), Bucket>>,
}

/// What one tenant may write now.
#[derive(Clone, Copy)]
pub(crate) struct Allowance<'c> {
    rates: &'c Rates,
    settings: &'c LogRates,
    tenant: &'c str,
    tenant_hash: u128,
    store: Option<&'c Store<Logs>>,
    now_ms: i64,
}

impl Rates {
    /// What a tenant, whose store is this if it has one, may write at a time; none where nothing is limited.
    pub(crate) fn of<'c>(
        &'c self,
        settings: &'c LogRates,
        tenant: &'c str,
        store: Option<&'c Store<Logs>>,
        now_ms: i64,
    ) -> Option<Allowance<'c>> {
        let limited = settings.bytes > 0 || settings.stream_bytes > 0 || settings.streams_max > 0;
        limited.then(|| Allowance {
            rates: self,
            settings,
            tenant,
            tenant_hash: series_key(tenant.as_bytes()),
            store,
            now_ms,
        })
    }
}

impl Allowance<'_> {
    /// # Errors
    /// [`Fault::Limited`] when a request has more bytes than may be written now.
    pub(crate) fn take(&self, lines: usize, bytes: u64) -> Result<(), Fault> {
        let (rate, burst) = (self.settings.bytes, self.settings.burst());
        if rate == 0 {
            return Ok(());
        }
        let mut tenants = self.rates.tenants.lock();
        let bucket = tenants
            .entry_ref(self.tenant)
            .or_insert_with(|| Bucket::full(burst, self.now_ms));
        bucket.fill(rate, burst, self.now_ms);
        match bucket.take(bytes) {
            true => Ok(()),
            false => Err(Fault::Limited(format!(
                "ingestion rate limit exceeded for user {} (limit: {rate} bytes/sec) while attempting to ingest '{lines}' lines totaling '{bytes}' bytes, reduce log volume or contact your Loki administrator to see if the limit can be increased",
                self.tenant
            ))),
        }
    }

    /// What is wrong with another entry of a stream.
    pub(super) fn refuses_entry(&self, stream: u64, text: &str, bytes: u64) -> Option<String> {
        let (rate, burst) = (self.settings.stream_bytes, self.settings.stream_burst());
        if rate == 0 {
            return None;
        }
        let mut streams = self.rates.streams.lock();
        if streams.len() > STREAMS_MAX {
            streams.retain(|_, bucket| {
                bucket.fill(rate, burst, self.now_ms);
                bucket.bytes < burst as f64
            });
        }
        let bucket = streams
            .entry((self.tenant_hash, stream))
            .or_insert_with(|| Bucket::full(burst, self.now_ms));
        bucket.fill(rate, burst, self.now_ms);
        (!bucket.take(bytes)).then(|| {
            format!(
                "Per stream rate limit exceeded (limit: {}/sec) while attempting to ingest for stream '{text}' totaling {bytes}B, consider splitting a stream via additional labels or contact your Loki administrator to see if the limit can be increased",
                size_text(rate)
            )
        })
    }

    /// What is wrong with another stream, `fresh` of this request being new already.
    pub(super) fn refuses_stream(&self, labels: &Labels, fresh: usize, text: &str) -> Option<String> {
        let most = self.settings.streams_max;
        if most == 0 || self.store.is_some_and(|store| store.is_active(labels)) {
            return None;
        }
        let active = self.store.map_or(0, Store::active_streams) + fresh;
        (active as u64 >= most).then(|| {
            format!(
                "maximum active stream limit exceeded when trying to create stream {text}, reduce the number of active streams (reduce labels or reduce label values), or contact your Loki administrator to see if the limit can be increased, user: '{}'",
                self.tenant
            )
        })
    }

    /// True for a stream that has no entries in the store's head.
    pub(super) fn is_fresh(&self, labels: &Labels) -> bool {
        self.settings.streams_max > 0 && !self.store.is_some_and(|store| store.is_active(labels))
    }
}
