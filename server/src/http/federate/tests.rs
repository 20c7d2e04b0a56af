//! Federation: which format is taken, how names are spelled, and what the formats write.

use kymo_engine::metrics::{Counts, Histogram, ResetHint, Span};

use super::escape::Escaping;
use super::format::Kind;
use super::*;

fn format(accept: &str) -> Format {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
    Format::negotiated(&headers)
}

#[test]
fn the_format_is_the_best_that_is_known() {
    let prometheus = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    assert_eq!(format(prometheus).kind, Kind::Protobuf);
    let open = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3";
    assert_eq!(
        format(open).content_type(),
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
    );
    for accept in [
        "",
        "*/*",
        "text/html,text/plain;version=0.0.4",
        "application/json",
    ] {
        assert_eq!(
            format(accept).content_type(),
            "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
            "{accept}"
        );
    }
}

#[test]
fn names_are_spelled_as_the_scraper_can_read_them() {
    for (name, underscores, dots, values) in [
        (
            "http_requests",
            "http_requests",
            "http__requests",
            "http_requests",
        ),
        (
            "http.requests",
            "http_requests",
            "http_dot_requests",
            "U__http_2e_requests",
        ),
        ("a_b/c", "a_b_c", "a__b__c", "U__a__b_2f_c"),
        ("1\u{e9}", "__", "____", "U___31__e9_"),
    ] {
        assert_eq!(Escaping::Underscores.spell(name), underscores);
        assert_eq!(Escaping::Dots.spell(name), dots);
        assert_eq!(Escaping::Values.spell(name), values);
        assert_eq!(Escaping::None.spell(name), name);
    }
}

fn histogram(schema: i32, hint: ResetHint) -> Histogram {
    Histogram {
        schema,
        reset_hint: hint,
        zero_threshold: 0.0,
        sum: 7.5,
        positive_spans: vec![Span { offset: 1, length: 2 }],
        negative_spans: Vec::new(),
        custom_values: if schema == -53 { vec![1.0, 2.5] } else { Vec::new() },
        counts: Counts::Integer {
            count: 5,
            zero: 0,
            positive: vec![2, 3],
            negative: Vec::new(),
        },
    }
}

fn found() -> Vec<(Labels, Newest)> {
    let sample = |labels: &[(&str, &str)], value| {
        let labels = Labels::from_pairs(labels.iter().copied());
        (
            labels,
            Newest {
                time: 1_700_000_000_250,
                value,
            },
        )
    };
    vec![
        sample(&[("__name__", "a.b"), ("job", "x\"y")], Value::Float(1e6)),
        sample(
            &[("__name__", "h"), ("instance", "i")],
            Value::Histogram(histogram(-53, ResetHint::Unknown)),
        ),
        sample(
            &[("__name__", "n")],
            Value::Histogram(histogram(2, ResetHint::Unknown)),
        ),
        sample(&[("job", "nameless")], Value::Float(1.0)),
        sample(&[("__name__", "up")], Value::Float(1.0)),
    ]
}

fn written(accept: &str) -> Vec<u8> {
    let format = format(accept);
    let families = families(found(), &[("region".to_owned(), "eu".to_owned())], &format);
    let mut out = Vec::new();
    match format.kind {
        Kind::Protobuf => protobuf::write(&families, &mut out),
        _ => text::write(&families, &format, &mut out),
    }
    out
}

#[test]
fn text_has_the_bytes_of_prometheus() {
    let wanted = concat!(
        "# TYPE a_b untyped\n",
        "a_b{job=\"x\\\"y\",instance=\"\",region=\"eu\"} 1e+06 1700000000250\n",
        "# TYPE h histogram\n",
        "h_bucket{instance=\"i\",region=\"eu\",le=\"1\"} 0 1700000000250\n",
        "h_bucket{instance=\"i\",region=\"eu\",le=\"2.5\"} 2 1700000000250\n",
        "h_bucket{instance=\"i\",region=\"eu\",le=\"+Inf\"} 5 1700000000250\n",
        "h_sum{instance=\"i\",region=\"eu\"} 7.5 1700000000250\n",
        "h_count{instance=\"i\",region=\"eu\"} 5 1700000000250\n",
        "# TYPE up untyped\n",
        "up{instance=\"\",region=\"eu\"} 1 1700000000250\n",
    );
    assert_eq!(String::from_utf8(written("")).unwrap(), wanted);
    let open = String::from_utf8(written("application/openmetrics-text;escaping=allow-utf-8")).unwrap();
    assert!(
        open.starts_with("# TYPE \"a.b\" unknown\n{\"a.b\",job=\"x\\\"y\",instance=\"\",region=\"eu\"} 1e+06 1.70000000025e+09\n"),
        "{open}"
    );
    assert!(
        open.contains("le=\"1.0\"} 0.0 1.7") && open.ends_with("\n# EOF\n"),
        "{open}"
    );
}

#[test]
fn protobuf_carries_native_histograms() {
    let accept = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    let bytes = written(accept);
    let mut families = Vec::new();
    let mut rest = &bytes[..];
    while let Some((len, after)) = rest.split_first() {
        let (message, next) = match *len {
            len if len < 0x80 => after.split_at(len.into()),
            low => after[1..].split_at(usize::from(low & 0x7f) | usize::from(after[0]) << 7),
        };
        let mut reader = kymo_proto::wire::Reader::new(message);
        let name = reader.next_field().unwrap().unwrap().bytes().unwrap().to_vec();
        let kind = reader.next_field().unwrap().unwrap().varint().unwrap();
        families.push((String::from_utf8(name).unwrap(), kind));
        rest = next;
    }
    let wanted = [("a_b", 3), ("h", 4), ("n", 4), ("up", 3)].map(|(n, k)| (n.to_owned(), k));
    assert_eq!(families, wanted);
}
