//! Tests of merge planning.

use super::*;

fn block(id: u64, day: i64, level: Level, bytes: u64) -> BlockMeta {
    BlockMeta {
        id,
        level,
        day,
        min_time: 0,
        max_time: 0,
        min_seq: id * 10,
        max_seq: id * 10 + 9,
        rows: 1,
        groups: 1,
        bytes,
    }
}

fn options() -> CompactionOptions {
    CompactionOptions {
        fan_in: 3,
        inputs_max: 5,
        bytes_max: 1000,
    }
}

#[test]
fn neighbours_of_a_level_merge_at_the_fan_in() {
    let two: Vec<_> = (1..=2).map(|id| block(id, 5, 0, 10)).collect();
    assert_eq!(plan(&two, 5, &[], &options()), None);
    let mut blocks: Vec<_> = (1..=3).map(|id| block(id, 5, 0, 10)).collect();
    blocks.push(block(9, 4, COLD, 10));
    blocks.reverse();
    let merge = plan(&blocks, 5, &[], &options()).unwrap();
    assert_eq!(
        merge,
        Merge {
            inputs: vec![1, 2, 3],
            day: 5,
            level: 1
        }
    );
}

#[test]
fn a_higher_level_between_keeps_blocks_apart() {
    let levels = [0, 0, 1, 0, 0];
    let blocks: Vec<_> = levels
        .iter()
        .zip(1..)
        .map(|(l, id)| block(id, 5, *l, 10))
        .collect();
    let merge = plan(&blocks, 5, &[], &options()).unwrap();
    assert_eq!(
        (merge.inputs.len(), merge.level),
        (5, 2),
        "all of level 1 or lower are neighbours"
    );
    assert_eq!(
        plan(
            &blocks[..4],
            5,
            &[],
            &CompactionOptions {
                fan_in: 5,
                ..options()
            }
        ),
        None
    );
}

#[test]
fn days_never_mix() {
    let blocks: Vec<_> = (1..=20).map(|id| block(id, (id % 10) as i64, 0, 10)).collect();
    assert_eq!(plan(&blocks, 0, &[], &options()), None);
}

#[test]
fn a_finished_day_becomes_one_block_but_not_for_crumbs() {
    let blocks = [block(1, 4, 1, 100), block(2, 4, 0, 50)];
    assert_eq!(plan(&blocks, 4, &[], &options()), None);
    assert_eq!(plan(&blocks, 5, &[], &options()).unwrap().inputs, [1, 2]);
    let crumbs = [block(1, 4, COLD, 900), block(2, 4, 0, 5)];
    assert_eq!(plan(&crumbs, 5, &[], &options()), None);
    assert_eq!(plan_full(&crumbs, &options()).unwrap().inputs, [1, 2]);
}

#[test]
fn a_day_that_is_filled_late_is_written_anew_when_it_has_doubled() {
    let mut blocks = [block(1, 4, 1, 100), block(2, 4, 0, 50)];
    assert_eq!(plan(&blocks, 5, &[4], &options()), None);
    assert!(
        plan(&blocks, 6, &[4], &options()).is_some(),
        "crumbs wait for nothing"
    );
    blocks[1].bytes = 100;
    assert_eq!(plan(&blocks, 5, &[4], &options()).unwrap().level, COLD);
    let young = [block(1, 4, 0, 100), block(2, 4, 0, 100)];
    assert_eq!(plan(&young, 5, &[4], &options()), None, "tiers come first");
    assert!(plan(&young, 5, &[3, 5], &options()).is_some());
}

#[test]
fn a_single_block_is_encoded_for_good_once() {
    let young = [block(1, 4, 0, 100)];
    assert_eq!(plan(&young, 4, &[], &options()), None);
    let merge = plan(&young, 5, &[], &options()).unwrap();
    assert_eq!((merge.inputs.as_slice(), merge.level), (&[1][..], COLD));
    assert_eq!(plan_full(&young, &options()).unwrap().level, COLD);
    let done = [block(1, 4, COLD, 100)];
    assert_eq!(plan(&done, 5, &[], &options()), None);
    assert_eq!(plan_full(&done, &options()), None);
}

#[test]
fn bounds_of_count_and_bytes_hold() {
    let many: Vec<_> = (1..=9).map(|id| block(id, 5, 0, 10)).collect();
    assert_eq!(plan(&many, 5, &[], &options()).unwrap().inputs.len(), 5);
    let large: Vec<_> = (1..=9).map(|id| block(id, 5, 0, 400)).collect();
    assert_eq!(plan(&large, 5, &[], &options()).unwrap().inputs.len(), 2);
    let huge: Vec<_> = (1..=9).map(|id| block(id, 5, 0, 2000)).collect();
    assert_eq!(plan(&huge, 6, &[], &options()), None);
}
