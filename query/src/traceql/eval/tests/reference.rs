//! The plainest evaluation of queries over owned traces: span by span, relation by relation, no columns.

use std::cell::Cell;
use std::collections::BTreeMap;

use kymo_engine::metrics::re2::compile_anchored;
use kymo_engine::traces::{Attribute as Stored, Span, SpanId, Trace, TraceId, Value};

use super::super::super::ast::{
    Aggregator, Attribute, BinaryOp, Body, FieldExpr, Intrinsic, Kind, LogicOp, Pipeline, Query, Relation,
    Scalar, Scope, SpansetExpr, SpansetOp, Stage, Static, Status, UnaryOp,
};
use super::super::super::grid::Grid;
use super::super::super::{parse_attribute, value};
use super::super::Refusal;

thread_local! {
    /// A value has been divided by zero.
    static DIVIDED: Cell<bool> = const { Cell::new(false) };
}

/// A trace and the spans of its spansets.
pub(super) type Found = (TraceId, Vec<Vec<SpanId>>);

/// One value: a plain one, a list, or something that compares with nothing.
#[derive(Clone, Debug, PartialEq)]
enum Item {
    Plain(Static),
    List(Vec<Static>),
    Opaque,
}

/// Numbers of spans by their places in the trace.
type Set = Vec<usize>;

pub(super) fn search(traces: &[Trace], query: &Query) -> Result<Vec<Found>, String> {
    let Body::Search(pipeline) = &query.body else {
        panic!("no search")
    };
    let mut order: Vec<&Trace> = traces.iter().collect();
    order.sort_by_key(|trace| (std::cmp::Reverse(trace.spans[0].start), trace.id));
    let mut found = Vec::new();
    for trace in order {
        let sets = stages(trace, pipeline, vec![(0..trace.spans.len()).collect()])?;
        let ids = |set: &Set| set.iter().map(|at| trace.spans[*at].id).collect();
        if !sets.is_empty() {
            found.push((trace.id, sets.iter().map(ids).collect()));
        }
    }
    Ok(found)
}

/// Spans by the value of an attribute and step.
pub(super) fn counts(
    traces: &[Trace],
    query: &Query,
    by: &str,
    grid: &Grid,
) -> Result<BTreeMap<String, Vec<u64>>, String> {
    let Body::Search(pipeline) = &query.body else {
        panic!("no search")
    };
    let by = FieldExpr::Attribute(parse_attribute(by).unwrap());
    let mut counts: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for trace in traces {
        for at in stages(trace, pipeline, vec![(0..trace.spans.len()).collect()])?.concat() {
            let Some(step) = grid.step_of(trace.spans[at].start) else {
                continue;
            };
            let key = first(&eval(trace, at, &by)).unwrap_or(Static::Nil);
            let key = format!("{:?}", super::super::operand::answered(&key));
            counts.entry(key).or_insert_with(|| vec![0; grid.steps()])[step] += 1;
        }
    }
    Ok(counts)
}

fn stages(trace: &Trace, pipeline: &Pipeline, mut sets: Vec<Set>) -> Result<Vec<Set>, String> {
    for stage in &pipeline.stages {
        let mut next = Vec::new();
        match stage {
            Stage::Spansets(expr) => {
                let plain = matches!(expr, SpansetExpr::Filter(_));
                if sets.len() > 1 && !plain {
                    return Err(Refusal::ManySpansets.to_string());
                }
                for set in &sets {
                    next.push(spansets(trace, expr, set)?);
                }
            }
            Stage::Select(_) => next = sets,
            Stage::Coalesce => {
                let mut all = sets.concat();
                all.sort_unstable();
                all.dedup();
                next.push(all);
            }
            Stage::Group(expr) => {
                for set in &sets {
                    let mut groups: Vec<(String, Set)> = Vec::new();
                    for at in set {
                        let key = format!("{:?}", first(&eval(trace, *at, expr)));
                        match groups.iter_mut().find(|(known, _)| *known == key) {
                            Some((_, group)) => group.push(*at),
                            None => groups.push((key, vec![*at])),
                        }
                    }
                    next.extend(groups.into_iter().map(|(_, group)| group));
                }
            }
            Stage::Filter(filter) => {
                for set in sets {
                    let (lhs, rhs) = (scalar(trace, &filter.lhs, &set), scalar(trace, &filter.rhs, &set));
                    if let (Some(lhs), Some(rhs)) = (lhs, rhs)
                        && filter.op.holds(lhs, rhs)
                    {
                        next.push(set);
                    }
                }
            }
        }
        if DIVIDED.take() {
            return Err(Refusal::DivisionByZero.to_string());
        }
        next.retain(|set| !set.is_empty());
        sets = next;
    }
    Ok(sets)
}

