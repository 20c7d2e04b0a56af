//! Whether a predicate holds. A value that is absent satisfies no comparison, a negated one neither; only `not` turns that
//! around. Of several values one must satisfy a comparison; a negated one asks that none is the same.

use std::cmp::Ordering;

use kymo_engine::traces::Value;

use super::reference::Place;
use super::{Comparison, Nested, Predicate};

pub(super) fn holds(predicate: &Predicate, place: &Place<'_>) -> bool {
    match predicate {
        Predicate::And(all) => all.iter().all(|p| holds(p, place)),
        Predicate::Or(all) => all.iter().any(|p| holds(p, place)),
        Predicate::Not(one) => !holds(one, place),
        Predicate::Compare(comparison, reference, constant) => {
            let values = place.values(reference);
            let order = |value: &Value| constant.order(value);
            compared(*comparison, &values, &|value| constant.equals(value), &order)
        }
        Predicate::Between(comparison, left, right) => {
            let (left, right) = (place.values(left), place.values(right));
            let equal = |a: &Value| {
                right
                    .iter()
                    .any(|b| order(a, b) == Some(Ordering::Equal) || a == b)
            };
            match comparison {
                Comparison::Different => !left.is_empty() && !right.is_empty() && !left.iter().any(equal),
                _ => right.iter().any(|b| {
                    let equal = |a: &Value| order(a, b) == Some(Ordering::Equal) || a == b;
                    compared(*comparison, &left, &equal, &|a| order(a, b))
                }),
            }
        }
        Predicate::Regex(reference, regex) => {
            let values = place.values(reference);
            values
                .iter()
                .any(|v| matches!(v, Value::String(text) if regex.is_match(text)))
        }
        Predicate::Exists(reference) => !place.values(reference).is_empty(),
        Predicate::In {
            reference,
            list,
            negated,
        } => {
            let values = place.values(reference);
            let found = values.iter().any(|v| list.iter().any(|c| c.equals(v)));
            !values.is_empty() && found != *negated
        }
        Predicate::Some(Nested::Events, inner) => {
            let mut events = place.span.events.iter();
            events.any(|event| holds(inner, &place.at_event(event)))
        }
        Predicate::Some(Nested::Links, inner) => {
            let mut links = place.span.links.iter();
            links.any(|link| holds(inner, &place.at_link(link)))
        }
    }
}

fn compared(
    comparison: Comparison,
    values: &[Value],
    equal: &dyn Fn(&Value) -> bool,
    order: &dyn Fn(&Value) -> Option<Ordering>,
) -> bool {
    let any = |test: fn(Ordering) -> bool| values.iter().any(|v| order(v).is_some_and(test));
    match comparison {
        Comparison::Equal => values.iter().any(equal),
        Comparison::Different => !values.is_empty() && !values.iter().any(equal),
        Comparison::Greater => any(Ordering::is_gt),
        Comparison::GreaterOrEqual => any(Ordering::is_ge),
        Comparison::Less => any(Ordering::is_lt),
        Comparison::LessOrEqual => any(Ordering::is_le),
    }
}

/// How two values are to each other: numbers by number, texts by their bytes, others not at all.
fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Int(a), Value::Double(b)) => (*a as f64).partial_cmp(b),
        (Value::Double(a), Value::Int(b)) => a.partial_cmp(&(*b as f64)),
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}
