//! Tests of the pool.

use super::*;

#[test]
fn every_task_runs_once_and_the_threads_come_back() {
    let pool = Pool::of(3);
    for n in [0, 1, 2, 100] {
        let runs: Vec<AtomicUsize> = (0..n).map(|_| AtomicUsize::new(0)).collect();
        pool.run(n, &|i| {
            runs[i].fetch_add(1, Ordering::Relaxed);
        });
        assert!(runs.iter().all(|r| r.load(Ordering::Relaxed) == 1));
        assert_eq!(pool.free.load(Ordering::Relaxed), 3);
    }
}

#[test]
fn tasks_inside_tasks_are_done_even_without_free_threads() {
    let pool = Pool::of(1);
    let runs = AtomicUsize::new(0);
    pool.run(4, &|_| {
        pool.run(4, &|_| {
            runs.fetch_add(1, Ordering::Relaxed);
        });
    });
    assert_eq!(runs.load(Ordering::Relaxed), 16);
}

#[test]
fn a_task_that_panics_fails_its_query_and_costs_no_thread() {
    let pool = Pool::of(2);
    let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        pool.run(5, &|i| assert!(i != 3, "task {i} fails"));
    }));
    assert!(ran.is_err());
    assert_eq!(pool.free.load(Ordering::Relaxed), 2);
}
