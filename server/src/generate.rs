//! Metrics from spans: request rates, errors and durations of operations (span metrics) and of calls between services (the
//! service graph), with the names, labels and buckets of Tempo's metrics generator, written to the metric store of the same
//! tenant at the time of the spans. What is counted live is counted again from the stored spans by `recompute`.
//! Not for TraceQL's metrics, which are computed from spans when asked.

mod edges;
mod operations;
mod recompute;
mod steps;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use kymo_engine::Error;
use kymo_engine::db::Db;
use kymo_engine::node::Node;
use kymo_engine::traces::{Batch, Resource, SpanId, TraceId, Value};
use parking_lot::Mutex;

use crate::config::Generate;
use crate::counters::Counters;
use edges::Edges;
pub(crate) use recompute::recompute;
use steps::{Number, Steps};

/// What spans of one operation share.
pub(crate) struct Shared<'a> {
    resource: &'a Resource,
    /// Number of the service among those of edges.
    service: u32,
    /// OTLP kind.
    kind: i32,
    /// OTLP status code.
    status: i32,
    /// Number of the operation among the entities.
    operation: Number,
    /// What the spans and their resource have of the attributes that edges ask for.
    keys: Vec<&'static str>,
}

/// What is derived from a span.
pub(crate) struct Fact<'a> {
    shared: &'a Shared<'a>,
    trace_id: TraceId,
    id: SpanId,
    parent: SpanId,
    /// End in nanoseconds since 1970.
    end: i64,
    /// In nanoseconds, not negative.
    duration: i64,
    /// Bytes of its message.
    size: u32,
    /// Finds an attribute of the span.
    attribute: &'a dyn Fn(&str) -> Option<Value>,
}

/// The metrics of all tenants.
#[derive(Default)]
pub struct Generator {
    tenants: Mutex<BTreeMap<String, Arc<Mutex<Tenant>>>>,
}

/// The metrics of one tenant.
pub(crate) struct Tenant {
    edges: Edges,
    steps: Steps,
    /// Spans taken from the store.
    fed: u64,
}

impl Tenant {
    fn new(settings: &Generate) -> Tenant {
        Tenant {
            edges: Edges::new(settings),
            steps: Steps::new(settings),
            fed: 0,
        }
    }

    /// What spans with a resource, a name, a kind, a status and attributes share; none without a service.
    fn shared<'a>(
        &mut self,
        resource: &'a Resource,
        name: &str,
        (kind, status): (i32, i32),
        has: impl Fn(&str) -> bool,
    ) -> Option<Shared<'a>> {
        let service = text_of(resource, "service.name")?;
        let of_resource = |key: &str| resource.attributes.iter().any(|a| *a.key == *key);
        let keys = edges::KEYS.into_iter().filter(|key| has(key) || of_resource(key));
        Some(Shared {
            resource,
            service: self.edges.service(service),
            kind,
            status,
            operation: self.steps.number(operations::entity(service, name, kind, status)),
            keys: keys.collect(),
        })
    }

    /// Takes a span in. `now_ms` is when it is seen.
    fn add(&mut self, fact: &Fact<'_>, now_ms: i64) {
        operations::add(fact, &mut self.steps);
        self.edges.add(fact, now_ms, &mut self.steps);
    }
}

/// The value of a string attribute.
fn text_of<'r>(resource: &'r Resource, key: &str) -> Option<&'r str> {
    resource
        .attributes
        .iter()
        .find(|a| *a.key == *key)
        .and_then(|a| match &a.value {
            Value::String(text) => Some(&**text),
            _ => None,
        })
}

impl Generator {
    fn tenant(&self, name: &str, settings: &Generate) -> Arc<Mutex<Tenant>> {
        let mut tenants = self.tenants.lock();
        if let Some(tenant) = tenants.get(name) {
            return tenant.clone();
        }
        let tenant = Arc::new(Mutex::new(Tenant::new(settings)));
        tenants.insert(name.to_owned(), tenant.clone());
        tenant
    }

    /// Takes the spans of a durable batch in, but those that were there already.
    pub(crate) fn observe(&self, name: &str, batch: &Batch, known: &[u32], settings: &Generate, now_ms: i64) {
        if !settings.enabled {
            return;
        }
        let fields = batch.shared_fields();
        let tenant = self.tenant(name, settings);
        let mut tenant = tenant.lock();
        let shared = fields.iter().map(|f| {
            let has = |key: &str| f.keys.iter().any(|known| **known == *key);
            tenant.shared(&f.resource, &f.name, (f.kind, f.status_code), has)
        });
        let shared: Vec<Option<Shared<'_>>> = shared.collect();
        for (row, span) in batch.spans().enumerate() {
            if !known.is_empty() && known.binary_search(&(row as u32)).is_ok() {
                continue;
            }
            let Some(shared) = &shared[span.shared()] else {
                continue;
            };
            let fact = Fact {
                shared,
                trace_id: span.trace_id(),
                id: span.id(),
                parent: span.parent(),
                end: span.start().saturating_add(span.duration()),
                duration: span.duration().max(0),
                size: span.size(),
                attribute: &|key| span.attribute(key),
            };
            tenant.add(&fact, now_ms);
        }
    }

    /// Writes the steps that are over at `now_ms`, all that there are when told so.
    ///
    /// # Errors
    /// Those of the metric store; what was not written is tried again the next time.
    pub fn tick(
        &self,
        node: &Node,
        (settings, counters): (&Generate, &Counters),
        now_ms: i64,
        all: bool,
    ) -> Result<(), Error> {
        let tenants: Vec<(String, Arc<Mutex<Tenant>>)> = {
            let tenants = self.tenants.lock();
            tenants
                .iter()
                .map(|(name, tenant)| (name.clone(), tenant.clone()))
                .collect()
        };
        for (name, tenant) in tenants {
            let mut tenant = tenant.lock();
            let tenant = &mut *tenant;
            tenant.edges.expire(now_ms, &mut tenant.steps);
            counters
                .edges_expired
                .add(std::mem::take(&mut tenant.edges.expired));
            counters
                .edges_dropped
                .add(std::mem::take(&mut tenant.edges.dropped));
            let until = if all {
                i64::MAX
            } else {
                now_ms.saturating_sub(settings.wait_ms)
            };
            write::steps(node, &*node.tenant(&name)?, &mut tenant.steps, until, now_ms)?;
        }
        Ok(())
    }
}

/// The spans of a tenant that no step has yet: those that ended behind the newest sample, for after a restart.
///
/// # Errors
/// What reading can bring.
pub(crate) fn resume(
    generator: &Generator,
    node: &Node,
    settings: &Generate,
    now_ms: i64,
) -> Result<(), Error> {
    if !settings.enabled {
        return Ok(());
    }
    for (name, db) in node.tenants() {
        resume_tenant(generator, &name, &db, settings, now_ms)?;
    }
    Ok(())
}

fn resume_tenant(
    generator: &Generator,
    name: &str,
    db: &Db,
    settings: &Generate,
    now_ms: i64,
) -> Result<(), Error> {
    let Some(newest) = recompute::newest_sample(db, now_ms)? else {
        return Ok(());
    };
    let tenant = generator.tenant(name, settings);
    let mut tenant = tenant.lock();
    tenant.steps.begin_behind(newest);
    recompute::feed(&mut tenant, db, newest, now_ms)
}
