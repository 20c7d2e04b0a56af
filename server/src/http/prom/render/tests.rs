//! Rendering: every text is JSON that reads back to itself.

use proptest::prelude::*;

use super::*;

#[test]
fn texts_with_quotes_controls_and_other_scripts_read_back() {
    let labels = Labels::from_pairs([("a", "\"\\\n\u{7f}"), ("b", "caf\u{e9}"), ("c", "plain")]);
    let mut out = String::new();
    push_metric(&mut out, &labels);
    let read: std::collections::BTreeMap<String, String> = serde_json::from_str(&out).unwrap();
    for (name, value) in labels.iter() {
        assert_eq!(read[name], value);
    }
}

proptest! {
    #[test]
    fn any_text_reads_back(text in any::<String>()) {
        let mut out = String::new();
        push_text(&mut out, &text);
        prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }
}
