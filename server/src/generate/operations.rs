//! Span metrics: calls, durations and sizes by service, span name, kind and status, and by the attributes that are asked
//! for; and what `traces_target_info` says of resources.

use kymo_engine::traces::Resource;

use super::fact::{Fact, Shared, kind, label_text, status, text_of};
use super::rules::{Rules, label};
use super::steps::{Entity, Family, Steps};

/// Counts a span.
pub(super) fn add(fact: &Fact<'_>, rules: &Rules, steps: &mut Steps) {
    if !fact.is_kept(&rules.span_policies) {
        return;
    }
    let number = match fact.shared.operation {
        Some(number) => number,
        None => {
            let message = match rules.settings.spans.intrinsic.status_message {
                true => (fact.status_message)(),
                false => "".into(),
            };
            steps.number(entity(rules, fact.shared, &message, &|key| fact.text(key)))
        }
    };
    let spans = &rules.settings.spans;
    let weight = fact.weight(&spans.multiplier_key, spans.tracestate_multiplier);
    let counts = steps.at(number, fact.end);
    counts.calls += weight;
    counts.second += f64::from(fact.size);
    counts.server.observe(&spans.buckets, fact.exemplar(), weight);
    let target = match fact.shared.target {
        None if !rules.span_policies.is_empty() => {
            target(rules, fact.shared.resource).map(|entity| steps.number(entity))
        }
        known => known,
    };
    if let Some(target) = target {
        steps.at(target, fact.end).calls = 1.0;
    }
}

/// The operation that spans are.
pub(super) fn entity(
    rules: &Rules,
    shared: &Shared<'_>,
    message: &str,
    value: &dyn Fn(&str) -> Option<String>,
) -> Entity {
    let spans = &rules.settings.spans;
    let on = spans.intrinsic;
    let stated = [
        (on.service, "service", &*shared.service),
        (on.span_kind, "span_kind", kind(shared.kind)),
        (on.span_name, "span_name", shared.name),
        (on.status_code, "status_code", status(shared.status)),
        (on.status_message, "status_message", message),
    ];
    let stated = stated.iter().filter(|(on, ..)| *on);
    let mut labels: Vec<(String, String)> = stated
        .map(|(_, name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    if spans.target_info {
        labels.extend(job_and_instance(rules, shared.resource));
    }
    for (name, key) in &rules.dimensions {
        labels.extend(value(key).map(|value| (name.clone(), value)));
    }
    for (name, keys, join) in &rules.mappings {
        let values: Vec<String> = keys
            .iter()
            .filter_map(|key| value(key))
            .filter(|v| !v.is_empty())
            .collect();
        labels.push((name.clone(), values.join(join)));
    }
    Entity {
        family: Family::Operation,
        labels: sorted(labels),
    }
}

/// The resource as `traces_target_info` has it: none without `job` or `instance`, or when there is nothing else to say.
pub(super) fn target(rules: &Rules, resource: &Resource) -> Option<Entity> {
    let spans = &rules.settings.spans;
    if !spans.target_info {
        return None;
    }
    let identity = job_and_instance(rules, resource);
    let named = ["service.name", "service.namespace", "service.instance.id"];
    let others = resource.attributes.iter().filter(|a| {
        let is_excluded = spans.target_info_excluded.iter().any(|key| **key == *a.key);
        !is_excluded && !named.contains(&&*a.key)
    });
    let others = others.filter_map(|a| Some((label(&a.key, &["job", "instance"]), label_text(&a.value)?)));
    let others = sorted(others.collect());
    if identity.is_empty() || others.is_empty() {
        return None;
    }
    Some(Entity {
        family: Family::Target,
        labels: sorted(identity.into_iter().chain(others).collect()),
    })
}

/// `job` is the service with its namespace before it, `instance` its instance id.
fn job_and_instance(rules: &Rules, resource: &Resource) -> Vec<(String, String)> {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let name = text_of(resource, "service.name").filter(|name| !name.is_empty());
    let space = text_of(resource, "service.namespace").filter(|space| !space.is_empty());
    let job = name.map(|name| match space {
        Some(space) => format!("{space}/{name}"),
        None => name.to_owned(),
    });
    let instance = text_of(resource, "service.instance.id").filter(|id| !id.is_empty());
    let instance = instance.filter(|_| rules.settings.spans.instance_label);
    let job = job.map(|job| pair("job", job));
    let instance = instance.map(|id| pair("instance", id.to_owned()));
    job.into_iter().chain(instance).collect()
}

/// Labels by name without empty ones; of one name the first.
pub(super) fn sorted(mut labels: Vec<(String, String)>) -> Vec<(String, String)> {
    labels.retain(|(_, value)| !value.is_empty());
    labels.sort_by(|a, b| a.0.cmp(&b.0));
    labels.dedup_by(|later, first| later.0 == first.0);
    labels
}
