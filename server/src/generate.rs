//! Metrics from spans: request rates, errors and durations of operations (span metrics) and of calls between services (the
//! service graph), with the names, labels and buckets of Tempo's metrics generator, written to the metric store of the same
//! tenant at the time of the spans. What is counted live is counted again from the stored spans by `recompute`.
//! Not for TraceQL's metrics, which are computed from spans when asked.

mod edges;
mod fact;
mod operations;
pub(crate) mod overrides;
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
use fact::{Fact, Shared, of_resource, service_of};
use overrides::Overrides;
pub(crate) use recompute::recompute;
use rules::Rules;
use steps::Steps;

/// The metrics of all tenants.
pub struct Generator {
    /// The settings of tenants that have set nothing themselves.
    base: Arc<Generate>,
    pub(crate) overrides: Overrides,
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

    /// What spans with a resource, a name, a kind, a status and attributes share.
    fn shared<'a>(
        &mut self,
        resource: &'a Resource,
        name: &'a str,
        (kind, status): (i32, i32),
        has: impl Fn(&str) -> bool,
    ) -> Shared<'a> {
        let rules = &self.rules;
        let service = service_of(resource);
        let on_resource = |key: &str| of_resource(resource, key).is_some();
        let keys = rules.asked.iter().filter(|key| has(key) || on_resource(key));
        let mut shared = Shared {
            resource,
            service_number: (!service.is_empty()).then(|| self.edges.service(&service)),
            service,
            name,
            kind,
            status,
            operation: None,
            target: None,
            keys: keys.cloned().collect(),
        };
        // What no policy lets count must not take the place of what counts.
        let is_kept = rules.settings.processors.spans() && rules.span_policies.is_empty();
        let depends_on_span = rules.settings.spans.intrinsic.status_message
            || rules.label_keys().any(|key| has(key) && !on_resource(key));
        if is_kept && !depends_on_span {
            let value = |key: &str| of_resource(resource, key).and_then(fact::label_text);
            let entity = operations::entity(rules, &shared, "", &value);
            shared.operation = Some(self.steps.number(entity));
        }
        if is_kept {
            shared.target = operations::target(rules, resource).map(|entity| self.steps.number(entity));
        }
        shared
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

    /// Counts with other settings from now on. Counters begin anew one step behind what is written, which every function of
    /// counters takes for a reset; calls of which one side waits go on waiting.
    fn change(&mut self, settings: &Generate) {
        let begin = self.steps.written().saturating_add(settings.step_ms);
        self.rules = Rules::new(settings);
        self.edges.forget_numbers();
        self.steps = Steps::new(settings);
        self.steps.begin_behind(begin);
    }

    /// The end of the last step that may be written at a time, all in milliseconds since 1970.
    fn decided_until(&self, now_ms: i64) -> i64 {
        now_ms.saturating_sub(self.rules.settings.wait_ms)
    }

    /// Gives up on sides of calls whose time is over.
    fn expire(&mut self, now_ms: i64) {
        self.edges.expire(now_ms, &self.rules, &mut self.steps);
    }
}

impl Generator {
    /// Metrics with these settings for tenants that set nothing themselves.
    pub fn new(base: &Generate) -> Generator {
        Generator {
            base: Arc::new(base.clone()),
            overrides: Overrides::default(),
            tenants: Mutex::default(),
        }
    }

    /// The settings of a tenant.
    pub(crate) fn settings(&self, name: &str) -> Arc<Generate> {
        let stored = self.overrides.of(name);
        let applied = stored.map(|stored| stored.limits.applied_to(&self.base));
        match applied {
            // What is stored was checked before.
            Some(Ok(applied)) => Arc::new(applied),
            Some(Err(_)) | None => Arc::clone(&self.base),
        }
    }

    fn tenant(&self, name: &str) -> Arc<Mutex<Tenant>> {
        let mut tenants = self.tenants.lock();
        if let Some(tenant) = tenants.get(name) {
            return tenant.clone();
        }
        let tenant = Arc::new(Mutex::new(Tenant::new(&self.settings(name))));
        tenants.insert(name.to_owned(), tenant.clone());
        tenant
    }

    /// Counts with a tenant's settings as they are now. What was counted with those before is written.
    ///
    /// # Errors
    /// Those of the metric store.
    pub(crate) fn settings_changed(&self, node: &Node, name: &str, now_ms: i64) -> Result<(), Error> {
        let Some(tenant) = self.tenants.lock().get(name).cloned() else {
            return Ok(());
        };
        let mut tenant = tenant.lock();
        let db = node.tenant(name)?;
        let written = write::steps(node, &db, &mut tenant, i64::MAX, now_ms);
        tenant.change(&self.settings(name));
        written
    }

    /// Takes the spans of a durable batch in, but those that were there already.
    pub(crate) fn observe(&self, name: &str, batch: &Batch, known: &[u32], now_ms: i64) {
        let tenant = self.tenant(name);
        let mut tenant = tenant.lock();
        if !tenant.rules.settings.enabled {
            return;
        }
        let fields = batch.shared_fields();
        let shared = fields.iter().map(|f| {
            let has = |key: &str| f.keys.iter().any(|known| **known == *key);
            tenant.shared(&f.resource, &f.name, (f.kind, f.status_code), has)
        });
        let shared: Vec<Shared<'_>> = shared.collect();
        for (row, span) in batch.spans().enumerate() {
            if !known.is_empty() && known.binary_search(&(row as u32)).is_ok() {
                continue;
            }
            let fact = Fact {
                shared: &shared[span.shared()],
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
    pub fn tick(&self, node: &Node, counters: &Counters, now_ms: i64, all: bool) -> Result<(), Error> {
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
                tenant.decided_until(now_ms)
            };
            write::steps(node, &*node.tenant(&name)?, tenant, until, now_ms)?;
        }
        Ok(())
    }
}

/// The spans of all tenants that no step has yet: those that ended behind the newest sample, for after a restart.
///
/// # Errors
/// What reading can bring.
pub(crate) fn resume(generator: &Generator, node: &Node, now_ms: i64) -> Result<(), Error> {
    for (name, db) in node.tenants() {
        resume_tenant(generator, &name, &db, now_ms)?;
    }
    Ok(())
}

fn resume_tenant(generator: &Generator, name: &str, db: &Db, now_ms: i64) -> Result<(), Error> {
    if !generator.settings(name).enabled {
        return Ok(());
    }
    let Some(newest) = recompute::newest_sample(db, now_ms)? else {
        return Ok(());
    };
    let tenant = generator.tenant(name);
    let mut tenant = tenant.lock();
    tenant.steps.begin_behind(newest);
    recompute::feed(&mut tenant, db, newest, now_ms)
}
