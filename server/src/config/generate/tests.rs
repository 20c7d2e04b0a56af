//! Names of processors, bounds of buckets, and which spans a policy keeps.

use super::*;

#[test]
fn processors_have_parts_and_whole_ones_are_named_whole() {
    let of = |names: &[&str]| Processors::of(names).map(Processors::names);
    assert_eq!(
        of(&["span-metrics", "service-graphs"]),
        Ok(vec!["service-graphs", "span-metrics"])
    );
    assert_eq!(
        of(&[
            "span-metrics-size",
            "service-graphs-latency",
            "service-graphs-request"
        ]),
        Ok(vec!["service-graphs", "span-metrics-size"])
    );
    assert_eq!(of(&[]), Ok(vec![]));
    let wrong = of(&["host-info"]).unwrap_err();
    assert!(
        wrong.starts_with("\"host-info\" is none of service-graphs,"),
        "{wrong}"
    );
}

#[test]
fn bounds_rise() {
    assert!(check_buckets(&[0.1, 0.2]).is_ok());
    for wrong in [
        &[][..],
        &[0.2, 0.1],
        &[1.0, 1.0],
        &[f64::NAN],
        &[1.0, f64::INFINITY],
    ] {
        assert!(check_buckets(wrong).is_err(), "{wrong:?}");
    }
}
