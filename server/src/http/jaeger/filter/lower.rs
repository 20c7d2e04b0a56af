//! What must hold in TraceQL of traces that a filter finds, as far as that is easily said: conditions on the same span.

use super::reference::{Constant, Field, Level, Reference};
use super::{Comparison, Predicate};
use crate::http::jaeger::find::literal;
use crate::http::tempo::tags_query::quoted;

/// The condition, `None` when anything may do.
pub(super) fn necessary(predicate: &Predicate) -> Option<String> {
    match predicate {
        Predicate::And(all) => {
            let known: Vec<String> = all.iter().filter_map(necessary).collect();
            (!known.is_empty()).then(|| format!("({})", known.join(" && ")))
        }
        Predicate::Or(all) => {
            let known: Option<Vec<String>> = all.iter().map(necessary).collect();
            known.map(|known| format!("({})", known.join(" || ")))
        }
        Predicate::Compare(Comparison::Equal, reference, constant) => same(reference, constant),
        Predicate::Compare(comparison, Reference::Field(Field::Duration), Constant::Int(nanos)) => {
            let op = match comparison {
                Comparison::Greater => ">",
                Comparison::GreaterOrEqual => ">=",
                Comparison::Less => "<",
                Comparison::LessOrEqual => "<=",
                Comparison::Equal | Comparison::Different => return None,
            };
            // Spans that end before they start are seen as having no length there.
            (*nanos > 0 && matches!(comparison, Comparison::Greater | Comparison::GreaterOrEqual))
                .then(|| format!("duration {op} {nanos}ns"))
        }
        Predicate::In {
            reference,
            list,
            negated: false,
        } => {
            let known: Option<Vec<String>> = list.iter().map(|c| same(reference, c)).collect();
            known.map(|known| format!("({})", known.join(" || ")))
        }
        _ => None,
    }
}

fn same(reference: &Reference, constant: &Constant) -> Option<String> {
    let literals = literals(constant)?;
    let names: Vec<String> = match reference {
        Reference::Attribute(key, level) => {
            let key = key.replace('\\', "\\\\").replace('"', "\\\"");
            let levels = level.map_or(vec![Level::Span, Level::Resource], |level| vec![level]);
            levels
                .iter()
                .map(|level| format!("{}.\"{key}\"", scope(*level)))
                .collect()
        }
        Reference::Field(Field::Service) => vec!["resource.service.name".to_owned()],
        Reference::Field(Field::Name) => vec!["name".to_owned()],
        Reference::Field(Field::EventName) => vec!["event:name".to_owned()],
        Reference::Field(_) => return None,
    };
    let all = names
        .iter()
        .flat_map(|name| literals.iter().map(move |l| format!("{name} = {l}")));
    Some(format!("({})", all.collect::<Vec<_>>().join(" || ")))
}

fn scope(level: Level) -> &'static str {
    match level {
        Level::Span => "span",
        Level::Resource => "resource",
        Level::Scope => "instrumentation",
        Level::Event => "event",
        Level::Link => "link",
    }
}

/// The constants of TraceQL that stand for one, `None` when they cannot all be said.
fn literals(constant: &Constant) -> Option<Vec<String>> {
    match constant {
        Constant::Text(text) => Some(vec![quoted(text)]),
        Constant::Bool(b) => Some(vec![b.to_string()]),
        Constant::Any(text) => match literal(text) {
            Some(literal) => Some(vec![quoted(text), literal]),
            None if text.parse::<f64>().is_ok() => None,
            None => Some(vec![quoted(text)]),
        },
        Constant::Int(_) | Constant::Double(_) => None,
    }
}
