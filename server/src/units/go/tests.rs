//! Durations that Go reads.

use super::*;

#[test]
fn durations_read_as_in_go() {
    for (text, wanted) in [
        ("0", Some(0)),
        ("1.5s", Some(1_500_000_000)),
        ("-1m1.5s", Some(-61_500_000_000)),
        ("1h15m30.5s", Some(4_530_500_000_000)),
        (".5ms", Some(500_000)),
        ("10\u{b5}s", Some(10_000)),
        ("10us", Some(10_000)),
        ("", None),
        ("-", None),
        ("5", None),
        ("s", None),
        (".s", None),
        ("1d", None),
        ("1.2.3s", None),
        ("9999999999h", None),
    ] {
        assert_eq!(parse_go_duration(text), wanted, "{text}");
    }
}
