//! OTLP metrics to series: names, labels and values of each type as Prometheus' endpoint makes them, from requests
//! written as OTLP/JSON.

use kymo_engine::metrics::STALE_NAN_BITS;
use kymo_proto::otlp::json;
use serde_json::{Value, json};

use super::*;
use crate::config::Config;
use crate::ingest::metrics::label_text;

const NOW: i64 = 1_700_000_000_000;
const NOW_NANOS: &str = "1700000000000000000";

/// What a request makes: series in order, each with its labels and samples as text, then what was refused.
fn made(settings: &Otlp, request: &Value) -> (Vec<String>, String) {
    let body = json::metrics_request(request.to_string().as_bytes()).unwrap();
    let (texts, stated) = (Texts::default(), Stated::default());
    let context = Context {
        rules: Rules::at(NOW, Config::default().limits, 86_400_000),
        type_and_unit: false,
        moved: &[],
        settings,
        lookback_ms: 300_000,
        texts: &texts,
        stated: &stated,
        tenant_hash: 7,
        now_ms: NOW,
    };
    let request = Request::read(&body, context).unwrap();
    let mut out = Vec::new();
    for (i, series) in request.batch.series().enumerate() {
        let mut labels = LabelBuffer::default();
        if request.labels(i as u32, &mut labels) != LabelsFound::Good {
            continue;
        }
        let mut labels: Vec<(&str, &str)> = labels.iter().collect();
        labels.sort_unstable();
        let mut text = label_text(&labels);
        for (time, value) in series.samples {
            let stale = value.to_bits() == STALE_NAN_BITS;
            let value = if stale {
                "stale".to_owned()
            } else {
                value.to_string()
            };
            text.push_str(&format!(" {}={value}", time - NOW));
        }
        for h in series.histograms {
            text.push_str(&format!(
                " {}=native({}, {})",
                h.time - NOW,
                h.histogram.schema,
                h.histogram.sum
            ));
        }
        for start in series.starts.iter().filter(|start| **start != 0) {
            text.push_str(&format!(" from {}", start - NOW));
        }
        for e in series.exemplars {
            let labels: Vec<(&str, &str)> = e.labels.iter().collect();
            text.push_str(&format!(" exemplar {} {}", e.value, label_text(&labels)));
        }
        if series.delta {
            text.push_str(" delta");
        }
        out.push(text);
    }
    let rejects = request.take_rejects();
    let refused = if rejects.is_empty() {
        String::new()
    } else {
        format!("{}:{}", rejects.total(), rejects.reasons())
    };
    (out, refused)
}

fn defaults() -> Otlp {
    Config::default().otlp
}

/// A request of one metric of a resource that has a name and nothing else.
fn one(metric: Value) -> Value {
    request(
        json!([attribute("service.name", "shop")]),
        json!({"name": "lib"}),
        metric,
    )
}

fn request(resource: Value, scope: Value, metric: Value) -> Value {
    json!({"resourceMetrics": [{
        "resource": {"attributes": resource},
        "scopeMetrics": [{"scope": scope, "metrics": [metric]}]
    }]})
}

