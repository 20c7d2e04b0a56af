//! Evaluation against what Prometheus 3.14 answered over a real recording in `../../shared/data/recording`.
//! Skipped loudly where the recording is absent.

use std::collections::BTreeMap;
use std::io::Read;

use crate::promql::eval::{Budget, Query, Value, eval};
use crate::promql::{ParseOptions, parse};
use crate::promqltest::memory::MemorySource;
use kymo_engine::labels::Labels;
use serde_json::Value as Json;

const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/recording/");

#[expect(
    clippy::disallowed_methods,
    reason = "the recording lies on disk, outside of any storage"
)]
fn unzipped(name: &str) -> Option<Vec<u8>> {
    let file = std::fs::read(format!("{RECORDING}{name}")).ok()?;
    Some(zstd::decode_all(file.as_slice()).unwrap())
}

/// The fields of a protobuf message: number and payload, varints as their eight bytes.
fn fields(mut rest: &[u8]) -> Vec<(u64, Vec<u8>)> {
    fn varint(rest: &mut &[u8]) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = rest[0];
            *rest = &rest[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return value;
            }
            shift += 7;
        }
    }
    let mut out = Vec::new();
    while !rest.is_empty() {
        let tag = varint(&mut rest);
        let payload = match tag & 7 {
            0 => varint(&mut rest).to_le_bytes().to_vec(),
            kind => {
                let len = if kind == 1 { 8 } else { varint(&mut rest) as usize };
                let (payload, tail) = rest.split_at(len);
                rest = tail;
                payload.to_vec()
            }
        };
        out.push((tag >> 3, payload));
    }
    out
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().unwrap())
}

fn load_write_request(body: &[u8], source: &mut MemorySource) {
    let message = snap::raw::Decoder::new().decompress_vec(body).unwrap();
    for (_, series) in fields(&message).into_iter().filter(|(n, _)| *n == 1) {
        let (mut pairs, mut samples) = (Vec::new(), Vec::new());
        for (n, payload) in fields(&series) {
            let parts: BTreeMap<u64, Vec<u8>> = fields(&payload).into_iter().collect();
            let text = |n| String::from_utf8(parts.get(&n).cloned().unwrap_or_default()).unwrap();
            let value = |n| parts.get(&n).map_or(0, |b| number(b));
            match n {
                1 => pairs.push((text(1), text(2))),
                2 => samples.push((value(2) as i64, f64::from_bits(value(1)))),
                _ => {}
            }
        }
        let labels = Labels::from_pairs(pairs);
        samples.into_iter().for_each(|(t, v)| source.add(&labels, t, v));
    }
}

/// The files of a tar archive that end in `.bin`.
fn bodies(tar: &[u8]) -> Vec<Vec<u8>> {
    let (mut rest, mut out) = (tar, Vec::new());
    while rest.len() >= 512 && rest[0] != 0 {
        let text = |range: std::ops::Range<usize>| {
            let field = &rest[range];
            let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
            String::from_utf8_lossy(&field[..end]).trim().to_owned()
        };
        let (name, len) = (text(0..100), usize::from_str_radix(&text(124..136), 8).unwrap());
        if name.ends_with(".bin") {
            let mut body = Vec::new();
            (&rest[512..512 + len]).read_to_end(&mut body).unwrap();
            out.push(body);
        }
        rest = &rest[512 + len.div_ceil(512) * 512..];
    }
    out
}

/// Labels in text form and `time value` pairs, the latter as numbers.
type Table = Vec<(String, Vec<(i64, f64)>)>;

fn value_of(json: &Json) -> f64 {
    match json.as_str().unwrap() {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        text => text.parse().unwrap(),
    }
}

fn sample_of(pair: &Json) -> (i64, f64) {
    (
        (pair[0].as_f64().unwrap() * 1000.0).round() as i64,
        value_of(&pair[1]),
    )
}

fn expected(answer: &Json) -> Table {
    if answer["resultType"] == "scalar" {
        return vec![(String::new(), vec![sample_of(&answer["result"])])];
    }
    let rows = answer["result"].as_array().unwrap().iter().map(|row| {
        let metric = row["metric"].as_object().unwrap();
        let labels = Labels::from_pairs(metric.iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap())));
        let samples = match row.get("values") {
            Some(values) => values.as_array().unwrap().iter().map(sample_of).collect(),
            None => vec![sample_of(&row["value"])],
        };
        (format!("{labels:?}"), samples)
    });
    rows.collect()
}

