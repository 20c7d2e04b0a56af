//! What two traces' patch and summary say.

use kymo_engine::traces::{Attribute, Resource, Span, Trace, Value as Stored};

use super::*;

const MS: i64 = 1_000_000;

fn span(id: u8, parent: u8, (resource, name): (u32, &str), (start, end): (i64, i64)) -> Span {
    Span {
        resource,
        id: [0, 0, 0, 0, 0, 0, 0, id],
        parent: [0, 0, 0, 0, 0, 0, 0, parent],
        name: name.into(),
        kind: 2,
        start: start * MS,
        end: end * MS,
        ..Span::default()
    }
}

fn side(spans: Vec<Span>) -> Side {
    let resource = |service: &str| Resource {
        attributes: vec![Attribute {
            key: "service.name".into(),
            value: Stored::String(service.into()),
        }],
        ..Resource::default()
    };
    let trace = Trace {
        id: [7; 16],
        resources: vec![resource("shop"), resource("db")],
        scopes: vec![Default::default()],
        spans,
    };
    Side::of(trace).unwrap()
}

fn fixture() -> Vec<Span> {
    vec![
        span(1, 0, (0, "GET /"), (0, 100)),
        span(2, 1, (1, "SELECT"), (10, 30)),
        span(3, 1, (1, "UPDATE"), (40, 60)),
    ]
}

#[test]
fn a_trace_and_itself_differ_in_nothing() {
    let (a, b) = (side(fixture()), side(fixture()));
    let patch = answer(&a, &b, Format::Patch);
    for list in ["modified", "added", "removed", "warnings"] {
        assert_eq!(patch[list], json!([]), "{list}");
    }
    assert_eq!(patch["stats"]["matchedSpans"], 3);
    let summary = answer(&a, &b, Format::Summary);
    let expected = json!({"traceLatency": "unchanged", "sumSpanDuration": "unchanged", "errors": "unchanged",
        "spanCount": "unchanged", "structure": "unchanged"});
    assert_eq!(summary["signals"], expected);
    assert_eq!(summary["changedServices"], json!([]));
}

#[test]
fn a_patch_says_what_was_changed_added_and_removed() {
    let mut after = fixture();
    after[0].end = 200 * MS;
    after[1].status_code = 2;
    after[1].attributes = vec![Attribute {
        key: "db.rows".into(),
        value: Stored::Int(3),
    }];
    after[2] = span(4, 1, (1, "DELETE"), (40, 60));
    let patch = answer(&side(fixture()), &side(after), Format::Patch);
    assert_eq!(
        patch["modified"],
        json!([
            {"span": {"path": [0], "service": "shop", "name": "GET /", "kind": "server"}, "changes": [
                {"op": "modify", "target": {"type": "field", "name": "duration_nanos"}, "before": 100 * MS, "after": 200 * MS}]},
            {"span": {"path": [0, 0], "service": "db", "name": "SELECT", "kind": "server"}, "changes": [
                {"op": "modify", "target": {"type": "field", "name": "status"}, "before": "unset", "after": "error"},
                {"op": "add", "target": {"type": "attribute", "scope": "span", "key": "db.rows"}, "before": null, "after": 3}]},
        ])
    );
    let snapshot = |name: &str| json!({"path": [0, 1], "service": "db", "name": name, "kind": "server", "duration_nanos": 20 * MS, "status": "unset"});
    assert_eq!(
        patch["added"],
        json!([{"target": {"type": "span", "parentPath": [0], "index": 1}, "span": snapshot("DELETE")}])
    );
    assert_eq!(
        patch["removed"],
        json!([{"target": {"type": "span", "path": [0, 1]}, "span": snapshot("UPDATE")}])
    );
}

#[test]
fn a_summary_says_which_way_it_went_and_where() {
    let mut after = fixture();
    after[0].end = 110 * MS;
    after[1].status_code = 2;
    after[2].parent = after[1].id;
    let summary = answer(&side(fixture()), &side(after), Format::Summary);
    assert_eq!(
        summary["signals"],
        json!({"traceLatency": "increased", "sumSpanDuration": "increased", "errors": "increased",
            "spanCount": "unchanged", "structure": "changed"})
    );
    assert_eq!(summary["changedServices"], json!(["db"]));
    assert_eq!(
        summary["services"],
        json!([{"name": "db", "sumSpanDurationDeltaMs": 0, "modified": 1, "added": 0, "removed": 0, "newErrors": 1, "resolvedErrors": 0}])
    );
    assert_eq!(summary["trust"]["matchedSpanRatio"], 1.0);
}

#[test]
fn a_patch_that_is_too_long_is_left_out_whole() {
    let before = side(fixture());
    let mut many = fixture();
    many.extend((0..200u8).map(|n| span(n + 10, 1, (0, &format!("more {n} {}", "x".repeat(300))), (1, 2))));
    let short = answer(&before, &side(fixture()), Format::Composed);
    assert_eq!(short["version"], COMPOSED);
    assert_eq!(short["patch"]["version"], "trace-patch-v0");
    assert_eq!(short.get("patchOmitted"), None);
    let long = answer(&before, &side(many), Format::Composed);
    assert_eq!(long.get("patch"), None);
    assert_eq!(long["patchOmitted"]["reason"], "over_budget");
    assert!(long["patchOmitted"]["bytes"].as_u64().unwrap() > 64 << 10);
    assert_eq!(long["summary"]["stats"]["addedSpans"], 200);
}
