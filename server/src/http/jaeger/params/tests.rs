//! What is asked, and what is no question.

use super::*;

fn v1(pairs: &[(&str, &str)]) -> Result<Search, String> {
    Search::of_v1(&Params::of(pairs)).map_err(|error| error.text)
}

#[test]
fn the_older_parameters_are_read() {
    let found = v1(&[
        ("service", "s"),
        ("operation", "o"),
        ("tags", r#"{"a":"b","n":200,"t":true}"#),
        ("tag", "c:d:e"),
        ("start", "1700000000000000"),
        ("end", "1700000001000"),
        ("minDuration", "1.5ms"),
        ("limit", "7"),
    ]);
    let found = found.unwrap();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(
        found.tags,
        [
            pair("c", "d:e"),
            pair("a", "b"),
            pair("n", "200"),
            pair("t", "true")
        ]
    );
    assert_eq!(found.start, Some(1_700_000_000_000_000_000));
    assert_eq!(
        found.end,
        Some(1_700_000_001_000_000_000),
        "milliseconds are known by their size"
    );
    assert_eq!(
        (found.shortest, found.longest, found.limit),
        (Some(1_500_000), None, 7)
    );
    for (pairs, text) in [
        (&[][..], "parameter 'service' is required"),
        (
            &[("service", "s"), ("tag", "x")],
            "malformed 'tag' parameter, expecting key:value, received: x",
        ),
        (
            &[("service", "s"), ("start", "x")],
            "unable to parse param 'start': cannot parse \"x\"",
        ),
        (
            &[("service", "s"), ("minDuration", "2s"), ("maxDuration", "1s")],
            "'maxDuration' should be greater than 'minDuration'",
        ),
    ] {
        assert_eq!(v1(pairs).unwrap_err(), text);
    }
    assert!(
        v1(&[("service", "s"), ("tags", "[]")])
            .unwrap_err()
            .starts_with("malformed 'tags' parameter")
    );
}

#[test]
fn the_third_parameters_have_two_spellings() {
    let times = [
        ("query.startTimeMin", "2023-11-14T22:13:20Z"),
        ("query.start_time_max", "2023-11-14T22:13:21.5Z"),
    ];
    let more = [
        ("query.service_name", "s"),
        ("query.attributes", r#"{"a":"b"}"#),
        ("query.search_depth", "9"),
    ];
    let found = Search::of_v3(&Params::of(&[&times[..], &more].concat())).unwrap();
    assert_eq!((found.service.as_str(), found.limit), ("s", 9));
    assert_eq!(found.start, Some(1_700_000_000_000_000_000));
    assert_eq!(found.end, Some(1_700_000_001_500_000_000));
    let error = Search::of_v3(&Params::of(&times[..1])).unwrap_err();
    assert_eq!(error.text, "query.startTimeMax is required");
}

#[test]
fn ids_are_hex_or_base64() {
    let id = trace_id("0102030405060708090a0b0c0d0e0f10").unwrap();
    assert_eq!(trace_id("AQIDBAUGBwgJCgsMDQ4PEA==").unwrap(), id);
    assert!(trace_id("zz").is_err());
}
