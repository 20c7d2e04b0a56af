//! What is found in lines.

use super::*;

#[test]
fn pairs_of_logfmt_are_found_among_other_text() {
    let found = pairs(r#"ts=1 msg="a \"b\" c" empty= words x=y"#);
    let shown: Vec<_> = found.iter().map(|(n, v)| format!("{n}:{v}")).collect();
    assert_eq!(shown, ["ts:1", "msg:a \"b\" c", "empty:", "x:y"]);
    assert_eq!(pairs("k=\"open"), [("k", "open".to_owned())]);
}

#[test]
fn types_are_those_of_all_values() {
    let of = |values: &[&str]| kind(&values.iter().map(|v| (*v).to_owned()).collect());
    assert_eq!(of(&["1", "-2"]), "int");
    assert_eq!(of(&["1", "2.5"]), "float");
    assert_eq!(of(&["true"]), "boolean");
    assert_eq!(of(&["1ms", "2h"]), "duration");
    assert_eq!(of(&["10KB"]), "bytes");
    assert_eq!(of(&["1", "x"]), "string");
}
