//! Reads a filter from its JSON and checks it whole: operators and what they take, levels, fields and their constants.

use regex::Regex;
use serde::Deserialize;

use super::reference::{Constant, Domain, Field, KINDS, Level, Reference, STATUSES};
use super::{Comparison, Nested, Predicate};
use crate::http::jaeger::params::rfc3339;
use crate::units::parse_go_duration;

/// Calls within calls.
const DEPTH_MAX: usize = 64;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    op: String,
    #[serde(default)]
    args: Vec<Expression>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum Expression {
    Attr(Attr),
    Field(Named),
    Nested(Collection),
    Scalar(Scalar),
    List(List),
    Call(Call),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attr {
    key: String,
    #[serde(default)]
    level: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
    level: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Collection {
    level: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scalar {
    value: String,
    #[serde(default, rename = "type")]
    kind: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    values: Vec<String>,
    #[serde(default, rename = "type")]
    kind: String,
}

/// An argument that has a value.
enum Operand {
    Reference(Reference),
    Scalar(Scalar),
}

type Parsed<T> = Result<T, String>;

/// Reads a filter.
///
/// # Errors
/// What is wrong, by the path to it.
pub(super) fn filter(text: &str) -> Parsed<Predicate> {
    let call: Call = serde_json::from_str(text).map_err(|e| e.to_string())?;
    predicate(call, "filter", 0)
}

fn predicate(call: Call, path: &str, depth: usize) -> Parsed<Predicate> {
    if depth >= DEPTH_MAX {
        return Err(format!("{path}: more than {DEPTH_MAX} calls within each other"));
    }
    let Call { op, args } = call;
    let path = format!("{path}.{op}");
    let count = args.len();
    let wrong = |expected: &str| Err(format!("{path}: {expected} expected, {count} given"));
    match op.as_str() {
        "and" | "or" if count < 2 => wrong("two or more arguments are"),
        "and" => calls(args, &path, depth).map(Predicate::And),
        "or" => calls(args, &path, depth).map(Predicate::Or),
        "not" => match <[Expression; 1]>::try_from(args) {
            Ok([one]) => Ok(Predicate::Not(Box::new(inner(one, &path, depth)?))),
            Err(_) => wrong("one argument is"),
        },
        "exists" => match <[Expression; 1]>::try_from(args) {
            Ok([one]) => reference(one, &path).map(Predicate::Exists),
            Err(_) => wrong("one argument is"),
        },
        _ => match <[Expression; 2]>::try_from(args) {
            Ok([left, right]) => binary(&op, left, right, &path, depth),
            Err(_) if is_binary(&op) => wrong("two arguments are"),
            Err(_) => Err(format!("{path}: the operator {op:?} is not supported")),
        },
    }
}

fn is_binary(op: &str) -> bool {
    comparison(op).is_some() || matches!(op, "regex" | "in" | "not_in" | "some")
}

fn comparison(op: &str) -> Option<Comparison> {
    Some(match op {
        "eq" => Comparison::Equal,
        "ne" => Comparison::Different,
        "gt" => Comparison::Greater,
        "gte" => Comparison::GreaterOrEqual,
        "lt" => Comparison::Less,
        "lte" => Comparison::LessOrEqual,
        _ => return None,
    })
}

fn binary(op: &str, left: Expression, right: Expression, path: &str, depth: usize) -> Parsed<Predicate> {
    if let Some(comparison) = comparison(op) {
        return compare(comparison, operand(left, path)?, operand(right, path)?)
            .map_err(|cause| format!("{path}: {cause}"));
    }
    match op {
        "regex" => matching(reference(left, path)?, right, path),
        "in" | "not_in" => membership(reference(left, path)?, right, op == "not_in", path),
        "some" => {
            let nested = match left {
                Expression::Nested(Collection { level }) if level == "event" => Nested::Events,
                Expression::Nested(Collection { level }) if level == "link" => Nested::Links,
                Expression::Nested(Collection { level }) => {
                    return Err(format!(
                        "{path}: the nested level {level:?} is none of event, link"
                    ));
                }
                _ => return Err(format!("{path}: nested events or links are expected first")),
            };
            Ok(Predicate::Some(nested, Box::new(inner(right, path, depth)?)))
        }
        _ => Err(format!("{path}: the operator {op:?} is not supported")),
    }
}

fn calls(args: Vec<Expression>, path: &str, depth: usize) -> Parsed<Vec<Predicate>> {
    let one = |(n, arg)| inner(arg, &format!("{path}[{n}]"), depth);
    args.into_iter().enumerate().map(one).collect()
}

fn inner(arg: Expression, path: &str, depth: usize) -> Parsed<Predicate> {
    match arg {
        Expression::Call(call) => predicate(call, path, depth + 1),
        _ => Err(format!("{path}: a call is expected")),
    }
}

fn level(name: &str, path: &str) -> Parsed<Level> {
    Level::of(name)
        .ok_or_else(|| format!("{path}: the level {name:?} is none of span, resource, scope, event, link"))
}

fn reference(arg: Expression, path: &str) -> Parsed<Reference> {
    match operand(arg, path)? {
        Operand::Reference(reference) => Ok(reference),
        Operand::Scalar(_) => Err(format!("{path}: an attribute or field is expected")),
    }
}

fn operand(arg: Expression, path: &str) -> Parsed<Operand> {
    Ok(match arg {
        Expression::Attr(Attr { key, .. }) if key.is_empty() => {
            return Err(format!("{path}: an attribute's key is empty"));
        }
        Expression::Attr(Attr { key, level: name }) => {
            let level = (!name.is_empty()).then(|| level(&name, path)).transpose()?;
            Operand::Reference(Reference::Attribute(key, level))
        }
        Expression::Field(Named { name, level: at }) => match Field::of(level(&at, path)?, &name) {
            Some(field) => Operand::Reference(Reference::Field(field)),
            None => return Err(format!("{path}: the level {at:?} has no field {name:?}")),
        },
        Expression::Scalar(scalar) => Operand::Scalar(scalar),
        _ => return Err(format!("{path}: an attribute, a field or a constant is expected")),
    })
}

fn compare(comparison: Comparison, left: Operand, right: Operand) -> Parsed<Predicate> {
    let (comparison, reference, other) = match (left, right) {
        (Operand::Reference(reference), other) => (comparison, reference, other),
        (other, Operand::Reference(reference)) => (comparison.swapped(), reference, other),
        _ => return Err("two constants ask nothing of a span".to_owned()),
    };
    let domain = reference.domain();
    if comparison.is_ordered() && !domain.has_order() {
        return Err("kinds and statuses have no order".to_owned());
    }
    match other {
        Operand::Reference(other) => {
            if !domain.meets(other.domain()) {
                return Err("the two fields hold different kinds of values".to_owned());
            }
            if comparison.is_ordered() && !other.domain().has_order() {
                return Err("kinds and statuses have no order".to_owned());
            }
            Ok(Predicate::Between(comparison, reference, other))
        }
        Operand::Scalar(scalar) => {
            let constant = constant(&scalar.value, &scalar.kind, domain)?;
            if comparison.is_ordered() && matches!(constant, Constant::Bool(_)) {
                return Err("truth values have no order".to_owned());
            }
            Ok(Predicate::Compare(comparison, reference, constant))
        }
    }
}

fn matching(reference: Reference, pattern: Expression, path: &str) -> Parsed<Predicate> {
    if !reference.domain().is_text() {
        return Err(format!("{path}: durations and times are no text"));
    }
    let Expression::Scalar(Scalar { value, kind }) = pattern else {
        return Err(format!("{path}: a pattern is expected second"));
    };
    if !matches!(kind.as_str(), "" | "string") {
        return Err(format!("{path}: a pattern is a string, not of type {kind:?}"));
    }
    let regex = Regex::new(&value).map_err(|_| format!("{path}: {value:?} is not a regular expression"))?;
    Ok(Predicate::Regex(reference, regex))
}

fn membership(reference: Reference, list: Expression, negated: bool, path: &str) -> Parsed<Predicate> {
    let Expression::List(List { values, kind }) = list else {
        return Err(format!("{path}: a list is expected second"));
    };
    if values.is_empty() {
        return Err(format!("{path}: the list is empty"));
    }
    let domain = reference.domain();
    let constants = values.iter().map(|value| constant(value, &kind, domain));
    Ok(Predicate::In {
        list: constants
            .collect::<Parsed<_>>()
            .map_err(|cause| format!("{path}: {cause}"))?,
        reference,
        negated,
    })
}

/// A constant as it is compared with values of a domain.
fn constant(value: &str, kind: &str, domain: Domain) -> Parsed<Constant> {
    let not = |what: &str| format!("{value:?} is not {what}");
    if domain != Domain::Open && !(kind.is_empty() || (kind == "string" && domain.is_text())) {
        return Err(format!("a constant of type {kind:?} does not go with the field"));
    }
    let word = |words: &[&str]| match words.contains(&value) {
        true => Ok(Constant::Text(value.to_owned())),
        false => Err(not(&format!("one of {}", words.join(", ")))),
    };
    match domain {
        Domain::Duration => parse_go_duration(value)
            .map(Constant::Int)
            .ok_or_else(|| not("a duration such as 2s")),
        Domain::Instant => rfc3339(value)
            .map(Constant::Int)
            .ok_or_else(|| not("a time as RFC 3339 has it")),
        Domain::Kind => word(&KINDS),
        Domain::Status => word(&STATUSES),
        Domain::Id => match value.bytes().all(|b| b.is_ascii_hexdigit()) {
            true => Ok(Constant::Text(value.to_ascii_lowercase())),
            false => Err(not("an id in hex")),
        },
        Domain::Text => Ok(Constant::Text(value.to_owned())),
        Domain::Open => match kind {
            "" => Ok(Constant::Any(value.to_owned())),
            "string" => Ok(Constant::Text(value.to_owned())),
            "int" => value.parse().map(Constant::Int).map_err(|_| not("an int")),
            "double" => value.parse().map(Constant::Double).map_err(|_| not("a double")),
            "bool" => value.parse().map(Constant::Bool).map_err(|_| not("a bool")),
            other => Err(format!("the type {other:?} is none of string, int, double, bool")),
        },
    }
}
