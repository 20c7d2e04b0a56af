//! Values of columns come back as they were, whatever they are.

use super::*;
use crate::logs::grams::Gather;
use crate::metrics::values::Effort;
use proptest::prelude::*;

fn round(texts: &[&str], times: &[i64]) -> (u8, Vec<String>) {
    let mut all = Texts::default();
    texts.iter().for_each(|t| all.push(t.as_bytes()));
    let encoded = encode(&all, times, Effort::Settled, &mut Gather::default());
    let values = Values::decode(&encoded.bytes, texts.len(), times).unwrap();
    let get = |n| {
        let mut out = Vec::new();
        values.put(n, &mut out);
        String::from_utf8(out).unwrap()
    };
    (encoded.bytes[0], (0..texts.len()).map(get).collect())
}

#[track_caller]
fn check(wanted: u8, texts: impl IntoIterator<Item = String>) {
    let texts: Vec<String> = texts.into_iter().collect();
    let refs: Vec<&str> = texts.iter().map(String::as_str).collect();
    let times: Vec<i64> = (0..texts.len() as i64)
        .map(|n| 1_700_000_000_000_000_000 + n * 1_234_567)
        .collect();
    let (form, back) = round(&refs, &times);
    assert_eq!(back, texts);
    assert_eq!(form, wanted);
}

fn scattered(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";

#[test]
fn each_kind_of_text_has_its_form() {
    check(form::CONST, (0..40).map(|_| "same".to_owned()));
    check(form::DICTIONARY, (0..40).map(|n| ["a", "bb"][n % 2].to_owned()));
    check(form::INTS, (0..40).map(|n| (scattered(n) as i64).to_string()));
    check(form::PADDED, (0..40).map(|n| format!("{:05}", n * 7)));
    check(
        form::DECIMALS,
        (0..40).map(|n| format!("{}.{:03}", n as i64 - 20, n * 17 % 1000)),
    );
    check(
        form::HEX,
        (0..40).map(|n| format!("{:032x}", u128::from(scattered(n + 1)))),
    );
    check(
        form::UUIDS,
        (0..40u64).map(|n| format!("{:08x}-0000-4000-8000-{:012x}", n * 999, n)),
    );
    check(
        form::TEMPLATES,
        (0..40).map(|n| format!("user {} logged in from 10.0.0.{}", scattered(n) % 10_000, n)),
    );
    check(
        form::TEMPLATES,
        (0..40).map(|n| format!("10.0.{}.{}:80", n * 3, n)),
    );
    check(form::TEXTS, (0..40).map(|n| LETTERS[n..].to_owned()));
}

#[test]
fn dates_are_kept_as_their_distance_from_the_entry() {
    let style = |text: &str| super::times::Style::of(text.as_bytes());
    for text in [
        "2023-11-14T22:13:20.001Z",
        "2024-02-29 00:00:00,123456",
        "1969-12-31T23:59:59Z",
        "2000-01-01T00:00:00.000000000",
    ] {
        let style = style(text).unwrap();
        let mut out = Vec::new();
        style.put(style.parse(text.as_bytes()).unwrap(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }
    assert_eq!(
        style("2023-11-14T22:13:20Z")
            .unwrap()
            .parse(b"2023-11-14T22:13:20Z"),
        Some(1_700_000_000_000_000_000)
    );
    for text in [
        "2023-02-29T00:00:00Z",
        "2023-13-01T00:00:00Z",
        "2023-01-01T24:00:00Z",
        "2023-01-01T00:00:00.Z",
        "2023-01-01X00:00:00Z",
        "2023-01-01T00:00:60Z",
    ] {
        assert_eq!(style(text), None, "{text}");
    }
    check(
        form::TIMES,
        (0..40).map(|n: i64| format!("2023-11-14T22:13:20.{:03}Z", n * 2)),
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_texts_read_back(texts in proptest::collection::vec("[a-c0-9.=-]{0,6}|[0-9]{1,20}|-?[0-9]{1,3}\\.[0-9]{1,3}|[ -~\u{0}-\u{3}]{0,12}", 1..60)) {
        let refs: Vec<&str> = texts.iter().map(String::as_str).collect();
        let times = vec![0; refs.len()];
        prop_assert_eq!(round(&refs, &times).1, texts);
    }

    #[test]
    fn what_is_told_of_a_column_is_what_its_values_have(
        texts in proptest::collection::vec("(ab|cd) [0-9]{1,2}ms [a-c]{1,2}=[0-9a-f]{1,4}|x[0-9]{1,3}|[a-c]{1,2}", 1..80),
    ) {
        let mut all = Texts::default();
        texts.iter().for_each(|t| all.push(t.as_bytes()));
        let bytes = encode(&all, &vec![0; texts.len()], Effort::Settled, &mut Gather::default()).bytes;
        let values = Values::decode(&bytes, texts.len(), &[]).unwrap();
        prop_assert_eq!(Some(values.form()), Form::of(&bytes));
        prop_assert!(texts.iter().all(|text| text.len() <= values.longest()));
        if let Values::Const(_) | Values::Dictionary(..) = values {
            let told = dictionary(&bytes).unwrap().unwrap();
            prop_assert!(texts.iter().all(|text| told.iter().any(|of| of == text.as_bytes())));
        }
        if let Values::Templates(of) = &values {
            let outline = Outline::decode(&bytes, texts.len()).unwrap().unwrap();
            prop_assert_eq!(outline.templates(), of.templates());
            let codes = template_codes(&bytes, texts.len()).unwrap().unwrap();
            prop_assert_eq!(codes.as_slice(), of.codes());
            for template in 0..of.templates().len() {
                let count = of.codes().iter().filter(|code| usize::from(**code) == template).count();
                prop_assert_eq!(outline.counts()[template] as usize, count);
                for (n, slot) in of.slots(template).iter().enumerate() {
                    prop_assert_eq!(outline.form(outline.slot(template, n)), slot.form());
                    let read = outline.read(&bytes, template, n).unwrap();
                    let (mut a, mut b) = (Vec::new(), Vec::new());
                    (0..count).for_each(|n| { read.put(n, &mut a); slot.put(n, &mut b); });
                    prop_assert_eq!(a, b);
                }
            }
        }
    }

    #[test]
    fn numbers_of_one_kind_read_back(texts in proptest::collection::vec("-?[0-9]{1,3}(\\.[0-9]{1,3})?", 1..60)) {
        let refs: Vec<&str> = texts.iter().map(String::as_str).collect();
        prop_assert_eq!(round(&refs, &vec![0; refs.len()]).1, texts);
    }

    #[test]
    fn damaged_columns_do_not_panic(texts in proptest::collection::vec("[a-c0-9.=-]{0,6}|[0-9]{2}", 1..40), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut all = Texts::default();
        texts.iter().for_each(|t| all.push(t.as_bytes()));
        let times = vec![0; texts.len()];
        let mut bytes = encode(&all, &times, Effort::Young, &mut Gather::default()).bytes;
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = dictionary(&bytes);
        let _ = template_codes(&bytes, texts.len());
        if let Ok(Some(outline)) = Outline::decode(&bytes, texts.len()) {
            for template in 0..outline.templates().len() {
                let slots = outline.templates().get(template).iter().filter(|b| **b == 1).count();
                (0..slots).for_each(|slot| drop(outline.read(&bytes, template, slot)));
            }
        }
        if let Ok(values) = Values::decode(&bytes, texts.len(), &times) {
            values.longest();
            let mut out = Vec::new();
            (0..texts.len()).for_each(|n| values.put(n, &mut out));
        }
    }
}
