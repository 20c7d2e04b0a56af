//! Trees of any shape have every span once.

use kymo_engine::traces::{NO_PARENT, Scope};

use super::*;

fn trace(spans: usize) -> Trace {
    let span = |n: usize| Span {
        id: (n as u64 + 1).to_be_bytes(),
        name: format!("s{n}").into(),
        ..Span::default()
    };
    Trace {
        resources: vec![Resource::default()],
        scopes: vec![Scope::default()],
        spans: (0..spans).map(span).collect(),
        ..Trace::default()
    }
}

fn shape(parents: &[u32]) -> Vec<(String, usize, bool)> {
    let trace = trace(parents.len());
    let all = nodes(&trace, parents);
    all.iter()
        .map(|node| (node.span.name.to_string(), node.depth, node.orphan))
        .collect()
}

#[test]
fn children_follow_their_parents() {
    let node = |name: &str, depth: usize, orphan: bool| (name.to_owned(), depth, orphan);
    assert_eq!(
        shape(&[NO_PARENT, 0, ORPHAN, 1, 0, 2]),
        [
            node("s0", 0, false),
            node("s1", 1, false),
            node("s3", 2, false),
            node("s4", 1, false),
            node("s2", 0, true),
            node("s5", 1, false),
        ]
    );
    assert_eq!(shape(&[]), []);
}

#[test]
fn circles_end() {
    assert_eq!(shape(&[1, 0]).len(), 2);
    assert_eq!(shape(&[0, NO_PARENT]).len(), 2);
}

#[test]
fn a_chain_may_be_long() {
    let parents: Vec<u32> = (0..50_000_u32)
        .map(|n| n.checked_sub(1).unwrap_or(NO_PARENT))
        .collect();
    assert_eq!(shape(&parents).last().unwrap().1, 49_999);
}
