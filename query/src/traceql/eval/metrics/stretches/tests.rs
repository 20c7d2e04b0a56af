//! Placing rows against asking the grid for every start.

use kymo_engine::traces::{Span, Table, Trace};
use proptest::prelude::*;

use super::*;

fn table(traces: &[Vec<i64>]) -> Table {
    let trace = |(n, starts): (usize, &Vec<i64>)| Trace {
        id: (n as u128 + 1).to_be_bytes(),
        spans: starts
            .iter()
            .map(|start| Span {
                start: *start,
                end: *start + 5,
                ..Span::default()
            })
            .collect(),
        ..Trace::default()
    };
    Table::of_traces(traces.iter().enumerate().map(trace).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_row_is_in_the_step_of_its_start(
        mut traces in prop::collection::vec(prop::collection::vec(0i64..200, 1..6), 0..20),
        (start, len, step) in (0i64..150, 1i64..120, 1i64..50),
        instant in any::<bool>(),
    ) {
        traces.iter_mut().for_each(|starts| starts.sort_unstable());
        let grid = if instant {
            Grid::instant(start, start + len)
        } else {
            Grid::range(start, start + len, step)
        };
        let grid = grid.unwrap();
        let found = Stretches::of(&table(&traces), &grid).unwrap();
        let placed: Vec<(usize, usize)> = found
            .list
            .iter()
            .flat_map(|s| s.rows.clone().map(|row| (row, s.step)))
            .collect();
        let starts = traces.iter().flatten().enumerate();
        let expected: Vec<(usize, usize)> =
            starts.filter_map(|(row, start)| Some((row, grid.step_of(*start)?))).collect();
        let steps = || expected.iter().map(|(_, step)| *step);
        if let (Some(first), Some(last)) = (steps().min(), steps().max()) {
            prop_assert_eq!((found.from, found.width), (first, last + 1 - first));
        }
        prop_assert_eq!(placed, expected);
        prop_assert!(found.list.windows(2).all(|w| w[0].step != w[1].step || w[0].rows.end < w[1].rows.start));
    }
}
