//! Strings read as Go reads them.

use super::*;

#[test]
fn escapes_are_those_of_go() {
    assert_eq!(
        read(r#""a\n\"\u00e9\x41\101" rest"#),
        Ok((21, "a\n\"\u{e9}AA".to_owned()))
    );
    assert_eq!(read(r"'it\'s'"), Ok((7, "it's".to_owned())));
    assert_eq!(read(r"`a\n`"), Ok((5, "a\\n".to_owned())));
    assert_eq!(read(r#""\xc3\xa9""#), Ok((10, "\u{e9}".to_owned())));
}

#[test]
fn broken_strings_are_refused() {
    assert_eq!(read("\"abc"), Err(StringError::Unterminated));
    assert_eq!(read("\"a\nb\""), Err(StringError::Unterminated));
    assert_eq!(read("`abc"), Err(StringError::UnterminatedRaw));
    assert_eq!(read(r#""\."#), Err(StringError::UnknownEscape('.')));
    assert_eq!(read(r#""\xff""#), Ok((6, "\u{10ffff}".to_owned())));
    let (_, stray) = read(r#""a\xc5z""#).unwrap();
    assert!(has_stray_bytes(&stray) && !has_stray_bytes("a\u{e000}z"));
    assert_eq!(quote(&stray), r#""a\xc5z""#);
    assert_eq!(read("\"\\u12"), Err(StringError::OpenEscape));
}

#[test]
fn quoting_is_that_of_go() {
    assert_eq!(quote("a\"\\\n\u{1}\u{e9}"), "\"a\\\"\\\\\\n\\x01\u{e9}\"");
}

#[test]
fn quoting_shows_what_can_be_printed() {
    for (text, quoted) in [
        ("a\u{e9}\u{301}\u{65e5}", "\"a\u{e9}\u{301}\u{65e5}\""),
        ("\u{a0}\u{200b}\u{2028}", "\"\\u00a0\\u200b\\u2028\""),
        ("\u{7f}\u{1}\n", "\"\\x7f\\x01\\n\""),
        ("\u{e0001}", "\"\\U000e0001\""),
        ("a'b\"", "\"a'b\\\"\""),
    ] {
        assert_eq!(quote(text), quoted);
    }
}