fn attribute(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn point(attributes: Value, value: f64) -> Value {
    json!({"timeUnixNano": NOW_NANOS, "attributes": attributes, "asDouble": value})
}

#[test]
fn gauges_and_sums_are_one_series_each() {
    let route = json!([attribute("http.route", "/a"), attribute("http.method", "GET")]);
    let gauge =
        one(json!({"name": "cpu.use", "unit": "1", "gauge": {"dataPoints": [point(route.clone(), 0.5)]}}));
    assert_eq!(
        made(&defaults(), &gauge).0,
        [r#"cpu_use_ratio{http_method="GET", http_route="/a", job="shop"} 0=0.5"#]
    );
    let counted =
        json!([{"timeUnixNano": NOW_NANOS, "startTimeUnixNano": "1699999999000000000", "asInt": "7"}]);
    let sum = |temporality: u8, monotonic: bool| {
        one(json!({"name": "hits", "sum": {
            "dataPoints": counted, "aggregationTemporality": temporality, "isMonotonic": monotonic}}))
    };
    assert_eq!(
        made(&defaults(), &sum(2, true)).0,
        [r#"hits_total{job="shop"} 0=7 from -1000"#]
    );
    assert_eq!(
        made(&defaults(), &sum(2, false)).0,
        [r#"hits{job="shop"} 0=7 from -1000"#]
    );
    assert_eq!(
        made(&defaults(), &sum(1, true)).0,
        [r#"hits_total{job="shop"} 0=7 from -1000 delta"#]
    );
    let (series, refused) = made(&defaults(), &sum(0, true));
    assert!(series.is_empty());
    assert!(
        refused.starts_with("1:") && refused.contains("neither cumulative nor delta"),
        "{refused}"
    );
}

#[test]
fn a_histogram_is_its_sum_its_count_and_its_buckets() {
    let histogram = one(json!({"name": "latency", "unit": "s", "histogram": {
    "aggregationTemporality": 2,
    "dataPoints": [{
        "timeUnixNano": NOW_NANOS, "count": "6", "sum": 9.5,
        "bucketCounts": ["1", "2", "3"], "explicitBounds": [0.25, 10],
        "exemplars": [{"timeUnixNano": NOW_NANOS, "asDouble": 5,
            "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174",
            "filteredAttributes": [attribute("user", "x")]}]
    }]}}));
    assert_eq!(
        made(&defaults(), &histogram).0,
        [
            r#"latency_seconds_sum{job="shop"} 0=9.5"#,
            r#"latency_seconds_count{job="shop"} 0=6"#,
            r#"latency_seconds_bucket{job="shop", le="0.25"} 0=1"#,
            r#"latency_seconds_bucket{job="shop", le="10"} 0=3 exemplar 5 {span_id="eee19b7ec3c1b174", trace_id="5b8efff798038103d269b633813fc60c", user="x"}"#,
            r#"latency_seconds_bucket{job="shop", le="+Inf"} 0=6"#,
        ]
    );
    let mut native = defaults();
    native.histograms_to_nhcb = true;
    let series = made(&native, &histogram).0;
    assert_eq!(series.len(), 1);
    assert!(
        series[0].starts_with(r#"latency_seconds{job="shop"} 0=native(-53, 9.5) exemplar 5"#),
        "{series:?}"
    );
}

#[test]
fn exponential_histograms_and_summaries() {
    let exponential = |temporality: u8| {
        one(json!({"name": "size", "unit": "By", "exponentialHistogram": {
        "aggregationTemporality": temporality,
        "dataPoints": [{
            "timeUnixNano": NOW_NANOS, "count": "3", "sum": 4.5, "scale": 2, "zeroCount": "1",
            "positive": {"offset": -1, "bucketCounts": ["1", "1"]}
        }]}}))
    };
    assert_eq!(
        made(&defaults(), &exponential(2)).0,
        [r#"size_bytes{job="shop"} 0=native(2, 4.5)"#]
    );
    assert_eq!(
        made(&defaults(), &exponential(1)).0,
        [r#"size_bytes{job="shop"} 0=native(2, 4.5) delta"#]
    );
    let summary = one(json!({"name": "rpc", "summary": {"dataPoints": [{
        "timeUnixNano": NOW_NANOS, "count": "3", "sum": 4.5,
        "quantileValues": [{"quantile": 0.5, "value": 1}, {"quantile": 0.99, "value": 2}]}]}}));
    assert_eq!(
        made(&defaults(), &summary).0,
        [
            r#"rpc_sum{job="shop"} 0=4.5"#,
            r#"rpc_count{job="shop"} 0=3"#,
            r#"rpc{job="shop", quantile="0.5"} 0=1"#,
            r#"rpc{job="shop", quantile="0.99"} 0=2"#,
        ]
    );
}

#[test]
fn a_point_without_a_value_ends_its_series() {
    let gauge = one(json!({"name": "g", "gauge": {"dataPoints": [{"timeUnixNano": NOW_NANOS, "flags": 1}]}}));
    assert_eq!(made(&defaults(), &gauge).0, [r#"g{job="shop"} 0=stale"#]);
    let histogram = one(json!({"name": "h", "histogram": {
        "aggregationTemporality": 2, "dataPoints": [{"timeUnixNano": NOW_NANOS, "flags": 1}]}}));
    assert_eq!(
        made(&defaults(), &histogram).0,
        [
            r#"h_sum{job="shop"} 0=stale"#,
            r#"h_count{job="shop"} 0=stale"#,
            r#"h_bucket{job="shop", le="+Inf"} 0=stale"#,
        ]
    );
    let nothing = one(json!({"name": "g", "gauge": {"dataPoints": [{"timeUnixNano": NOW_NANOS}]}}));
    assert!(made(&defaults(), &nothing).1.contains("it has no value"));
}

#[test]
fn resources_have_job_instance_and_target_info() {
    let resource = json!([
        attribute("service.namespace", "eu"),
        attribute("service.name", "shop"),
        attribute("service.instance.id", "i1"),
        attribute("host.name", "h"),
        attribute("k8s.pod.name", "p"),
    ]);
    let gauge = json!({"name": "g", "gauge": {"dataPoints": [
        point(json!([]), 1.0),
        {"timeUnixNano": "1699999600000000000", "asDouble": 2},
    ]}});
    let request = request(resource, json!({}), gauge);
    let identity = r#"instance="i1", job="eu/shop""#;
    let target = |labels: &str| format!("target_info{{{labels}}} -400000=1 -250000=1 -100000=1 0=1");
    let series = |labels: &str| [format!("g{{{labels}}} 0=1"), format!("g{{{labels}}} -400000=2")];
    let all = |labels: &str, info: &str| {
        let mut all = series(labels).to_vec();
        all.push(target(info));
        all
    };
    let info = r#"host_name="h", instance="i1", job="eu/shop", k8s_pod_name="p""#;
    assert_eq!(made(&defaults(), &request).0, all(identity, info));

    let mut promoting = defaults();
    promoting.promoted = vec!["host.name".to_owned()];
    let promoted = r#"host_name="h", instance="i1", job="eu/shop""#;
    assert_eq!(made(&promoting, &request).0, all(promoted, info));

    let mut most = defaults();
    most.promote_all = true;
    most.ignored = vec!["k8s.pod.name".to_owned(), "service.name".to_owned()];
    let labels =
        r#"host_name="h", instance="i1", job="eu/shop", service_instance_id="i1", service_namespace="eu""#;
    assert_eq!(made(&most, &request).0, all(labels, info));

    let mut keeping = defaults();
    keeping.keep_identifying = true;
    let kept = r#"host_name="h", instance="i1", job="eu/shop", k8s_pod_name="p", service_instance_id="i1", service_name="shop", service_namespace="eu""#;
    assert_eq!(made(&keeping, &request).0, all(identity, kept));
}

#[test]
fn scopes_are_labels_when_promoted_and_else_kept_when_they_say_more_than_a_name() {
    let gauge = json!({"name": "g", "gauge": {"dataPoints": [point(json!([]), 1.0)]}});
    let resource = json!([attribute("service.name", "shop")]);
    let scope = json!({"name": "lib", "version": "1.2", "attributes": [attribute("team", "a")]});
    let with = request(resource.clone(), scope, gauge.clone());
    let scope_labels = r#"job="shop", otel_scope_name="lib", otel_scope_team="a", otel_scope_version="1.2""#;
    assert_eq!(
        made(&defaults(), &with).0,
        [
            r#"g{job="shop"} 0=1"#.to_owned(),
            format!("otel_scope_info{{{scope_labels}}} 0=1")
        ]
    );
    let mut promoting = defaults();
    promoting.promote_scope = true;
    assert_eq!(made(&promoting, &with).0, [format!("g{{{scope_labels}}} 0=1")]);
    let without = request(resource, json!({"name": "lib", "version": "1.2"}), gauge);
    assert_eq!(made(&defaults(), &without).0, [r#"g{job="shop"} 0=1"#]);
}

#[test]
fn attributes_that_become_equal_share_a_label() {
    let attributes =
        json!([attribute("a_b", "2"), attribute("a.b", "1"), {"key": "n", "value": {"intValue": "5"}}]);
    let gauge = one(json!({"name": "g", "gauge": {"dataPoints": [point(attributes, 1.0)]}}));
    assert_eq!(
        made(&defaults(), &gauge).0,
        [r#"g{a_b="1;2", job="shop", n="5"} 0=1"#]
    );
    let mut utf8 = defaults();
    utf8.strategy = crate::config::Strategy::NoTranslation;
    assert_eq!(
        made(&utf8, &gauge).0,
        [r#"g{a.b="1", a_b="2", job="shop", n="5"} 0=1"#]
    );
}

#[test]
fn refused_points_are_counted_once_and_named() {
    let late = json!({"name": "late", "histogram": {"aggregationTemporality": 2, "dataPoints": [
        {"timeUnixNano": "1", "count": "1", "bucketCounts": ["1", "0"], "explicitBounds": [1]},
        {"timeUnixNano": NOW_NANOS, "count": "1", "attributes": [attribute("", "x")]},
    ]}});
    let (series, refused) = made(&defaults(), &one(late));
    assert!(series.is_empty(), "{series:?}");
    assert!(refused.starts_with("2:"), "{refused}");
    assert!(
        refused.contains("late: at 0 ms, the oldest accepted"),
        "{refused}"
    );
    assert!(refused.contains("empty name"), "{refused}");
    let coarse = one(json!({"name": "e", "exponentialHistogram": {
        "aggregationTemporality": 2, "dataPoints": [{"timeUnixNano": NOW_NANOS, "scale": -7}]}}));
    assert!(
        made(&defaults(), &coarse)
            .1
            .contains("Scale must be >= -4, was -7")
    );
}

#[test]
fn a_series_is_named_by_what_decides_its_labels_alone() {
    let keys = |value: f64, description: &str, unit: &str, attributes: Value| {
        let metric = json!({"name": "g", "description": description, "unit": unit,
            "gauge": {"dataPoints": [point(attributes, value)]}});
        let body = json::metrics_request(one(metric).to_string().as_bytes()).unwrap();
        let (texts, stated, settings) = (Texts::default(), Stated::default(), defaults());
        let context = Context {
            rules: Rules::at(NOW, Config::default().limits, 0),
            type_and_unit: false,
            moved: &[],
            settings: &settings,
            lookback_ms: 300_000,
            texts: &texts,
            stated: &stated,
            tenant_hash: 7,
            now_ms: NOW,
        };
        let request = Request::read(&body, context).unwrap();
        request.batch.series_at(0).key
    };
    let a = keys(1.0, "x", "s", json!([attribute("k", "v")]));
    assert_eq!(a, keys(2.0, "y", "s", json!([attribute("k", "v")])));
    assert_ne!(a, keys(1.0, "x", "ms", json!([attribute("k", "v")])));
    assert_ne!(a, keys(1.0, "x", "s", json!([attribute("k", "w")])));
}

#[test]
fn metadata_is_stated_once_in_a_while() {
    let metric = json!({"name": "hits", "unit": "By", "description": "Hits.", "sum": {
        "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [point(json!([]), 1.0)]}});
    let body = json::metrics_request(one(metric).to_string().as_bytes()).unwrap();
    let (stated, settings) = (Stated::default(), defaults());
    let statements = |now_ms: i64| {
        let texts = Texts::default();
        let context = Context {
            rules: Rules::at(NOW, Config::default().limits, 0),
            type_and_unit: false,
            moved: &[],
            settings: &settings,
            lookback_ms: 300_000,
            texts: &texts,
            stated: &stated,
            tenant_hash: 7,
            now_ms,
        };
        let request = Request::read(&body, context).unwrap();
        let all = request.batch.metadata.iter();
        all.map(|m| format!("{} {} {} {}", m.family, m.kind.as_str(), m.help, m.unit))
            .collect::<Vec<_>>()
    };
    assert_eq!(statements(NOW), ["hits_bytes_total counter Hits. bytes"]);
    assert!(statements(NOW + 60_000).is_empty());
    assert_eq!(statements(NOW + 600_000).len(), 1);
    stated.forget();
    assert_eq!(statements(NOW + 600_001).len(), 1);
}
