//! Which spans policies keep, and what is refused in them.

use super::*;

fn compiled(text: &str) -> Result<Policies, String> {
    let stated: Vec<Policy> = serde_json::from_str(text).map_err(|e| e.to_string())?;
    Policies::compile(&stated)
}

/// A span of kind server named `GET /` with some attributes.
fn value(place: &Place) -> Option<Value> {
    let text = |text: &str| Some(Value::String(text.into()));
    match place {
        Place::Kind => text("SPAN_KIND_SERVER"),
        Place::Name => text("GET /"),
        Place::Status => text("STATUS_CODE_UNSET"),
        Place::Resource(key) if key == "region" => text("eu-1"),
        Place::Span(key) if key == "http.status_code" => Some(Value::Int(200)),
        _ => None,
    }
}

fn keeps(text: &str) -> bool {
    compiled(text).unwrap().keep(&value)
}

#[test]
fn all_includes_and_one_of_any_and_no_exclude() {
    let server = r#"{"match_type":"strict","attributes":[{"key":"kind","value":"SPAN_KIND_SERVER"}]}"#;
    let client = r#"{"match_type":"strict","attributes":[{"key":"kind","value":"SPAN_KIND_CLIENT"}]}"#;
    assert!(keeps("[]"));
    assert!(keeps(&format!(r#"[{{"include":{server}}}]"#)));
    assert!(!keeps(&format!(
        r#"[{{"include":{server}}},{{"include":{client}}}]"#
    )));
    assert!(keeps(&format!(
        r#"[{{"include_any":{server}}},{{"include_any":{client}}}]"#
    )));
    assert!(!keeps(&format!(r#"[{{"include_any":{client}}}]"#)));
    assert!(!keeps(&format!(r#"[{{"exclude":{server}}}]"#)));
    assert!(keeps(&format!(r#"[{{"include":{server},"exclude":{client}}}]"#)));
}

#[test]
fn values_are_compared_by_type_or_found_in_texts() {
    let one = |key: &str, value: &str, how: &str| {
        keeps(&format!(
            r#"[{{"include":{{"match_type":"{how}","attributes":[{{"key":"{key}","value":{value}}}]}}}}]"#
        ))
    };
    assert!(one("span.http.status_code", "200", "strict"));
    assert!(!one("span.http.status_code", "\"200\"", "strict"));
    assert!(!one("span.http.status_code", "\"2..\"", "regex"));
    assert!(one("resource.region", "\"^eu-\"", "regex"));
    assert!(one("name", "\"GET\"", "regex"));
    assert!(!one("name", "\"GET\"", "strict"));
    assert!(!one("resource.zone", "\".*\"", "regex"));
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let one = |what: &str| compiled(&format!("[{what}]")).unwrap_err();
    assert_eq!(one("{}"), "a policy has include, include_any or exclude");
    let with = |key: &str, value: &str, how: &str| {
        one(&format!(
            r#"{{"include":{{"match_type":"{how}","attributes":[{{"key":"{key}","value":{value}}}]}}}}"#
        ))
    };
    assert!(with("region", "1", "strict").starts_with("\"region\" is none of kind"));
    assert_eq!(
        with("span.a", "\"(\"", "regex"),
        "\"(\" is not a regular expression"
    );
    assert_eq!(with("span.a", "1", "regex"), "1 is not a regular expression");
    assert!(with("kind", "\"server\"", "strict").starts_with("SPAN_KIND_UNSPECIFIED, "));
    assert!(with("status", "2", "strict").starts_with("STATUS_CODE_UNSET, "));
    assert!(with("span.a", "1", "fuzzy").contains("fuzzy"));
    assert!(one(r#"{"includes":{}}"#).contains("includes"));
}
