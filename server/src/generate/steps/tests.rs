//! Which step an observation counts in, and what the totals then are.

use super::*;

fn settings() -> Generate {
    Generate {
        enabled: true,
        step_ms: 15_000,
        wait_ms: 0,
        entities_max: 2,
        edges_max: 10,
        ..Generate::default()
    }
}

fn entity(service: &str) -> Entity {
    Entity {
        family: Family::Operation,
        labels: vec![("service".to_owned(), service.to_owned())],
    }
}

const SECOND: i64 = 1_000_000_000;

/// Calls of an entity in a step.
fn calls(steps: &Steps, end_ms: i64, number: Number) -> f64 {
    let all = steps.totals_with(end_ms);
    all.iter()
        .find(|(n, ..)| *n == number)
        .and_then(|(_, _, new)| new.map(|c| c.calls))
        .unwrap_or(0.0)
}

#[test]
fn a_step_has_its_end_and_not_its_begin() {
    let mut steps = Steps::new(&settings());
    let a = steps.number(entity("a"));
    for time in [15 * SECOND, 15 * SECOND + 1, 30 * SECOND] {
        steps.at(a, time).calls += 1.0;
    }
    assert_eq!(steps.next_due(14_999), None);
    assert_eq!(steps.next_due(i64::MAX), Some(15_000));
    assert_eq!((calls(&steps, 15_000, a), calls(&steps, 30_000, a)), (1.0, 2.0));
}

#[test]
fn what_comes_late_counts_in_the_next_step() {
    let mut steps = Steps::new(&settings());
    let a = steps.number(entity("a"));
    steps.at(a, 40 * SECOND).calls += 1.0;
    steps.close(45_000);
    steps.at(a, 40 * SECOND).calls += 1.0;
    assert_eq!(steps.next_due(i64::MAX), Some(60_000));
    assert_eq!(steps.totals_with(60_000)[0].1.counts.calls, 2.0);
}

#[test]
fn entities_above_the_bound_count_as_one() {
    let mut steps = Steps::new(&settings());
    let numbers = ["a", "b", "c", "d", "a"].map(|service| steps.number(entity(service)));
    numbers.iter().for_each(|n| steps.at(*n, SECOND).calls += 1.0);
    assert_eq!(calls(&steps, 15_000, numbers[0]), 2.0);
    assert_eq!(steps.entity(numbers[2]), &overflow(Family::Operation));
    assert_eq!((numbers[2], calls(&steps, 15_000, numbers[2])), (numbers[3], 2.0));
}

#[test]
fn entities_without_anything_for_long_end() {
    let mut steps = Steps::new(&settings());
    let a = steps.number(entity("a"));
    steps.at(a, SECOND).calls += 1.0;
    steps.close(15_000);
    assert!(steps.take_stale(15_000 + STALE_MS).is_empty());
    assert_eq!(steps.take_stale(15_001 + STALE_MS), [a]);
    assert!(steps.totals_with(15_000).is_empty());
}

#[test]
fn a_histogram_is_the_same_in_whatever_order_it_is_filled() {
    let lengths = [300_000_000, 200_000_000, 100_000_000, 700_000_000, 110_000_000];
    let filled = |order: &mut dyn Iterator<Item = &i64>| {
        let mut histogram = Histogram::default();
        for nanos in order {
            let exemplar = Exemplar {
                nanos: *nanos,
                trace_id: [*nanos as u8; 16],
                time_ms: 7,
            };
            histogram.observe(&[1.0], exemplar, 1.0 / 0.3);
        }
        (histogram.sum().to_bits(), histogram.exemplars)
    };
    let forth = filled(&mut lengths.iter());
    assert_eq!(forth, filled(&mut lengths.iter().rev()));
    assert_eq!(forth.1[0].1.nanos, 700_000_000);
}
