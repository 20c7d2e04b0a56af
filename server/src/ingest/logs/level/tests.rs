//! Levels of lines, labels and metadata.

use proptest::prelude::*;

use super::{of, of_line};

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

proptest! {
    #[test]
    fn no_line_panics(line in "[{}\\[\\]\":=\\\\ a-z]{0,40}", bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        of_line(line.as_bytes());
        of_line(&bytes);
    }
}
