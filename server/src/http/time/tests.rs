//! Times and durations as Prometheus' API reads them.

use proptest::prelude::*;

use super::*;

#[test]
fn times() {
    for (text, millis) in [
        ("1435781430.781", 1_435_781_430_781),
        ("4", 4000),
        ("-0.5", -500),
        ("1e3", 1_000_000),
        ("2015-07-01T20:10:51.781Z", 1_435_781_451_781),
        ("2015-07-01T22:10:51.781+02:00", 1_435_781_451_781),
        ("1795261840000", 1_795_261_840_000_000),
        ("1e300", i64::MAX),
        ("-292273086-05-16T16:47:06Z", i64::MIN),
    ] {
        assert_eq!(parse_time(text), Ok(millis), "{text}");
    }
    for text in ["", "now", "2015-07-01", "NaN", "12:00"] {
        assert_eq!(
            parse_time(text),
            Err(format!("cannot parse {text:?} to a valid timestamp"))
        );
    }
}

#[test]
fn durations() {
    for (text, millis) in [("15", 15_000), ("0.5", 500), ("1h30m", 5_400_000), ("-3", -3000)] {
        assert_eq!(parse_duration(text), Ok(millis), "{text}");
    }
    assert!(parse_duration("1e300").unwrap_err().contains("overflows int64"));
    assert!(parse_duration("abc").is_err() && parse_duration("").is_err());
}

proptest! {
    #[test]
    fn never_panics(text in ".{0,24}") {
        let _ = (parse_time(&text), parse_duration(&text));
    }
}
