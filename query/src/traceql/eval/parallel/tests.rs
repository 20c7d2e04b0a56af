//! Orders of results with executors that finish in other orders.

use kymo_engine::traces::Table;

use super::*;

fn parts(count: i64) -> Vec<Part<'static>> {
    let part = |newest_start| Part {
        newest_start,
        last_start: newest_start,
        load: Box::new(|| Ok(None::<Table>)),
    };
    (0..count).map(part).collect()
}

/// Runs the tasks from the last to the first.
fn backwards(n: usize, task: &(dyn Fn(usize) + Sync)) {
    (0..n).rev().for_each(task);
}

/// Takes what parts give until one fails; what was taken and the failure.
fn taken(budget: &Budget<'_>, fails: &[i64]) -> (Vec<i64>, Option<String>) {
    let parts = parts(9);
    let parts: Vec<&Part<'_>> = parts.iter().collect();
    let mut taken = Vec::new();
    let task = |part: &Part<'_>| match fails.contains(&part.newest_start) {
        true => Err(EvalError::Pattern(part.newest_start.to_string())),
        false => Ok(part.newest_start),
    };
    let done = in_order(&parts, budget, task, |n| {
        taken.push(n);
        Ok(())
    });
    (taken, done.err().map(|error| error.to_string()))
}

#[test]
fn results_are_taken_in_the_order_of_the_parts() {
    let reversed = Budget {
        executor: &backwards,
        ..Budget::default()
    };
    for budget in [Budget::default(), reversed] {
        assert_eq!(taken(&budget, &[]), ((0..9).collect(), None));
        let (before, error) = taken(&budget, &[7, 3]);
        assert_eq!(before, [0, 1, 2]);
        assert_eq!(error.unwrap(), "invalid regex: 3");
    }
}

#[test]
fn what_was_not_run_is_an_error() {
    let idle = |_: usize, _: &(dyn Fn(usize) + Sync)| {};
    let budget = Budget {
        executor: &idle,
        ..Budget::default()
    };
    assert_eq!(
        taken(&budget, &[]).1.unwrap(),
        "query was canceled in expression evaluation"
    );
}
