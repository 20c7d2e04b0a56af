//! Patterns of lines of all kinds.

use super::*;

#[test]
fn what_varies_is_left_out() {
    let mut patterns = Patterns::default();
    let cases = [
        ("user 42 logged in from 10.0.0.1", "user <_> logged in from <_>"),
        ("GET /api/v1/orders?page=two", "GET /api/<_>/orders?page=<_>"),
        ("nothing varies", "nothing varies"),
        (
            r#"{"level":"info","n":5,"msg":"took 5ms to go","tags":[1]}"#,
            r#"{"level":"<_>","n":<_>,"msg":"took <_> to go","tags":<_>}"#,
        ),
        (
            "level=info took=5ms msg=\"a b c7\"",
            "level=<_> took=<_> msg=\"a b <_>\"",
        ),
        ("", ""),
        ("\u{1} is a marker", "<_>"),
    ];
    for (line, pattern) in cases {
        assert_eq!(String::from_utf8_lossy(patterns.of(line.as_bytes())), pattern);
    }
    let long = "word ".repeat(1000);
    assert_eq!(
        patterns.of(long.as_bytes()).len(),
        PATTERN_BYTES_MAX + ANYTHING.len()
    );
    // Neither characters nor marks are cut in two.
    for n in 0..40 {
        let long = format!(
            "{}{}",
            "x".repeat(n),
            " 17 \u{e4} words between the numbers".repeat(60)
        );
        let pattern = String::from_utf8(patterns.of(long.as_bytes()).to_vec()).unwrap();
        let whole = pattern.strip_suffix(ANYTHING).unwrap();
        assert!(
            whole.len() > 1000 && !whole.ends_with(['<', '_', '>']),
            "{pattern}"
        );
    }
    patterns.of(&[0xff, 0, 1, 2, b'{']);
}