fn scalar(trace: &Trace, of: &Scalar, set: &Set) -> Option<f64> {
    match of {
        Scalar::Number(value) => value.as_f64(),
        Scalar::Op { op, lhs, rhs } => {
            assert_eq!(op.text(), "-");
            Some(scalar(trace, lhs, set)? - scalar(trace, rhs, set)?)
        }
        Scalar::Pipeline { .. } => panic!("not generated"),
        Scalar::Aggregate { op, expr } => {
            let Some(expr) = expr else {
                return Some(set.len() as f64);
            };
            let number = |at: &usize| first(&eval(trace, *at, expr))?.as_f64();
            let numbers: Vec<f64> = set.iter().filter_map(number).collect();
            let sum: f64 = numbers.iter().sum();
            match op {
                _ if numbers.is_empty() => None,
                Aggregator::Count => Some(set.len() as f64),
                Aggregator::Sum => Some(sum),
                // Durations stay whole.
                Aggregator::Avg if matches!(**expr, FieldExpr::Attribute(Attribute::Intrinsic(_))) => {
                    Some((sum / numbers.len() as f64).trunc())
                }
                Aggregator::Avg => Some(sum / numbers.len() as f64),
                Aggregator::Max => numbers.into_iter().reduce(f64::max),
                Aggregator::Min => numbers.into_iter().reduce(f64::min),
            }
        }
    }
}

fn spansets(trace: &Trace, expr: &SpansetExpr, input: &Set) -> Result<Set, String> {
    let (op, lhs, rhs) = match expr {
        SpansetExpr::Filter(None) => return Ok(input.clone()),
        SpansetExpr::Filter(Some(expr)) => {
            let kept = |at: &usize| is_true(&eval(trace, *at, expr));
            let kept = input.iter().copied().filter(kept).collect();
            return match DIVIDED.take() {
                true => Err(Refusal::DivisionByZero.to_string()),
                false => Ok(kept),
            };
        }
        SpansetExpr::Pipeline(inner) => {
            let sets = stages(trace, inner, vec![input.clone()])?;
            return Ok(sets.concat());
        }
        SpansetExpr::Op { op, lhs, rhs } => (op, lhs, rhs),
    };
    let lhs = spansets(trace, lhs, input)?;
    if lhs.is_empty() && !matches!(op, SpansetOp::Or | SpansetOp::NotRelated(_)) {
        return Ok(lhs);
    }
    let rhs = spansets(trace, rhs, input)?;
    let union = |mut all: Set| {
        all.sort_unstable();
        all.dedup();
        all
    };
    Ok(match op {
        SpansetOp::And if lhs.is_empty() || rhs.is_empty() => Vec::new(),
        SpansetOp::And | SpansetOp::Or => union([lhs, rhs].concat()),
        SpansetOp::Related(relation) | SpansetOp::NotRelated(relation) => {
            let wanted = matches!(op, SpansetOp::Related(_));
            let stands = |r: &usize| lhs.iter().any(|l| related(trace, *relation, *l, *r)) == wanted;
            rhs.into_iter().filter(stands).collect()
        }
        SpansetOp::Union(relation) => {
            let below = rhs
                .iter()
                .filter(|r| lhs.iter().any(|l| related(trace, *relation, *l, **r)));
            let above = lhs
                .iter()
                .filter(|l| rhs.iter().any(|r| related(trace, *relation, **l, *r)));
            union(below.chain(above).copied().collect())
        }
    })
}

/// True when the right span stands so to the left one.
fn related(trace: &Trace, relation: Relation, left: usize, right: usize) -> bool {
    let (l, r) = (&trace.spans[left], &trace.spans[right]);
    match relation {
        Relation::Child => r.parent == l.id,
        Relation::Parent => l.parent == r.id,
        Relation::Descendant => is_above(trace, l.id, r),
        Relation::Ancestor => is_above(trace, r.id, l),
        Relation::Sibling => left != right && l.parent == r.parent && l.parent != [0; 8],
    }
}

fn is_above(trace: &Trace, id: SpanId, below: &Span) -> bool {
    let parent = trace.spans.iter().find(|span| span.id == below.parent);
    below.parent == id || parent.is_some_and(|parent| is_above(trace, id, parent))
}

