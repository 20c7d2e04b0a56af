//! Errors of regular expressions in Go's words.

use proptest::prelude::*;

use super::check;

#[test]
fn errors_are_in_the_words_of_go() {
    for (pattern, message) in [
        ("(", "missing closing ): `(`"),
        ("(a|b", "missing closing ): `(a|b`"),
        ("a)", "unexpected ): `a)`"),
        ("[a-z", "missing closing ]: `[a-z`"),
        ("x[", "missing closing ]: `[`"),
        ("[z-a]", "invalid character class range: `z-a`"),
        ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
        ("\\pX", "invalid character class range: `\\pX`"),
        ("\\p{Foo}", "invalid character class range: `\\p{Foo}`"),
        ("*", "missing argument to repetition operator: `*`"),
        ("a|+", "missing argument to repetition operator: `+`"),
        ("(?:{2})", "missing argument to repetition operator: `{2}`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("a+?*", "invalid nested repetition operator: `+?*`"),
        ("a{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("a{2,1}", "invalid repeat count: `{2,1}`"),
        ("a{1,9876543210}", "invalid repeat count: `{1,9876543210}`"),
        ("(a{100}){100}", "invalid repeat count: `{100}`"),
        ("\\", "trailing backslash at end of expression: ``"),
        ("\\C", "invalid escape sequence: `\\C`"),
        ("\\1", "invalid escape sequence: `\\1`"),
        ("\\q", "invalid escape sequence: `\\q`"),
        ("\\x{110000}", "invalid escape sequence: `\\x{110000`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?i-", "invalid or unsupported Perl syntax: `(?i-`"),
        ("(?P<x y>a)", "invalid named capture: `(?P<x y>`"),
        ("(?P<x", "invalid named capture: `(?P<x`"),
    ] {
        let error = check(pattern).expect_err(pattern).to_string();
        assert_eq!(error, format!("error parsing regexp: {message}"));
    }
    let deep = "(".repeat(2_000) + "a" + &")".repeat(2_000);
    assert_eq!(check(&deep).unwrap_err().what, "expression nests too deeply");
    let large = format!("(?:{}){{1000}}", "a".repeat(10_000));
    assert_eq!(check(&large).unwrap_err().what, "expression too large");
}

#[test]
fn what_go_accepts_is_accepted() {
    for pattern in [
        "",
        "a|b|",
        "a{,2}",
        "a{",
        "a{01}",
        "x{0}",
        "(a{10}){100}",
        "a(?i)*b",
        "[]a]",
        "[^]a]",
        "[a-]",
        "[-a]",
        "[[:^alpha:]x]",
        "[[a]",
        "\\Q.*(\\E+",
        "\\Qopen(",
        "\\pL\\p{Greek}\\P{^Lu}",
        "\\x41\\x{1F600}\\012\\.",
        "(?P<n>a)(?<m>b)(?i:c)(?s-m)d",
        "^$\\A\\z\\b\\B.",
        "a*?b+?c??d{1,2}?",
        "\u{e9}+",
    ] {
        assert_eq!(check(pattern), Ok(()), "{pattern}");
    }
}

proptest! {
    #[test]
    fn any_text_is_judged(pattern in "(\\PC|[\\\\(){}\\[\\]*+?|,^$:<>P0-9-]){0,24}") {
        drop(check(&pattern));
    }
}
