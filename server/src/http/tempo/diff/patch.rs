//! The patch of two traces: spans that were changed, added and removed, and how.

use kymo_engine::traces::{Span, Value as Stored};
use serde_json::{Map, Value, json};

use super::matching::{Matching, duration_changed};
use super::side::{Node, Side, attributes, duration, status};
use crate::http::json::base64;

pub(super) const VERSION: &str = "trace-patch-v0";

pub(super) fn document(base: &Side, compare: &Side, matching: &Matching) -> Value {
    let modified: Vec<Value> = modified(base, compare, matching);
    let added = (0..compare.nodes.len()).filter(|row| matching.base_of[*row].is_none());
    let added: Vec<Value> = added.map(|row| added_span(compare, row)).collect();
    let removed = (0..base.nodes.len()).filter(|row| matching.compare_of[*row].is_none());
    let removed: Vec<Value> = removed.map(|row| removed_span(base, row)).collect();
    let (fields, attributes) = counts(base, compare, matching);
    json!({
        "version": VERSION,
        "base": meta(base),
        "compare": meta(compare),
        "stats": {
            "spanCountA": base.nodes.len(),
            "spanCountB": compare.nodes.len(),
            "matchedSpans": matching.pairs().count(),
            "modifiedSpans": modified.len(),
            "addedSpans": added.len(),
            "removedSpans": removed.len(),
            "fieldChanges": fields,
            "attributeChanges": attributes,
            "eventChanges": 0,
            "truncated": false,
        },
        "modified": modified,
        "added": added,
        "removed": removed,
        "warnings": warnings(base, compare),
    })
}

fn meta(side: &Side) -> Value {
    json!({"traceId": side.id(), "spanCount": side.nodes.len()})
}

fn modified(base: &Side, compare: &Side, matching: &Matching) -> Vec<Value> {
    let pairs = matching.pairs().filter_map(|(row, base_row)| {
        let (before, after) = (&base.trace.spans[base_row], &compare.trace.spans[row]);
        let changes = [field_changes(before, after), attribute_changes(before, after)].concat();
        let node = &compare.nodes[row];
        let span = json!({
            "path": node.path,
            "service": node.identity.service,
            "name": node.identity.name,
            "kind": node.identity.kind,
        });
        (!changes.is_empty()).then(|| json!({"span": span, "changes": changes}))
    });
    pairs.collect()
}

/// Changes of fields and of attributes in all pairs.
pub(super) fn counts(base: &Side, compare: &Side, matching: &Matching) -> (usize, usize) {
    let mut all = (0, 0);
    for (row, base_row) in matching.pairs() {
        let (before, after) = (&base.trace.spans[base_row], &compare.trace.spans[row]);
        all.0 += field_changes(before, after).len();
        all.1 += attribute_changes(before, after).len();
    }
    all
}

/// Whether a pair has any change.
pub(super) fn is_modified(before: &Span, after: &Span) -> bool {
    !field_changes(before, after).is_empty() || !attribute_changes(before, after).is_empty()
}

fn field_changes(before: &Span, after: &Span) -> Vec<Value> {
    let change = |name: &str, before: Value, after: Value| json!({"op": "modify", "target": {"type": "field", "name": name}, "before": before, "after": after});
    let mut changes = Vec::new();
    let durations = (duration(before), duration(after));
    if duration_changed(durations.0, durations.1) {
        changes.push(change("duration_nanos", durations.0.into(), durations.1.into()));
    }
    if status(before) != status(after) {
        changes.push(change("status", status(before).into(), status(after).into()));
    }
    changes
}

fn attribute_changes(before: &Span, after: &Span) -> Vec<Value> {
    let (before, after) = (attributes(before), attributes(after));
    let keys = before
        .keys()
        .chain(after.keys().filter(|key| !before.contains_key(*key)));
    let mut keys: Vec<&str> = keys.copied().collect();
    keys.sort_unstable();
    let mut changes = Vec::new();
    for key in keys {
        let (before, after) = (before.get(key).copied(), after.get(key).copied());
        let op = match (before, after) {
            (None, _) => "add",
            (_, None) => "remove",
            (Some(before), Some(after)) if same(before, after) => continue,
            _ => "modify",
        };
        let value = |value: Option<&Stored>| value.map_or(Value::Null, plain);
        changes.push(json!({
            "op": op,
            "target": {"type": "attribute", "scope": "span", "key": key},
            "before": value(before),
            "after": value(after),
        }));
    }
    changes
}

/// Equal, two numbers that are none as well.
fn same(before: &Stored, after: &Stored) -> bool {
    match (before, after) {
        (Stored::Double(a), Stored::Double(b)) => a == b || (a.is_nan() && b.is_nan()),
        (Stored::Int(a), Stored::Double(b)) | (Stored::Double(b), Stored::Int(a)) => *a as f64 == *b,
        _ => before == after,
    }
}

/// A value as JSON has it; bytes are base64, and numbers that JSON lacks are texts.
fn plain(value: &Stored) -> Value {
    match value {
        Stored::Empty => Value::Null,
        Stored::String(text) => Value::from(&**text),
        Stored::Bool(b) => Value::from(*b),
        Stored::Int(n) => Value::from(*n),
        Stored::Double(n) if n.is_finite() => Value::from(*n),
        Stored::Double(n) => Value::from(n.to_string()),
        Stored::Bytes(bytes) => {
            let mut quoted = Vec::new();
            base64(&mut quoted, bytes);
            serde_json::from_slice(&quoted).unwrap_or_default()
        }
        Stored::Array(values) => values.iter().map(plain).collect(),
        Stored::KvList(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| (key.to_string(), plain(value)));
            Value::Object(pairs.collect::<Map<String, Value>>())
        }
    }
}

fn added_span(compare: &Side, row: usize) -> Value {
    let node = &compare.nodes[row];
    let (index, above) = node
        .path
        .split_last()
        .map_or((0, &[][..]), |(last, above)| (*last, above));
    let mut target = json!({"type": "span"});
    if !above.is_empty() {
        target["parentPath"] = json!(above);
    }
    target["index"] = json!(index);
    json!({"target": target, "span": snapshot(node, &compare.trace.spans[row])})
}

fn removed_span(base: &Side, row: usize) -> Value {
    let node = &base.nodes[row];
    json!({
        "target": {"type": "span", "path": node.path},
        "span": snapshot(node, &base.trace.spans[row]),
    })
}

fn snapshot(node: &Node, span: &Span) -> Value {
    json!({
        "path": node.path,
        "service": node.identity.service,
        "name": node.identity.name,
        "kind": node.identity.kind,
        "duration_nanos": duration(span),
        "status": status(span),
    })
}

/// What a reader should know of the comparison.
pub(super) fn warnings(base: &Side, compare: &Side) -> Vec<Value> {
    let mut all = Vec::new();
    for (name, side) in [("base", base), ("compare", compare)] {
        let backward = side.backward();
        if backward > 0 {
            let message = format!(
                "{name} trace has {backward} span(s) that end before they start; their duration counts as 0"
            );
            all.push(json!({"code": "invalid_duration", "message": message}));
        }
    }
    let ambiguous = Matching::ambiguous(base, compare);
    if ambiguous > 0 {
        let message = format!(
            "{ambiguous} group(s) of spans of the same operation and parent: which is which is the likeliest guess"
        );
        all.push(json!({"code": "ambiguous_span_match", "message": message}));
    }
    all
}
