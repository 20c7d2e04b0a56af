//! The configuration: defaults, overrides by strength, all problems at once, and that what is printed reads back.

use super::*;

fn problems(yaml: &str) -> Vec<String> {
    parse(yaml, &Overrides::default()).unwrap_err().0
}

#[test]
fn an_empty_file_gives_the_defaults_of_the_table() {
    let config = parse("# nothing\n", &Overrides::default()).unwrap();
    for key in keys::all() {
        assert_eq!((key.show)(&config), key.default, "{}", key.path);
    }
    // A value the table does not set would still be the blank zero.
    assert!(!format!("{config:?}").contains(": 0,") || config.retention.size_bytes == 0);
}

#[test]
fn values_are_read_as_people_write_them() {
    let yaml = "retention:\n  time: 30d\n  size: 10GB\nlimits:\n  labels_per_series: 64\ntenancy: on\nwal:\n  sync: off\n";
    let config = parse(yaml, &Overrides::default()).unwrap();
    assert_eq!(
        config.retention,
        Retention {
            time_ms: 30 * 86_400_000,
            size_bytes: 10 << 30
        }
    );
    assert_eq!((config.limits.labels_per_series_max, config.tenancy), (64, true));
    assert_eq!(config.wal_sync, WalSync::Off);
}

#[test]
fn all_problems_are_reported_at_once_with_their_paths() {
    let yaml = "listen: nowhere\nquery:\n  timeout: soon\n  tiemout: 1m\nretention: 5d\nlimits:\n  body_size: 5TB\nfoo:\n  bar: 1\n";
    let mut found = problems(yaml);
    found.sort();
    assert_eq!(
        found,
        [
            "foo: unknown key",
            "limits.body_size: \"5TB\" is not between 1 and 1GiB",
            "listen: \"nowhere\" is not HOST:PORT",
            "query.tiemout: unknown key",
            "query.timeout: \"soon\" is not a duration such as 30d or 1h30m",
            "retention: a section with keys is expected here",
        ]
    );
    assert!(problems("[1, 2]")[0].contains("list"));
    assert!(problems("a: b: c")[0].starts_with("not a YAML document"));
    assert!(problems("tenancy: on\ntenancy: off")[0].starts_with("not a YAML document"));
}

#[test]
fn flags_beat_variables_beat_the_file() {
    let entry = |path: &str, value: &str| [(path.to_owned(), value.to_owned())].into_iter().collect();
    let mut overrides = Overrides {
        variables: entry("query.timeout", "20s"),
        flags: Default::default(),
    };
    let yaml = "query:\n  timeout: 10s\n";
    assert_eq!(parse(yaml, &overrides).unwrap().query.timeout_ms, 20_000);
    overrides.flags = entry("query.timeout", "30s");
    assert_eq!(parse(yaml, &overrides).unwrap().query.timeout_ms, 30_000);
    overrides.flags = entry("query.timeout", "never");
    assert!(parse(yaml, &overrides).unwrap_err().0[0].starts_with("query.timeout (flag):"));
}

#[test]
fn the_printed_configuration_reads_back() {
    let yaml = "data_dir: /var/lib/a b\nweb:\n  cors_origin: 'https?://(a|b)\\.example'\nlog:\n  level: \"info,kymo=debug\"\n";
    let config = parse(yaml, &Overrides::default()).unwrap();
    let again = parse(&config.to_yaml(), &Overrides::default()).unwrap();
    assert_eq!(config.to_yaml(), again.to_yaml());
    assert_eq!(again.web.cors_origin.text, "https?://(a|b)\\.example");
}

#[test]
fn lists_are_taken_where_the_table_has_them() {
    let yaml = "otlp:\n  promote_resource_attributes: [host.name, k8s.pod.name]\n  grpc_listen: off\nremote_write:\n  accepted_messages:\n  - prometheus.WriteRequest\n";
    let config = parse(yaml, &Overrides::default()).unwrap();
    assert_eq!(config.otlp.promoted, ["host.name", "k8s.pod.name"]);
    assert_eq!(config.otlp.grpc_listen, None);
    assert!(config.remote_write.v1 && !config.remote_write.v2);
    let again = parse(&config.to_yaml(), &Overrides::default()).unwrap();
    assert_eq!(config.to_yaml(), again.to_yaml());
    let wrong = parse("listen: [a, b]\n", &Overrides::default()).unwrap_err();
    assert!(
        wrong.to_string().contains("a list is not expected here"),
        "{wrong}"
    );
    let wrong = parse("otlp:\n  translation_strategy: Other\n", &Overrides::default()).unwrap_err();
    assert!(wrong.to_string().contains("none of Underscore"), "{wrong}");
}

