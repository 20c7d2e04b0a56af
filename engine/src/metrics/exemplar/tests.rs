//! Lists of exemplars, and which of their labels the index of ids has.

use super::*;

fn exemplar(time: i64, value: f64, id: &str) -> Exemplar {
    Exemplar {
        time,
        value,
        labels: Labels::from_pairs([("trace_id", id)]),
    }
}

/// What adding one by one must give: by time, those of one time as they came, none twice.
fn one_by_one(all: &[Exemplar]) -> Vec<Exemplar> {
    let mut list: Vec<Exemplar> = Vec::new();
    for exemplar in all {
        if !list.iter().any(|e| e.same_bits(exemplar)) {
            let at = list.iter().position(|e| e.time > exemplar.time);
            list.insert(at.unwrap_or(list.len()), exemplar.clone());
        }
    }
    list
}

#[test]
fn lists_of_any_length_are_in_order_and_without_repetitions() {
    for count in [1, 5, 31, 32, 33, 40, 300] {
        let one = |i: usize| {
            exemplar(
                (i * 7 % 5) as i64,
                (i % 3) as f64,
                &format!("id{}", i * 11 % (count / 2 + 1)),
            )
        };
        let all: Vec<Exemplar> = (0..count).map(one).collect();
        let wanted = one_by_one(&all);
        let mut kept = Exemplars::default();
        let stored = all.iter().filter(|e| kept.insert((*e).clone())).count();
        assert_eq!(stored, wanted.len());
        assert_eq!(kept.as_slice(), wanted, "{count} one by one");
        let mut list = all;
        settle(&mut list);
        assert_eq!(list, wanted, "{count} at once");
    }
}

#[test]
fn values_of_other_bits_are_other_exemplars() {
    for before in [0, 40] {
        let mut kept = Exemplars::default();
        for i in 0..before {
            kept.insert(exemplar(i, 0.0, "x"));
        }
        assert!(kept.insert(exemplar(50, 0.0, "a")));
        assert!(kept.insert(exemplar(50, -0.0, "a")));
        assert!(!kept.insert(exemplar(50, -0.0, "a")));
        assert!(kept.insert(exemplar(50, -0.0, "b")));
    }
}

#[test]
fn ids_of_16_digits_and_more_are_in_the_index() {
    let id = |text: &str| exemplar(0, 1.0, text).trace_ids().next().map(u128::from_be_bytes);
    let whole = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;
    assert_eq!(id("0af7651916cd43dd8448eb211c80319c"), Some(whole));
    assert_eq!(id("0AF76519-16cd-43dd-8448-eb211c80319c"), Some(whole));
    assert_eq!(id("b7ad6b7169203331"), Some(0xb7ad_6b71_6920_3331));
    for other in [
        "",
        "b7ad6b716920333",
        "order-17",
        "0af7651916cd43dd8448eb211c80319c0",
        "0af76519-16cd43dd8448eb211c80319c",
    ] {
        assert_eq!(id(other), None, "{other}");
    }
}
