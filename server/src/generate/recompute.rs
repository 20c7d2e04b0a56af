//! Counts stored spans again and replaces the metrics that were generated from them.

use kymo_engine::Error;
use kymo_engine::db::Db;
use kymo_engine::metrics::deletion::encode_matchers;
use kymo_engine::metrics::{MatchOp, Matcher, Selection};
use kymo_engine::node::Node;
use kymo_engine::traces::{Scan, ScanBy, Trace, Value};

use super::{Fact, Generator, Tenant, write};

/// What a recomputation did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Recomputed {
    /// Spans counted.
    pub(crate) spans: u64,
    /// End of the last step that was written, in milliseconds since 1970.
    pub(crate) until_ms: i64,
}

/// How far back the newest generated sample is looked for.
const LOOK_BACK_MS: i64 = 86_400_000;

/// Replaces what was generated behind `from_ms` by what the stored spans say, up to now: counters begin anew at `from_ms`,
/// which every function of counters takes for a reset.
///
/// # Errors
/// Those of the store. When it fails half way, calling it again sets it right.
pub(crate) fn recompute(
    generator: &Generator,
    node: &Node,
    name: &str,
    from_ms: i64,
    now_ms: i64,
) -> Result<Recomputed, Error> {
    let db = node.tenant(name)?;
    let settings = &*generator.settings(name);
    let tenant = generator.tenant(name);
    let mut tenant = tenant.lock();
    let from_ms = from_ms.div_euclid(settings.step_ms.max(1)) * settings.step_ms.max(1);
    let generated = generated(write::NAMES)?;
    db.metrics.delete(
        node.log(),
        from_ms + 1,
        i64::MAX,
        vec![encode_matchers(&[generated])],
    )?;
    let mut fresh = Tenant::new(settings);
    fresh.steps.begin_behind(from_ms);
    feed(&mut fresh, &db, from_ms, now_ms)?;
    let until = fresh.decided_until(now_ms);
    write::steps(node, &db, &mut fresh, until, now_ms)?;
    let done = Recomputed {
        spans: fresh.fed,
        until_ms: until,
    };
    *tenant = fresh;
    Ok(done)
}

/// Counts the stored spans that ended behind a time, up to which steps are written. Spans that ended before are sides of calls,
/// too; what they make was counted.
pub(super) fn feed(tenant: &mut Tenant, db: &Db, from_ms: i64, now_ms: i64) -> Result<(), Error> {
    tenant.steps.take_as_counted(true);
    let fed = feed_parts(tenant, db, from_ms, now_ms);
    tenant.steps.take_as_counted(false);
    fed
}

fn feed_parts(tenant: &mut Tenant, db: &Db, from_ms: i64, now_ms: i64) -> Result<(), Error> {
    let from_ns = from_ms.saturating_mul(1_000_000).saturating_add(1);
    let scan = Scan {
        times: Some((from_ns, i64::MAX)),
        by: ScanBy::Overlap,
        need: Vec::new(),
    };
    let mut parts = db.traces.snapshot().scan(&scan)?;
    // Oldest first, so that counts of steps are complete early.
    parts.reverse();
    for part in parts {
        let Some(table) = part.load()? else { continue };
        for n in 0..table.traces()?.len() {
            if let Some(trace) = table.trace(n)? {
                feed_trace(tenant, &trace, from_ns, now_ms);
            }
        }
    }
    Ok(())
}

fn feed_trace(tenant: &mut Tenant, trace: &Trace, from_ns: i64, now_ms: i64) {
    let before = tenant.edges.queued();
    for span in &trace.spans {
        let Some(resource) = trace.resources.get(span.resource as usize) else {
            continue;
        };
        tenant.fed += u64::from(span.end >= from_ns);
        let has = |key: &str| span.attributes.iter().any(|a| *a.key == *key);
        let shared = tenant.shared(resource, &span.name, (span.kind, span.status_code), has);
        let attribute = |key: &str| -> Option<Value> {
            span.attributes
                .iter()
                .find(|a| *a.key == *key)
                .map(|a| a.value.clone())
        };
        tenant.add(
            &Fact {
                shared: &shared,
                trace_id: trace.id,
                id: span.id,
                parent: span.parent,
                start: span.start,
                end: span.end,
                duration: span.end.saturating_sub(span.start).max(0),
                size: crate::trace_out::protobuf::span_size(span, &trace.id),
                attribute: &attribute,
                status_message: &|| span.status_message.clone(),
                trace_state: &|| span.trace_state.clone(),
            },
            now_ms,
        );
    }
    // What counts in a step that is written now is decided; newer sides wait for others to come.
    let until_ns = tenant.decided_until(now_ms).saturating_mul(1_000_000);
    tenant
        .edges
        .expire_ended(before, until_ns, &tenant.rules, &mut tenant.steps);
}

/// The time of the newest generated sample.
pub(super) fn newest_sample(db: &Db, now_ms: i64) -> Result<Option<i64>, Error> {
    let wish = Selection {
        matchers: vec![generated(write::COUNTERS)?],
        min_time: now_ms.saturating_sub(LOOK_BACK_MS),
        max_time: i64::MAX,
    };
    let mut newest = None;
    for series in db
        .metrics
        .snapshot()
        .select(std::slice::from_ref(&wish))?
        .remove(0)
    {
        let rows = series.read_all(wish.min_time, wish.max_time)?;
        newest = newest.max(rows.floats.timestamps.last().copied());
    }
    Ok(newest)
}

fn generated(names: &str) -> Result<Matcher, Error> {
    Matcher::new("__name__", MatchOp::Regex, names).map_err(|_| Error::Invalid {
        what: "names of generated metrics",
        value: names.to_owned(),
    })
}