fn is_true(items: &[Item]) -> bool {
    items.contains(&Item::Plain(Static::Bool(true)))
}

fn first(items: &[Item]) -> Option<Static> {
    items.iter().find_map(|item| match item {
        Item::Plain(value) => Some(value.clone()),
        Item::List(list) => list.first().cloned(),
        Item::Opaque => None,
    })
}

fn truth(b: bool) -> Vec<Item> {
    vec![Item::Plain(Static::Bool(b))]
}

/// The values of an expression for a span: one, or one for each event or link.
fn eval(trace: &Trace, at: usize, expr: &FieldExpr) -> Vec<Item> {
    match expr {
        FieldExpr::Static(Static::Nil) => Vec::new(),
        FieldExpr::Static(value) => vec![Item::Plain(value.clone())],
        FieldExpr::Attribute(attribute) => values(trace, at, attribute),
        FieldExpr::Exists { expr, absent } => truth(eval(trace, at, expr).is_empty() == *absent),
        FieldExpr::Logic { op, operands } => {
            let mut truths = operands.iter().map(|o| is_true(&eval(trace, at, o)));
            truth(match op {
                LogicOp::And => truths.all(|t| t),
                LogicOp::Or => truths.any(|t| t),
            })
        }
        FieldExpr::Unary { op, expr } => {
            let items = eval(trace, at, expr);
            match op {
                UnaryOp::Not => items
                    .into_iter()
                    .filter_map(|item| match item {
                        Item::Plain(Static::Bool(b)) => Some(Item::Plain(Static::Bool(!b))),
                        _ => None,
                    })
                    .collect(),
                UnaryOp::Negate => items
                    .into_iter()
                    .filter_map(|item| match item {
                        Item::Plain(Static::Int(n)) => Some(Item::Plain(Static::Int(-n))),
                        Item::Plain(Static::Duration(n)) => Some(Item::Plain(Static::Duration(-n))),
                        Item::Plain(Static::Float(x)) => Some(Item::Plain(Static::Float(-x))),
                        _ => None,
                    })
                    .collect(),
            }
        }
        FieldExpr::Binary { op, lhs, rhs } => {
            let (lhs, rhs) = (eval(trace, at, lhs), eval(trace, at, rhs));
            let pairs = || lhs.iter().flat_map(|l| rhs.iter().map(move |r| (l, r)));
            if op.is_arithmetic() {
                let results = pairs().filter_map(|pair| match pair {
                    (Item::Plain(l), Item::Plain(r)) => {
                        DIVIDED.set(DIVIDED.get() || value::divides_by_zero(*op, l, r));
                        Some(value::apply(*op, l, r))
                    }
                    _ => None,
                });
                return results.filter(|r| *r != Static::Nil).map(Item::Plain).collect();
            }
            truth(pairs().any(|(l, r)| holds(*op, l, r)))
        }
    }
}

/// One comparison of two plain values; `None` where types do not go together.
fn compared(op: BinaryOp, lhs: &Static, rhs: &Static) -> Option<bool> {
    if !op.is_regex() {
        return value::compare(op, lhs, rhs);
    }
    match (lhs, rhs) {
        (Static::String(text), Static::String(pattern)) => {
            let found = compile_anchored(pattern).unwrap().is_match(text);
            Some(found == (op == BinaryOp::Regex))
        }
        _ => None,
    }
}

fn holds(op: BinaryOp, lhs: &Item, rhs: &Item) -> bool {
    let negative = matches!(op, BinaryOp::NotEqual | BinaryOp::NotRegex);
    let of_list = |results: Vec<Option<bool>>| {
        if negative {
            (results.is_empty() || results.iter().any(Option::is_some)) && !results.contains(&Some(false))
        } else {
            results.contains(&Some(true))
        }
    };
    match (lhs, rhs) {
        (Item::Plain(l), Item::Plain(r)) => compared(op, l, r) == Some(true),
        (Item::List(list), Item::Plain(r)) => of_list(list.iter().map(|l| compared(op, l, r)).collect()),
        (Item::Plain(l), Item::List(list)) => of_list(list.iter().map(|r| compared(op, l, r)).collect()),
        (Item::List(left), Item::List(right)) => {
            let any = |op| {
                left.iter()
                    .any(|l| right.iter().any(|r| compared(op, l, r) == Some(true)))
            };
            any(op) && (op != BinaryOp::NotEqual || !any(BinaryOp::Equal))
        }
        _ => false,
    }
}

