//! Tags as TraceQL.

use super::*;

fn tags(text: &str) -> Vec<(String, String)> {
    parse_tags(text).unwrap()
}

#[test]
fn tags_are_logfmt() {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(
        tags(r#"a=b  c="d \"e" f g="#),
        [pair("a", "b"), pair("c", "d \"e"), pair("f", ""), pair("g", "")]
    );
    assert!(tags("  ").is_empty());
    assert!(parse_tags("=b").is_err());
    assert!(parse_tags("a=\"b").is_err());
}

#[test]
fn every_tag_is_a_set_of_spans() {
    assert_eq!(query(&[], 0, 0), "{}");
    assert_eq!(
        query(&tags("http.status_code=500 error=true name=GET"), 1_000_000, 0),
        r#"{ ."http.status_code" =~ "(?i).*500.*" || ."http.status_code" = 500 } && { status = error } && { name =~ "(?i).*GET.*" } && { traceDuration >= 1000000ns }"#
    );
    assert_eq!(
        query(&tags("a=b.c"), 0, 5),
        r#"{ ."a" =~ "(?i).*b\\.c.*" } && { traceDuration <= 5ns }"#
    );
    assert_eq!(condition("a", "007"), r#"{ ."a" =~ "(?i).*007.*" }"#);
}
