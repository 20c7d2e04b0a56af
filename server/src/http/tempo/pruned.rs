//! A trace with repetitive spans collapsed: siblings without spans below them that are of one operation become one summary
//! span, and so do siblings above them that have nothing but such summaries below. The parameters and the attributes of
//! summaries are Tempo's.

mod summary;

use std::collections::{BTreeMap, HashMap};

use kymo_engine::traces::{Span, Table, Trace};
use regex::Regex;

use super::error::TempoError;
use crate::http::ApiError;
use crate::http::params::Params;
use summary::{Summary, push};

/// Attributes that spans of one group agree in, when nothing else is asked.
const GROUP_BY: &str = "db.system,db.system.name,db.operation,db.operation.name,http.method,http.request.method,http.route,\
     rpc.service,rpc.method,messaging.operation,messaging.destination.name";

/// How a trace is pruned.
#[derive(Debug)]
pub(super) struct Pruning {
    /// Attributes that spans of one group agree in.
    group_by: Vec<Regex>,
    /// Least spans of a group.
    least: usize,
    /// Generations above the lowest that are collapsed as well.
    depth: usize,
}

impl Pruning {
    /// Reads the parameters; `None` when the trace is not to be pruned.
    ///
    /// # Errors
    /// A parameter that is none.
    pub(super) fn of(params: &Params) -> Result<Option<Pruning>, TempoError> {
        let bad = |name: &str, text: &str| TempoError::bad(format!("invalid {name}: {text:?}"));
        match params.first("span_pruning") {
            "true" | "1" => {}
            "" | "false" | "0" => return Ok(None),
            other => return Err(bad("span_pruning", other)),
        }
        let number = |name: &str, default: i64, least: i64| match params.first(name) {
            "" => Ok(default),
            text => match text.parse::<i64>() {
                Ok(n) if n >= least => Ok(n),
                _ => Err(bad(name, text)),
            },
        };
        let text = match params.first("span_pruning_group_by") {
            "" => GROUP_BY,
            text => text,
        };
        let patterns = text.split(',').map(str::trim).filter(|p| !p.is_empty());
        let group_by = patterns.map(|p| glob(p).ok_or_else(|| bad("span_pruning_group_by", p)));
        Ok(Some(Pruning {
            group_by: group_by.collect::<Result<_, _>>()?,
            least: usize::try_from(number("span_pruning_min_spans", 5, 2)?).unwrap_or(usize::MAX),
            depth: usize::try_from(number("span_pruning_max_parent_depth", 1, -1)?).unwrap_or(usize::MAX),
        }))
    }

    /// Collapses what repeats in a trace.
    ///
    /// # Errors
    /// Those of its tree.
    pub(super) fn prune(&self, trace: &mut Trace) -> Result<(), ApiError> {
        let table = Table::of_traces(vec![trace.clone()]);
        let parents: Vec<Option<usize>> = {
            let parents = table.parents()?;
            let row = |parent: &u32| Some(*parent as usize).filter(|p| *p < parents.len());
            parents.iter().map(row).collect()
        };
        let mut tree = Tree::of(&parents);
        for level in 0..=self.depth {
            if !self.collapse(trace, &mut tree, level) {
                break;
            }
        }
        tree.apply(trace);
        Ok(())
    }

    /// Collapses groups of one level; false when there was none.
    fn collapse(&self, trace: &Trace, tree: &mut Tree, level: usize) -> bool {
        let mut groups: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
        for row in 0..tree.nodes.len() {
            if let Some(below) = tree.candidate(row, level) {
                groups
                    .entry(self.key(trace, tree, row, below))
                    .or_default()
                    .push(row);
            }
        }
        let mut any = false;
        for (key, rows) in groups {
            if rows.len() >= self.least {
                tree.collapse(trace, key, &rows, level);
                any = true;
            }
        }
        any
    }

    /// What spans of one group agree in.
    fn key(&self, trace: &Trace, tree: &Tree, row: usize, below: Vec<String>) -> Vec<String> {
        let span = &trace.spans[row];
        let parent = tree.nodes[row].parent.map_or(String::new(), |p| p.to_string());
        let mut key = vec![
            parent,
            span.resource.to_string(),
            span.name.to_string(),
            span.kind.to_string(),
            span.status_code.to_string(),
        ];
        let wanted = |a: &&kymo_engine::traces::Attribute| self.group_by.iter().any(|p| p.is_match(&a.key));
        let mut attributes: Vec<String> = span
            .attributes
            .iter()
            .filter(wanted)
            .map(|a| format!("{}={:?}", a.key, a.value))
            .collect();
        attributes.sort();
        key.extend(attributes);
        key.extend(below);
        key
    }
}

