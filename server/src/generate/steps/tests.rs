//! Which step an observation counts in, and what the totals then are.

use super::*;

fn settings() -> Generate {
    Generate {
        enabled: true,
        step_ms: 15_000,
        wait_ms: 0,
        entities_max: 2,
        edges_max: 10,
    }
}

fn entity(service: &str) -> Entity {
    Entity {
        family: Family::Operation,
        labels: vec![("service".to_owned(), service.to_owned())],
    }
}

const SECOND: i64 = 1_000_000_000;

#[test]
fn a_step_has_its_end_and_not_its_begin() {
    let mut steps = Steps::new(&settings());
    let a = entity("a");
    for time in [15 * SECOND, 15 * SECOND + 1, 30 * SECOND] {
        steps.at(&a, time).calls += 1;
    }
    assert_eq!(steps.next_due(14_999), None);
    assert_eq!(steps.next_due(i64::MAX), Some(15_000));
    assert_eq!(steps.counts(15_000)[&a].calls, 1);
    assert_eq!(steps.counts(30_000)[&a].calls, 2);
}

#[test]
fn what_comes_late_counts_in_the_next_step() {
    let mut steps = Steps::new(&settings());
    let a = entity("a");
    steps.at(&a, 40 * SECOND).calls += 1;
    steps.close(45_000);
    steps.at(&a, 40 * SECOND).calls += 1;
    assert_eq!(steps.next_due(i64::MAX), Some(60_000));
    steps.close(60_000);
    assert_eq!(steps.totals[&a].counts.calls, 2);
}

#[test]
fn entities_above_the_bound_count_as_one() {
    let mut steps = Steps::new(&settings());
    for service in ["a", "b", "c", "d", "a"] {
        steps.at(&entity(service), SECOND).calls += 1;
    }
    let counts = steps.counts(15_000);
    assert_eq!(counts[&entity("a")].calls, 2);
    assert_eq!(counts[&overflow(Family::Operation)].calls, 2);
    assert_eq!(counts.len(), 3);
}

#[test]
fn entities_without_anything_for_long_end() {
    let mut steps = Steps::new(&settings());
    steps.at(&entity("a"), SECOND).calls += 1;
    steps.close(15_000);
    assert_eq!(steps.take_stale(15_000 + STALE_MS), []);
    assert_eq!(steps.take_stale(15_001 + STALE_MS), [entity("a")]);
    assert!(steps.totals.is_empty());
}
