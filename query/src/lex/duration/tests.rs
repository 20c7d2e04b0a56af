//! Durations read and print as Prometheus' own.

use super::*;

#[test]
fn durations_parse_and_print_canonically() {
    for (text, millis, canonical) in [
        ("1h30m", 5_400_000, "1h30m"),
        ("90m", 5_400_000, "1h30m"),
        ("36h", 129_600_000, "36h"),
        ("5ms", 5, "5ms"),
        ("1m5ms", 60_005, "1m5ms"),
        ("14d", 1_209_600_000, "2w"),
        ("1y", 31_536_000_000, "1y"),
        ("0", 0, "0s"),
    ] {
        assert_eq!(parse(text), Ok(millis), "{text}");
        assert_eq!(format(millis), canonical);
    }
    assert_eq!(format(-5_000), "-5s");
}

#[test]
fn units_out_of_order_or_twice_are_refused() {
    for text in ["1m1h", "1s1s", "1", "m", "1.5h", "-1m", "1m "] {
        assert_eq!(parse(text), Err(DurationError::Invalid(text.to_owned())));
    }
    assert_eq!(parse(""), Err(DurationError::Empty));
    assert_eq!(parse("294y"), Err(DurationError::OutOfRange));
    assert_eq!(parse("99999999999999999999s"), Err(DurationError::OutOfRange));
}
