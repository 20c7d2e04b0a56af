//! Searches as TraceQL that parses.

use kymo_query::traceql::parse;

use super::*;

#[test]
fn a_search_is_one_set_of_spans() {
    let search = Search {
        service: "a\"b".to_owned(),
        operation: "op".to_owned(),
        shortest: Some(1_000),
        longest: Some(2_000),
        ..Search::default()
    };
    assert_eq!(
        search.query(),
        r#"{ resource.service.name = "a\"b" && name = "op" && duration >= 1000ns && duration <= 2000ns }"#
    );
    parse(&search.query()).unwrap();
    assert!(parse(&Search::default().query()).is_ok());
}

#[test]
fn tags_are_looked_for_everywhere() {
    for (key, value) in [
        ("error", "true"),
        ("k\"\\", "-1.5"),
        ("span.kind", "server"),
        ("x", ""),
        ("event", "007"),
    ] {
        let search = Search {
            tags: vec![(key.to_owned(), value.to_owned())],
            ..Search::default()
        };
        let query = search.query();
        parse(&query).unwrap_or_else(|error| panic!("{query}: {error}"));
        assert!(
            query.contains("resource.") && query.contains("instrumentation."),
            "{query}"
        );
    }
    assert!(tag("a", "5").contains("span.\"a\" = \"5\" || span.\"a\" = 5 ||"));
    assert!(!tag("a", "05").contains("= 05"));
}