fn item(value: &Value) -> Option<Item> {
    let plain = |value: &Value| match value {
        Value::String(text) => Some(Static::String(text.clone())),
        Value::Bool(b) => Some(Static::Bool(*b)),
        Value::Int(n) => Some(Static::Int(*n)),
        Value::Double(x) => Some(Static::Float(*x)),
        _ => None,
    };
    match value {
        Value::Empty => None,
        Value::Array(items) => Some(
            items
                .iter()
                .map(plain)
                .collect::<Option<_>>()
                .map_or(Item::Opaque, Item::List),
        ),
        value => Some(plain(value).map_or(Item::Opaque, Item::Plain)),
    }
}

fn named(list: &[Stored], name: &str) -> Option<Item> {
    item(&list.iter().find(|a| &*a.key == name)?.value)
}

fn values(trace: &Trace, at: usize, attribute: &Attribute) -> Vec<Item> {
    let span = &trace.spans[at];
    let (scope, name) = match attribute {
        Attribute::Intrinsic(intrinsic) => return intrinsic_values(trace, span, *intrinsic),
        Attribute::Named { scope, name, .. } => (scope, name),
    };
    match scope {
        Scope::Span => named(&span.attributes, name).into_iter().collect(),
        Scope::Resource => named(&trace.resources[span.resource as usize].attributes, name)
            .into_iter()
            .collect(),
        Scope::Instrumentation => named(&trace.scopes[span.scope as usize].attributes, name)
            .into_iter()
            .collect(),
        Scope::Event => span
            .events
            .iter()
            .filter_map(|e| named(&e.attributes, name))
            .collect(),
        Scope::Link => span
            .links
            .iter()
            .filter_map(|l| named(&l.attributes, name))
            .collect(),
        Scope::Any => {
            let order = [
                Scope::Span,
                Scope::Resource,
                Scope::Event,
                Scope::Link,
                Scope::Instrumentation,
            ];
            let found = order.into_iter().map(|scope| {
                let attribute = Attribute::Named {
                    scope,
                    name: name.clone(),
                    parent: false,
                };
                values(trace, at, &attribute)
            });
            found
                .into_iter()
                .find(|items| !items.is_empty())
                .unwrap_or_default()
        }
    }
}

fn hex(bytes: &[u8]) -> Item {
    let digits: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    text(&digits)
}

fn text(text: &str) -> Item {
    Item::Plain(Static::String(text.into()))
}

fn intrinsic_values(trace: &Trace, span: &Span, intrinsic: Intrinsic) -> Vec<Item> {
    let one = |value: Static| vec![Item::Plain(value)];
    match intrinsic {
        Intrinsic::Duration => one(Static::Duration(span.end - span.start)),
        Intrinsic::Name => vec![text(&span.name)],
        Intrinsic::Status => one(Static::Status(Status::of(span.status_code.into()))),
        Intrinsic::StatusMessage => vec![text(&span.status_message)],
        Intrinsic::Kind => one(Static::Kind(Kind::of(span.kind.into()))),
        Intrinsic::ChildCount => {
            let children = trace.spans.iter().filter(|s| s.parent == span.id).count();
            one(Static::Int(children as i64))
        }
        Intrinsic::TraceDuration => {
            let (start, end) = (trace.spans[0].start, trace.spans.iter().map(|s| s.end).max());
            one(Static::Duration(end.unwrap() - start))
        }
        Intrinsic::TraceRootName => {
            let root = trace.spans.iter().find(|s| s.parent == [0; 8]);
            root.map(|root| text(&root.name)).into_iter().collect()
        }
        Intrinsic::TraceId => vec![hex(&trace.id)],
        Intrinsic::SpanId => vec![hex(&span.id)],
        Intrinsic::ParentId if span.parent == [0; 8] => vec![text("")],
        Intrinsic::ParentId => vec![hex(&span.parent)],
        Intrinsic::EventName => span.events.iter().map(|e| text(&e.name)).collect(),
        Intrinsic::EventTimeSinceStart => {
            let times = span.events.iter().map(|e| e.time - span.start);
            times.map(|t| Item::Plain(Static::Duration(t))).collect()
        }
        Intrinsic::LinkSpanId => span.links.iter().map(|l| hex(&l.span_id)).collect(),
        Intrinsic::InstrumentationName => vec![text(&trace.scopes[span.scope as usize].name)],
        other => panic!("{other:?} is not generated"),
    }
}
