//! The journal: what a dead process leaves is found, whatever state the file is in, and nothing ever stops the start.

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

fn asked(text: &str) -> Asked {
    Asked {
        kind: "query_range".to_owned(),
        text: text.to_owned(),
        start: 1000,
        end: 2000,
        step: 15,
        tenant: "default".to_owned(),
        remote: "127.0.0.1:5".to_owned(),
        received_ms: 3,
    }
}

#[test]
fn what_was_not_ended_is_named_by_the_next_opening_only() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join(FILE);
    let (journal, before) = Journal::open(&path, 3).unwrap();
    assert_eq!(before, []);
    let ended = journal.begin(&asked("ended")).unwrap();
    let _kept = journal.begin(&asked("up{job=\"a\"}")).unwrap();
    journal.end(ended);
    let _also = journal.begin(&asked("b")).unwrap();
    drop(journal);
    let (journal, mut left) = Journal::open(&path, 5).unwrap();
    left.sort_by(|a, b| b.text.cmp(&a.text));
    assert_eq!(left, [asked("up{job=\"a\"}"), asked("b")]);
    drop(journal);
    assert_eq!(Journal::open(&path, 1).unwrap().1, []);
}

#[test]
fn more_queries_than_slots_go_unnamed() {
    let dir = TempDir::new().unwrap();
    let (journal, _) = Journal::open(&dir.path().join(FILE), 1).unwrap();
    let slot = journal.begin(&asked("a")).unwrap();
    assert!(journal.begin(&asked("b")).is_none());
    journal.end(slot);
    assert!(journal.begin(&asked("b")).is_some());
}

#[test]
fn long_texts_are_cut_on_a_character() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join(FILE);
    for text in ["\u{e9}".repeat(5000), "\u{1}".repeat(5000), "\"".repeat(999)] {
        let (journal, _) = Journal::open(&path, 1).unwrap();
        let _slot = journal.begin(&asked(&text)).unwrap();
        drop(journal);
        let left = Journal::open(&path, 1).unwrap().1;
        assert!(
            text.starts_with(&left[0].text) && left[0].text.len() > 50,
            "{left:?}"
        );
    }
}

proptest! {
    #[test]
    fn damage_never_stops_the_opening(at in 0_usize..4000, byte in any::<u8>(), len in 0_usize..4000) {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join(FILE);
        let (journal, _) = Journal::open(&path, 3).unwrap();
        let _slots: Vec<_> = ["a", "b", "c"].iter().map(|t| journal.begin(&asked(t))).collect();
        drop(journal);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.truncate(len);
        if let Some(hit) = bytes.get_mut(at) {
            *hit = byte;
        }
        std::fs::write(&path, &bytes).unwrap();
        let (_, left) = Journal::open(&path, 3).unwrap();
        prop_assert!(left.iter().all(|l| ["a", "b", "c"].contains(&l.text.as_str())));
    }

    #[test]
    fn any_bytes_are_a_journal_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let mut with_magic = MAGIC.to_vec();
        with_magic.extend(&bytes);
        let _ = (left_over(&bytes), left_over(&with_magic));
    }
}
