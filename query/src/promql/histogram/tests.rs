//! Native histograms of queries: conversion, bounds, text.

use super::*;

fn stored(schema: i32, offset: i32, counts: &[u64]) -> Histogram {
    Histogram {
        schema,
        reset_hint: ResetHint::Unknown,
        zero_threshold: 0.001,
        sum: 18.4,
        positive_spans: vec![Span {
            offset,
            length: counts.len() as u32,
        }],
        negative_spans: vec![Span { offset: 1, length: 1 }],
        custom_values: Vec::new(),
        counts: Counts::Integer {
            count: 12,
            zero: 2,
            positive: counts.to_vec(),
            negative: vec![1],
        },
    }
}

#[test]
fn stored_histograms_keep_counts_and_bounds() {
    let h = FloatHistogram::from_stored(&stored(0, 0, &[3, 0, 4]));
    let shown: Vec<String> = h.buckets().map(|b| b.to_string()).collect();
    assert_eq!(
        shown,
        ["[-2,-1):1", "[-0.001,0.001]:2", "(0.5,1]:3", "(1,2]:0", "(2,4]:4"]
    );
    assert_eq!(
        h.to_string(),
        "{count:12, sum:18.4, [-2,-1):1, [-0.001,0.001]:2, (0.5,1]:3, (2,4]:4}"
    );
    assert_eq!((h.positive.runs(), h.size_bytes()), (1, 168 + 8 * (2 + 4)));
}

#[test]
fn bounds_reach_from_the_smallest_to_the_largest_number() {
    assert_eq!(bounds::exponential(0, 3), 1.0);
    // One below the nearest number, as everywhere else.
    assert_eq!(bounds::exponential(-1, 1), 0.7071067811865475);
    assert_eq!(bounds::exponential(-1, 3), 0.9170040432046711);
    assert_eq!(bounds::exponential(-255, 8), 0.5013556375251013);
    assert_eq!(bounds::exponential(3, 2), 1.6817928305074288);
    assert_eq!(bounds::exponential(-1, 8), 0.9972960560854698);
    assert_eq!(bounds::exponential(2, -2), 256.0);
    assert_eq!(bounds::exponential(1024, 0), f64::MAX);
    assert_eq!(bounds::exponential(1025, 0), f64::INFINITY);
    assert_eq!(bounds::exponential(64, -4), f64::MAX);
    assert_eq!(bounds::exponential(-1074, 0), f64::from_bits(1));
    assert_eq!(bounds::exponential(i32::MIN, -4), 0.0);
    assert_eq!(bounds::exponential(i32::MAX, -4), f64::INFINITY);
}