#[test]
fn labels_are_a_map_or_a_list_of_pairs() {
    for yaml in [
        "external_labels: {replica: a, cluster: eu}\n",
        "external_labels: [replica=a, cluster=eu]\n",
        "external_labels: replica=a,cluster=eu\n",
    ] {
        let config = parse(yaml, &Overrides::default()).unwrap();
        let wanted = [("cluster", "eu"), ("replica", "a")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(config.external_labels, wanted, "{yaml}");
        let again = parse(&config.to_yaml(), &Overrides::default()).unwrap();
        assert_eq!(again.external_labels, wanted);
    }
    assert_eq!(
        problems("external_labels: [a=1, a=2]\n"),
        ["external_labels: \"a\" is given twice"]
    );
    assert_eq!(
        problems("external_labels: a\n"),
        ["external_labels: \"a\" is not NAME=VALUE"]
    );
}

#[test]
fn the_prefix_is_stated_or_that_of_the_external_url() {
    let prefix = |yaml: &str| parse(yaml, &Overrides::default()).unwrap().web.prefix();
    assert_eq!(prefix(""), "");
    assert_eq!(
        prefix("web:\n  external_url: https://a.example/prom/x/?y\n"),
        "/prom/x"
    );
    assert_eq!(prefix("web:\n  external_url: https://a.example\n"), "");
    assert_eq!(
        prefix("web:\n  external_url: https://a.example/prom\n  route_prefix: /\n"),
        ""
    );
    assert_eq!(prefix("web:\n  route_prefix: /own/\n"), "/own");
    assert_eq!(
        problems("web:\n  route_prefix: a b\n"),
        ["web.route_prefix: \"a b\" is not a path such as /prometheus"]
    );
}

#[test]
fn settings_of_span_metrics_are_written_as_tempo_has_them() {
    let yaml = r#"
span_metrics:
  processors: [span-metrics, service-graphs-latency]
  dimensions: [http.method, http.route]
  intrinsic_dimensions: {span_name: false, status_message: true}
  histogram_buckets: [0.1, 1, 10]
  dimension_mappings:
  - {name: place, source_labels: [region, zone], join: "/"}
  filter_policies:
  - include:
      match_type: strict
      attributes: [{key: kind, value: SPAN_KIND_SERVER}, {key: span.n, value: 5}]
  - exclude:
      match_type: regex
      attributes: [{key: resource.zone, value: "a, \"b\""}]
"#;
    let config = parse(yaml, &Overrides::default()).unwrap();
    let spans = &config.generate.spans;
    assert_eq!(
        config.generate.processors.names(),
        ["service-graphs-latency", "span-metrics"]
    );
    assert_eq!(
        (spans.dimensions.len(), spans.mappings.len(), spans.policies.len()),
        (2, 1, 2)
    );
    assert!(!spans.intrinsic.span_name && spans.intrinsic.status_message && spans.intrinsic.service);
    assert_eq!(spans.buckets, [0.1, 1.0, 10.0]);
    let again = parse(&config.to_yaml(), &Overrides::default()).unwrap();
    assert_eq!(again.generate, config.generate);
    for (yaml, cause) in [
        (
            "span_metrics: {processors: [host-info]}",
            "span_metrics.processors: \"host-info\" is none of",
        ),
        (
            "span_metrics: {filter_policies: [{includes: {}}]}",
            "unknown field `includes`",
        ),
        (
            "span_metrics: {dimensions: [a, a]}",
            "span_metrics.dimensions: \"a\" is given twice",
        ),
        (
            "service_graph: {histogram_buckets: [2, 1]}",
            "service_graph.histogram_buckets: bounds must",
        ),
        (
            "service_graph: {dimension: [a]}",
            "service_graph.dimension: unknown key",
        ),
    ] {
        let problem = problems(yaml).remove(0);
        assert!(problem.contains(cause), "{yaml}: {problem}");
    }
}
