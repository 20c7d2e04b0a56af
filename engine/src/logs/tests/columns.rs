//! What columns tell of lines is what the lines say.

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn columns_tell_which_lines_hold_a_text_and_how_many(all in entries(200), text in "[0-9a-d\":.,={} -]{1,3}") {
        let node = open(&MemoryStorage::default());
        write(&node, batch(&all));
        node.flush().unwrap();
        node.compact().unwrap();
        for part in node.tenant("t").unwrap().logs.snapshot().scan(&everything()).unwrap() {
            let Some(columns) = part.columns().unwrap() else { continue };
            let header = columns.header();
            let rows: Vec<u32> = (0..header.rows).collect();
            let mut held = vec![false; rows.len()];
            columns
                .lines(&rows, &mut |row, line| {
                    held[row as usize] = line.windows(text.len()).any(|of| of == text.as_bytes());
                })
                .unwrap();
            let holding = columns.holding(text.as_bytes()).unwrap();
            let shapes = columns.shapes().unwrap();
            for (row, held) in held.iter().enumerate() {
                if !holding.unsure[shapes[row] as usize] {
                    prop_assert_eq!(holding.lines[row], *held, "{} of {}", row, text);
                }
            }
            if let Some(count) = columns.count_holding(text.as_bytes()).unwrap() {
                prop_assert_eq!(count, held.iter().filter(|held| **held).count() as u64, "{}", text);
            }
        }
    }

    #[test]
    fn tallies_of_runs_add_up_to_those_of_the_group(all in entries(200)) {
        let node = open(&MemoryStorage::default());
        write(&node, batch(&all));
        node.flush().unwrap();
        for part in node.tenant("t").unwrap().logs.snapshot().scan(&everything()).unwrap() {
            let Some(columns) = part.columns().unwrap() else { continue };
            let header = columns.header();
            let by_shape = columns.shape_counts().unwrap();
            for (n, shape) in header.shapes.iter().enumerate() {
                let of = by_shape.iter().skip(n).step_by(header.shapes.len());
                prop_assert_eq!(of.sum::<u32>(), shape.rows);
            }
            for column in 0..header.columns.len() as u32 {
                let Some(tally) = columns.tally(column).unwrap() else { continue };
                let mut sums = vec![0; tally.texts.len()];
                for run in 0..header.runs.len() {
                    let of = tally.of_run(run).unwrap();
                    sums.iter_mut().zip(of).for_each(|(sum, n)| *sum += n);
                }
                prop_assert_eq!(&sums, &tally.counts);
                prop_assert_eq!(sums.iter().sum::<u32>(), header.columns[column as usize].rows);
            }
        }
    }
}
