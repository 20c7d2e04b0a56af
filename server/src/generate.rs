//! Metrics from spans: request rates, errors and durations of operations (span metrics) and of calls between services (the
//! service graph), with the names, labels and buckets of Tempo's metrics generator, written to the metric store of the same
//! tenant at the time of the spans. What is counted live is counted again from the stored spans by `recompute`.
//! Not for TraceQL's metrics, which are computed from spans when asked.

mod edges;
mod fact;
mod operations;
mod parts;
mod recompute;
mod rules;
mod steps;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use kymo_engine::Error;
use kymo_engine::db::Db;
use kymo_engine::node::Node;
use kymo_engine::traces::{Batch, Resource};
use parking_lot::Mutex;

use crate::config::Generate;
use crate::counters::Counters;
use edges::Edges;
use fact::{Fact, Shared, of_resource, text_of};
pub(crate) use recompute::recompute;
use rules::Rules;
use steps::Steps;

/// The metrics of all tenants.
#[derive(Default)]
pub struct Generator {
    tenants: Mutex<BTreeMap<String, Arc<Mutex<Tenant>>>>,
}

/// The metrics of one tenant.
pub(crate) struct Tenant {
    rules: Rules,
    edges: Edges,
    steps: Steps,
    /// Spans taken from the store.
    fed: u64,
}

impl Tenant {
    fn new(settings: &Generate) -> Tenant {
        Tenant {
            rules: Rules::new(settings),
            edges: Edges::new(settings),
            steps: Steps::new(settings),
            fed: 0,
        }
    }

    /// What spans with a resource, a name, a kind, a status and attributes share; none without a service.
    fn shared<'a>(
        &mut self,
        resource: &'a Resource,
        name: &'a str,
        (kind, status): (i32, i32),
        has: impl Fn(&str) -> bool,
    ) -> Option<Shared<'a>> {
        let rules = &self.rules;
        let service = text_of(resource, "service.name")?;
        let on_resource = |key: &str| of_resource(resource, key).is_some();
        let keys = rules.asked.iter().filter(|key| has(key) || on_resource(key));
        let mut shared = Shared {
            resource,
            service,
            service_number: self.edges.service(service),
            name,
            kind,
            status,
            operation: None,
            target: None,
            keys: keys.cloned().collect(),
        };
        let processors = rules.settings.processors;
        let depends_on_span = rules.settings.spans.intrinsic.status_message
            || rules.label_keys().any(|key| has(key) && !on_resource(key));
        if processors.spans() && !depends_on_span {
            let value = |key: &str| of_resource(resource, key).and_then(fact::label_text);
            let entity = operations::entity(rules, &shared, "", &value);
            shared.operation = Some(self.steps.number(entity));
        }
        if processors.spans()
            && let Some(entity) = operations::target(rules, resource)
        {
            shared.target = Some(self.steps.number(entity));
        }
        Some(shared)
    }

    /// Takes a span in. `now_ms` is when it is seen.
    fn add(&mut self, fact: &Fact<'_>, now_ms: i64) {
        if self.rules.settings.processors.spans() {
            operations::add(fact, &self.rules, &mut self.steps);
        }
        if self.rules.settings.processors.graph() {
            self.edges.add(fact, now_ms, &self.rules, &mut self.steps);
        }
    }

    /// Gives up on sides of calls whose time is over.
    fn expire(&mut self, now_ms: i64) {
        self.edges.expire(now_ms, &self.rules, &mut self.steps);
    }
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
                start: span.start(),
                end: span.start().saturating_add(span.duration()),
                duration: span.duration().max(0),
                size: span.size(),
                attribute: &|key| span.attribute(key),
                status_message: &|| span.status_message(),
                trace_state: &|| span.trace_state(),
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
            tenant.expire(now_ms);
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
            write::steps(node, &*node.tenant(&name)?, tenant, until, now_ms)?;
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
