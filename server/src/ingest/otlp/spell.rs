//! The labels of a series, spelled from resource, scope, metric and attributes: what Prometheus' OTLP endpoint makes.

use std::collections::BTreeMap;

use kymo_engine::labels::METRIC_NAME;
use kymo_proto::otlp::KeyValues;

use super::values::{ValueFault, text, utf8};
use super::{Part, Request, Row, ScopeRow, names};
use crate::config::Otlp;
use crate::ingest::Reason;
use crate::ingest::metrics::{TYPE, UNIT};

/// The resource attributes that become `job` and `instance`.
pub(super) const IDENTIFYING: [&str; 3] = ["service.namespace", "service.name", "service.instance.id"];

/// Labels by name.
pub(super) type Spelled = BTreeMap<String, String>;

/// The attributes of one level, as text.
fn attributes(region: &[u8]) -> Result<Vec<(&str, String)>, ValueFault> {
    let mut out = Vec::new();
    let mut pairs = KeyValues::new(region);
    while let Some(pair) = pairs
        .next_value()
        .map_err(|e| (Reason::InvalidPoint, e.to_string()))?
    {
        out.push((utf8(pair.key)?, text(pair.value)?));
    }
    Ok(out)
}

fn label(settings: &Otlp, name: &str) -> Result<String, ValueFault> {
    names::label(settings, name).ok_or_else(|| (Reason::EmptyLabelName, format!("attribute {name:?}")))
}

impl Request<'_> {
    /// The labels of a series of the batch.
    pub(super) fn spell(&self, row: &Row) -> Result<Spelled, ValueFault> {
        let (metric, suffix) = match row.part {
            Part::Value(metric) => (metric, ""),
            Part::Sum(metric) => (metric, "_sum"),
            Part::Count(metric) => (metric, "_count"),
            Part::Bucket(metric, _) => (metric, "_bucket"),
            Part::Quantile(metric, _) => (metric, ""),
            Part::Target(resource) => return self.spell_target(resource),
            Part::Scope(scope) => return self.spell_scope(scope),
        };
        let settings = self.context.settings;
        let metric = &self.metrics[metric as usize];
        let scope = &self.scopes[metric.scope as usize];
        let resource = attributes(&self.resources[scope.resource as usize])?;
        let mut out = Spelled::new();
        add_attributes(settings, attributes(&self.points[row.point as usize])?, &mut out)?;
        add_promoted(settings, &resource, &mut out)?;
        if settings.promote_scope && !scope.scope.name.is_empty() {
            add_scope(settings, scope, &mut out)?;
        }
        add_identity(&resource, &mut out);
        let bound = match row.part {
            Part::Bucket(_, bound) => Some(("le", bound)),
            Part::Quantile(_, quantile) => Some(("quantile", quantile)),
            _ => None,
        };
        if let Some((name, bound)) = bound {
            out.insert(name.to_owned(), bound_text(bound));
        }
        let base = names::metric(
            settings.strategy,
            utf8(metric.name)?,
            utf8(metric.unit)?,
            metric.shape,
        );
        if base.is_empty() {
            return Err((Reason::MissingName, format!("metric {:?}", utf8(metric.name)?)));
        }
        out.insert(METRIC_NAME.to_owned(), base + suffix);
        if self.context.type_and_unit {
            out.insert(TYPE.to_owned(), metric.kind.as_str().to_owned());
            let unit = names::unit(settings.strategy, utf8(metric.unit)?);
            if !unit.is_empty() {
                out.insert(UNIT.to_owned(), unit);
            }
        }
        Ok(out)
    }

    /// `target_info`: all that is known of the resource.
    fn spell_target(&self, resource: u32) -> Result<Spelled, ValueFault> {
        let settings = self.context.settings;
        let resource = attributes(&self.resources[resource as usize])?;
        let mut out = Spelled::new();
        let kept = resource
            .iter()
            .filter(|(name, _)| settings.keep_identifying || !IDENTIFYING.contains(name));
        add_attributes(settings, kept.cloned().collect(), &mut out)?;
        add_identity(&resource, &mut out);
        out.insert(METRIC_NAME.to_owned(), "target_info".to_owned());
        Ok(out)
    }

    /// `otel_scope_info`: what is known of a scope that is not part of every series.
    fn spell_scope(&self, scope: u32) -> Result<Spelled, ValueFault> {
        let scope = &self.scopes[scope as usize];
        let resource = attributes(&self.resources[scope.resource as usize])?;
        let mut out = Spelled::new();
        add_scope(self.context.settings, scope, &mut out)?;
        add_identity(&resource, &mut out);
        out.insert(METRIC_NAME.to_owned(), "otel_scope_info".to_owned());
        Ok(out)
    }
}

/// Attributes by name; where escaping makes names equal, the values are joined in the order of the names before.
fn add_attributes(
    settings: &Otlp,
    mut sent: Vec<(&str, String)>,
    out: &mut Spelled,
) -> Result<(), ValueFault> {
    sent.sort_by(|a, b| a.0.cmp(b.0));
    for (name, value) in sent {
        let name = label(settings, name)?;
        match out.get_mut(&name) {
            Some(earlier) if settings.strategy.escapes() && !earlier.is_empty() => {
                earlier.push(';');
                earlier.push_str(&value);
            }
            _ => drop(out.insert(name, value)),
        }
    }
    Ok(())
}

/// Resource attributes that are labels, unless the point has one of that name.
fn add_promoted(settings: &Otlp, resource: &[(&str, String)], out: &mut Spelled) -> Result<(), ValueFault> {
    let listed = |list: &[String], name: &str| list.iter().any(|item| item == name);
    for (name, value) in resource {
        let promoted = if settings.promote_all {
            !listed(&settings.ignored, name)
        } else {
            listed(&settings.promoted, name)
        };
        if promoted {
            let label = label(settings, name)?;
            if out.get(&label).is_none_or(String::is_empty) {
                out.insert(label, value.clone());
            }
        }
    }
    Ok(())
}

fn add_scope(settings: &Otlp, row: &ScopeRow<'_>, out: &mut Spelled) -> Result<(), ValueFault> {
    for (name, value) in attributes(&row.scope.attributes)? {
        out.insert(label(settings, &format!("otel_scope_{name}"))?, value);
    }
    for (name, value) in [
        ("otel_scope_name", row.scope.name),
        ("otel_scope_version", row.scope.version),
        ("otel_scope_schema_url", row.schema_url),
    ] {
        out.insert(name.to_owned(), utf8(value)?.to_owned());
    }
    Ok(())
}

/// `job` and `instance`.
fn add_identity(resource: &[(&str, String)], out: &mut Spelled) {
    let value = |wanted: &str| {
        resource
            .iter()
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| value)
    };
    let [namespace, name, instance] = IDENTIFYING.map(value);
    if let Some(name) = name {
        let job = match namespace {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name.clone(),
        };
        out.insert("job".to_owned(), job);
    }
    if let Some(instance) = instance {
        out.insert("instance".to_owned(), instance.clone());
    }
}

/// A bucket's bound or a quantile as label value: no exponent, shortest digits.
fn bound_text(bound: f64) -> String {
    if bound == f64::INFINITY {
        "+Inf".to_owned()
    } else if bound == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else {
        bound.to_string()
    }
}
