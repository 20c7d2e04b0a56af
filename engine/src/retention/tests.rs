//! Tests of retention.

use super::*;

fn block(id: u64, day: i64, bytes: u64) -> BlockMeta {
    BlockMeta {
        id,
        level: 0,
        day,
        min_time: day * 100,
        max_time: day * 100 + 99,
        min_seq: 1,
        max_seq: 1,
        rows: 1,
        groups: 1,
        bytes,
    }
}

#[test]
fn drops_what_is_wholly_older() {
    let blocks = [block(1, 1, 10), block(2, 2, 10), block(3, 3, 10)];
    assert_eq!(expired(&blocks, Some(200), None), [1]);
    assert_eq!(expired(&blocks, Some(299), None), [1]);
    assert_eq!(expired(&blocks, Some(300), None), [1, 2]);
    assert_eq!(expired(&blocks, None, None), []);
}

#[test]
fn drops_the_oldest_days_over_the_size_but_never_the_newest() {
    let blocks = [block(1, 1, 10), block(2, 1, 10), block(3, 2, 10), block(4, 3, 50)];
    assert_eq!(expired(&blocks, None, Some(80)), []);
    assert_eq!(expired(&blocks, None, Some(75)), [1, 2]);
    assert_eq!(expired(&blocks, None, Some(1)), [1, 2, 3]);
}
