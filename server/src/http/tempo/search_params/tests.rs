//! Limits, defaults and their texts.

use super::*;

fn read(pairs: &[(&str, &str)]) -> Result<SearchParams, String> {
    SearchParams::of_params(&Params::of(pairs)).map_err(|error| error.text)
}

#[test]
fn what_is_not_said_has_defaults() {
    let wanted = SearchParams {
        query: "{}".to_owned(),
        limit: 20,
        spans_per_set: Some(3),
        range: None,
    };
    assert_eq!(read(&[]).unwrap(), wanted);
    assert_eq!(
        SearchParams::of_message(tempo::Search::default()).unwrap(),
        wanted
    );
    let asked = read(&[
        ("q", "{ .a = 1 }"),
        ("spss", "0"),
        ("limit", "5"),
        ("start", "1"),
        ("end", "2"),
    ]);
    let asked = asked.unwrap();
    assert_eq!((asked.query.as_str(), asked.limit), ("{ .a = 1 }", 5));
    assert_eq!((asked.spans_per_set, asked.range), (None, Some((1, 2))));
}

#[test]
fn what_is_wrong_has_tempos_texts() {
    for (pairs, wanted) in [
        (&[("limit", "0")][..], "invalid limit: must be a positive number"),
        (&[("limit", "-1")], "invalid limit: must be a positive number"),
        (&[("limit", "262145")], "limit 262145 exceeds max limit 262144"),
        (
            &[("limit", "x")],
            "invalid limit: strconv.Atoi: parsing \"x\": invalid syntax",
        ),
        (&[("spss", "101")], "spans per span set exceeds 100. received 101"),
        (
            &[("q", "{}"), ("tags", "a=b")],
            "invalid request: can't specify tags and q in the same query",
        ),
        (
            &[("start", "5")],
            "http parameter start must be before end. received start=5 end=0",
        ),
        (
            &[("start", "5"), ("end", "5")],
            "http parameter start must be before end. received start=5 end=5",
        ),
        (
            &[("minDuration", "x")],
            "invalid minDuration: time: invalid duration \"x\"",
        ),
        (
            &[("minDuration", "2s"), ("maxDuration", "1s")],
            "invalid maxDuration: must be greater than minDuration",
        ),
    ] {
        assert_eq!(read(pairs).unwrap_err(), wanted);
    }
}

#[test]
fn other_parameters_are_tags_without_a_range() {
    assert_eq!(read(&[("a", "b")]).unwrap().query, r#"{ ."a" =~ "(?i).*b.*" }"#);
    assert_eq!(
        read(&[("a", "b"), ("start", "1"), ("end", "2")]).unwrap().query,
        "{}"
    );
    assert_eq!(
        read(&[("tags", "x=y"), ("a", "b")]).unwrap().query,
        r#"{ ."x" =~ "(?i).*y.*" }"#
    );
}
