//! Over numbers that are given: what the functions make of them is tested by the scripts, here is what those cannot show.

use super::*;
use crate::logql::parse_metric;

fn value(query: &str, grid: &Grid, points: &[(i64, f64)]) -> Result<Vec<Vec<Option<f64>>>, EvalError> {
    let mut source = |asked: &Asked<'_>| {
        let (after, last) = (asked.after, asked.last);
        let points = points
            .iter()
            .copied()
            .filter(|(t, _)| *t > after && *t <= last)
            .collect();
        Ok(vec![Samples {
            labels: LabelSet::from_pairs([("a", "b")]),
            points,
        }])
    };
    match eval(&parse_metric(query).unwrap(), grid, &mut source)? {
        Value::Series(series) => Ok(series.into_iter().map(|s| s.values).collect()),
        Value::Scalar(n) => Ok(vec![vec![Some(n)]]),
    }
}

const S: i64 = 1_000_000_000;

#[test]
fn windows_are_open_at_their_start_and_closed_at_their_end() {
    let points = [(10 * S, 1.0), (20 * S, 2.0), (30 * S, 4.0)];
    let grid = Grid {
        start: 20 * S,
        end: 50 * S,
        step: 10 * S,
    };
    let sums = value(r#"sum_over_time({a="b"} | unwrap x [20s])"#, &grid, &points).unwrap();
    assert_eq!(sums, [[Some(3.0), Some(6.0), Some(4.0), None]]);
    let shifted = value(r#"count_over_time({a="b"}[20s] offset -10s)"#, &grid, &points).unwrap();
    assert_eq!(
        shifted,
        [[Some(6.0), Some(4.0), None, None]],
        "a point tells of how many lines"
    );
}

#[test]
fn expressions_of_numbers_are_a_scalar_and_a_vector_is_not() {
    let grid = Grid::instant(S);
    let parsed = |query: &str| eval(&parse_metric(query).unwrap(), &grid, &mut |_| Ok(Vec::new())).unwrap();
    assert_eq!(parsed("1 + 2 * 3"), Value::Scalar(7.0));
    let two = Series {
        labels: LabelSet::default(),
        values: vec![Some(2.0)],
    };
    assert_eq!(parsed("vector(1)+vector(1)"), Value::Series(vec![two]));
}
