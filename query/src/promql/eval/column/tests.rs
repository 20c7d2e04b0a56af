//! Columns keep what is set, in whatever order.

use super::*;

#[test]
fn a_column_answers_what_was_set_in_any_order() {
    let mut column = Column::default();
    assert!(column.is_empty());
    for (step, value) in [(5, 1.0), (2, 2.0), (9, 3.0), (5, 4.0)] {
        column.set(step, value);
    }
    assert_eq!(column.iter().collect::<Vec<_>>(), [(2, 2.0), (5, 4.0), (9, 3.0)]);
    assert_eq!((column.count(), column.byte_len()), (3, 64));
    assert_eq!(column.get(5), 4.0);
    assert!([0, 1, 3, 10, 1000].iter().all(|step| !present(column.get(*step))));
    column.iter_mut().for_each(|(_, v)| *v = ABSENT);
    assert!(column.is_empty());
}

#[test]
fn marks_answer_what_was_added_in_any_order() {
    let mut marks = Marks::default();
    assert_eq!(
        [7, 3, 7, 9].map(|step| marks.add(step)),
        [false, false, true, false]
    );
    assert_eq!(
        [2, 3, 4, 7, 9, 10].map(|step| marks.has(step)),
        [false, true, false, true, true, false]
    );
}
