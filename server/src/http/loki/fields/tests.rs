//! What is found in lines.

use super::count::Distinct;
use super::types::{Types, pairs};

#[test]
fn pairs_of_logfmt_are_found_among_other_text() {
    let found = pairs(r#"ts=1 msg="a \"b\" c" empty= words x=y"#);
    let shown: Vec<_> = found.iter().map(|(n, v)| format!("{n}:{v}")).collect();
    assert_eq!(shown, ["ts:1", "msg:a \"b\" c", "empty:", "x:y"]);
    assert_eq!(pairs("k=\"open"), [("k", "open".to_owned())]);
}

#[test]
fn types_are_those_of_all_values() {
    let of = |values: &[&str]| {
        let mut types = Types::default();
        values.iter().for_each(|value| types.add(value));
        types.name()
    };
    assert_eq!(of(&["1", "-2"]), "int");
    assert_eq!(of(&["1", "2.5"]), "float");
    assert_eq!(of(&["true"]), "boolean");
    assert_eq!(of(&["1ms", "2h"]), "duration");
    assert_eq!(of(&["10KB"]), "bytes");
    assert_eq!(of(&["1", "x"]), "string");
}

#[test]
fn different_values_are_counted_exactly_and_then_nearly() {
    let of = |n: u32| {
        let mut distinct = Distinct::default();
        for value in (0..n).chain((0..n).rev()) {
            distinct.add(&value.to_le_bytes());
        }
        distinct.count()
    };
    assert_eq!((of(0), of(1), of(16_000)), (0, 1, 16_000));
    let many = of(300_000);
    assert!((291_000..309_000).contains(&many), "{many}");
}
