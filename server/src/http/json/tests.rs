//! The forms of members and values.

use super::*;

fn written(members: impl FnOnce(&mut Object<'_>)) -> String {
    let mut out = Vec::new();
    object(&mut out, members);
    String::from_utf8(out).unwrap()
}

#[test]
fn members_at_their_default_are_left_out() {
    let text = written(|o| {
        o.text("a", "");
        o.number("b", 0);
        o.long("c", 0_u64);
        o.texts("d", &[""; 0]);
    });
    assert_eq!(text, "{}");
    let text = written(|o| {
        o.text("a", "x\"\n");
        o.number("b", -3);
        o.long("c", u64::MAX);
        o.texts("d", &["", "y"]);
        o.object("e", |o| o.text_even_empty("f", ""));
    });
    assert_eq!(
        text,
        r#"{"a":"x\"\n","b":-3,"c":"18446744073709551615","d":["","y"],"e":{"f":""}}"#
    );
}

#[test]
fn doubles_are_numbers_where_json_has_them() {
    for (value, wanted) in [
        (0.5, "0.5"),
        (1e21, "1e+21"),
        (1e-7, "1e-07"),
        (1e20, "100000000000000000000"),
        (-0.0, "-0"),
        (f64::NAN, "\"NaN\""),
        (f64::NEG_INFINITY, "\"-Infinity\""),
    ] {
        let mut out = Vec::new();
        double(&mut out, value);
        assert_eq!(String::from_utf8(out).unwrap(), wanted);
    }
}

#[test]
fn bytes_have_two_forms() {
    let mut out = Vec::new();
    base64(&mut out, &[1, 2, 0xff]);
    assert_eq!(out, b"\"AQL/\"");
    assert_eq!(hex(&[0, 0xaf, 9]), "00af09");
}
