//! One of two traces that are compared: its spans as a tree, each with what identifies it beyond its id.

use std::collections::BTreeMap;

use kymo_engine::traces::{Resource, Span, Table, Trace, Value};

use crate::http::{ApiError, hex};

/// A trace and its tree.
pub(super) struct Side {
    pub(super) trace: Trace,
    pub(super) nodes: Vec<Node>,
}

/// What a span is in the tree. Nodes stand as the spans of the trace.
pub(super) struct Node {
    /// Places among siblings from the root on.
    pub(super) path: Vec<usize>,
    pub(super) parent: Option<usize>,
    pub(super) identity: Identity,
}

/// What makes spans of two traces the same operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Identity {
    pub(super) service: String,
    pub(super) name: String,
    pub(super) kind: &'static str,
}

impl Side {
    /// # Errors
    /// Those of the tree.
    pub(super) fn of(trace: Trace) -> Result<Side, ApiError> {
        let table = Table::of_traces(vec![trace.clone()]);
        let parents = table.parents()?;
        let parent = |row: usize| Some(parents[row] as usize).filter(|p| *p < parents.len());
        let mut nodes: Vec<Node> = trace
            .spans
            .iter()
            .enumerate()
            .map(|(row, span)| Node {
                path: Vec::new(),
                parent: parent(row),
                identity: identity(&trace, span),
            })
            .collect();
        place(&mut nodes);
        Ok(Side { trace, nodes })
    }

    /// The identity of a span's parent.
    pub(super) fn above(&self, row: usize) -> Option<&Identity> {
        self.nodes[row].parent.map(|parent| &self.nodes[parent].identity)
    }

    pub(super) fn id(&self) -> String {
        hex(&self.trace.id)
    }

    /// Spans that end before they start.
    pub(super) fn backward(&self) -> usize {
        self.trace
            .spans
            .iter()
            .filter(|span| span.end < span.start)
            .count()
    }
}

/// Gives all nodes their paths, whichever of parent and child stands first.
fn place(nodes: &mut [Node]) {
    let mut below: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for (row, node) in nodes.iter().enumerate() {
        below.entry(node.parent).or_default().push(row);
    }
    let mut open: Vec<(Option<usize>, Vec<usize>)> = vec![(None, Vec::new())];
    while let Some((parent, path)) = open.pop() {
        for (place, row) in below.remove(&parent).unwrap_or_default().into_iter().enumerate() {
            let path = [&path[..], &[place]].concat();
            nodes[row].path.clone_from(&path);
            open.push((Some(row), path));
        }
    }
}

fn identity(trace: &Trace, span: &Span) -> Identity {
    let resource = trace.resources.get(span.resource as usize);
    Identity {
        service: resource.map(service).unwrap_or_default(),
        name: span.name.to_string(),
        kind: kind(span.kind),
    }
}

fn service(resource: &Resource) -> String {
    let mut found = resource.attributes.iter().filter(|a| *a.key == *"service.name");
    match found.next().map(|a| &a.value) {
        Some(Value::String(text)) => text.to_string(),
        _ => String::new(),
    }
}

/// As TraceQL names a kind.
fn kind(n: i32) -> &'static str {
    match n {
        1 => "internal",
        2 => "server",
        3 => "client",
        4 => "producer",
        5 => "consumer",
        _ => "unspecified",
    }
}

/// As TraceQL names a status.
pub(super) fn status(span: &Span) -> &'static str {
    match span.status_code {
        1 => "ok",
        2 => "error",
        _ => "unset",
    }
}

/// Its length in nanoseconds, 0 when it ends before it starts.
pub(super) fn duration(span: &Span) -> i64 {
    span.end.saturating_sub(span.start).max(0)
}

/// Attributes by name; of one name the first.
pub(super) fn attributes(span: &Span) -> BTreeMap<&str, &Value> {
    let mut all = BTreeMap::new();
    for attribute in &span.attributes {
        all.entry(&*attribute.key).or_insert(&attribute.value);
    }
    all
}
