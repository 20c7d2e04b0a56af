//! Tests of the replicated workload: it repeats itself exactly, looks like the recording, and counts up.

use std::collections::HashMap;

use super::*;

fn fleet(series: usize, scrapes: u64, churn_scrapes: Option<u64>) -> Option<Fleet> {
    let recorded = match crate::recording::load() {
        Ok(recorded) => recorded,
        Err(e) => {
            eprintln!("SKIPPED: {e:#}");
            return None;
        }
    };
    let size = Size {
        series,
        scrapes,
        start_ms: 1_700_000_000_000,
        interval_ms: 15_000,
        churn_scrapes,
        seed: 7,
    };
    Some(Fleet::new(&recorded, size))
}

type Played = HashMap<Vec<(String, String)>, Vec<(i64, f64)>>;

fn play(fleet: &Fleet) -> Played {
    let mut all = Played::new();
    for part in 0..2 {
        let mut player = fleet.player(part, 2);
        while player.scrape(|labels, identity, time, value| {
            all.entry(labels.labels(identity))
                .or_default()
                .push((time, value));
        }) {}
    }
    all
}

#[test]
fn every_series_can_be_played_again() {
    let Some(fleet) = fleet(3000, 30, None) else {
        return;
    };
    let all = play(&fleet);
    assert_eq!(all.len(), 3000);
    for (slot, series) in fleet.last_series() {
        let again = fleet.replay(slot, series);
        let bits = |s: &[(i64, f64)]| s.iter().map(|(t, v)| (*t, v.to_bits())).collect::<Vec<_>>();
        assert_eq!(
            bits(&all[&again.labels]),
            bits(&again.samples),
            "{:?}",
            again.labels
        );
        assert_eq!(again.samples.len(), 30);
    }
}

#[test]
fn one_value_in_a_hundred_is_nan_and_counters_only_fall_to_restart() {
    let Some(fleet) = fleet(5000, 100, None) else {
        return;
    };
    let all = play(&fleet);
    let nan = all.values().flatten().filter(|(_, v)| v.is_nan()).count();
    let share = nan as f64 / fleet.samples() as f64;
    assert!((0.009..0.011).contains(&share), "{share}");
    let mut increasing = 0;
    for (labels, samples) in &all {
        assert!(samples.windows(2).all(|w| w[0].0 < w[1].0));
        let name = &labels[0].1;
        let app = labels.iter().any(|l| l.1 == "flappy");
        if name.ends_with("_total") && !app {
            let falls = samples.windows(2).filter(|w| w[1].1 < w[0].1).count();
            assert!(falls <= samples.len() / 20, "{labels:?} {samples:?}");
            increasing += usize::from(samples[0].1 < samples[99].1);
        }
    }
    assert!(increasing > 200, "{increasing}");
}

#[test]
fn churn_replaces_a_twentieth_at_a_time() {
    let Some(fleet) = fleet(20_000, 81, Some(40)) else {
        return;
    };
    let all = play(&fleet);
    let replaced = all.len() - 20_000;
    assert!((1600..2400).contains(&replaced), "{replaced}");
    let stale = all
        .values()
        .flatten()
        .filter(|(_, v)| kymo_engine::metrics::is_stale(*v));
    assert_eq!(stale.count(), replaced);
}

#[test]
fn otlp_bodies_have_a_point_for_every_sample() {
    use kymo_proto::otlp::metrics::{Data, Number, Request};

    let Some(fleet) = fleet(2300, 2, None) else { return };
    let mut body = Body::new(Protocol::Otlp);
    let mut sent = Vec::new();
    fleet.player(0, 1).scrape(|labels, identity, time, value| {
        body.push(labels, identity, time, value);
        sent.push((time.cast_unsigned() * 1_000_000, value.to_bits()));
    });
    let body = body.finish();
    let (mut request, mut found) = (Request::new(&body), Vec::new());
    while let Some(mut resource) = request.next_resource().unwrap() {
        while let Some(mut scope) = resource.next_scope().unwrap() {
            while let Some(metric) = scope.next_metric().unwrap() {
                assert!(!metric.name.is_empty());
                let Data::Gauge(mut points) = metric.data else {
                    panic!("{:?}", metric.data)
                };
                while let Some(point) = points.next_number().unwrap() {
                    let Number::Double(value) = point.value else {
                        panic!("{point:?}")
                    };
                    found.push((point.time, value.to_bits()));
                }
            }
        }
    }
    assert_eq!(found, sent);
}

#[test]
fn both_protocols_say_the_same() {
    use kymo_proto::remote_write::{Labels, Scan, v2};
    use kymo_proto::snappy::decompress;

    let Some(fleet) = fleet(2300, 2, None) else { return };
    let (mut one, mut two) = (Body::new(Protocol::One), Body::new(Protocol::Two));
    fleet.player(0, 1).scrape(|labels, identity, time, value| {
        one.push(labels, identity, time, value);
        two.push(labels, identity, time, value);
    });
    let (one, two) = (
        decompress(&one.finish(), 1 << 26).unwrap(),
        decompress(&two.finish(), 1 << 26).unwrap(),
    );
    let mut from_one = Vec::new();
    let mut scan = Scan::new(&one);
    while let Some(series) = scan.next_series().unwrap() {
        let labels: Vec<_> = Labels::new(&series.labels)
            .map(|label| label.unwrap())
            .flat_map(|label| [label.name.to_vec(), label.value.to_vec()])
            .collect();
        let sample = series.samples[0];
        from_one.push((labels, sample.timestamp, sample.value.to_bits()));
    }
    let mut from_two = Vec::new();
    let mut scan = v2::Scan::open(&two).unwrap();
    let symbols = scan.symbols.clone();
    while let Some(series) = scan.next_series().unwrap() {
        let labels: Vec<_> = series
            .label_refs
            .iter()
            .map(|n| symbols[*n as usize].to_vec())
            .collect();
        let sample = series.samples[0];
        from_two.push((labels, sample.timestamp, sample.value.to_bits()));
    }
    assert_eq!(from_one.len(), 2300);
    assert_eq!(from_one, from_two);
}
