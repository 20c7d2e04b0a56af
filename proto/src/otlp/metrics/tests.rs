//! OTLP metrics: this decoder and the generated one of `opentelemetry-proto` see the same, on requests of every shape
//! and on what a real SDK sent (`../shared/data/wire` beside the repository; absent, that test says so and passes).

mod any;
mod rebuild;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use proptest::prelude::*;
use prost::Message;

pub(crate) use any::Dice;
pub(crate) use rebuild::{any_value, key_values, request as rebuilt, text};

use super::*;

/// The bodies that a real SDK sent to a path; `None`, said aloud, without the data.
pub(crate) fn sdk_bodies(sent_to: &str) -> Option<Vec<Vec<u8>>> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/data/wire/otlp-http-python-sdk.tar.zst"
    );
    let Ok(file) = std::fs::File::open(path) else {
        eprintln!("SKIPPED: {path} is absent");
        return None;
    };
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).unwrap());
    let (mut requests, mut index) = (std::collections::BTreeMap::new(), String::new());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        if name.ends_with("index.jsonl") {
            index = String::from_utf8(bytes).unwrap();
        } else {
            requests.insert(name.trim_start_matches("./").to_owned(), bytes);
        }
    }
    let inflated = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let mut body = Vec::new();
        let compressed = &requests[row["file"].as_str().unwrap()];
        if !compressed.starts_with(&[0x1f, 0x8b]) {
            return compressed.clone();
        }
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&compressed[..]), &mut body).unwrap();
        body
    };
    Some(
        index
            .lines()
            .filter(|line| line.contains(sent_to))
            .map(inflated)
            .collect(),
    )
}

#[test]
fn the_bodies_of_a_real_sdk_decode_and_encode_to_the_same() {
    let Some(bodies) = sdk_bodies("/v1/metrics") else {
        return;
    };
    let mut checked = 0;
    for body in bodies {
        let generated = ExportMetricsServiceRequest::decode(&body[..]).unwrap();
        let ours = rebuilt(&body).unwrap();
        assert_eq!(ours, generated);
        assert_eq!(
            ExportMetricsServiceRequest::decode(&ours.encode_to_vec()[..]).unwrap(),
            generated
        );
        checked += 1;
    }
    assert!(checked > 10, "{checked}");
}

#[test]
fn attributes_among_other_fields_are_collected() {
    let first = [0x3a, 3, 0x0a, 1, b'a'];
    let second = [0x3a, 3, 0x0a, 1, b'b'];
    let mut point = first.to_vec();
    crate::wire::put_fixed64(&mut point, 3, 5);
    point.extend_from_slice(&second);
    let mut gauge = Vec::new();
    crate::wire::put_bytes(&mut gauge, 1, &point);
    let mut points = Points::open(Reader::new(&gauge)).unwrap();
    let point = points.next_number().unwrap().unwrap();
    assert_eq!(point.attributes, [first, second].concat());
    assert_eq!(point.time, 5);
}

/// The points of all gauges and sums of a request as one message of points.
fn gauges(request: &ExportMetricsServiceRequest) -> Vec<u8> {
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;
    let metrics = request.resource_metrics.iter().flat_map(|r| &r.scope_metrics);
    let mut out = Vec::new();
    for metric in metrics.flat_map(|s| &s.metrics) {
        match &metric.data {
            Some(Data::Gauge(gauge)) => out.extend(gauge.encode_to_vec()),
            Some(Data::Sum(sum)) => out.extend(sum.encode_to_vec()),
            _ => {}
        }
    }
    out
}

proptest! {
    #[test]
    fn both_decoders_see_the_same(seed: u64) {
        let request = Dice(seed).request();
        prop_assert_eq!(rebuilt(&request.encode_to_vec()).unwrap(), request);
    }

    #[test]
    fn both_paths_of_numbers_agree(seed: u64, at in any::<prop::sample::Index>(), byte: u8, mutate: bool) {
        let mut body = gauges(&Dice(seed).request());
        if mutate && !body.is_empty() {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let walk = |quick: bool| -> Result<Vec<String>> {
            let mut points = Points::open(Reader::new(&body))?;
            let mut out = Vec::new();
            while let Some(point) = if quick { points.next_number()? } else { points.general_number()? } {
                out.push(format!("{point:?}"));
            }
            Ok(out)
        };
        let text = |walked: Result<Vec<String>>| walked.map_err(|error| error.to_string());
        prop_assert_eq!(text(walk(true)), text(walk(false)));
    }

    #[test]
    fn what_the_generated_decoder_takes_this_one_takes(seed: u64, at in any::<prop::sample::Index>(), byte: u8) {
        let mut body = Dice(seed).request().encode_to_vec();
        if !body.is_empty() {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let ours = std::panic::catch_unwind(|| rebuilt(&body));
        if ExportMetricsServiceRequest::decode(&body[..]).is_ok() {
            // Strings are checked by whoever uses them, so the rebuilding above may stumble over bytes that are none.
            prop_assert!(ours.is_ok_and(|decoded| decoded.is_ok()));
        }
    }
}

#[test]
fn unknown_fields_between_the_pairs_of_a_map_are_skipped() {
    let pair = |key: u8| [0x0a, 3, 0x0a, 1, key];
    // Field 171, once of eight bytes and once of some.
    let unknown = [0xd9, 0x0a, 1, 2, 3, 4, 5, 6, 7, 8, 0xda, 0x0a, 2, 0x0a, 0];
    let map = [&pair(b'a')[..], &unknown, &pair(b'b')].concat();
    let value = [&[0x32, map.len() as u8][..], &map].concat();
    let attribute = [&[0x0a, 1, b'k', 0x12, value.len() as u8][..], &value].concat();
    let region = [&[0x0a, attribute.len() as u8][..], &attribute].concat();
    let found = crate::otlp::KeyValues::new(&region)
        .next_value()
        .unwrap()
        .unwrap();
    let crate::otlp::AnyValue::Map(mut pairs) = found.value else {
        panic!("{found:?}");
    };
    let mut keys = Vec::new();
    while let Some(pair) = pairs.next_value().unwrap() {
        keys.push(pair.key.to_vec());
    }
    assert_eq!(keys, [b"a", b"b"]);
}