fn got(value: Value, time: i64) -> Table {
    match value {
        Value::Scalar(v) => vec![(String::new(), vec![(time, v)])],
        Value::String(_) => Vec::new(),
        Value::Vector(series) | Value::Matrix(series) => series
            .into_iter()
            .map(|s| {
                let samples = s
                    .samples
                    .timestamps
                    .iter()
                    .copied()
                    .zip(s.samples.values.iter().copied());
                (format!("{:?}", s.labels), samples.collect())
            })
            .collect(),
    }
}

fn close(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

/// The first difference of two results. Order counts where the query sorts.
fn difference(mut want: Table, mut have: Table, ordered: bool) -> Option<String> {
    if !ordered {
        want.sort_by(|a, b| a.0.cmp(&b.0));
        have.sort_by(|a, b| a.0.cmp(&b.0));
    }
    if want.len() != have.len() {
        let names = |t: &Table| t.iter().take(4).map(|r| r.0.clone()).collect::<Vec<_>>();
        return Some(format!(
            "{} series instead of {}: {:?} / {:?}",
            have.len(),
            want.len(),
            names(&have),
            names(&want)
        ));
    }
    for (w, h) in want.iter().zip(&have) {
        if w.0 != h.0 || w.1.len() != h.1.len() {
            return Some(format!(
                "{} with {} samples instead of {} with {}",
                h.0,
                h.1.len(),
                w.0,
                w.1.len()
            ));
        }
        if let Some((w, h)) = w.1.iter().zip(&h.1).find(|(w, h)| w.0 != h.0 || !close(w.1, h.1)) {
            return Some(format!("{h:?} instead of {w:?}"));
        }
    }
    None
}

fn check(row: &Json, kind: &str, source: &MemorySource) -> Option<String> {
    let answer = &row[kind];
    let text = row["query"].as_str().unwrap();
    let millis = |key: &str| (answer[key].as_f64().unwrap() * 1000.0) as i64;
    let expr = match parse(text, &ParseOptions::default()) {
        Ok(expr) => expr,
        Err(error) if answer["error"] == "bad_data" => {
            let message = format!("invalid parameter \"query\": {error}");
            return (answer["message"] != message)
                .then(|| format!("{message} instead of {}", answer["message"]));
        }
        Err(error) => return Some(error.to_string()),
    };
    let query = match kind {
        "instant" => Query::instant(text, expr, millis("time")),
        _ => Query::range(text, expr, millis("start"), millis("end"), millis("step")),
    };
    match eval(&query, source, &Budget::default()) {
        Err(error) if answer["error"] == "execution" => (answer["message"] != error.to_string())
            .then(|| format!("{error} instead of {}", answer["message"])),
        Err(error) => Some(format!("fails: {error}")),
        Ok(_) if answer.get("error").is_some() => Some(format!("succeeds instead of {}", answer["message"])),
        Ok(evaluation) => {
            let ordered = kind == "instant"
                && (text.starts_with("sort") || text.starts_with("topk") || text.starts_with("bottomk"));
            difference(expected(answer), got(evaluation.value, query.start), ordered)
        }
    }
}

#[test]
fn answers_agree_with_those_of_prometheus() {
    let Some(tar) = unzipped("remote-write-part1.tar.zst") else {
        eprintln!("SKIPPED: {RECORDING} is absent");
        return;
    };
    let mut source = MemorySource::default();
    bodies(&tar)
        .iter()
        .for_each(|body| load_write_request(body, &mut source));
    let (mut agree, mut differences) = (0, Vec::new());
    for file in [
        "prometheus-3.14-answers.jsonl.zst",
        "compliance-3.14-answers.jsonl.zst",
    ] {
        let text = String::from_utf8(unzipped(file).unwrap()).unwrap();
        for row in text
            .lines()
            .map(|line| serde_json::from_str::<Json>(line).unwrap())
        {
            for kind in ["instant", "range"] {
                match check(&row, kind, &source) {
                    None => agree += 1,
                    Some(why) => differences.push(format!("{} {kind} {}: {why}", row["id"], row["query"])),
                }
            }
        }
    }
    eprintln!("{agree} answers agree");
    assert!(
        differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
    assert_eq!(agree, 2 * 881);
}
