//! Tests of label sets.

use super::*;

#[test]
fn builds_sorted_and_drops_empty_values() {
    let labels = Labels::from_pairs([("b", "2"), ("a", "1"), ("c", ""), ("b", "3")]);
    assert_eq!(labels.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "3")]);
    assert_eq!(labels.get("c"), None);
    assert_eq!(labels.value("b"), "3");
    assert_eq!(format!("{labels:?}"), r#"{a="1", b="3"}"#);
}

#[test]
fn orders_by_pairs_then_length() {
    let short = Labels::from_pairs([("a", "1")]);
    let long = Labels::from_pairs([("a", "1"), ("b", "1")]);
    let other = Labels::from_pairs([("a", "2")]);
    assert!(short < long && long < other);
}

#[test]
fn holds_long_values() {
    for len in [254, 255, 256, 70_000] {
        let value = "x".repeat(len);
        let labels = Labels::from_pairs([("a", value.as_str()), ("b", "y")]);
        assert_eq!(labels.value("a").len(), len);
        assert_eq!(labels.value("b"), "y");
    }
}
