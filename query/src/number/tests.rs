//! Numbers print and read as Go's.

use super::*;

#[test]
fn json_numbers_have_the_shortest_form() {
    for (value, text) in [
        (1.0, "1"),
        (0.1, "0.1"),
        (-0.0, "-0"),
        (1e21, "1e+21"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e-6, "0.000001"),
        (9.5e-7, "9.5e-07"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (f64::NAN, "NaN"),
    ] {
        assert_eq!(format_json(value), text);
    }
    assert_eq!(format_go(0.00001), "1e-05");
}

#[test]
fn numbers_read_as_in_promql() {
    for (text, value) in [
        ("1", 1.0),
        ("0x1f", 31.0),
        ("0x_1F", 31.0),
        ("1_000.5", 1000.5),
        ("010", 8.0),
        ("08", 8.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("0x1p-2", 0.25),
        ("iNf", f64::INFINITY),
    ] {
        assert_eq!(parse(text), Some(value), "{text}");
    }
    assert!(parse("nAn").is_some_and(f64::is_nan));
    for text in ["", "1__0", "1_", "0x", "1e", "abc"] {
        assert_eq!(parse(text), None, "{text}");
    }
}
