//! Remote write 1.0: what reaches the batch, and what a series' labels are spelled as.

use kymo_proto::remote_write::{Histogram, RequestEncoder};
use kymo_proto::wire::put_bytes;

use super::*;
use crate::config::Config;

const NOW: i64 = 1_000_000_000;

fn rules() -> Rules {
    Rules::at(NOW, Config::default().limits, 3_600_000)
}

fn spelled(request: &Request<'_>, series: u32) -> Result<Vec<(String, String)>, LabelsFound> {
    let mut out = LabelBuffer::default();
    match request.labels(series, &mut out) {
        LabelsFound::Good => Ok(out.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect()),
        other => Err(other),
    }
}

#[test]
fn a_series_is_named_by_its_labels_alone() {
    let mut encoder = RequestEncoder::default();
    encoder
        .series([("__name__", "up"), ("job", "a")], [(NOW, 1.0)])
        .series([("__name__", "up"), ("job", "a")], [(NOW + 1, 2.0)])
        .series([("__name__", "up"), ("job", "b")], [(NOW, 1.0)]);
    let request = Request::read(encoder.message(), rules(), &[]).unwrap();
    let keys: Vec<_> = request.batch.series().map(|s| s.key).collect();
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[0], keys[2]);
    assert_eq!(
        spelled(&request, 2).unwrap()[1],
        ("job".to_owned(), "b".to_owned())
    );
}

#[test]
fn time_bounds_refuse_single_samples() {
    let mut encoder = RequestEncoder::default();
    let samples = [
        (NOW - 3_600_001, 1.0),
        (NOW - 3_600_000, 2.0),
        (NOW + 600_000, 3.0),
        (NOW + 600_001, 4.0),
    ];
    encoder.series([("__name__", "up")], samples);
    let request = Request::read(encoder.message(), rules(), &[]).unwrap();
    assert_eq!(request.batch.sample_count(), 2);
    let rejects = request.take_rejects();
    assert_eq!(
        (
            rejects.count(Reason::TooOld),
            rejects.count(Reason::TooFarInFuture)
        ),
        (1, 1)
    );
    let text = rejects.text(2);
    assert!(
        text.starts_with("2 refused, 2 stored:") && text.contains("out of bounds"),
        "{text}"
    );
    assert!(text.contains("at 1000600001 ms, more than 10m ahead"), "{text}");
}

#[test]
fn labels_are_looked_at_only_when_asked_for() {
    let mut encoder = RequestEncoder::default();
    encoder.series([("job", "nameless")], [(NOW, 1.0), (NOW + 1, 1.0)]);
    let request = Request::read(encoder.message(), rules(), &[]).unwrap();
    assert!(request.rejects.borrow().is_empty());
    assert_eq!(spelled(&request, 0), Err(LabelsFound::Refused));
    assert_eq!(request.take_rejects().count(Reason::MissingName), 2);
}

#[test]
fn labels_that_are_no_message_end_the_write() {
    let mut series = Vec::new();
    put_bytes(&mut series, 1, &[0x0a, 0x7f]);
    put_bytes(&mut series, 2, &[0x10, 0x01]);
    let mut body = Vec::new();
    put_bytes(&mut body, 1, &series);
    let mut rules = rules();
    rules.time_min = i64::MIN;
    let request = Request::read(&body, rules, &[]).unwrap();
    assert_eq!(spelled(&request, 0), Err(LabelsFound::Abort));
    assert!(
        request
            .take_rejects()
            .aborted()
            .unwrap()
            .contains("ends inside a field")
    );
}

#[test]
fn histograms_and_exemplars_reach_the_batch() {
    let good = Histogram {
        timestamp: NOW,
        ..Histogram::default()
    };
    let bad = Histogram {
        schema: 99,
        timestamp: NOW,
        ..Histogram::default()
    };
    let long = "x".repeat(200);
    let mut encoder = RequestEncoder::default();
    encoder
        .histograms([("__name__", "h")], &[good, bad])
        .exemplar([("__name__", "e")], (NOW, 1.0), &[("trace_id", "abc")])
        .exemplar([("__name__", "e")], (NOW + 1, 1.0), &[("trace_id", &long)]);
    let request = Request::read(encoder.message(), rules(), &[]).unwrap();
    assert_eq!(
        (request.batch.histogram_count(), request.batch.exemplar_count()),
        (1, 1)
    );
    let text = request.take_rejects().text(1);
    assert!(text.contains("invalid schema: 99"), "{text}");
}
