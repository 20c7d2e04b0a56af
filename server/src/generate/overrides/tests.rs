//! What is stored survives, versions guard it, and what cannot be set names its field.

use serde_json::json;
use tempfile::TempDir;

use super::*;

fn limits(document: serde_json::Value) -> Result<Limits, String> {
    serde_json::from_value(document).map_err(|e| e.to_string())
}

fn dimensions(names: &[&str]) -> Limits {
    limits(json!({"metrics_generator": {"processor": {"span_metrics": {"dimensions": names}}}})).unwrap()
}

fn opened(dir: &TempDir) -> Overrides {
    let overrides = Overrides::default();
    overrides.open(dir.path(), &Generate::default());
    overrides
}

#[test]
fn what_is_set_is_there_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let overrides = opened(&dir);
    let stored = overrides
        .replace("a", Some(0), 10, |_| Ok(dimensions(&["x"])))
        .unwrap();
    assert_eq!(stored.version, 10);
    let again = opened(&dir).of("a").unwrap();
    assert_eq!((again.version, again.limits), (10, dimensions(&["x"])));
    let copy = TempDir::new().unwrap();
    overrides.copy_to(copy.path()).unwrap();
    assert_eq!(opened(&copy).of("a").unwrap().limits, dimensions(&["x"]));
    let stored = overrides
        .replace("a", None, 10, |_| Ok(dimensions(&["y"])))
        .unwrap();
    assert_eq!(stored.version, 11);
    overrides.delete("a", 11).unwrap();
    assert!(opened(&dir).of("a").is_none());
    fs::write(dir.path().join(DIR).join("b.json"), "{").unwrap();
    assert!(opened(&dir).of("b").is_none());
}

#[test]
fn versions_guard_against_changes_of_others() {
    let dir = TempDir::new().unwrap();
    let overrides = opened(&dir);
    let set = |expected| overrides.replace("a", expected, 5, |_| Ok(dimensions(&["x"])));
    assert!(matches!(set(Some(5)), Err(Refused::Version)));
    assert!(matches!(overrides.delete("a", 5), Err(Refused::Missing)));
    set(Some(0)).unwrap();
    assert!(matches!(set(Some(0)), Err(Refused::Version)));
    assert!(matches!(overrides.delete("a", 4), Err(Refused::Version)));
    set(Some(5)).unwrap();
}

#[test]
fn what_cannot_be_set_names_its_field() {
    let wrong = |document| {
        let applied = limits(document).and_then(|limits| limits.applied_to(&Generate::default()));
        applied.unwrap_err()
    };
    assert!(wrong(json!({"forwarders": ["a"]})).contains("forwarders"));
    assert!(
        wrong(json!({"metrics_generator": {"ingestion_time_range_slack": "30s"}}))
            .contains("ingestion_time_range_slack")
    );
    assert!(
        wrong(json!({"metrics_generator": {"processors": ["host-info"]}}))
            .starts_with("metrics_generator.processors: ")
    );
    let spans = |spans| json!({"metrics_generator": {"processor": {"span_metrics": spans}}});
    assert!(wrong(spans(json!({"histogram_buckets": [2, 1]}))).contains("span_metrics.histogram_buckets: "));
    assert!(
        wrong(spans(json!({"intrinsic_dimensions": {"id": true}})))
            .contains("span_metrics.intrinsic_dimensions: ")
    );
    assert!(wrong(spans(json!({"filter_policies": [{}]}))).contains("span_metrics.filter_policies: "));
    let applied = dimensions(&["x"]).applied_to(&Generate::default()).unwrap();
    assert_eq!(applied.spans.dimensions, ["x"]);
}

#[test]
fn a_document_of_everything_changes_nothing() {
    let set = dimensions(&["x"]).applied_to(&Generate::default()).unwrap();
    let mut whole = set.clone();
    (whole.spans.buckets, whole.graph.buckets) = (vec![0.5], vec![1.0, 2.0]);
    whole.enabled = true;
    assert_eq!(Limits::of(&whole).applied_to(&whole), Ok(whole.clone()));
    let bare = Generate {
        enabled: true,
        ..Generate::default()
    };
    assert_eq!(Limits::of(&whole).applied_to(&bare), Ok(whole));
}
