//! Levels of lines, labels and metadata.

use proptest::prelude::*;

use super::{Level, WORDS, of, of_line, of_words};

#[test]
fn lines_tell_their_level() {
    let cases = [
        (r#"{"a":1,"level":"WARN"}"#, "warn"),
        (r#"{"a":{"severity" : "Error"}}"#, "error"),
        (r#"{"a":{"b":{"level":"error"}},"msg":"fine"}"#, "error"),
        (r#"{"list":[{"level":"fatal"}],"lvl":"dbg"}"#, "debug"),
        (r#"{"level":"chatty","msg":"an info line"}"#, "info"),
        (r#"{"level":30,"msg":"x"}"#, "unknown"),
        (
            r#"{"msg":"\"level\":\"error\"","log.level":"information"}"#,
            "info",
        ),
        (r#"ts=1 level=err msg="a warning""#, "error"),
        (r#"ts=1 lvl="warning" msg=x"#, "warn"),
        ("sublevel=error all is well", "error"),
        ("2024 INFO: an error", "error"),
        ("2024 [WARNING] x", "warn"),
        ("2024 CRITICAL error", "critical"),
        ("errors and information", "unknown"),
        ("err_code 5", "unknown"),
        ("", "unknown"),
    ];
    for (line, level) in cases {
        assert_eq!(of_line(line.as_bytes()).name(), level, "{line}");
    }
}

#[test]
fn what_is_said_outright_wins() {
    let level = |label, metadata: &[(&'static str, &'static str)]| {
        of(label, metadata.iter().copied(), b"level=error")
            .name()
            .to_owned()
    };
    assert_eq!(level(Some("Warning"), &[("severity_text", "debug")]), "warn");
    assert_eq!(level(Some("notice"), &[]), "notice");
    assert_eq!(
        level(None, &[("severity_number", "9"), ("severity_text", "debug")]),
        "debug"
    );
    assert_eq!(level(None, &[("severity_number", "23")]), "fatal");
    assert_eq!(level(None, &[("severity_number", "99")]), "error");
    assert_eq!(level(None, &[("level", "")]), "error");
}

/// The first word of the list that stands in a line, by plain splitting.
fn plainly(line: &[u8]) -> Level {
    let in_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let words: Vec<Vec<u8>> = line
        .split(|b| !in_word(b))
        .map(<[u8]>::to_ascii_lowercase)
        .collect();
    let found = WORDS.iter().find(|(word, _)| words.iter().any(|w| w == word));
    found.map_or(Level::Unknown, |(_, level)| *level)
}

/// A line of words that name levels and others, separated in many ways, with words at each place of a block.
fn words() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        prop::sample::select(WORDS.to_vec()).prop_map(|(word, _)| word.to_vec()),
        "[A-Za-z0-9_]{1,9}".prop_map(String::into_bytes),
        "(?i)(error|info|warn|criticals|err_|0err|debug)".prop_map(String::into_bytes),
    ];
    let gap = prop_oneof![
        "[ .:@`\\[{/^]{1,3}".prop_map(String::into_bytes),
        Just(vec![0xc3, 0xa9]),
        " {60,70}".prop_map(String::into_bytes)
    ];
    prop::collection::vec((gap, word), 0..12).prop_map(|all| {
        all.into_iter()
            .flat_map(|(gap, word)| [gap, word].concat())
            .collect()
    })
}

proptest! {
    #[test]
    fn words_are_found_at_every_place(line in words(), skip in 0usize..3) {
        let line = &line[skip.min(line.len())..];
        prop_assert_eq!(of_words(line), plainly(line), "{}", String::from_utf8_lossy(line));
    }

    #[test]
    fn no_line_panics(line in "[{}\\[\\]\":=\\\\ a-z]{0,40}", bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        of_line(line.as_bytes());
        of_line(&bytes);
    }
}
