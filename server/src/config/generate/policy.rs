//! Filter policies, as Tempo has them: which spans metrics are made of. A span counts when every `include` and, where there
//! are any, one `include_any` matches and no `exclude` does; one of them matches when all of its attributes do.

use kymo_engine::traces::Value;
use regex::Regex;
use serde::{Deserialize, Serialize};

/// One policy as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    include: Option<Match>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    include_any: Option<Match>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exclude: Option<Match>,
}

/// What spans must have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Match {
    match_type: MatchType,
    attributes: Vec<Wanted>,
}

/// How values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MatchType {
    /// Same type and value.
    Strict,
    /// A text in which the expression is found.
    Regex,
}

/// An attribute that spans must have: `kind`, `name`, `status`, or one with `resource.` or `span.` before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    key: String,
    value: serde_json::Value,
}

/// Policies ready to be asked.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    include: Vec<Vec<Condition>>,
    include_any: Vec<Vec<Condition>>,
    exclude: Vec<Vec<Condition>>,
}

/// Where a value is found.
#[derive(Debug)]
pub(crate) enum Place {
    /// OTLP's name of the kind.
    Kind,
    /// Name of the span.
    Name,
    /// OTLP's name of the status code.
    Status,
    /// An attribute of the resource.
    Resource(String),
    /// An attribute of the span.
    Span(String),
}

#[derive(Debug)]
struct Condition {
    place: Place,
    expected: Expected,
}

#[derive(Debug)]
enum Expected {
    Same(Value),
    Like(Regex),
}

impl Expected {
    fn holds(&self, value: &Value) -> bool {
        match (self, value) {
            (Expected::Same(wanted), value) => wanted == value,
            (Expected::Like(regex), Value::String(text)) => regex.is_match(text),
            (Expected::Like(_), _) => false,
        }
    }
}

impl Policies {
    /// The policies that are written.
    ///
    /// # Errors
    /// The first thing in them that cannot be asked.
    pub(crate) fn compile(policies: &[Policy]) -> Result<Policies, String> {
        let mut all = Policies::default();
        for policy in policies {
            if policy.include.is_none() && policy.include_any.is_none() && policy.exclude.is_none() {
                return Err("a policy has include, include_any or exclude".to_owned());
            }
            let parts = [
                (&policy.include, &mut all.include),
                (&policy.include_any, &mut all.include_any),
                (&policy.exclude, &mut all.exclude),
            ];
            for (stated, into) in parts {
                if let Some(stated) = stated {
                    into.push(stated.conditions()?);
                }
            }
        }
        Ok(all)
    }

    /// Whether every span counts.
    pub(crate) fn is_empty(&self) -> bool {
        self.include.is_empty() && self.include_any.is_empty() && self.exclude.is_empty()
    }

    /// Whether a span counts, whose values are found by `value`.
    pub(crate) fn keep(&self, value: &dyn Fn(&Place) -> Option<Value>) -> bool {
        let matches = |conditions: &Vec<Condition>| {
            conditions
                .iter()
                .all(|c| value(&c.place).is_some_and(|value| c.expected.holds(&value)))
        };
        self.include.iter().all(matches)
            && (self.include_any.is_empty() || self.include_any.iter().any(matches))
            && !self.exclude.iter().any(matches)
    }
}

impl Match {
    fn conditions(&self) -> Result<Vec<Condition>, String> {
        if self.attributes.is_empty() {
            return Err("a policy's attributes are empty".to_owned());
        }
        self.attributes
            .iter()
            .map(|wanted| wanted.condition(self.match_type))
            .collect()
    }
}

impl Wanted {
    fn condition(&self, match_type: MatchType) -> Result<Condition, String> {
        let place = place(&self.key)?;
        let expected = match (match_type, &self.value) {
            (MatchType::Regex, serde_json::Value::String(text)) => Regex::new(text)
                .map(Expected::Like)
                .map_err(|_| format!("{text:?} is not a regular expression"))?,
            (MatchType::Regex, other) => return Err(format!("{other} is not a regular expression")),
            (MatchType::Strict, value) => {
                let value = typed(value)?;
                check_name(&place, &value)?;
                Expected::Same(value)
            }
        };
        Ok(Condition { place, expected })
    }
}

fn place(key: &str) -> Result<Place, String> {
    let plain = |name: &str| !name.is_empty();
    match (key, key.split_once('.')) {
        ("kind" | "span:kind", _) => Ok(Place::Kind),
        ("name" | "span:name", _) => Ok(Place::Name),
        ("status" | "span:status", _) => Ok(Place::Status),
        (_, Some(("resource", name))) if plain(name) => Ok(Place::Resource(name.to_owned())),
        (_, Some(("span", name))) if plain(name) => Ok(Place::Span(name.to_owned())),
        _ => Err(format!(
            "{key:?} is none of kind, name, status, resource.KEY, span.KEY"
        )),
    }
}

fn typed(value: &serde_json::Value) -> Result<Value, String> {
    match value {
        serde_json::Value::String(text) => Ok(Value::String(text.as_str().into())),
        serde_json::Value::Bool(b) => Ok(Value::Bool(*b)),
        serde_json::Value::Number(n) => match n.as_i64() {
            Some(n) => Ok(Value::Int(n)),
            None => Ok(Value::Double(n.as_f64().unwrap_or(f64::NAN))),
        },
        other => Err(format!("{other} is not a text, number or truth value")),
    }
}

/// A kind or status that no span can have would silently keep or drop everything.
fn check_name(place: &Place, value: &Value) -> Result<(), String> {
    let (prefix, names): (&str, &[&str]) = match place {
        Place::Kind => (
            "SPAN_KIND_",
            &[
                "UNSPECIFIED",
                "INTERNAL",
                "SERVER",
                "CLIENT",
                "PRODUCER",
                "CONSUMER",
            ],
        ),
        Place::Status => ("STATUS_CODE_", &["UNSET", "OK", "ERROR"]),
        Place::Name if matches!(value, Value::String(_)) => return Ok(()),
        Place::Name => return Err("a name is a text".to_owned()),
        Place::Resource(_) | Place::Span(_) => return Ok(()),
    };
    let is_known = matches!(value, Value::String(text)
        if text.strip_prefix(prefix).is_some_and(|name| names.contains(&name)));
    if is_known {
        Ok(())
    } else {
        Err(format!(
            "{prefix}{} is expected",
            names.join(&format!(", {prefix}"))
        ))
    }
}

#[cfg(test)]
mod tests;
