//! Room for kept answers is bounded, and goes to those used last. That they are right is tested over a whole server.

use super::*;

fn entry(used: u64, bytes: usize) -> (Question, Entry) {
    let question = Question::new("t", &used.to_string(), (0, 15_000, 300_000));
    let text = kymo_query::promql::parse("1", &kymo_query::promql::ParseOptions::ALL).unwrap();
    let query = Query::range("1", text, 0, 60_000, 15_000);
    let (node, _) = kymo_engine::node::Node::open(
        Arc::new(kymo_engine::storage::MemoryStorage::new()),
        kymo_engine::node::NodeOptions {
            log: kymo_engine::log::LogOptions {
                segment_bytes: 1 << 20,
                spare_segments: 0,
                ..Default::default()
            },
            store: Default::default(),
            traces: kymo_engine::store::StoreOptions::for_traces(),
            logs: kymo_engine::store::StoreOptions::for_logs(),
            cache_bytes: 1 << 20,
            reserve_bytes: 0,
            free_bytes_min: 0,
        },
    )
    .unwrap();
    let moment = node.tenant("t").unwrap().metrics.moment();
    let kept = Kept::new(&query, moment, Value::Scalar(1.0), String::new()).unwrap();
    let kept = Arc::new(kept);
    (question, Entry { kept, bytes, used })
}

#[test]
fn the_oldest_go_first() {
    let mut entries = Entries::default();
    for used in 1..=10 {
        let (question, entry) = entry(used, 100);
        entries.by_question.insert(question, entry);
        entries.bytes += 100;
    }
    entries.drop_oldest(450);
    assert_eq!((entries.bytes, entries.by_question.len()), (400, 4));
    assert!(entries.by_question.values().all(|entry| entry.used > 6));
}

#[test]
fn an_answer_over_its_part_is_not_kept() {
    let remembered = Remembered::new(10_000);
    let (question, small) = entry(1, 0);
    let kept = Arc::into_inner(small.kept).unwrap();
    remembered.keep(
        question.clone(),
        Kept {
            data: "x".repeat(3_000),
            ..kept
        },
    );
    assert_eq!(remembered.bytes(), 0);
    let (_, small) = entry(1, 0);
    remembered.keep(question, Arc::into_inner(small.kept).unwrap());
    assert!((1..2_000).contains(&remembered.bytes()));
}
