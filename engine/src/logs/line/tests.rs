//! Lines taken apart and put together again: what each kind of line becomes, and what stays whole.

use super::*;
use proptest::prelude::*;

fn scan(line: &str) -> (LineKind, String, Vec<String>) {
    let mut scanned = Scanned::default();
    let kind = scanned.scan(line.as_bytes());
    let marker = |b: u8| match b {
        QUOTED => 'Q',
        BARE => 'B',
        ARRAY => 'A',
        b => char::from(b),
    };
    let skeleton = scanned.skeleton.iter().map(|b| marker(*b)).collect();
    let slots = scanned
        .slots
        .iter()
        .map(|(from, to)| line[*from as usize..*to as usize].to_owned());
    (kind, skeleton, slots.collect())
}

#[test]
fn json_is_taken_apart_at_every_depth() {
    let (kind, skeleton, slots) =
        scan(r#" {"a": "x\"y", "b":{"c":-1.5e3,"d":{}},"e":[1,{"f":2}], "g":null} "#);
    assert_eq!(kind, LineKind::Json);
    assert_eq!(skeleton, r#" {"a": "Q", "b":{"c":B,"d":{}},"e":A, "g":B} "#);
    assert_eq!(slots, [r#"x\"y"#, "-1.5e3", r#"[1,{"f":2}]"#, "null"]);
    let mut scanned = Scanned::default();
    scanned.scan(br#"{"a":"1","b":{"c\u0041":2,"a":{"a":[]}},"a":3}"#);
    let names = slot_names(LineKind::Json, &scanned.skeleton).unwrap();
    let json = |path: &[&str], form| SlotName::Json(path.iter().map(|s| s.to_string()).collect(), form);
    assert_eq!(
        names,
        [
            json(&["a"], QUOTED),
            json(&["b", "cA"], BARE),
            json(&["b", "a", "a"], ARRAY),
            json(&["a"], BARE)
        ]
    );
}

#[test]
fn what_is_not_one_json_object_stays_whole() {
    for line in [
        "{",
        "{}{}",
        r#"{"a":1,}"#,
        r#"{"a" 1}"#,
        r#"{"a":01}"#,
        r#"{"a":1 "b":2}"#,
        r#"{,"a":1}"#,
        r#"{"a":tru}"#,
        r#"{"a":"\x"}"#,
        r#"{"a":[1,]}"#,
        "{\"a\":\"\t\"}",
        r#"[1]"#,
        r#"{"a":+1}"#,
        r#"{"a":.5}"#,
        r#"{a:1}"#,
    ] {
        assert_eq!(scan(line).0, LineKind::Text, "{line}");
    }
    assert_eq!(scan("{}").0, LineKind::Json);
}

#[test]
fn logfmt_is_pairs_only() {
    let (kind, skeleton, slots) = scan(r#"level=info  msg="a b=\"c\"" empty= q="" url=/x?y:z"#);
    assert_eq!(kind, LineKind::Logfmt);
    assert_eq!(skeleton, r#"level=B  msg="Q" empty= q="Q" url=B"#);
    assert_eq!(slots, ["info", r#"a b=\"c\""#, "", "/x?y:z"]);
    let mut scanned = Scanned::default();
    scanned.scan(br#"a.b=1 c="2""#);
    let names = slot_names(LineKind::Logfmt, &scanned.skeleton).unwrap();
    assert_eq!(
        names,
        [
            SlotName::Logfmt("a.b".into(), BARE),
            SlotName::Logfmt("c".into(), QUOTED)
        ]
    );
    for line in [
        "a=b c",
        "hello a=b",
        "a=b=c",
        r#"a="b"c=d"#,
        r#"a="b"#,
        "=a",
        "",
        "  ",
    ] {
        assert_eq!(scan(line).0, LineKind::Text, "{line}");
    }
}

proptest! {
    #[test]
    fn skeleton_and_values_give_the_line_back(line in "[ -~\u{0}-\u{3}\u{e9}]{0,60}|\\{\"a\":[ -~]{0,20}\\}") {
        let mut scanned = Scanned::default();
        let kind = scanned.scan(line.as_bytes());
        let mut back = Vec::new();
        let mut slots = scanned.slots.iter();
        if kind == LineKind::Text {
            prop_assert_eq!(&scanned.skeleton, &[BARE]);
        }
        for byte in &scanned.skeleton {
            match *byte {
                QUOTED | BARE | ARRAY => {
                    let (from, to) = slots.next().unwrap();
                    back.extend_from_slice(&line.as_bytes()[*from as usize..*to as usize]);
                }
                byte => back.push(byte),
            }
        }
        prop_assert_eq!(slots.len(), 0);
        prop_assert_eq!(slot_names(kind, &scanned.skeleton).map(|n| n.len()), Some(scanned.slots.len()));
        prop_assert_eq!(back, line.as_bytes());
    }
}

/// Lines many of which have skeletons in common.
fn alike() -> impl Strategy<Value = String> {
    let value = "[a\"\\\\ =1.{}\\[\\],:-]{0,4}|\"[a\\\\\" ]{0,3}\"|-?[0-9]{1,2}|true|\\[1?\\]|\u{e9}|";
    let json = (value, value, "[ab]")
        .prop_map(|(one, two, key)| format!("{{\"{key}\":{one},\"o\":{{\"k\": \"{two}\"}}}}"));
    let logfmt =
        (value, value, "[ab]").prop_map(|(one, two, key)| format!("{key}={one}  msg=\"{two}\" c={one}"));
    prop_oneof![json, logfmt]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_skeleton_is_followed_by_the_lines_that_have_it_and_no_others(lines in prop::collection::vec(alike(), 2..12)) {
        let mut all = Vec::new();
        for line in &lines {
            let mut scanned = Scanned::default();
            let kind = scanned.scan(line.as_bytes());
            all.push((kind, scanned));
        }
        let mut slots = Vec::new();
        for (kind, scanned) in &all {
            let Some(course) = Course::of(*kind, &scanned.skeleton) else {
                prop_assert_eq!(*kind, LineKind::Text);
                continue;
            };
            for (line, (of_line, other)) in lines.iter().zip(&all) {
                let has_it = of_line == kind && other.skeleton == scanned.skeleton;
                prop_assert_eq!(course.follow(line.as_bytes(), &mut slots), has_it, "{} {:?}", line, course);
                if has_it {
                    prop_assert_eq!(&slots, &other.slots, "{}", line);
                }
            }
        }
    }
}
