//! Patterns mean what they mean in RE2.

use super::*;

fn matches(pattern: &str, text: &str) -> bool {
    compile_anchored(pattern)
        .unwrap_or_else(|| panic!("{pattern} does not compile"))
        .is_match(text)
}

#[test]
fn patterns_mean_what_they_mean_in_re2() {
    for (pattern, text, expected) in [
        ("/api/{id}", "/api/{id}", true),
        ("a{2}", "aa", true),
        ("a{2,}b{,3}", "aaab{,3}", true),
        ("a{x", "a{x", true),
        ("\\d+", "12", true),
        ("\\d+", "\u{663}", false),
        ("\\w", "\u{e9}", false),
        ("[\\w.]+", "a.b_1", true),
        ("[^\\W]+", "ab", true),
        ("[^\\s]+", "a b", false),
        ("\\bfoo\\b", "foo", true),
        ("[[]::1]", "[::1]", true),
        ("[[]x", "[x", true),
        ("[]a]+", "]a", true),
        ("[a&&b]+", "a&b", true),
        ("[[:alpha:]]+", "abc", true),
        ("[[:alpha:]]+", "1", false),
        ("[a-c--]+", "b-", true),
        ("\\<x\\>", "<x>", true),
        ("\\Qa.b\\E.", "a.bc", true),
        ("\\Qa.b\\E.", "axbc", false),
        ("\\pL+\\p{Greek}", "a\u{3b1}", true),
        ("\\x{41}\\0101?", "A\u{8}1", true),
        ("(?i)PROD.*", "production", true),
        ("a.b", "a\nb", true),
        ("a|b", "ab", false),
        ("caf\u{e9}", "caf\u{e9}", true),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} on {text:?}");
    }
}

#[test]
fn broken_patterns_are_refused() {
    for pattern in ["a)(b", "(", "[a", "a{1001}", "*", "\\", "a{99999999999}"] {
        assert!(compile_anchored(pattern).is_none(), "{pattern}");
    }
}

#[test]
fn any_pattern_is_compiled_or_refused() {
    use proptest::prelude::*;
    proptest!(ProptestConfig::with_cases(2_000), |(pattern in "[\\\\\\[\\]{}a-c0-9,:&~^Q-wE<-]{0,12}")| {
        drop(compile_anchored(&pattern));
    });
}
