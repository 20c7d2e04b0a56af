//! Go's number formats: known values and the round trip of every double.

use proptest::prelude::*;

use super::*;

#[test]
fn values_as_prometheus_writes_them() {
    let cases = [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (0.1, "0.1"),
        (1e-6, "0.000001"),
        (9.99e-7, "9.99e-07"),
        (-1e-7, "-1e-07"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (5e-324, "5e-324"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (1_795_261_840.123, "1795261840.123"),
    ];
    for (value, text) in cases {
        assert_eq!(value_text(value), text);
    }
}

#[test]
fn seconds_have_three_decimals_or_none() {
    for (millis, text) in [
        (0, "0"),
        (1780, "1.780"),
        (-1, "-0.001"),
        (-5000, "-5"),
        (1_435_781_430_781, "1435781430.781"),
    ] {
        let mut out = String::new();
        push_seconds(&mut out, millis);
        assert_eq!(out, text);
    }
    let mut out = String::new();
    push_seconds(&mut out, i64::MIN);
    assert_eq!(out, "-9223372036854775.808");
}

proptest! {
    #[test]
    fn plain_values_have_the_shortest_digits(
        value in prop_oneof![-1e20..1e20f64, -1.0..1.0f64, (-1_000_000i64..1_000_000).prop_map(|n| n as f64 / 1000.0)],
    ) {
        prop_assume!(value.abs() >= 1e-6);
        prop_assert_eq!(value_text(value), format!("{value}"));
    }

    #[test]
    fn every_double_reads_back_to_the_bit(bits: u64) {
        let value = f64::from_bits(bits);
        let text = value_text(value);
        if value.is_finite() {
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), bits);
            let mut exponent = String::new();
            push_exponent(&mut exponent, value);
            prop_assert_eq!(exponent.parse::<f64>().unwrap().to_bits(), bits);
            prop_assert!(exponent.split_once('e').unwrap().1.len() >= 3);
        }
    }
}
