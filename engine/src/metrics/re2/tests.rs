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

#[test]
fn expressions_of_few_texts_are_expanded() {
    let texts = |pattern: &str| compile_anchored(pattern).unwrap().texts().map(<[String]>::to_vec);
    assert_eq!(texts("a|b|ab"), Some(vec!["a".into(), "ab".into(), "b".into()]));
    assert_eq!(
        texts("(GET|PO(ST|LL))"),
        Some(vec!["GET".into(), "POLL".into(), "POST".into()])
    );
    assert_eq!(
        texts("[ab]x?"),
        Some(vec!["a".into(), "ax".into(), "b".into(), "bx".into()])
    );
    assert_eq!(texts(""), Some(vec![String::new()]));
    assert_eq!(texts("a.*"), None);
    assert_eq!(texts("\\bfoo"), None);
    assert_eq!(texts("(?i)a"), Some(vec!["A".into(), "a".into()]));
    assert_eq!(compile_anchored("node_(cpu|memory).*").unwrap().prefix(), "node_");
    assert_eq!(
        compile_anchored("caf\u{e9}s.+|caf\u{ea}s.+").unwrap().prefix(),
        "caf"
    );
}

proptest::proptest! {
    #[test]
    fn shortcuts_change_no_answer(
        pattern in "[a-c.|()?*+\\[\\]^$\\\\bdn\u{e9}]{0,9}",
        texts in proptest::collection::vec("[a-c\n\u{e9}]{0,5}", 1..20),
    ) {
        let Some(anchored) = compile_anchored(&pattern) else { return Ok(()) };
        for text in &texts {
            let plain = anchored.regex.is_match(text);
            proptest::prop_assert_eq!(anchored.is_match(text), plain, "{:?} on {:?}", &pattern, text);
            if plain {
                proptest::prop_assert!(text.starts_with(anchored.prefix()));
            }
            if let Some(all) = anchored.texts() {
                proptest::prop_assert_eq!(all.contains(text), plain, "{:?} on {:?}", &pattern, text);
            }
        }
    }
}