/// A pattern in which `*` stands for anything and `?` for one character.
fn glob(pattern: &str) -> Option<Regex> {
    let escaped = regex::escape(pattern).replace(r"\*", ".*").replace(r"\?", ".");
    Regex::new(&format!("^(?s:{escaped})$")).ok()
}

/// The spans of a trace and what became of them.
struct Tree {
    nodes: Vec<Place>,
}

/// What became of a span.
struct Place {
    parent: Option<usize>,
    /// Rows below that are still there.
    below: Vec<usize>,
    /// Whether another stands for it.
    is_gone: bool,
    /// What it stands for, and what its spans agree in without their parent.
    summary: Option<(Summary, Vec<String>)>,
}

impl Tree {
    fn of(parents: &[Option<usize>]) -> Tree {
        let place = |parent: &Option<usize>| Place {
            parent: *parent,
            below: Vec::new(),
            is_gone: false,
            summary: None,
        };
        let mut nodes: Vec<Place> = parents.iter().map(place).collect();
        for (row, parent) in parents.iter().enumerate() {
            if let Some(parent) = parent {
                nodes[*parent].below.push(row);
            }
        }
        Tree { nodes }
    }

    /// What a span that may be collapsed at a level has below it: nothing at the lowest, summaries alone above.
    fn candidate(&self, row: usize, level: usize) -> Option<Vec<String>> {
        let node = &self.nodes[row];
        // Roots stay: there is nothing that tells that they repeat.
        if node.is_gone || node.summary.is_some() || node.parent.is_none() {
            return None;
        }
        if level == 0 || node.below.is_empty() {
            return (level == 0 && node.below.is_empty()).then(Vec::new);
        }
        let keys = node.below.iter().map(|row| self.nodes[*row].summary.as_ref());
        let mut keys: Vec<String> = keys
            .map(|s| s.map(|(_, key)| key.join("\u{1}")))
            .collect::<Option<_>>()?;
        keys.sort();
        Some(keys)
    }

    /// Makes the longest of some spans stand for all, with what they have below them merged.
    fn collapse(&mut self, trace: &Trace, key: Vec<String>, rows: &[usize], level: usize) {
        let length = |row: &usize| summary::duration(&trace.spans[*row]);
        let Some(first) = rows
            .iter()
            .copied()
            .max_by_key(|row| (length(row), std::cmp::Reverse(*row)))
        else {
            return;
        };
        let spans = rows.iter().map(|row| &trace.spans[*row]);
        let own_key: Vec<String> = key.into_iter().skip(1).collect();
        let summary = Summary::of(spans, level);
        let mut kept: HashMap<Vec<String>, usize> = HashMap::new();
        let below: Vec<usize> = std::iter::once(&first)
            .chain(rows.iter().filter(|row| **row != first))
            .flat_map(|row| self.nodes[*row].below.clone())
            .collect();
        for child in below {
            let Some((summary, key)) = self.nodes[child].summary.clone() else {
                continue;
            };
            match kept.get(&key) {
                None => {
                    self.nodes[child].parent = Some(first);
                    kept.insert(key, child);
                }
                Some(other) => {
                    self.nodes[child].is_gone = true;
                    if let Some((into, _)) = &mut self.nodes[*other].summary {
                        into.merge(&summary);
                    }
                }
            }
        }
        let mut kept: Vec<usize> = kept.into_values().collect();
        kept.sort_unstable();
        self.nodes[first].below = kept;
        self.nodes[first].summary = Some((summary, own_key));
        for row in rows.iter().filter(|row| **row != first) {
            self.nodes[*row].is_gone = true;
        }
        if let Some(parent) = self.nodes[first].parent {
            let mut below = std::mem::take(&mut self.nodes[parent].below);
            below.retain(|row| !self.nodes[*row].is_gone);
            self.nodes[parent].below = below;
        }
    }

    /// Leaves in the trace what is still there.
    fn apply(self, trace: &mut Trace) {
        let ids: Vec<_> = trace.spans.iter().map(|span| span.id).collect();
        let spans = std::mem::take(&mut trace.spans);
        for (mut span, node) in spans.into_iter().zip(self.nodes) {
            if node.is_gone {
                continue;
            }
            if let Some((summary, _)) = node.summary {
                if let Some(parent) = node.parent {
                    span.parent = ids[parent];
                }
                push(&mut span, &summary);
            }
            trace.spans.push(span);
        }
        trace.spans.sort_by_key(|span: &Span| (span.start, span.id));
    }
}

/// Whether a span is a summary.
#[cfg(test)]
fn is_summary(span: &Span) -> bool {
    let mut found = span.attributes.iter();
    found.any(|a| *a.key == *"aggregation.is_summary" && a.value == kymo_engine::traces::Value::Bool(true))
}

#[cfg(test)]
mod tests;
