//! Names by each strategy; the expectations are those that Prometheus' own translation gives.

use super::*;

#[test]
fn units_and_types_are_appended_once() {
    let strategy = Strategy::UnderscoreEscapingWithSuffixes;
    let cases = [
        (
            "http.server.duration",
            "ms",
            Shape::Other,
            "http_server_duration_milliseconds",
        ),
        (
            "system.disk.io",
            "By",
            Shape::Counter,
            "system_disk_io_bytes_total",
        ),
        ("requests", "1", Shape::Counter, "requests_total"),
        ("requests.total", "", Shape::Counter, "requests_total"),
        ("total.requests", "", Shape::Counter, "requests_total"),
        ("cpu.utilization", "1", Shape::Gauge, "cpu_utilization_ratio"),
        ("bytes.sent", "By", Shape::Counter, "bytes_sent_total"),
        ("speed", "m/s", Shape::Gauge, "speed_meters_per_second"),
        ("rate", "{packet}/s", Shape::Gauge, "rate_per_second"),
        ("queue", "{item}", Shape::Other, "queue"),
        ("a..b__c", "", Shape::Other, "a_b_c"),
        ("2xx", "", Shape::Other, "_2xx"),
        ("fan", "{rpm}", Shape::Gauge, "fan"),
        ("odd", "foo-bar", Shape::Gauge, "odd_foo_bar"),
        ("temperature", "Cel", Shape::Gauge, "temperature_celsius"),
        ("usage", "%", Shape::Gauge, "usage_percent"),
        ("\u{e4}\u{e4}", "", Shape::Gauge, ""),
    ];
    for (name, unit, shape, wanted) in cases {
        assert_eq!(metric(strategy, name, unit, shape), wanted, "{name} {unit}");
    }
}

#[test]
fn the_other_strategies() {
    let name = |strategy, name, unit, shape| metric(strategy, name, unit, shape);
    let utf8 = Strategy::NoUtf8EscapingWithSuffixes;
    assert_eq!(
        name(utf8, "http.requests", "", Shape::Counter),
        "http.requests_total"
    );
    assert_eq!(
        name(utf8, "http.requests_total", "By", Shape::Counter),
        "http.requests_bytes_total"
    );
    assert_eq!(
        name(utf8, "net.speed", "By/s", Shape::Gauge),
        "net.speed_bytes_per_second"
    );
    let plain = Strategy::UnderscoreEscapingWithoutSuffixes;
    assert_eq!(
        name(plain, "http.server..req__x", "s", Shape::Counter),
        "http_server_req__x"
    );
    assert_eq!(name(plain, "2.xx", "s", Shape::Counter), "_2_xx");
    let none = Strategy::NoTranslation;
    assert_eq!(
        name(none, "http.server\u{e4}", "s", Shape::Counter),
        "http.server\u{e4}"
    );
}

#[test]
fn units_of_metadata() {
    let strategy = Strategy::UnderscoreEscapingWithSuffixes;
    for (ucum, wanted) in [
        ("s", "seconds"),
        ("By/s", "bytes_per_second"),
        ("1", ""),
        ("{request}", ""),
        ("{request}/s", "per_second"),
        ("widgets", "widgets"),
    ] {
        assert_eq!(unit(strategy, ucum), wanted, "{ucum}");
    }
}

#[test]
fn labels_are_escaped_character_by_character() {
    let settings = |strategy, sanitize_underscore| Otlp {
        strategy,
        sanitize_underscore,
        ..Otlp::default()
    };
    let escaping = settings(Strategy::UnderscoreEscapingWithSuffixes, true);
    for (name, wanted) in [
        ("http.method", Some("http_method")),
        ("a..b", Some("a__b")),
        ("0abc", Some("key_0abc")),
        ("_private", Some("key_private")),
        ("__reserved__", Some("__reserved__")),
        ("", None),
        ("___", None),
        ("\u{e4}", None),
    ] {
        assert_eq!(label(&escaping, name).as_deref(), wanted, "{name}");
    }
    let lax = settings(Strategy::UnderscoreEscapingWithSuffixes, false);
    assert_eq!(label(&lax, "_private").as_deref(), Some("_private"));
    let utf8 = settings(Strategy::NoTranslation, true);
    assert_eq!(label(&utf8, "http.\u{e4}").as_deref(), Some("http.\u{e4}"));
}
